-- Webhooks: what vendors send by themselves, what they are asked to send, and what is fetched because of it.

create table sluice_internal.webhooks (
    sync_id text collate "C" primary key references sluice_internal.syncs on delete cascade,
    enabled boolean not null default false,
    sealed bytea,
    key_version int,
    former_sealed bytea,
    former_key_version int,
    former_until timestamptz,
    address text,
    tag text,
    subscribe_at timestamptz,
    subscribed_at timestamptz,
    poller_id text collate "C",
    epoch bigint not null default 0,
    attempt int not null default 0,
    error jsonb,
    error_since timestamptz,
    ended_at timestamptz,
    overflowed_at timestamptz,
    deliveries bigint not null default 0,
    repeated bigint not null default 0,
    hints bigint not null default 0,
    changes bigint not null default 0,
    dropped bigint not null default 0,
    unreadable bigint not null default 0,
    refused bigint not null default 0,
    last_delivery_at timestamptz,
    check ((sealed is null) = (key_version is null)),
    check ((former_sealed is null) = (former_key_version is null)),
    check ((former_sealed is null) = (former_until is null)),
    check ((error is null) = (error_since is null)),
    check (enabled or subscribe_at is null)
) with (fillfactor = 50);
create index webhooks_due on sluice_internal.webhooks (subscribe_at) where subscribe_at is not null;
comment on table sluice_internal.webhooks is
'What a sync''s vendor sends by itself: the sealed secret that signs it, the subscription that pollers keep up, and counts.';
comment on column sluice_internal.webhooks.former_sealed is 'The secret before this one: taken until former_until, so that one can be rolled.';
comment on column sluice_internal.webhooks.tag is
'Stands in the address, if the vendor has a subscription whose secret was lost: to the vendor it is another address.';
comment on column sluice_internal.webhooks.ended_at is 'When the vendor last said that the access had ended. Said, not believed.';
comment on column sluice_internal.webhooks.overflowed_at is 'When there was last no room for a hint.';

create table sluice_internal.webhook_deliveries (
    digest bytea primary key check (octet_length(digest) = 32),
    received_at timestamptz not null default clock_timestamp()
);
create index webhook_deliveries_by_time on sluice_internal.webhook_deliveries (received_at);
comment on table sluice_internal.webhook_deliveries is
'Digests of sync and delivery id, for longer than any vendor sends a delivery again: one that comes twice does nothing.';

create table sluice_internal.webhook_deltas (
    delta_no bigint generated always as identity primary key,
    sync_id text collate "C" not null,
    deliveries int not null default 0,
    repeated int not null default 0,
    hints int not null default 0,
    changes int not null default 0,
    dropped int not null default 0,
    unreadable int not null default 0,
    refused int not null default 0,
    at timestamptz not null default clock_timestamp()
);
create index webhook_deltas_by_sync on sluice_internal.webhook_deltas (sync_id);
comment on table sluice_internal.webhook_deltas is 'What is not yet added to the counts in webhooks: deliveries at the same moment do not wait for one row.';

alter table sluice_internal.sync_runs add column told_at timestamptz;
comment on column sluice_internal.sync_runs.told_at is 'Its vendor sent word while a poller held it: the end of the turn looks what is wanted.';

alter table sluice_internal.wanted_objects
add column held bytea,
add column attempt int not null default 0,
add column next_at timestamptz not null default '-infinity',
add column taken_at timestamptz;
create index wanted_objects_due on sluice_internal.wanted_objects (sync_id, next_at, since);
comment on table sluice_internal.wanted_objects is
'Objects that the next turn of their sync fetches, one by one: somebody asked for it, or the vendor said that they changed.';
comment on column sluice_internal.wanted_objects.held is 'The provider''s own note on what to fetch.';
comment on column sluice_internal.wanted_objects.taken_at is
'Since when a poller fetches it; null again if there was word of it after that, so that it is fetched once more.';
