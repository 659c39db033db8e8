-- Managing syncs: what is on its way to its end or to another stream, what was erased, what is to be fetched again.

-- ---------------------------------------------------------------- syncs

alter table sluice_internal.syncs
add column moving_from int references sluice_internal.streams,
add column deleting_since timestamptz,
add column erasures int not null default 0;
comment on column sluice_internal.syncs.moving_from is 'The stream in which some of its records still are.';
comment on column sluice_internal.syncs.deleting_since is 'Set: nothing is written any more, and the id is free once its records are gone.';
comment on column sluice_internal.syncs.erasures is 'How many of its objects must not come back.';

create index syncs_moving on sluice_internal.syncs (moving_from) where moving_from is not null;
create index syncs_by_provider on sluice_internal.syncs (provider, sync_id);
create index syncs_by_name on sluice_internal.syncs (name, sync_id) where name is not null;
create index syncs_by_external_id on sluice_internal.syncs (external_id, sync_id) where external_id is not null;
create index syncs_by_metadata on sluice_internal.syncs using gin (metadata jsonb_path_ops);

create table sluice_internal.sync_work (
    sync_id text collate "C" primary key references sluice_internal.syncs on delete cascade,
    kind text not null check (kind in ('delete', 'drop', 'move')),
    emit boolean not null default false,
    collection_ids text[] collate "C",
    phase text not null check (phase in ('tombstones', 'records', 'rest')),
    after_collection_id text collate "C" not null default '',
    after_upstream_id text collate "C" not null default '',
    writers text[],
    marked_by xid8 not null default pg_current_xact_id(),
    records bigint not null default 0,
    waits_for text,
    since timestamptz not null default clock_timestamp(),
    next_at timestamptz not null default clock_timestamp(),
    check ((kind = 'drop') = (collection_ids is not null))
);
create index sync_work_due on sluice_internal.sync_work (next_at);
comment on table sluice_internal.sync_work is
'What is done to a sync''s records piece by piece: all removed (delete), some collections removed (drop), another stream (move).';
comment on column sluice_internal.sync_work.phase is
'tombstones: consumers are told; records: they are removed or moved; rest: what else hangs on the sync.';
comment on column sluice_internal.sync_work.writers is
'Transactions that wrote records and were open when this was seen first: they may not know of it. Null: not looked yet.';
comment on column sluice_internal.sync_work.marked_by is 'The transaction that ordered it: until that is committed nobody else knows.';

-- ---------------------------------------------------------------- records

-- Of what a change of a record does not touch, so that such changes stay cheap.
create index records_deleted on sluice.records (stream_id, record_no) where deleted;

create table sluice_internal.count_deltas (
    delta_no bigint generated always as identity primary key,
    sync_id text collate "C" not null,
    collection_id text collate "C" not null,
    records bigint not null,
    changes bigint not null
);
comment on table sluice_internal.count_deltas is
'What was removed or moved, and is not yet taken off record_counts: written where a row of those must not be locked.';

create table sluice_internal.erasure_key (
    only_one boolean primary key default true check (only_one),
    key bytea not null check (octet_length(key) = 32)
);
insert into sluice_internal.erasure_key (key)
values (sha256(convert_to(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), 'UTF8')));
comment on table sluice_internal.erasure_key is 'The key of the digests in erasures, made for this database. Nobody may read it.';

create table sluice_internal.erasures (
    sync_id text collate "C" not null references sluice_internal.syncs on delete cascade,
    digest bytea not null check (octet_length(digest) = 32),
    erased_at timestamptz not null default clock_timestamp(),
    refused bigint not null default 0,
    primary key (sync_id, digest)
);
comment on table sluice_internal.erasures is
'Objects that were erased and must not come back: a keyed digest of their collection and id, nothing else. refused: how often they came.';

-- ---------------------------------------------------------------- quarantine and notices

create table sluice_internal.wanted_objects (
    sync_id text collate "C" not null references sluice_internal.syncs on delete cascade,
    collection_id text collate "C" not null,
    upstream_id text collate "C" not null,
    since timestamptz not null default clock_timestamp(),
    primary key (sync_id, collection_id, upstream_id)
);
comment on table sluice_internal.wanted_objects is 'Objects that the next turn of their sync fetches again, one by one.';

alter table sluice_internal.notices
drop constraint notices_kind_check,
add column collection_id text collate "C",
add constraint notices_kind_check check (kind ~ '^[a-z_]{1,40}$');
comment on table sluice_internal.notices is 'What happened to a connection: it broke, it works again, and the like. Kept for 90 days.';

-- ---------------------------------------------------------------- what sync_tidy answers

create type sluice.sync_progress as (
    sync_id text,
    kind text,
    records bigint,
    finished boolean,
    waits_for text
);
comment on type sluice.sync_progress is
'How far work on a sync''s records is: delete, drop or move, how many are done so far, whether that is all, and if not what it waits for.';
