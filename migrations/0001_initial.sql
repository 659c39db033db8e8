-- The stored state of the first release: streams, records with their positions, consumers, syncs.
-- ---------------------------------------------------------------- streams

create table sluice_internal.streams (
    stream_no int generated always as identity primary key,
    stream_id text collate "C" not null unique check (octet_length(stream_id) between 1 and 200),
    lanes smallint not null check (lanes between 1 and 256),
    created_at timestamptz not null default clock_timestamp()
);
comment on table sluice_internal.streams is
'The directory of streams. stream_no is the short form of stream_id that the hot tables carry; '
'the sequence position_<stream_no> numbers the stream.';

-- ---------------------------------------------------------------- syncs

create table sluice_internal.credentials (
    credential_id text collate "C" primary key check (octet_length(credential_id) between 1 and 200),
    provider text not null,
    kind text not null,
    name text,
    sealed bytea not null,
    key_version int not null,
    base_url text,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
comment on table sluice_internal.credentials is
'Secrets, sealed by the application (AES-256-GCM, credential_id authenticated).';

create table sluice_internal.pollers (
    poller_id text collate "C" primary key,
    host text,
    pid int,
    started_at timestamptz not null default clock_timestamp(),
    heartbeat_at timestamptz not null default clock_timestamp()
);
comment on table sluice_internal.pollers is 'Running pollers. One that is silent for 10 s has lost its syncs.';

create table sluice_internal.syncs (
    sync_id text collate "C" primary key check (octet_length(sync_id) between 1 and 200),
    stream_no int not null references sluice_internal.streams,
    provider text not null,
    name text,
    collection_ids text[] collate "C" not null default '{}',
    credential_id text collate "C" references sluice_internal.credentials,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    external_id text,
    sync_frequency interval check (sync_frequency > interval '0'),
    paused boolean not null default false,
    created_at timestamptz not null default clock_timestamp()
);
create index syncs_by_stream on sluice_internal.syncs (stream_no);
create index syncs_by_credential on sluice_internal.syncs (credential_id);
comment on table sluice_internal.syncs is 'What the user asked for: one connection to one account.';

create table sluice_internal.sync_runs (
    sync_id text collate "C" primary key references sluice_internal.syncs on delete cascade,
    status text not null default 'pending'
    check (status in ('pending', 'backfilling', 'active', 'rate_limited', 'error')),
    error jsonb,
    error_since timestamptz,
    attempt int not null default 0,
    next_attempt_at timestamptz not null default clock_timestamp(),
    last_success_at timestamptz,
    backfill_completed_at timestamptz,
    poller_id text collate "C",
    epoch bigint not null default 0,
    check ((status in ('error', 'rate_limited')) = (error is not null)),
    check ((error is null) = (error_since is null))
);
create index sync_runs_due on sluice_internal.sync_runs (next_attempt_at);
create index sync_runs_by_poller on sluice_internal.sync_runs (poller_id) where poller_id is not null;
comment on table sluice_internal.sync_runs is
'Where a sync stands, and who works on it: a lease is (poller_id, epoch), alive while the poller''s heartbeat is.';

create table sluice_internal.sync_feeds (
    sync_id text collate "C" not null references sluice_internal.syncs on delete cascade,
    feed text collate "C" not null,
    cursor_state jsonb,
    done boolean not null,
    pages bigint not null default 0,
    records bigint not null default 0,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (sync_id, feed)
);
comment on table sluice_internal.sync_feeds is
'How far each list or change feed of a sync has been read; moves in the transaction that writes the page.';

create table sluice_internal.quarantine (
    quarantine_id bigint generated always as identity primary key,
    sync_id text collate "C" not null references sluice_internal.syncs on delete cascade,
    collection_id text collate "C" not null,
    upstream_id text collate "C",
    raw bytea not null,
    reason text not null,
    created_at timestamptz not null default clock_timestamp()
);
create index quarantine_by_record on sluice_internal.quarantine (sync_id, collection_id, upstream_id);
comment on table sluice_internal.quarantine is 'Objects that Postgres cannot store as the vendor sent them.';

create table sluice_internal.notices (
    notice_id bigint generated always as identity primary key,
    sync_id text collate "C" not null references sluice_internal.syncs on delete cascade,
    kind text not null check (kind in ('broken', 'recovered')),
    error jsonb,
    created_at timestamptz not null default clock_timestamp()
);
create index notices_by_sync on sluice_internal.notices (sync_id, notice_id);
comment on table sluice_internal.notices is 'A connection broke, or works again.';

-- ---------------------------------------------------------------- records

create table sluice.records (
    sync_id text collate "C" not null,
    collection_id text collate "C" not null check (octet_length(collection_id) between 3 and 200),
    upstream_id text collate "C" not null check (octet_length(upstream_id) between 1 and 200),
    updated_idx bigint not null,
    upstream_created_at timestamptz,
    upstream_updated_at timestamptz,
    deleted boolean not null default false,
    data jsonb,
    stream_id text collate "C" not null,
    record_no bigint generated always as identity primary key,
    read_from timestamptz,
    read_until timestamptz,
    constraint records_key unique (sync_id, collection_id, upstream_id),
    constraint records_data check (deleted or data is not null)
);
comment on table sluice.records is
'The current state of every upstream object. updated_idx is its place in the stream, in commit order.';
comment on column sluice.records.upstream_updated_at is
'The version, where the vendor has one: an older one never overwrites a newer one.';
comment on column sluice.records.deleted is 'Deleted upstream; data is what was last known.';
comment on column sluice.records.read_from is
'Where the vendor has no version: when, on the database''s clock, the read that brought this state was sent …';
comment on column sluice.records.read_until is '… and when its reply was complete.';

create table sluice_internal.positions (
    stream_no int not null,
    lane smallint not null,
    first boolean not null,
    updated_idx bigint not null,
    record_no bigint not null,
    primary key (stream_no, lane, updated_idx)
);
comment on table sluice_internal.positions is
'The order of each stream, lane by lane: written at commit, insert-only. An entry is current if its record still '
'carries that updated_idx; first: no earlier entry of that record exists.';

create table sluice_internal.ingests (
    ingest_no bigint generated always as identity primary key,
    stream_no int not null,
    sync_id text collate "C" not null,
    collection_ids text[] not null,
    record_nos bigint[] not null,
    updated_idxs bigint[] not null,
    firsts boolean[] not null
);
alter table sluice_internal.ingests alter column record_nos set storage external;
comment on table sluice_internal.ingests is
'One row for each write of a transaction: what its commit has to number, and the counters not yet folded into '
'record_counts.';

create table sluice_internal.record_counts (
    sync_id text collate "C" not null,
    collection_id text collate "C" not null,
    records bigint not null,
    changes bigint not null,
    primary key (sync_id, collection_id)
);
comment on table sluice_internal.record_counts is 'Records and changes of each collection, without those still in ingests.';

-- ---------------------------------------------------------------- consumers

create table sluice_internal.consumers (
    consumer_no int generated always as identity primary key,
    consumer_id text collate "C" not null unique check (octet_length(consumer_id) between 1 and 200),
    stream_no int not null references sluice_internal.streams,
    deliver_policy text not null check (deliver_policy in ('all', 'new')),
    start_idx bigint,
    ack_wait interval not null check (ack_wait > interval '0'),
    max_deliver int not null check (max_deliver = -1 or max_deliver > 0),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz not null default clock_timestamp()
);
create index consumers_by_stream on sluice_internal.consumers (stream_no);
comment on table sluice_internal.consumers is
'Named readers of a stream. start_idx: entries at or below it are not delivered; null until a consumer of new '
'messages is committed.';

create table sluice_internal.consumer_steps (
    consumer_no int not null,
    lane smallint not null,
    step_no bigint not null,
    cursor_idx bigint not null,
    open_steps bigint[] not null,
    next_due timestamptz,
    parked_idxs bigint[] not null,
    parked_record_nos bigint[] not null,
    suspect boolean not null,
    data_bytes bigint not null,
    secret bigint not null,
    leased_until timestamptz,
    record_nos bigint[] not null,
    updated_idxs bigint[] not null,
    deliver_counts int[],
    primary key (consumer_no, lane, step_no),
    check (cardinality(record_nos) = cardinality(updated_idxs)),
    check (cardinality(parked_idxs) = cardinality(parked_record_nos)),
    check ((cardinality(record_nos) = 0) = (leased_until is null))
);
-- No foreign key: its check would lock the consumer's row for every batch.
comment on table sluice_internal.consumer_steps is
'Each step of a consumer in a lane: an immutable row that is both the lease of one batch and the lane''s state after '
'it. The newest row of a lane is its state; older ones live while a message of theirs is not settled.';
comment on column sluice_internal.consumer_steps.open_steps is 'Steps, this one included, that may have unsettled messages.';
comment on column sluice_internal.consumer_steps.next_due is 'When the first of them may be delivered again.';
comment on column sluice_internal.consumer_steps.parked_idxs is 'Entries passed while their record was in flight.';
comment on column sluice_internal.consumer_steps.suspect is 'A redelivery after an expired lease: kept apart from other messages.';
comment on column sluice_internal.consumer_steps.deliver_counts is 'Null: every message for the first time.';

create table sluice_internal.consumer_settlements (
    consumer_no int not null,
    lane smallint not null,
    step_no bigint not null,
    ordinal smallint not null,
    kind "char" not null check (kind in ('a', 'n', 'm', 'd')),
    due_at timestamptz,
    primary key (consumer_no, lane, step_no, ordinal),
    check ((kind = 'n') = (due_at is not null))
);
create index consumer_settlements_nacked on sluice_internal.consumer_settlements (consumer_no, lane, due_at) where kind = 'n';
comment on table sluice_internal.consumer_settlements is
'What became of a message: a acked, n given back until due_at, m moved to a later step (or its record is gone), '
'd dead letter. Ordinal 0 speaks for every message of the step that has no row of its own.';

create table sluice_internal.dead_letters (
    consumer_no int not null,
    record_no bigint not null,
    updated_idx bigint not null,
    deliver_count int not null,
    reason text not null,
    ack_token text not null,
    died_at timestamptz not null default clock_timestamp(),
    primary key (consumer_no, record_no)
);
create index dead_letters_by_token on sluice_internal.dead_letters (consumer_no, ack_token);
comment on table sluice_internal.dead_letters is 'Messages that used up max_deliver. No copy of the data: the record is in records.';

-- ---------------------------------------------------------------- messages

create type sluice.message as (
    ack_token text,
    sync_id text,
    collection_id text,
    upstream_id text,
    updated_idx bigint,
    upstream_created_at timestamptz,
    upstream_updated_at timestamptz,
    deleted boolean,
    deliver_count int,
    external_id text,
    sync_metadata jsonb,
    data jsonb
);
comment on type sluice.message is
'One delivery of one record to one worker. ack_token names it; sync_metadata and external_id are the sync''s own.';

alter table sluice.records enable row level security;
create policy records_by_stream on sluice.records for select using (true);
comment on policy records_by_stream on sluice.records is 'Every role that may read sees every stream, until tokens carry streams.';

-- ---------------------------------------------------------------- what the info functions answer

create type sluice.stream_details as (
    stream_id text,
    lanes int,
    created_at timestamptz,
    syncs bigint,
    consumers bigint,
    last_idx bigint
);
comment on type sluice.stream_details is 'A stream with what it holds; last_idx is the updated_idx of its newest change.';

create type sluice.consumer_details as (
    consumer_id text,
    stream_id text,
    deliver_policy text,
    ack_wait interval,
    max_deliver int,
    metadata jsonb,
    created_at timestamptz,
    num_pending bigint,
    num_pending_estimated boolean,
    num_ack_pending bigint,
    num_dead_letters bigint,
    oldest_due_at timestamptz
);
comment on type sluice.consumer_details is 'A consumer with its numbers.';
