-- Access over HTTP, and writes back to vendors.

-- ---------------------------------------------------------------- tokens

create table sluice_internal.tokens (
    token_id text collate "C" primary key check (octet_length(token_id) between 1 and 200),
    name text,
    prefix text not null,
    digest bytea not null unique check (octet_length(digest) = 32),
    scopes text[] not null check (scopes <@ '{read,consume,mutate,manage}'::text[] and cardinality(scopes) > 0),
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz
);
comment on table sluice_internal.tokens is 'API tokens: the SHA-256 digest, never the token. prefix is what may be shown of it.';

create type sluice.new_token as (
    token_id text,
    token text,
    name text,
    scopes text [],
    created_at timestamptz,
    expires_at timestamptz
);
comment on type sluice.new_token is 'A token just made: the only time that it is shown.';

-- ---------------------------------------------------------------- mutations

create table sluice_internal.mutations (
    mutation_id text collate "C" primary key check (octet_length(mutation_id) between 1 and 200),
    mutation_no bigint generated always as identity unique,
    stream_no int not null references sluice_internal.streams,
    sync_id text collate "C" not null references sluice_internal.syncs on delete cascade,
    collection_id text collate "C" not null,
    kind text not null check (kind in ('create', 'update', 'delete', 'upsert')),
    match_on text,
    idempotency_key text collate "C" check (octet_length(idempotency_key) between 1 and 200),
    request_digest bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create unique index mutations_by_key on sluice_internal.mutations (sync_id, idempotency_key) where idempotency_key is not null;
create index mutations_by_stream on sluice_internal.mutations (stream_no);
create index mutations_by_sync on sluice_internal.mutations (sync_id, mutation_no);
comment on table sluice_internal.mutations is 'Requested writes. request_digest tells a repeated request from another one with the same key.';

create table sluice_internal.mutation_items (
    mutation_no bigint not null references sluice_internal.mutations (mutation_no) on delete cascade,
    item_no int not null,
    sync_id text collate "C" not null,
    collection_id text collate "C" not null,
    upstream_id text collate "C" check (octet_length(upstream_id) between 1 and 200),
    data jsonb,
    status text not null default 'queued'
    check (status in ('queued', 'sending', 'succeeded', 'failed', 'unknown', 'cancelled')),
    vendor_key uuid not null default gen_random_uuid(),
    poller_id text collate "C",
    epoch int not null default 0,
    next_attempt_at timestamptz not null default clock_timestamp(),
    first_sent_at timestamptz,
    attempt int not null default 0,
    finished_at timestamptz,
    error jsonb,
    primary key (mutation_no, item_no),
    check ((status in ('succeeded', 'failed', 'unknown', 'cancelled')) = (finished_at is not null)),
    check ((status = 'sending') = (poller_id is not null)),
    check (status not in ('failed', 'unknown') or error is not null)
);
create index mutation_items_open on sluice_internal.mutation_items (next_attempt_at, mutation_no, item_no)
where status in ('queued', 'sending');
create index mutation_items_by_record on sluice_internal.mutation_items (sync_id, collection_id, upstream_id, mutation_no, item_no)
where status in ('queued', 'sending', 'unknown') and upstream_id is not null;
comment on table sluice_internal.mutation_items is
'One write to one object. vendor_key is what the vendor is told to recognise a repetition by; first_sent_at bounds how long it does.';

-- ---------------------------------------------------------------- rate limits

alter table sluice_internal.syncs add column rate_limit jsonb;

create table sluice_internal.sync_paces (
    sync_id text collate "C" primary key references sluice_internal.syncs on delete cascade,
    next_at timestamptz not null
) with (fillfactor = 50);
comment on table sluice_internal.sync_paces is 'When the next request of a sync with a rate limit may be sent.';
