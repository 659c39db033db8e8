-- Limits that all pollers keep together, tokens that are renewed, and writes that name the object by a field or a version.

-- ---------------------------------------------------------------- rate limits

create table sluice_internal.rate_windows (
    scope text collate "C" not null,
    name text collate "C" not null,
    sync_id text collate "C" references sluice_internal.syncs on delete cascade,
    credential_id text collate "C" references sluice_internal.credentials on delete cascade,
    ends timestamptz[] not null default '{}',
    amounts double precision[] not null default '{}',
    writes_wait_until timestamptz,
    primary key (scope, name),
    check (num_nonnulls(sync_id, credential_id) = 1),
    check (cardinality(ends) = cardinality(amounts))
) with (fillfactor = 50);
create index rate_windows_by_sync on sluice_internal.rate_windows (sync_id) where sync_id is not null;
create index rate_windows_by_credential on sluice_internal.rate_windows (credential_id) where credential_id is not null;
comment on table sluice_internal.rate_windows is
'What was drawn from each limit of a sync or a credential in its last window: amounts[i] up to ends[i].';

create table sluice_internal.rate_holds (
    hold_id uuid primary key,
    sync_id text collate "C" not null references sluice_internal.syncs on delete cascade,
    poller_id text collate "C" not null
);
create index rate_holds_by_sync on sluice_internal.rate_holds (sync_id);
create index rate_holds_by_poller on sluice_internal.rate_holds (poller_id);
comment on table sluice_internal.rate_holds is 'Requests under way of syncs with max_concurrent_requests.';

create table sluice_internal.rate_signals (
    scope text collate "C" primary key,
    sync_id text collate "C" references sluice_internal.syncs on delete cascade,
    credential_id text collate "C" references sluice_internal.credentials on delete cascade,
    quiet_until timestamptz,
    remaining double precision,
    resets_at timestamptz,
    restore_rate double precision,
    said_at timestamptz not null default clock_timestamp(),
    check (num_nonnulls(sync_id, credential_id) = 1)
) with (fillfactor = 50);
create index rate_signals_by_sync on sluice_internal.rate_signals (sync_id) where sync_id is not null;
create index rate_signals_by_credential on sluice_internal.rate_signals (credential_id) where credential_id is not null;
comment on table sluice_internal.rate_signals is
'What a vendor last said of its budget: nothing before quiet_until; remaining until resets_at, or refilled by restore_rate a second.';

-- ---------------------------------------------------------------- credentials

alter table sluice_internal.credentials
add column account text collate "C" check (octet_length(account) between 1 and 200),
add column version bigint not null default 1,
add column expires_at timestamptz,
add column renew_at timestamptz;
create unique index credentials_by_account on sluice_internal.credentials (provider, account) where account is not null;
comment on column sluice_internal.credentials.account is 'The account at the vendor, where it is known: each account has one credential.';
comment on column sluice_internal.credentials.version is 'Rises with each secret: who holds an older one takes the new one.';

create table sluice_internal.credential_renewals (
    credential_id text collate "C" primary key references sluice_internal.credentials on delete cascade,
    version bigint not null,
    poller_id text collate "C",
    begun_at timestamptz not null default clock_timestamp(),
    error jsonb,
    failed_at timestamptz,
    check ((error is null) = (failed_at is null)),
    check ((poller_id is null) = (error is not null))
);
comment on table sluice_internal.credential_renewals is
'Who renews the token of a credential just now, and of which version; or why the vendor refused to.';

-- ---------------------------------------------------------------- writes

alter table sluice_internal.mutations add column if_match text;
alter table sluice_internal.mutation_items add column match_value text collate "C";
create index mutation_items_by_match on sluice_internal.mutation_items (sync_id, collection_id, md5(match_value))
where status in ('queued', 'sending', 'unknown') and match_value is not null;
comment on column sluice_internal.mutation_items.match_value is
'Of an upsert: the value of match_on as JSON text, so that writes to one object run in order.';
