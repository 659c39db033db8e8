-- Typed views of records, and what accounts were found to have.
-- ---------------------------------------------------------------- typed views

create schema if not exists sluice_views;
comment on schema sluice_views is 'Typed views of records, one a collection, made by sluice.view_create. An upgrade changes none of them.';

create table sluice_internal.typed_views (
    view_name text collate "C" primary key check (octet_length(view_name) between 1 and 63),
    collection_id text collate "C" not null,
    stream_id text collate "C",
    sync_id text collate "C",
    fields_left_out int not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    refreshed_at timestamptz not null default clock_timestamp(),
    unique nulls not distinct (collection_id, stream_id, sync_id)
);
comment on table sluice_internal.typed_views is 'The views of sluice_views that view_create made: of which records.';

create table sluice_internal.typed_view_fields (
    view_name text collate "C" not null references sluice_internal.typed_views on delete cascade,
    place int not null,
    column_name text collate "C" not null check (octet_length(column_name) between 1 and 63),
    field text collate "C" not null,
    kind text not null
    check (kind in ('text', 'bigint', 'numeric', 'boolean', 'timestamptz', 'time', 'unixtime', 'date', 'jsonb')),
    primary key (view_name, place),
    unique (view_name, column_name)
);
comment on table sluice_internal.typed_view_fields is
'The columns of typed views beside those that all have: which field of data each shows, read as what. Only ever added to: '
'a user''s own views may stand on them. time: a text or the seconds since 1970; unixtime: the latter, and so it is written.';

-- ---------------------------------------------------------------- what an account has

create table sluice_internal.descriptions (
    credential_id text collate "C" primary key references sluice_internal.credentials on delete cascade,
    requested_at timestamptz not null default clock_timestamp(),
    described_at timestamptz,
    next_attempt_at timestamptz default clock_timestamp(),
    attempt int not null default 0,
    poller_id text collate "C",
    epoch bigint not null default 0,
    error jsonb
);
create index descriptions_due on sluice_internal.descriptions (next_attempt_at) where next_attempt_at is not null;
comment on table sluice_internal.descriptions is
'Accounts that were, or are to be, asked for their collections. next_attempt_at: when a poller shall ask; null: nobody wants to know.';

create table sluice_internal.described_collections (
    credential_id text collate "C" not null references sluice_internal.descriptions on delete cascade,
    collection_id text collate "C" not null check (octet_length(collection_id) between 1 and 200),
    description text not null,
    mutations text[] not null,
    match_on text[] not null,
    if_match boolean not null,
    fields jsonb not null check (jsonb_typeof(fields) = 'array'),
    primary key (credential_id, collection_id)
);
comment on table sluice_internal.described_collections is
'The collections of one account as it described them; fields: {name, type, primary_key, description} each.';
