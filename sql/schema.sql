-- Generated from a migrated database, for reading and for reviewing: never run, never edited.
-- Whoever owns an object may do everything with it; that right is not printed.

-- ---------------- Schemas

create schema sluice;

create schema sluice_internal;

-- ---------------- Types

create type sluice.consumer_details as (
    consumer_id text,
    stream_id text,
    deliver_policy text,
    ack_wait interval,
    max_deliver integer,
    metadata jsonb,
    created_at timestamp with time zone,
    num_pending bigint,
    num_pending_estimated boolean,
    num_ack_pending bigint,
    num_dead_letters bigint,
    oldest_due_at timestamp with time zone,
    max_ack_pending integer,
    filter jsonb,
    paused boolean,
    num_filtered bigint,
    lag interval,
    oldest_unacked_age interval);
comment on type sluice.consumer_details is 'A consumer with its numbers.';

create type sluice.message as (
    ack_token text,
    sync_id text,
    collection_id text,
    upstream_id text,
    updated_idx bigint,
    upstream_created_at timestamp with time zone,
    upstream_updated_at timestamp with time zone,
    deleted boolean,
    deliver_count integer,
    external_id text,
    sync_metadata jsonb,
    data jsonb);
comment on type sluice.message is 'One delivery of one record to one worker. ack_token names it; sync_metadata and external_id are the sync''s own.';

create type sluice.new_token as (
    token_id text,
    token text,
    name text,
    scopes text[],
    created_at timestamp with time zone,
    expires_at timestamp with time zone);
comment on type sluice.new_token is 'A token just made: the only time that it is shown.';

create type sluice.stream_details as (
    stream_id text,
    lanes integer,
    created_at timestamp with time zone,
    syncs bigint,
    consumers bigint,
    last_idx bigint);
comment on type sluice.stream_details is 'A stream with what it holds; last_idx is the updated_idx of its newest change.';

-- ---------------- Tables

create table sluice.records (
    sync_id text collate "C" not null,
    collection_id text collate "C" not null,
    upstream_id text collate "C" not null,
    updated_idx bigint not null,
    upstream_created_at timestamp with time zone,
    upstream_updated_at timestamp with time zone,
    deleted boolean default false not null,
    data jsonb,
    stream_id text collate "C" not null,
    record_no bigint generated always as identity not null,
    read_from timestamp with time zone,
    read_until timestamp with time zone,
    constraint records_collection_id_check CHECK (((octet_length(collection_id) >= 3) AND (octet_length(collection_id) <= 200))),
    constraint records_data CHECK ((deleted OR (data IS NOT NULL))),
    constraint records_key UNIQUE (sync_id, collection_id, upstream_id),
    constraint records_pkey PRIMARY KEY (record_no),
    constraint records_upstream_id_check CHECK (((octet_length(upstream_id) >= 1) AND (octet_length(upstream_id) <= 200)))
);
alter table sluice.records enable row level security;
create policy records_by_stream on sluice.records as permissive for select to public using (true) with check ();
comment on table sluice.records is 'The current state of every upstream object. updated_idx is its place in the stream, in commit order.';
comment on column sluice.records.upstream_updated_at is 'The version, where the vendor has one: an older one never overwrites a newer one.';
comment on column sluice.records.deleted is 'Deleted upstream; data is what was last known.';
comment on column sluice.records.read_from is 'Where the vendor has no version: when, on the database''s clock, the read that brought this state was sent …';
comment on column sluice.records.read_until is '… and when its reply was complete.';

create table sluice_internal.consumer_settlements (
    consumer_no integer not null,
    lane smallint not null,
    step_no bigint not null,
    ordinal smallint not null,
    kind "char" not null,
    due_at timestamp with time zone,
    constraint consumer_settlements_pkey PRIMARY KEY (consumer_no, lane, step_no, ordinal)
);
CREATE INDEX consumer_settlements_due ON sluice_internal.consumer_settlements USING btree (consumer_no, lane, due_at) WHERE (due_at IS NOT NULL);
comment on table sluice_internal.consumer_settlements is 'What became of a message: a acked, n given back until due_at, e leased until due_at after all, m moved to a later step (or its record is gone), d dead letter. Ordinal 0 speaks for every message of the step that has no row of its own.';

create table sluice_internal.consumer_steps (
    consumer_no integer not null,
    lane smallint not null,
    step_no bigint not null,
    cursor_idx bigint not null,
    open_steps bigint[] not null,
    next_due timestamp with time zone,
    parked_idxs bigint[] not null,
    parked_record_nos bigint[] not null,
    suspect boolean not null,
    data_bytes bigint not null,
    secret bigint not null,
    leased_until timestamp with time zone,
    record_nos bigint[] not null,
    updated_idxs bigint[] not null,
    deliver_counts integer[],
    replay_idx bigint default 0 not null,
    skipped bigint default 0 not null,
    constraint consumer_steps_pkey PRIMARY KEY (consumer_no, lane, step_no)
);
alter table sluice_internal.consumer_steps alter column record_nos set storage external;
alter table sluice_internal.consumer_steps alter column updated_idxs set storage external;
comment on table sluice_internal.consumer_steps is 'Each step of a consumer in a lane: an immutable row that is both the lease of one batch and the lane''s state after it. The newest row of a lane is its state; older ones live while a message of theirs is not settled.';
comment on column sluice_internal.consumer_steps.open_steps is 'Steps, this one included, that may have unsettled messages.';
comment on column sluice_internal.consumer_steps.next_due is 'When the first of them may be delivered again.';
comment on column sluice_internal.consumer_steps.parked_idxs is 'Entries passed while their record was in flight.';
comment on column sluice_internal.consumer_steps.suspect is 'A redelivery after an expired lease: kept apart from other messages.';
comment on column sluice_internal.consumer_steps.deliver_counts is 'Null: every message for the first time.';
comment on column sluice_internal.consumer_steps.replay_idx is 'After a seek: entries up to here may be of records in flight, although they are the first of their record.';
comment on column sluice_internal.consumer_steps.skipped is 'Messages of the lane, so far, that the filter kept back.';

create table sluice_internal.consumers (
    consumer_no integer generated always as identity not null,
    consumer_id text collate "C" not null,
    stream_no integer not null,
    deliver_policy text not null,
    start_idx bigint,
    ack_wait interval not null,
    max_deliver integer not null,
    metadata jsonb default '{}'::jsonb not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    lanes smallint,
    paused boolean default false not null,
    max_ack_pending integer,
    filter jsonb,
    provider_patterns text[],
    sync_patterns text[],
    collection_patterns text[],
    predicate jsonpath,
    constraint consumers_ack_wait_check CHECK ((ack_wait > '00:00:00'::interval)),
    constraint consumers_consumer_id_check CHECK (((octet_length(consumer_id) >= 1) AND (octet_length(consumer_id) <= 200))),
    constraint consumers_consumer_id_key UNIQUE (consumer_id),
    constraint consumers_max_ack_pending_check CHECK ((max_ack_pending > 0)),
    constraint consumers_max_deliver_check CHECK (((max_deliver = '-1'::integer) OR (max_deliver > 0))),
    constraint consumers_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    constraint consumers_pkey PRIMARY KEY (consumer_no),
    constraint consumers_stream_no_fkey FOREIGN KEY (stream_no) REFERENCES sluice_internal.streams(stream_no)
);
CREATE INDEX consumers_by_stream ON sluice_internal.consumers USING btree (stream_no);
CREATE CONSTRAINT TRIGGER _start_new_consumer AFTER INSERT OR UPDATE OF start_idx ON sluice_internal.consumers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.start_idx IS NULL)) EXECUTE FUNCTION sluice_internal._start_new_consumer();
comment on table sluice_internal.consumers is 'Named readers of a stream. start_idx: entries at or below it are not delivered; null until a consumer of new messages is committed.';
comment on column sluice_internal.consumers.lanes is 'Those of its stream, which never change.';
comment on column sluice_internal.consumers.provider_patterns is 'What the filter says, made ready: patterns of LIKE, one of which must match; null: anything.';

create table sluice_internal.credentials (
    credential_id text collate "C" not null,
    provider text not null,
    kind text not null,
    name text,
    sealed bytea not null,
    key_version integer not null,
    base_url text,
    metadata jsonb default '{}'::jsonb not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    updated_at timestamp with time zone default clock_timestamp() not null,
    constraint credentials_credential_id_check CHECK (((octet_length(credential_id) >= 1) AND (octet_length(credential_id) <= 200))),
    constraint credentials_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    constraint credentials_pkey PRIMARY KEY (credential_id)
);
comment on table sluice_internal.credentials is 'Secrets, sealed by the application (AES-256-GCM, credential_id authenticated).';

create table sluice_internal.dead_letters (
    consumer_no integer not null,
    record_no bigint not null,
    updated_idx bigint not null,
    deliver_count integer not null,
    reason text not null,
    ack_token text not null,
    died_at timestamp with time zone default clock_timestamp() not null,
    constraint dead_letters_pkey PRIMARY KEY (consumer_no, record_no)
);
CREATE INDEX dead_letters_by_token ON sluice_internal.dead_letters USING btree (consumer_no, ack_token);
comment on table sluice_internal.dead_letters is 'Messages that used up max_deliver. No copy of the data: the record is in records.';

create table sluice_internal.ingests (
    ingest_no bigint generated always as identity not null,
    stream_no integer not null,
    sync_id text collate "C" not null,
    collection_ids text[] not null,
    record_nos bigint[] not null,
    updated_idxs bigint[] not null,
    firsts boolean[] not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    constraint ingests_pkey PRIMARY KEY (ingest_no)
);
alter table sluice_internal.ingests alter column record_nos set storage external;
alter table sluice_internal.ingests alter column updated_idxs set storage external;
alter table sluice_internal.ingests alter column firsts set storage external;
CREATE CONSTRAINT TRIGGER _number_ingest AFTER INSERT ON sluice_internal.ingests DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sluice_internal._number_ingest();
comment on table sluice_internal.ingests is 'One row for each write of a transaction: what its commit has to number, and the counters not yet folded into record_counts.';

create table sluice_internal.installs (
    install_id bigint generated always as identity not null,
    version text not null,
    digest text not null,
    manifest jsonb default '[]'::jsonb not null,
    grants text[] default '{}'::text[] not null,
    installed_at timestamp with time zone default clock_timestamp() not null,
    constraint installs_pkey PRIMARY KEY (install_id)
);
comment on table sluice_internal.installs is 'Each time that sql/ was applied here: the digest of its files, the objects it made, the rights it gave.';

create table sluice_internal.migrations (
    name text not null,
    digest text not null,
    applied_at timestamp with time zone default clock_timestamp() not null,
    constraint migrations_pkey PRIMARY KEY (name)
);
comment on table sluice_internal.migrations is 'The files of migrations/ that ran here, with the digest each had.';

create table sluice_internal.mutation_items (
    mutation_no bigint not null,
    item_no integer not null,
    sync_id text collate "C" not null,
    collection_id text collate "C" not null,
    upstream_id text collate "C",
    data jsonb,
    status text default 'queued'::text not null,
    vendor_key uuid default gen_random_uuid() not null,
    poller_id text collate "C",
    epoch integer default 0 not null,
    next_attempt_at timestamp with time zone default clock_timestamp() not null,
    first_sent_at timestamp with time zone,
    attempt integer default 0 not null,
    finished_at timestamp with time zone,
    error jsonb,
    constraint mutation_items_check CHECK (((status = ANY (ARRAY['succeeded'::text, 'failed'::text, 'unknown'::text, 'cancelled'::text])) = (finished_at IS NOT NULL))),
    constraint mutation_items_check1 CHECK (((status = 'sending'::text) = (poller_id IS NOT NULL))),
    constraint mutation_items_check2 CHECK (((status <> ALL (ARRAY['failed'::text, 'unknown'::text])) OR (error IS NOT NULL))),
    constraint mutation_items_mutation_no_fkey FOREIGN KEY (mutation_no) REFERENCES sluice_internal.mutations(mutation_no) ON DELETE CASCADE,
    constraint mutation_items_pkey PRIMARY KEY (mutation_no, item_no),
    constraint mutation_items_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'sending'::text, 'succeeded'::text, 'failed'::text, 'unknown'::text, 'cancelled'::text]))),
    constraint mutation_items_upstream_id_check CHECK (((octet_length(upstream_id) >= 1) AND (octet_length(upstream_id) <= 200)))
);
CREATE INDEX mutation_items_by_record ON sluice_internal.mutation_items USING btree (sync_id, collection_id, upstream_id, mutation_no, item_no) WHERE ((status = ANY (ARRAY['queued'::text, 'sending'::text, 'unknown'::text])) AND (upstream_id IS NOT NULL));
CREATE INDEX mutation_items_open ON sluice_internal.mutation_items USING btree (next_attempt_at, mutation_no, item_no) WHERE (status = ANY (ARRAY['queued'::text, 'sending'::text]));
comment on table sluice_internal.mutation_items is 'One write to one object. vendor_key is what the vendor is told to recognise a repetition by; first_sent_at bounds how long it does.';

create table sluice_internal.mutations (
    mutation_id text collate "C" not null,
    mutation_no bigint generated always as identity not null,
    stream_no integer not null,
    sync_id text collate "C" not null,
    collection_id text collate "C" not null,
    kind text not null,
    match_on text,
    idempotency_key text collate "C",
    request_digest bytea not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    finished_at timestamp with time zone,
    constraint mutations_idempotency_key_check CHECK (((octet_length(idempotency_key) >= 1) AND (octet_length(idempotency_key) <= 200))),
    constraint mutations_kind_check CHECK ((kind = ANY (ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text]))),
    constraint mutations_mutation_id_check CHECK (((octet_length(mutation_id) >= 1) AND (octet_length(mutation_id) <= 200))),
    constraint mutations_mutation_no_key UNIQUE (mutation_no),
    constraint mutations_pkey PRIMARY KEY (mutation_id),
    constraint mutations_stream_no_fkey FOREIGN KEY (stream_no) REFERENCES sluice_internal.streams(stream_no),
    constraint mutations_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
CREATE INDEX mutations_by_stream ON sluice_internal.mutations USING btree (stream_no);
CREATE INDEX mutations_by_sync ON sluice_internal.mutations USING btree (sync_id, mutation_no);
CREATE UNIQUE INDEX mutations_by_key ON sluice_internal.mutations USING btree (sync_id, idempotency_key) WHERE (idempotency_key IS NOT NULL);
comment on table sluice_internal.mutations is 'Requested writes. request_digest tells a repeated request from another one with the same key.';

create table sluice_internal.notices (
    notice_id bigint generated always as identity not null,
    sync_id text collate "C" not null,
    kind text not null,
    error jsonb,
    created_at timestamp with time zone default clock_timestamp() not null,
    constraint notices_kind_check CHECK ((kind = ANY (ARRAY['broken'::text, 'recovered'::text]))),
    constraint notices_pkey PRIMARY KEY (notice_id),
    constraint notices_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
CREATE INDEX notices_by_sync ON sluice_internal.notices USING btree (sync_id, notice_id);
comment on table sluice_internal.notices is 'A connection broke, or works again.';

create table sluice_internal.pollers (
    poller_id text collate "C" not null,
    host text,
    pid integer,
    started_at timestamp with time zone default clock_timestamp() not null,
    heartbeat_at timestamp with time zone default clock_timestamp() not null,
    constraint pollers_pkey PRIMARY KEY (poller_id)
);
comment on table sluice_internal.pollers is 'Running pollers. One that is silent for 10 s has lost its syncs.';

create table sluice_internal.positions (
    stream_no integer not null,
    lane smallint not null,
    first boolean not null,
    updated_idx bigint not null,
    record_no bigint not null,
    constraint positions_pkey PRIMARY KEY (stream_no, lane, updated_idx)
);
comment on table sluice_internal.positions is 'The order of each stream, lane by lane: written at commit, insert-only. An entry is current if its record still carries that updated_idx; first: no earlier entry of that record exists.';

create table sluice_internal.quarantine (
    quarantine_id bigint generated always as identity not null,
    sync_id text collate "C" not null,
    collection_id text collate "C" not null,
    upstream_id text collate "C",
    raw bytea not null,
    reason text not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    constraint quarantine_pkey PRIMARY KEY (quarantine_id),
    constraint quarantine_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
CREATE INDEX quarantine_by_record ON sluice_internal.quarantine USING btree (sync_id, collection_id, upstream_id);
comment on table sluice_internal.quarantine is 'Objects that Postgres cannot store as the vendor sent them.';

create table sluice_internal.record_counts (
    sync_id text collate "C" not null,
    collection_id text collate "C" not null,
    records bigint not null,
    changes bigint not null,
    constraint record_counts_pkey PRIMARY KEY (sync_id, collection_id)
);
comment on table sluice_internal.record_counts is 'Records and changes of each collection, without those still in ingests.';

create table sluice_internal.stream_times (
    stream_no integer not null,
    at timestamp with time zone not null,
    idx bigint not null,
    constraint stream_times_pkey PRIMARY KEY (stream_no, at)
);
CREATE INDEX stream_times_by_idx ON sluice_internal.stream_times USING btree (stream_no, idx);
comment on table sluice_internal.stream_times is 'What was committed after "at" has an updated_idx above idx. About one row a second with changes; the last seconds are still in ingests.';

create table sluice_internal.streams (
    stream_no integer generated always as identity not null,
    stream_id text collate "C" not null,
    lanes smallint not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    constraint streams_lanes_check CHECK (((lanes >= 1) AND (lanes <= 256))),
    constraint streams_pkey PRIMARY KEY (stream_no),
    constraint streams_stream_id_check CHECK (((octet_length(stream_id) >= 1) AND (octet_length(stream_id) <= 200))),
    constraint streams_stream_id_key UNIQUE (stream_id)
);
comment on table sluice_internal.streams is 'The directory of streams. stream_no is the short form of stream_id that the hot tables carry; the sequence position_<stream_no> numbers the stream.';

create table sluice_internal.sync_feeds (
    sync_id text collate "C" not null,
    feed text collate "C" not null,
    cursor_state jsonb,
    done boolean not null,
    pages bigint default 0 not null,
    records bigint default 0 not null,
    updated_at timestamp with time zone default clock_timestamp() not null,
    constraint sync_feeds_pkey PRIMARY KEY (sync_id, feed),
    constraint sync_feeds_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
comment on table sluice_internal.sync_feeds is 'How far each list or change feed of a sync has been read; moves in the transaction that writes the page.';

create table sluice_internal.sync_paces (
    sync_id text collate "C" not null,
    next_at timestamp with time zone not null,
    constraint sync_paces_pkey PRIMARY KEY (sync_id),
    constraint sync_paces_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
) with (fillfactor=50);
comment on table sluice_internal.sync_paces is 'When the next request of a sync with a rate limit may be sent.';

create table sluice_internal.sync_runs (
    sync_id text collate "C" not null,
    status text default 'pending'::text not null,
    error jsonb,
    error_since timestamp with time zone,
    attempt integer default 0 not null,
    next_attempt_at timestamp with time zone default clock_timestamp() not null,
    last_success_at timestamp with time zone,
    backfill_completed_at timestamp with time zone,
    poller_id text collate "C",
    epoch bigint default 0 not null,
    constraint sync_runs_check CHECK (((status = ANY (ARRAY['error'::text, 'rate_limited'::text])) = (error IS NOT NULL))),
    constraint sync_runs_check1 CHECK (((error IS NULL) = (error_since IS NULL))),
    constraint sync_runs_pkey PRIMARY KEY (sync_id),
    constraint sync_runs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'backfilling'::text, 'active'::text, 'rate_limited'::text, 'error'::text]))),
    constraint sync_runs_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
CREATE INDEX sync_runs_by_poller ON sluice_internal.sync_runs USING btree (poller_id) WHERE (poller_id IS NOT NULL);
CREATE INDEX sync_runs_due ON sluice_internal.sync_runs USING btree (next_attempt_at);
comment on table sluice_internal.sync_runs is 'Where a sync stands, and who works on it: a lease is (poller_id, epoch), alive while the poller''s heartbeat is.';

create table sluice_internal.syncs (
    sync_id text collate "C" not null,
    stream_no integer not null,
    provider text not null,
    name text,
    collection_ids text[] collate "C" default '{}'::text[] not null,
    credential_id text collate "C",
    metadata jsonb default '{}'::jsonb not null,
    external_id text,
    sync_frequency interval,
    paused boolean default false not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    rate_limit jsonb,
    constraint syncs_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES sluice_internal.credentials(credential_id),
    constraint syncs_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    constraint syncs_pkey PRIMARY KEY (sync_id),
    constraint syncs_stream_no_fkey FOREIGN KEY (stream_no) REFERENCES sluice_internal.streams(stream_no),
    constraint syncs_sync_frequency_check CHECK ((sync_frequency > '00:00:00'::interval)),
    constraint syncs_sync_id_check CHECK (((octet_length(sync_id) >= 1) AND (octet_length(sync_id) <= 200)))
);
CREATE INDEX syncs_by_credential ON sluice_internal.syncs USING btree (credential_id);
CREATE INDEX syncs_by_stream ON sluice_internal.syncs USING btree (stream_no);
comment on table sluice_internal.syncs is 'What the user asked for: one connection to one account.';

create table sluice_internal.tokens (
    token_id text collate "C" not null,
    name text,
    prefix text not null,
    digest bytea not null,
    scopes text[] not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    constraint tokens_digest_check CHECK ((octet_length(digest) = 32)),
    constraint tokens_digest_key UNIQUE (digest),
    constraint tokens_pkey PRIMARY KEY (token_id),
    constraint tokens_scopes_check CHECK (((scopes <@ '{read,consume,mutate,manage}'::text[]) AND (cardinality(scopes) > 0))),
    constraint tokens_token_id_check CHECK (((octet_length(token_id) >= 1) AND (octet_length(token_id) <= 200)))
);
comment on table sluice_internal.tokens is 'API tokens: the SHA-256 digest, never the token. prefix is what may be shown of it.';

-- ---------------- Views

create view sluice.collections as
 SELECT y.sync_id,
    s.stream_id,
    c.collection_id,
    COALESCE(n.records, 0::bigint) + COALESCE(i.records, 0::bigint) AS records,
    COALESCE(n.changes, 0::bigint) + COALESCE(i.changes, 0::bigint) AS changes,
    COALESCE(f.done, y.provider = 'push'::text) AS backfilled,
    f.records AS backfill_records,
    f.updated_at AS last_page_at
   FROM sluice_internal.syncs y
     JOIN sluice_internal.streams s ON s.stream_no = y.stream_no
     CROSS JOIN LATERAL ( SELECT u.collection_id
           FROM unnest(y.collection_ids) u(collection_id)
        UNION
         SELECT t.collection_id
           FROM sluice_internal.record_counts t
          WHERE t.sync_id = y.sync_id
        UNION
         SELECT u.collection_id
           FROM sluice_internal.ingests g
             CROSS JOIN LATERAL unnest(g.collection_ids) u(collection_id)
          WHERE g.sync_id = y.sync_id) c
     LEFT JOIN sluice_internal.record_counts n ON n.sync_id = y.sync_id AND n.collection_id = c.collection_id
     LEFT JOIN LATERAL ( SELECT count(*) FILTER (WHERE u.first) AS records,
            count(*) AS changes
           FROM sluice_internal.ingests g
             CROSS JOIN LATERAL UNNEST(
                CASE cardinality(g.collection_ids)
                    WHEN 1 THEN array_fill(g.collection_ids[1], ARRAY[cardinality(g.firsts)])
                    ELSE g.collection_ids
                END, g.firsts) u(collection_id, first)
          WHERE g.sync_id = y.sync_id AND u.collection_id = c.collection_id) i ON true
     LEFT JOIN sluice_internal.sync_feeds f ON f.sync_id = y.sync_id AND f.feed = c.collection_id;
-- columns: sync_id text, stream_id text, collection_id text, records bigint, changes bigint, backfilled boolean, backfill_records bigint, last_page_at timestamp with time zone
comment on view sluice.collections is 'The collections of each sync: how many records (tombstones too) and changes arrived, and how far the first reading is.';

create view sluice.consumers as
 SELECT c.consumer_id,
    s.stream_id,
    c.deliver_policy,
    c.ack_wait,
    c.max_deliver,
    c.metadata,
    c.created_at,
    c.max_ack_pending,
    c.filter,
    c.paused
   FROM sluice_internal.consumers c
     JOIN sluice_internal.streams s ON s.stream_no = c.stream_no;
-- columns: consumer_id text, stream_id text, deliver_policy text, ack_wait interval, max_deliver integer, metadata jsonb, created_at timestamp with time zone, max_ack_pending integer, filter jsonb, paused boolean
comment on view sluice.consumers is 'The consumers and their settings; consumer_info has their numbers.';

create view sluice.credentials as
 SELECT credential_id,
    provider,
    kind,
    name,
    base_url,
    metadata,
    key_version,
    created_at,
    updated_at
   FROM sluice_internal.credentials c;
-- columns: credential_id text, provider text, kind text, name text, base_url text, metadata jsonb, key_version integer, created_at timestamp with time zone, updated_at timestamp with time zone
comment on view sluice.credentials is 'The credentials, without their secrets.';

create view sluice.dead_letters as
 SELECT c.consumer_id,
    s.stream_id,
    r.sync_id,
    r.collection_id,
    r.upstream_id,
    d.updated_idx,
    d.deliver_count,
    d.reason,
    d.died_at,
    r.updated_idx <> d.updated_idx AS superseded
   FROM sluice_internal.dead_letters d
     JOIN sluice_internal.consumers c ON c.consumer_no = d.consumer_no
     JOIN sluice_internal.streams s ON s.stream_no = c.stream_no
     JOIN sluice.records r ON r.record_no = d.record_no;
-- columns: consumer_id text, stream_id text, sync_id text, collection_id text, upstream_id text, updated_idx bigint, deliver_count integer, reason text, died_at timestamp with time zone, superseded boolean
comment on view sluice.dead_letters is 'Messages that used up max_deliver. superseded: the record has changed since, and that version is delivered.';

create view sluice.errors as
 SELECT code,
    name,
    http_status,
    meaning
   FROM ( VALUES ('SL001'::text,'invalid_argument'::text,422,'An argument is missing, malformed or out of range.'::text), ('SL002'::text,'not_authorized'::text,403,'The role that calls may not do this.'::text), ('SL003'::text,'isolation_level'::text,422,'The call needs a READ COMMITTED transaction.'::text), ('SL004'::text,'not_supported'::text,422,'This release cannot do this yet.'::text), ('SL005'::text,'malformed_request'::text,400,'The request is not what HTTP or JSON allow.'::text), ('SL101'::text,'unknown_stream'::text,404,'No stream has this id.'::text), ('SL102'::text,'unknown_sync'::text,404,'No sync has this id.'::text), ('SL103'::text,'unknown_consumer'::text,404,'No consumer has this id.'::text), ('SL104'::text,'unknown_credential'::text,404,'No credential has this id.'::text), ('SL105'::text,'unknown_provider'::text,422,'No provider has this name.'::text), ('SL106'::text,'unknown_collection'::text,422,'The provider or the sync has no such collection.'::text), ('SL107'::text,'unknown_token'::text,404,'No token has this id.'::text), ('SL108'::text,'unknown_mutation'::text,404,'No mutation has this id.'::text), ('SL109'::text,'unknown_route'::text,404,'Nothing is served at this path.'::text), ('SL110'::text,'id_taken'::text,409,'The id is in use.'::text), ('SL111'::text,'in_use'::text,409,'Something else still needs the object.'::text), ('SL112'::text,'idempotency_conflict'::text,409,'The idempotency key was used for another request.'::text), ('SL113'::text,'method_not_allowed'::text,405,'The path does not take this method.'::text), ('SL114'::text,'too_large'::text,413,'The body is larger than the server takes.'::text), ('SL120'::text,'stale_token'::text,409,'A token names no message that may be acknowledged, and strict was asked for.'::text), ('SL130'::text,'lease_lost'::text,409,'Another poller works on the sync now.'::text), ('SL140'::text,'unauthenticated'::text,401,'The request has no valid token.'::text), ('SL141'::text,'too_busy'::text,503,'The server has no room for the request just now.'::text), ('SL201'::text,'vendor_unauthorized'::text,502,'The vendor refused the credential.'::text), ('SL202'::text,'vendor_forbidden'::text,502,'The credential may not read this.'::text), ('SL203'::text,'vendor_refused'::text,502,'The vendor refused the request.'::text), ('SL204'::text,'vendor_unreadable'::text,502,'The vendor''s reply is not what its API documents.'::text), ('SL205'::text,'vendor_unavailable'::text,502,'The vendor cannot be reached or failed.'::text), ('SL206'::text,'vendor_rate_limited'::text,502,'The vendor asked to slow down.'::text), ('SL207'::text,'vendor_list_broken'::text,502,'The vendor''s list repeats itself, so its end cannot be found.'::text), ('SL208'::text,'credential_malformed'::text,422,'The secret does not have the form the vendor gives out.'::text), ('SL209'::text,'address_refused'::text,422,'The address is private or local and was not allowed.'::text), ('SL301'::text,'master_key_missing'::text,500,'Secrets cannot be sealed or opened without the master key.'::text), ('SL302'::text,'secret_unreadable'::text,500,'The master key does not open this secret.'::text), ('SL401'::text,'database_unavailable'::text,503,'The database cannot be reached.'::text), ('SL402'::text,'already_running'::text,409,'pgsluice runs on this data folder already.'::text), ('SL403'::text,'port_in_use'::text,409,'The address is taken by another program.'::text), ('SL404'::text,'data_folder_not_ours'::text,403,'The data folder belongs to someone else or is something else.'::text), ('SL405'::text,'migration_failed'::text,500,'The database could not be brought to this release.'::text), ('SL406'::text,'settings_invalid'::text,422,'A setting is malformed.'::text), ('SL407'::text,'database_not_migrated'::text,503,'The database lacks pgsluice''s schema or an update of it.'::text), ('SL408'::text,'embedded_failed'::text,500,'The embedded Postgres could not be started.'::text)) e(code, name, http_status, meaning);
-- columns: code text, name text, http_status integer, meaning text
comment on view sluice.errors is 'Every SQLSTATE of pgsluice''s own: code, name, HTTP status, meaning.';

create view sluice.messages_in_flight as
 SELECT c.consumer_id,
    s.stream_id,
    r.sync_id,
    r.collection_id,
    r.upstream_id,
    v.updated_idx,
    v.deliver_count,
    NOT v.nacked AS leased,
    v.due_at
   FROM sluice_internal.consumers c
     JOIN sluice_internal.streams s ON s.stream_no = c.stream_no
     CROSS JOIN LATERAL generate_series(0, s.lanes - 1) l(lane)
     CROSS JOIN LATERAL ( SELECT st_1.open_steps
           FROM sluice_internal.consumer_steps st_1
          WHERE st_1.consumer_no = c.consumer_no AND st_1.lane = l.lane
          ORDER BY st_1.step_no DESC
         LIMIT 1) st
     JOIN sluice_internal._live_messages v ON v.consumer_no = c.consumer_no AND v.lane = l.lane AND (v.step_no = ANY (st.open_steps))
     JOIN sluice.records r ON r.record_no = v.record_no;
-- columns: consumer_id text, stream_id text, sync_id text, collection_id text, upstream_id text, updated_idx bigint, deliver_count integer, leased boolean, due_at timestamp with time zone
comment on view sluice.messages_in_flight is 'Messages that are delivered and not settled: leased by a worker until due_at, or given back and free again at due_at.';

create view sluice.mutation_items as
 SELECT m.mutation_id,
    i.item_no,
    s.stream_id,
    i.sync_id,
    i.collection_id,
    i.upstream_id,
    i.status,
    i.error,
    i.attempt,
    i.next_attempt_at,
    i.finished_at,
    i.data
   FROM sluice_internal.mutation_items i
     JOIN sluice_internal.mutations m ON m.mutation_no = i.mutation_no
     JOIN sluice_internal.streams s ON s.stream_no = m.stream_no;
-- columns: mutation_id text, item_no integer, stream_id text, sync_id text, collection_id text, upstream_id text, status text, error jsonb, attempt integer, next_attempt_at timestamp with time zone, finished_at timestamp with time zone, data jsonb
comment on view sluice.mutation_items is 'The items of mutations: what was asked for (data), the vendor''s id, and its error as sent.';

create view sluice.mutations as
 SELECT m.mutation_id,
    s.stream_id,
    m.sync_id,
    m.collection_id,
    m.kind,
        CASE
            WHEN m.finished_at IS NULL THEN
            CASE
                WHEN i.sending THEN 'running'::text
                ELSE 'queued'::text
            END
            WHEN i.unknown > 0 THEN 'unknown'::text
            WHEN i.failed = i.items THEN 'failed'::text
            WHEN i.cancelled = i.items THEN 'cancelled'::text
            WHEN i.succeeded = i.items THEN 'succeeded'::text
            ELSE 'partial'::text
        END AS status,
    i.items,
    i.succeeded,
    i.failed,
    i.unknown,
    i.cancelled,
    m.match_on,
    m.idempotency_key,
    m.created_at,
    m.finished_at
   FROM sluice_internal.mutations m
     JOIN sluice_internal.streams s ON s.stream_no = m.stream_no
     CROSS JOIN LATERAL ( SELECT count(*) AS items,
            count(*) FILTER (WHERE t.status = 'succeeded'::text) AS succeeded,
            count(*) FILTER (WHERE t.status = 'failed'::text) AS failed,
            count(*) FILTER (WHERE t.status = 'unknown'::text) AS unknown,
            count(*) FILTER (WHERE t.status = 'cancelled'::text) AS cancelled,
            COALESCE(bool_or(t.status <> 'queued'::text), false) AS sending
           FROM sluice_internal.mutation_items t
          WHERE t.mutation_no = m.mutation_no) i;
-- columns: mutation_id text, stream_id text, sync_id text, collection_id text, kind text, status text, items bigint, succeeded bigint, failed bigint, unknown bigint, cancelled bigint, match_on text, idempotency_key text, created_at timestamp with time zone, finished_at timestamp with time zone
comment on view sluice.mutations is 'Requested writes. status: queued, running; when every item is final succeeded, failed, cancelled, partial, or unknown: it cannot be known whether the vendor did an item.';

create view sluice.notices as
 SELECT n.notice_id,
    s.stream_id,
    n.sync_id,
    n.kind,
    n.error,
    n.created_at
   FROM sluice_internal.notices n
     JOIN sluice_internal.syncs y ON y.sync_id = n.sync_id
     JOIN sluice_internal.streams s ON s.stream_no = y.stream_no;
-- columns: notice_id bigint, stream_id text, sync_id text, kind text, error jsonb, created_at timestamp with time zone
comment on view sluice.notices is 'When a connection broke, and when it recovered.';

create view sluice.provider_collections as
 SELECT provider,
    collection_id,
    mutations
   FROM ( VALUES ('stripe'::text,'stripe:customer'::text,ARRAY['create'::text, 'update'::text, 'delete'::text]), ('stripe'::text,'stripe:invoice'::text,ARRAY['create'::text, 'update'::text, 'delete'::text]), ('stripe'::text,'stripe:plan'::text,ARRAY['create'::text, 'update'::text, 'delete'::text]), ('stripe'::text,'stripe:price'::text,ARRAY['create'::text, 'update'::text]), ('stripe'::text,'stripe:product'::text,ARRAY['create'::text, 'update'::text, 'delete'::text]), ('stripe'::text,'stripe:subscription'::text,ARRAY['create'::text, 'update'::text, 'delete'::text])) c(provider, collection_id, mutations);
-- columns: provider text, collection_id text, mutations text[]
comment on view sluice.provider_collections is 'The collections that each provider can read, and the kinds of mutation it takes. A push sync takes any collection named provider:object.';

create view sluice.providers as
 SELECT DISTINCT provider
   FROM ( VALUES ('push'::text), ('stripe'::text)) p(provider);
-- columns: provider text
comment on view sluice.providers is 'The kinds of API that a sync can have.';

create view sluice.quarantine as
 SELECT q.quarantine_id,
    s.stream_id,
    q.sync_id,
    q.collection_id,
    q.upstream_id,
    q.reason,
    q.raw,
    q.created_at
   FROM sluice_internal.quarantine q
     JOIN sluice_internal.syncs y ON y.sync_id = q.sync_id
     JOIN sluice_internal.streams s ON s.stream_no = y.stream_no;
-- columns: quarantine_id bigint, stream_id text, sync_id text, collection_id text, upstream_id text, reason text, raw bytea, created_at timestamp with time zone
comment on view sluice.quarantine is 'Objects that Postgres cannot store as the vendor sent them: the raw bytes and the reason.';

create view sluice.streams as
 SELECT stream_id,
    lanes::integer AS lanes,
    created_at
   FROM sluice_internal.streams s;
-- columns: stream_id text, lanes integer, created_at timestamp with time zone
comment on view sluice.streams is 'The streams.';

create view sluice.syncs as
 SELECT y.sync_id,
    s.stream_id,
    y.provider,
    y.name,
    y.collection_ids,
    y.credential_id,
    y.metadata,
    y.external_id,
    y.sync_frequency,
        CASE
            WHEN y.paused THEN 'paused'::text
            ELSE COALESCE(r.status, 'active'::text)
        END AS status,
    r.error,
    r.error_since,
        CASE
            WHEN NOT y.paused THEN r.next_attempt_at
            ELSE NULL::timestamp with time zone
        END AS next_attempt_at,
    r.last_success_at,
    r.backfill_completed_at,
    y.paused,
    y.created_at,
    y.rate_limit
   FROM sluice_internal.syncs y
     JOIN sluice_internal.streams s ON s.stream_no = y.stream_no
     LEFT JOIN sluice_internal.sync_runs r ON r.sync_id = y.sync_id;
-- columns: sync_id text, stream_id text, provider text, name text, collection_ids text[], credential_id text, metadata jsonb, external_id text, sync_frequency interval, status text, error jsonb, error_since timestamp with time zone, next_attempt_at timestamp with time zone, last_success_at timestamp with time zone, backfill_completed_at timestamp with time zone, paused boolean, created_at timestamp with time zone, rate_limit jsonb
comment on view sluice.syncs is 'The syncs with where they stand: pending, backfilling, active, rate_limited, error (error says why and what to do) or paused.';

create view sluice.tokens as
 SELECT token_id,
    name,
    prefix,
    scopes,
    created_at,
    expires_at,
    revoked_at
   FROM sluice_internal.tokens t;
-- columns: token_id text, name text, prefix text, scopes text[], created_at timestamp with time zone, expires_at timestamp with time zone, revoked_at timestamp with time zone
comment on view sluice.tokens is 'The API tokens, by their first characters.';

create view sluice_internal._live_messages as
 SELECT st.consumer_no,
    st.lane,
    st.step_no,
    m.ordinal::integer AS ordinal,
    m.record_no,
    m.updated_idx,
    COALESCE(st.deliver_counts[m.ordinal], 1) AS deliver_count,
    COALESCE(COALESCE(own.kind, whole.kind) = 'n'::"char", false) AS nacked,
    COALESCE(own.due_at, whole.due_at, st.leased_until) AS due_at,
    st.secret
   FROM sluice_internal.consumer_steps st
     LEFT JOIN LATERAL ( SELECT s.kind,
            s.due_at
           FROM sluice_internal.consumer_settlements s
          WHERE s.consumer_no = st.consumer_no AND s.lane = st.lane AND s.step_no = st.step_no AND s.ordinal = 0
         OFFSET 0) whole ON true
     CROSS JOIN LATERAL UNNEST(st.record_nos, st.updated_idxs) WITH ORDINALITY m(record_no, updated_idx, ordinal)
     LEFT JOIN LATERAL ( SELECT s.kind,
            s.due_at
           FROM sluice_internal.consumer_settlements s
          WHERE s.consumer_no = st.consumer_no AND s.lane = st.lane AND s.step_no = st.step_no AND s.ordinal = m.ordinal
         OFFSET 0) own ON true
  WHERE COALESCE(own.kind, whole.kind, 'n'::"char") = ANY (ARRAY['n'::"char", 'e'::"char"]);
-- columns: consumer_no integer, lane smallint, step_no bigint, ordinal integer, record_no bigint, updated_idx bigint, deliver_count integer, nacked boolean, due_at timestamp with time zone, secret bigint
comment on view sluice_internal._live_messages is 'The messages of a lane''s steps that are not settled: leased until due_at, or nacked and free again at due_at. Ask for consumer_no, lane and the open steps.';

-- ---------------- Functions

CREATE OR REPLACE FUNCTION sluice.consumer_ack(consumer_id text, ack_tokens text[], strict boolean DEFAULT false)
 RETURNS TABLE(accepted integer, rejected text[])
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_ack.consumer_id, 'consumer');
    v_done record;
begin
    if current_setting('transaction_isolation') = 'read committed' and array_ndims(consumer_ack.ack_tokens) = 1
        and array_position(consumer_ack.ack_tokens, null) is null
    then
        null;
    else
        perform sluice_internal._check_reading(1);
        perform sluice_internal._check_tokens(consumer_ack.ack_tokens);
    end if;
    v_done := sluice_internal._settle(v_consumer, consumer_ack.ack_tokens, 'a', null, null);
    accepted := v_done.accepted;
    rejected := v_done.rejected;
    if consumer_ack.strict and rejected <> '{}' then
        raise exception using
            errcode = 'SL120',
            message = format(
                '%s of %s tokens name no message that can be acknowledged',
                cardinality(rejected), cardinality(consumer_ack.ack_tokens)
            ),
            detail = left(array_to_string(rejected, ' '), 1000),
            hint = 'The message was delivered again, or settled before. Roll back, and handle it when it comes.';
    end if;
    return next;
end
$function$;
comment on function sluice.consumer_ack(text,text[],boolean) is 'Acknowledges messages: they are done and not delivered again until their record changes. Answers how many were accepted, and the rejected tokens; strict raises SL120 for those, so that the caller''s writes roll back. A late token is good as long as nobody else holds the message. Needs READ COMMITTED. Errors: SL001, SL003, SL103, SL120.';

CREATE OR REPLACE FUNCTION sluice.consumer_create(consumer_id text, stream_id text, deliver_policy text DEFAULT 'all'::text, ack_wait interval DEFAULT '00:01:00'::interval, max_deliver integer DEFAULT '-1'::integer, max_ack_pending integer DEFAULT NULL::integer, filter jsonb DEFAULT NULL::jsonb, metadata jsonb DEFAULT '{}'::jsonb)
 RETURNS sluice.consumers
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(consumer_create.stream_id, ''), 'admin');
    v_consumer_id text := sluice_internal._check_id('consumer_id', consumer_create.consumer_id);
    v_filter jsonb := sluice_internal._check_filter(consumer_create.filter);
    v_consumer sluice.consumers;
begin
    perform sluice_internal._hold_stream(v_stream);
    perform sluice_internal._check_consumer(
        consumer_create.ack_wait, consumer_create.max_deliver, consumer_create.max_ack_pending, consumer_create.metadata
    );
    insert into sluice_internal.consumers as c (
        consumer_id, stream_no, lanes, deliver_policy, start_idx, ack_wait, max_deliver, max_ack_pending, metadata,
        filter, provider_patterns, sync_patterns, collection_patterns, predicate
    )
    values (
        v_consumer_id, v_stream.stream_no, v_stream.lanes, consumer_create.deliver_policy,
        case coalesce(consumer_create.deliver_policy, 'null')
            when 'all' then 0
            when 'new' then null
            else sluice_internal._start_of(v_stream.stream_no, consumer_create.deliver_policy, 'deliver_policy')
        end,
        consumer_create.ack_wait, consumer_create.max_deliver, nullif(consumer_create.max_ack_pending, 0),
        coalesce(consumer_create.metadata, '{}'),
        v_filter, sluice_internal._filter_patterns(v_filter -> 'provider', ':%'),
        sluice_internal._filter_patterns(v_filter -> 'sync_id', ''), sluice_internal._filter_patterns(v_filter -> 'collection_id', ''),
        (v_filter ->> 'where')::jsonpath
    )
    on conflict do nothing;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the consumer id "%s" is taken', v_consumer_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    if consumer_create.deliver_policy = 'new' then
        perform sluice_internal._touch_stream(v_stream.stream_no);
    end if;
    select c.* into v_consumer from sluice.consumers as c where c.consumer_id = v_consumer_id collate "C";
    return v_consumer;
end
$function$;
comment on function sluice.consumer_create(text,text,text,interval,integer,integer,jsonb,jsonb) is 'Creates a reader of a stream and answers it. deliver_policy: all, from the beginning; new, everything that commits after this commits; an updated_idx (the first to be delivered), a time with its zone, or an age such as 1h. ack_wait: how long a message is leased. max_deliver: deliveries in all, -1 without limit. max_ack_pending: how many messages may be delivered and not settled at once, null without bound; 1 gives strict order. filter: {provider, sync_id, collection_id, where}: texts or arrays of texts with * for anything, and a JSONPath on data; all must match. Errors: SL001, SL101, SL110.';

CREATE OR REPLACE FUNCTION sluice.consumer_delete(consumer_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_delete.consumer_id, 'admin');
begin
    perform pg_advisory_xact_lock(sluice_internal._lock_key(4, v_consumer.consumer_no, 0));
    delete from sluice_internal.consumers as c where c.consumer_no = v_consumer.consumer_no;
    delete from sluice_internal.dead_letters as d where d.consumer_no = v_consumer.consumer_no;
    delete from sluice_internal.consumer_settlements as s where s.consumer_no = v_consumer.consumer_no;
    delete from sluice_internal.consumer_steps as t where t.consumer_no = v_consumer.consumer_no;
end
$function$;
comment on function sluice.consumer_delete(text) is 'Deletes a consumer with its position, leases and dead letters; no record is touched. Waits for transactions that read or acknowledge with it. Errors: SL103.';

CREATE OR REPLACE FUNCTION sluice.consumer_extend(consumer_id text, ack_tokens text[], ack_wait interval DEFAULT NULL::interval)
 RETURNS TABLE(accepted integer, rejected text[])
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_extend.consumer_id, 'consumer');
    v_wait interval := coalesce(consumer_extend.ack_wait, v_consumer.ack_wait);
begin
    perform sluice_internal._check_reading(1);
    perform sluice_internal._check_tokens(consumer_extend.ack_tokens);
    perform sluice_internal._check_consumer(v_wait, -1, null, '{}');
    return query
    select s.accepted, s.rejected
    from sluice_internal._settle(v_consumer, consumer_extend.ack_tokens, 'e', v_wait, null) as s;
end
$function$;
comment on function sluice.consumer_extend(text,text[],interval) is 'Leases messages for longer: until ack_wait (null: the consumer''s) from now. Answers how many were accepted, and the rejected tokens: of messages that were delivered again or settled since. A late token is good as long as nobody else holds the message. Needs READ COMMITTED. Errors: SL001, SL003, SL103.';

CREATE OR REPLACE FUNCTION sluice.consumer_info(consumer_id text)
 RETURNS sluice.consumer_details
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_info.consumer_id, 'reader');
    v_counted constant int := 10000;
    v_lanes int := v_consumer.lanes;
    v_details sluice.consumer_details;
begin
    with lane as materialized (
        select
            l.lane,
            coalesce(st.cursor_idx, v_consumer.start_idx) as cursor_idx,
            coalesce(st.open_steps, '{}') as open_steps,
            coalesce(st.parked_record_nos, '{}') as parked_record_nos,
            coalesce(st.parked_idxs, '{}') as parked_idxs,
            coalesce(st.skipped, 0) as skipped
        from generate_series(0, v_lanes - 1) as l (lane)
        left join lateral (
            select t.cursor_idx, t.open_steps, t.parked_record_nos, t.parked_idxs, t.skipped
            from sluice_internal.consumer_steps as t
            where t.consumer_no = v_consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st on true
    ),
    entry as materialized (
        select p.record_no, p.updated_idx
        from lane as l
        cross join lateral (
            select e.record_no, e.updated_idx
            from sluice_internal.positions as e
            where e.stream_no = v_consumer.stream_no and e.lane = l.lane and e.updated_idx > l.cursor_idx
            order by e.updated_idx
            limit v_counted + 1
        ) as p
        limit v_counted + 1
    ),
    parked as (
        select k.record_no, k.updated_idx
        from lane as l
        cross join lateral unnest(l.parked_record_nos, l.parked_idxs) as k (record_no, updated_idx)
    ),
    pending as (
        select count(*) as n, min(e.updated_idx) as first_idx
        from (select e.* from entry as e union all select k.* from parked as k) as e
        cross join lateral (
            select 1
            from sluice.records as r
            where
                r.record_no = e.record_no and r.updated_idx = e.updated_idx
                and sluice_internal._filter_matches(v_consumer, r.sync_id, r.collection_id, r.data)
            offset 0
        ) as r
    ),
    flight as (
        select count(*) as n, min(v.due_at) as oldest_due_at, min(v.updated_idx) as first_idx
        from lane as l
        inner join sluice_internal._live_messages as v
            on v.consumer_no = v_consumer.consumer_no and v.lane = l.lane and v.step_no = any(l.open_steps)
    ),
    far as (
        -- beyond the bound: every entry up to the end, the replaced ones too
        select sum(greatest(n.last_idx - l.cursor_idx, 0)) as n
        from lane as l
        cross join lateral (
            select e.updated_idx as last_idx
            from sluice_internal.positions as e
            where e.stream_no = v_consumer.stream_no and e.lane = l.lane
            order by e.updated_idx desc
            limit 1
        ) as n
    )
    select
        c.consumer_id,
        c.stream_id,
        c.deliver_policy,
        c.ack_wait,
        c.max_deliver,
        c.metadata,
        c.created_at,
        case
            when (select count(*) from entry) > v_counted then greatest((select f.n from far as f) / v_lanes, v_counted)::bigint
            else (select p.n from pending as p)
        end,
        (select count(*) from entry) > v_counted,
        (select f.n from flight as f),
        (select count(*) from sluice_internal.dead_letters as d where d.consumer_no = v_consumer.consumer_no),
        (select f.oldest_due_at from flight as f),
        c.max_ack_pending,
        c.filter,
        c.paused,
        (select sum(l.skipped) from lane as l)::bigint,
        clock_timestamp() - sluice_internal._time_of(v_consumer.stream_no, (select p.first_idx from pending as p)),
        clock_timestamp() - sluice_internal._time_of(v_consumer.stream_no, (select f.first_idx from flight as f))
    into v_details
    from sluice.consumers as c
    where c.consumer_id = v_consumer.consumer_id;
    return v_details;
end
$function$;
comment on function sluice.consumer_info(text) is 'One consumer with its numbers: num_pending, messages not delivered yet (exact to 10,000, beyond that marked as an estimate); num_ack_pending, delivered and not settled; oldest_due_at, when the first of those may be delivered again; num_filtered, kept back by the filter; lag and oldest_unacked_age, since the oldest message that is not delivered, or not settled, was committed. Errors: SL103.';

CREATE OR REPLACE FUNCTION sluice.consumer_nack(consumer_id text, ack_tokens text[], delay interval DEFAULT '00:00:00'::interval)
 RETURNS TABLE(accepted integer, rejected text[])
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_nack.consumer_id, 'consumer');
begin
    perform sluice_internal._check_reading(1);
    perform sluice_internal._check_tokens(consumer_nack.ack_tokens);
    if consumer_nack.delay is null or consumer_nack.delay < interval '0' or consumer_nack.delay > interval '1 year' then
        raise exception using
            errcode = 'SL001',
            message = format('delay must be between 0 and a year, not %s', coalesce(consumer_nack.delay::text, 'null')),
            hint = 'For example: interval ''30 seconds''.';
    end if;
    perform sluice_internal._wake(v_consumer.stream_no);
    return query
    select s.accepted, s.rejected
    from sluice_internal._settle(v_consumer, consumer_nack.ack_tokens, 'n', consumer_nack.delay, null) as s;
end
$function$;
comment on function sluice.consumer_nack(text,text[],interval) is 'Gives messages back: they are delivered again after delay, with a higher deliver_count; after the last of max_deliver they become dead letters. Answers how many were accepted, and the rejected tokens. Needs READ COMMITTED. Errors: SL001, SL003, SL103.';

CREATE OR REPLACE FUNCTION sluice.consumer_next(consumer_id text, batch_size integer DEFAULT 10, ack_tokens text[] DEFAULT NULL::text[])
 RETURNS SETOF sluice.message
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_memoize TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_next.consumer_id, 'consumer');
    -- Inside an explicit transaction the lanes stay locked for as long as it lasts, so it takes a share of them only.
    -- Drivers that send parameters apart from the statement cannot be told from one; they may set pgsluice.autocommit.
    v_open boolean := (statement_timestamp() <> transaction_timestamp() or pg_current_xact_id_if_assigned() is not null)
        and coalesce(current_setting('pgsluice.autocommit', true), '') <> 'on';
    v_lanes int := v_consumer.lanes;
    v_lane int;
    v_state record;
    v_hit record;
    v_message sluice.message;
    v_secret bigint;
    v_step_no bigint;
    v_leased_until timestamptz;
    v_taken int := 0;
    v_need int;
    v_count int;
    v_next int;
    v_first int;
    v_batch_lane int;
    v_enough int := 0;
    v_ready int[];
    v_locked int[] := '{}';
    v_done int[] := '{}';
    v_bytes bigint := 33554432;
begin
    if consumer_next.batch_size between 1 and 1000 and current_setting('transaction_isolation') = 'read committed' then
        null;
    else
        perform sluice_internal._check_reading(consumer_next.batch_size);
    end if;
    if consumer_next.ack_tokens is not null then
        if array_ndims(consumer_next.ack_tokens) = 1 and array_position(consumer_next.ack_tokens, null) is null then
            null;
        else
            perform sluice_internal._check_tokens(consumer_next.ack_tokens);
        end if;
        v_hit := sluice_internal._settle(v_consumer, consumer_next.ack_tokens, 'a', null, null);
    end if;
    if v_consumer.paused then
        return;
    end if;
    if v_consumer.max_ack_pending is not null then
        return query
        select m.* from sluice_internal._next_bounded(v_consumer, v_lanes, consumer_next.batch_size, v_open) as m;
        return;
    end if;
    v_lane := floor(random() * v_lanes);
    v_first := v_lane;

    -- The usual cases, several times cheaper than what follows: a backlog, and nothing in this lane but new messages.
    if v_consumer.filter is null and consumer_next.batch_size = 1 then
        -- Read without the lock, in one statement. Whoever came first since has written the step that would be written here: then
        -- it is not, and the general way looks again.
        select
            coalesce(st.step_no, 0) + 1 as step_no,
            coalesce(st.open_steps, '{}') as open_steps,
            coalesce(st.replay_idx, 0) as replay_idx,
            coalesce(st.skipped, 0) as skipped,
            st.next_due,
            e.updated_idx, e.record_no, e.first, r.*, y.external_id, y.metadata
        into v_hit
        from (select) as one
        left join lateral (
            select t.step_no, t.cursor_idx, t.replay_idx, t.skipped, t.next_due, t.parked_record_nos, t.open_steps
            from sluice_internal.consumer_steps as t
            where t.consumer_no = v_consumer.consumer_no and t.lane = v_lane
            order by t.step_no desc
            limit 1
        ) as st on true
        cross join lateral (
            select p.updated_idx, p.record_no, p.first
            from sluice_internal.positions as p
            where
                p.stream_no = v_consumer.stream_no and p.lane = v_lane
                and p.updated_idx > coalesce(st.cursor_idx, v_consumer.start_idx)
            order by p.updated_idx
            limit 100
        ) as e
        cross join lateral (
            select
                o.sync_id, o.collection_id, o.upstream_id, o.upstream_created_at, o.upstream_updated_at, o.deleted, o.data,
                pg_column_size(o.data) as bytes
            from sluice.records as o
            where o.record_no = e.record_no and o.updated_idx = e.updated_idx
            offset 0
        ) as r
        left join lateral (
            select z.external_id, z.metadata from sluice_internal.syncs as z where z.sync_id = r.sync_id offset 0
        ) as y on true
        where
            case
                when st.step_no is null then true
                when st.parked_record_nos <> '{}' or st.next_due <= clock_timestamp() then false
                when st.open_steps = '{}' then true
                else not exists (
                    select
                    from sluice_internal.consumer_settlements as s
                    where
                        s.consumer_no = v_consumer.consumer_no and s.lane = v_lane and s.due_at <= clock_timestamp()
                        and s.step_no = any(st.open_steps)
                )
            end
        limit 1;
        if found and (v_hit.open_steps = '{}' or (v_hit.first and v_hit.updated_idx > v_hit.replay_idx))
            and pg_try_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, v_lane))
            and pg_try_advisory_xact_lock_shared(sluice_internal._lock_key(4, v_consumer.consumer_no, 0))
        then
            v_secret := sluice_internal._random_bits();
            v_leased_until := clock_timestamp() + v_consumer.ack_wait;
            v_step_no := v_hit.step_no;
            insert into sluice_internal.consumer_steps (
                consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect,
                data_bytes, secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
            )
            select
                v_consumer.consumer_no, v_lane, v_step_no, v_hit.updated_idx, o.open_steps || v_step_no,
                least(case when o.open_steps <> '{}' then v_hit.next_due end, v_leased_until), '{}', '{}', false,
                coalesce(v_hit.bytes, 0), v_secret, v_leased_until, array[v_hit.record_no], array[v_hit.updated_idx],
                v_hit.replay_idx, v_hit.skipped
            from (
                select case
                    when v_hit.open_steps = '{}' then '{}'
                    -- with many leases open, not at every step
                    when cardinality(v_hit.open_steps) > 32 and (v_step_no & 15) > 0 then v_hit.open_steps
                    else array(
                        select u.step_no
                        from unnest(v_hit.open_steps) as u (step_no)
                        where not exists (
                            select
                            from sluice_internal.consumer_settlements as s
                            where
                                s.consumer_no = v_consumer.consumer_no and s.lane = v_lane
                                and s.step_no = u.step_no and s.ordinal = 0 and s.kind not in ('n', 'e')
                        )
                    )
                end as open_steps
                offset 0
            ) as o
            where exists (select from sluice_internal.consumers as c where c.consumer_no = v_consumer.consumer_no)
            on conflict do nothing;
            if found then
                v_message.ack_token := sluice_internal._ack_token(v_lane, v_step_no, 1, v_secret);
                v_message.sync_id := v_hit.sync_id;
                v_message.collection_id := v_hit.collection_id;
                v_message.upstream_id := v_hit.upstream_id;
                v_message.updated_idx := v_hit.updated_idx;
                v_message.upstream_created_at := v_hit.upstream_created_at;
                v_message.upstream_updated_at := v_hit.upstream_updated_at;
                v_message.deleted := v_hit.deleted;
                v_message.deliver_count := 1;
                v_message.external_id := v_hit.external_id;
                v_message.sync_metadata := v_hit.metadata;
                v_message.data := v_hit.data;
                return next v_message;
                if v_step_no % 64 = 0 then
                    perform sluice_internal._lane_trim(v_consumer.consumer_no, v_lane, v_step_no, v_hit.open_steps || v_step_no);
                end if;
                return;
            end if;
        end if;
    elsif v_consumer.filter is null then
        -- A lane with much in it that nobody else reads; a few in each lane are taken together, below.
        while v_batch_lane is null and exists (
            select
            from sluice_internal.positions as p
            where
                p.stream_no = v_consumer.stream_no and p.lane = v_lane
                and p.updated_idx > coalesce(
                    (
                        select st.cursor_idx
                        from sluice_internal.consumer_steps as st
                        where st.consumer_no = v_consumer.consumer_no and st.lane = v_lane
                        order by st.step_no desc
                        limit 1
                    ),
                    v_consumer.start_idx
                )
            offset least(consumer_next.batch_size, 32) - 1
        ) loop
            if pg_try_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, v_lane)) then
                v_batch_lane := v_lane;
            else
                v_lane := (v_lane + 1) % v_lanes;
                exit when v_lane = v_first;
            end if;
        end loop;
    end if;
    if v_batch_lane is not null then
        if not pg_try_advisory_xact_lock_shared(sluice_internal._lock_key(4, v_consumer.consumer_no, 0)) then
            perform sluice_internal._hold_consumer(v_consumer);
        end if;
        -- Lock first, and read what the lock protects in the next statement.
        select
            coalesce(st.step_no, 0) + 1 as step_no,
            coalesce(st.cursor_idx, c.start_idx) as cursor_idx,
            coalesce(st.replay_idx, 0) as replay_idx,
            coalesce(st.skipped, 0) as skipped,
            st.next_due,
            coalesce(st.parked_record_nos, '{}') = '{}'
            and coalesce(st.next_due > clock_timestamp(), true)
            and (
                coalesce(st.open_steps, '{}') = '{}'
                or not exists (
                    select
                    from sluice_internal.consumer_settlements as s
                    where
                        s.consumer_no = st.consumer_no and s.lane = v_lane and s.due_at <= clock_timestamp()
                        and s.step_no = any(st.open_steps)
                )
            ) as clean,
            case
                when coalesce(st.open_steps, '{}') = '{}' then '{}'
                -- with many leases open, not at every step
                when cardinality(st.open_steps) > 32 and (st.step_no & 15) > 0 then st.open_steps
                else array(
                    select u.step_no
                    from unnest(st.open_steps) as u (step_no)
                    where not exists (
                        select
                        from sluice_internal.consumer_settlements as s
                        where
                            s.consumer_no = st.consumer_no and s.lane = v_lane
                            and s.step_no = u.step_no and s.ordinal = 0 and s.kind not in ('n', 'e')
                    )
                )
            end as open_steps
        into v_state
        from sluice_internal.consumers as c
        left join lateral (
            select t.*
            from sluice_internal.consumer_steps as t
            where t.consumer_no = v_consumer.consumer_no and t.lane = v_lane
            order by t.step_no desc
            limit 1
        ) as st on true
        where c.consumer_no = v_consumer.consumer_no;
        if not found then
            perform sluice_internal._hold_consumer(v_consumer);
        end if;
        v_secret := sluice_internal._random_bits();
        v_leased_until := clock_timestamp() + v_consumer.ack_wait;
        v_step_no := v_state.step_no;
        if v_state.clean then
            -- One statement: the entries, the records as they are now, and how far was looked, all by one snapshot. It does
            -- nothing where a record is in flight or the data might be more than 32 MB: the general way knows what to do.
            return query
            with entry as materialized (
                select
                    e.updated_idx, e.record_no, e.busy, r.*,
                    row_number() over (rows unbounded preceding) as ordinal
                from (
                    select
                        p.updated_idx,
                        p.record_no,
                        (not p.first or p.updated_idx <= v_state.replay_idx) and v_state.open_steps <> '{}' and p.record_no = any(
                            (select sluice_internal._lane_busy(v_consumer.consumer_no, v_lane, v_state.open_steps))::bigint[]
                        ) as busy
                    from sluice_internal.positions as p
                    where p.stream_no = v_consumer.stream_no and p.lane = v_lane and p.updated_idx > v_state.cursor_idx
                    order by p.updated_idx
                    limit greatest(consumer_next.batch_size, 10000 / v_lanes)
                ) as e
                cross join lateral (
                    select
                        o.sync_id, o.collection_id, o.upstream_id, o.upstream_created_at, o.upstream_updated_at, o.deleted, o.data,
                        -- a compressed document is at most 90 times as large
                        pg_column_size(o.data) * case when pg_column_compression(o.data) is null then 1 else 90 end as bytes
                    from sluice.records as o
                    where o.record_no = e.record_no and o.updated_idx = e.updated_idx
                    offset 0
                ) as r
                limit consumer_next.batch_size
            ),
            leased as materialized (
                select
                    array_agg(n.record_no) as record_nos,
                    array_agg(n.updated_idx) as updated_idxs,
                    coalesce(sum(n.bytes), 0) as bytes,
                    -- fewer than wanted: everything in reach was looked at
                    case
                        when count(*) < consumer_next.batch_size then (
                            select max(w.updated_idx)
                            from (
                                select p.updated_idx
                                from sluice_internal.positions as p
                                where p.stream_no = v_consumer.stream_no and p.lane = v_lane and p.updated_idx > v_state.cursor_idx
                                order by p.updated_idx
                                limit greatest(consumer_next.batch_size, 10000 / v_lanes)
                            ) as w
                        )
                        else max(n.updated_idx)
                    end as cursor_idx,
                    min(n.sync_id) as sync_id
                from entry as n
                having count(*) > 0 and not bool_or(n.busy) and coalesce(sum(n.bytes), 0) <= 33554432
            ),
            stepped as (
                insert into sluice_internal.consumer_steps (
                    consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect,
                    data_bytes, secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
                )
                select
                    v_consumer.consumer_no, v_lane, v_step_no, l.cursor_idx, v_state.open_steps || v_step_no,
                    least(case when v_state.open_steps <> '{}' then v_state.next_due end, v_leased_until), '{}', '{}', false,
                    l.bytes, v_secret, v_leased_until, l.record_nos, l.updated_idxs, v_state.replay_idx, v_state.skipped
                from leased as l
            )
            select
                sluice_internal._ack_token(v_lane, v_step_no, n.ordinal::int, v_secret),
                n.sync_id,
                n.collection_id,
                n.upstream_id,
                n.updated_idx,
                n.upstream_created_at,
                n.upstream_updated_at,
                n.deleted,
                1,
                -- most batches are of one sync: it is looked up once
                case
                    when n.sync_id = f.sync_id then f.external_id
                    else (select y.external_id from sluice_internal.syncs as y where y.sync_id = n.sync_id)
                end,
                case
                    when n.sync_id = f.sync_id then f.metadata
                    else (select y.metadata from sluice_internal.syncs as y where y.sync_id = n.sync_id)
                end,
                n.data
            from (
                select l.sync_id, y.external_id, y.metadata
                from leased as l
                left join sluice_internal.syncs as y on y.sync_id = l.sync_id
                offset 0
            ) as f
            cross join entry as n;
            get diagnostics v_taken = row_count;
        end if;
        if v_taken > 0 and v_step_no % 64 = 0 then
            perform sluice_internal._lane_trim(v_consumer.consumer_no, v_lane, v_step_no, v_state.open_steps || v_step_no);
        end if;
        if v_taken = consumer_next.batch_size then
            return;
        elsif v_taken > 0 then
            v_done := array[v_lane];
            select 33554432 - st.data_bytes into v_bytes
            from sluice_internal.consumer_steps as st
            where st.consumer_no = v_consumer.consumer_no and st.lane = v_lane and st.step_no = v_step_no;
        end if;
    end if;
    -- Nearly read to the end, a stream has a few in each lane: they are taken together.
    if v_consumer.filter is null then
        v_need := consumer_next.batch_size - v_taken;
        v_ready := sluice_internal._lanes_ready(v_consumer, v_lanes, v_lane, least(v_need, v_lanes));
        if v_ready is null then
            return;
        end if;
        foreach v_next in array v_ready loop
            exit when v_open and (v_enough >= v_need or cardinality(v_locked) >= greatest(1, v_lanes / 2 - (v_taken > 0)::int));
            if pg_try_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, v_next)) then
                v_locked := v_locked || v_next;
                -- no more lanes than it takes: they stay locked
                if v_open then
                    v_enough := v_enough + (
                        select count(*)
                        from (
                            select
                            from sluice_internal.positions as p
                            where
                                p.stream_no = v_consumer.stream_no and p.lane = v_next
                                and p.updated_idx > coalesce(
                                    (
                                        select st.cursor_idx
                                        from sluice_internal.consumer_steps as st
                                        where st.consumer_no = v_consumer.consumer_no and st.lane = v_next
                                        order by st.step_no desc
                                        limit 1
                                    ),
                                    v_consumer.start_idx
                                )
                            limit v_need
                        ) as e
                    );
                end if;
            end if;
        end loop;
        if v_locked = '{}' then
            -- somebody else reads there; a lane that was not looked at may be free
            v_first := (v_ready[cardinality(v_ready)] + 1) % v_lanes;
        else
            if not pg_try_advisory_xact_lock_shared(sluice_internal._lock_key(4, v_consumer.consumer_no, 0)) then
                perform sluice_internal._hold_consumer(v_consumer);
            end if;
            return query
            select m.* from sluice_internal._take_many(v_consumer, v_locked, v_need, v_bytes) as m;
            get diagnostics v_count = row_count;
            v_taken := v_taken + v_count;
            if v_taken = consumer_next.batch_size then
                return;
            end if;
            if v_count > 0 then
                v_done := v_done || v_locked;
                select v_bytes - sum(st.data_bytes) into v_bytes
                from unnest(v_locked) as l (lane)
                cross join lateral sluice_internal._lane_state(v_consumer.consumer_no, l.lane, 0) as st;
            end if;
        end if;
    end if;
    return query
    select m.*
    from sluice_internal._next_lanes(
        v_consumer, v_lanes, v_first, v_done, consumer_next.batch_size,
        consumer_next.batch_size - v_taken, v_bytes, v_open, null, 9223372036854775807
    ) as m;
end
$function$;
comment on function sluice.consumer_next(text,integer,text[]) is 'Leases up to batch_size messages (1 to 1000, 32 MB together) for ack_wait and answers them; ack_tokens of earlier messages are acknowledged in the same transaction. What is not acknowledged in time is delivered again. Inside an explicit transaction it takes from at most half of the lanes, so that others can go on; a call with separately sent parameters counts as one, unless its session, which commits at once, has set pgsluice.autocommit = on. With a filter at most 10,000 entries are stepped over in a call, and remembered, so that an answer may be empty while more lies behind. Needs READ COMMITTED. Locks lanes (tried, never waited for). Errors: SL001, SL003, SL103.';

CREATE OR REPLACE FUNCTION sluice.consumer_pause(consumer_id text)
 RETURNS sluice.consumer_details
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_pause.consumer_id, 'admin');
begin
    update sluice_internal.consumers as c set paused = true where c.consumer_no = v_consumer.consumer_no and c.paused <> true;
    return sluice.consumer_info(consumer_pause.consumer_id);
end
$function$;
comment on function sluice.consumer_pause(text) is 'Pauses a consumer and answers it with its numbers: consumer_next acknowledges and delivers nothing. What is leased stays leased, and can be settled. Locks the consumer''s row. Errors: SL103.';

CREATE OR REPLACE FUNCTION sluice.consumer_peek(consumer_id text, batch_size integer DEFAULT 10)
 RETURNS SETOF sluice.message
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_peek.consumer_id, 'reader');
    v_now timestamptz := clock_timestamp();
    v_lanes int := v_consumer.lanes;
begin
    perform sluice_internal._check_reading(consumer_peek.batch_size);
    return query
    with lane as materialized (
        select
            l.lane,
            coalesce(st.cursor_idx, v_consumer.start_idx) as cursor_idx,
            coalesce(st.open_steps, '{}') as open_steps,
            coalesce(st.parked_record_nos, '{}') as parked_record_nos,
            coalesce(st.parked_idxs, '{}') as parked_idxs
        from generate_series(0, v_lanes - 1) as l (lane)
        left join lateral (
            select t.*
            from sluice_internal.consumer_steps as t
            where t.consumer_no = v_consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st on true
    ),
    live as materialized (
        select v.record_no, v.updated_idx, v.deliver_count, v.due_at
        from lane as l
        inner join sluice_internal._live_messages as v
            on v.consumer_no = v_consumer.consumer_no and v.lane = l.lane and v.step_no = any(l.open_steps)
    ),
    due as (
        -- what is due again, or was passed while its record was in flight, in its newest version
        select r.record_no, r.updated_idx, case when r.updated_idx = d.updated_idx then d.deliver_count + 1 else 1 end as deliver_count
        from (
            select v.record_no, v.updated_idx, v.deliver_count from live as v where v.due_at <= v_now
            union all
            select k.record_no, k.updated_idx, 0
            from lane as l
            cross join lateral unnest(l.parked_record_nos, l.parked_idxs) as k (record_no, updated_idx)
            where k.record_no <> all(array(select v.record_no from live as v))
        ) as d
        cross join lateral (
            select o.record_no, o.updated_idx from sluice.records as o where o.record_no = d.record_no offset 0
        ) as r
        inner join lane as l on l.lane = (d.record_no % v_lanes)::int and r.updated_idx <= l.cursor_idx
        where
            (d.deliver_count > 0 or r.updated_idx = d.updated_idx)
            and not (v_consumer.max_deliver > 0 and r.updated_idx = d.updated_idx and d.deliver_count >= v_consumer.max_deliver)
    ),
    fresh as (
        select p.record_no, p.updated_idx, 1 as deliver_count
        from lane as l
        cross join lateral (
            select r.record_no, r.updated_idx
            from (
                select e.record_no, e.updated_idx
                from sluice_internal.positions as e
                where e.stream_no = v_consumer.stream_no and e.lane = l.lane and e.updated_idx > l.cursor_idx
                order by e.updated_idx
                limit 10000 / v_lanes + consumer_peek.batch_size
            ) as e
            cross join lateral (
                select o.record_no, o.updated_idx
                from sluice.records as o
                where
                    o.record_no = e.record_no and o.updated_idx = e.updated_idx
                    and sluice_internal._filter_matches(v_consumer, o.sync_id, o.collection_id, o.data)
                offset 0
            ) as r
            where
                not exists (select from live as v where v.record_no = r.record_no and v.due_at > v_now)
                and not exists (select from due as d where d.record_no = r.record_no)
            limit consumer_peek.batch_size
        ) as p
    )
    select
        null, f.sync_id, f.collection_id, f.upstream_id, f.updated_idx, f.upstream_created_at, f.upstream_updated_at, f.deleted,
        f.deliver_count, f.external_id, f.metadata, f.data
    from (
        select
            r.*, m.deliver_count, y.external_id, y.metadata,
            sum(
                case when pg_column_compression(r.data) is null then pg_column_size(r.data) else octet_length(r.data::text) end
            ) over (order by r.updated_idx) as bytes,
            row_number() over (order by r.updated_idx) as place
        from (
            select d.* from due as d
            union all
            select f.* from fresh as f
        ) as m
        inner join sluice.records as r on r.record_no = m.record_no and r.updated_idx = m.updated_idx
        left join sluice_internal.syncs as y on y.sync_id = r.sync_id
        where sluice_internal._filter_matches(v_consumer, r.sync_id, r.collection_id, r.data)
        order by r.updated_idx
        limit consumer_peek.batch_size
    ) as f
    where f.place = 1 or f.bytes <= 33554432
    order by f.updated_idx;
end
$function$;
comment on function sluice.consumer_peek(text,integer) is 'What consumer_next would deliver now, by updated_idx, without leasing anything (32 MB at most): ack_token is null, deliver_count as it would be. Looks at no more than some 10,000 entries. Works while the consumer is paused. Errors: SL001, SL003, SL103.';

CREATE OR REPLACE FUNCTION sluice.consumer_resume(consumer_id text)
 RETURNS sluice.consumer_details
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_resume.consumer_id, 'admin');
begin
    update sluice_internal.consumers as c set paused = false where c.consumer_no = v_consumer.consumer_no and c.paused <> false;
    perform sluice_internal._wake(v_consumer.stream_no);
    return sluice.consumer_info(consumer_resume.consumer_id);
end
$function$;
comment on function sluice.consumer_resume(text) is 'Lets a paused consumer deliver again, and answers it with its numbers. Locks the consumer''s row. Errors: SL103.';

CREATE OR REPLACE FUNCTION sluice.consumer_seek(consumer_id text, target text)
 RETURNS sluice.consumer_details
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_seek.consumer_id, 'admin');
    v_start_idx bigint;
begin
    perform sluice_internal._check_reading(1);
    v_start_idx := case consumer_seek.target
        when 'start' then 0
        when 'end' then nextval(format('sluice_internal.position_%s', v_consumer.stream_no)::regclass)
        else sluice_internal._start_of(v_consumer.stream_no, consumer_seek.target, 'target')
    end;
    perform sluice_internal._hold_consumer(v_consumer);
    update sluice_internal.consumers as c
    set start_idx = case when consumer_seek.target <> 'end' then v_start_idx end
    where c.consumer_no = v_consumer.consumer_no;
    perform pg_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, l.lane))
    from generate_series(0, v_consumer.lanes - 1) as l (lane);
    perform sluice_internal._move_cursors(v_consumer.consumer_no, v_consumer.lanes, v_start_idx);
    delete from sluice_internal.dead_letters as d
    where d.consumer_no = v_consumer.consumer_no and d.updated_idx > v_start_idx;
    if consumer_seek.target = 'end' then
        perform sluice_internal._touch_stream(v_consumer.stream_no);
    end if;
    perform sluice_internal._wake(v_consumer.stream_no);
    return sluice.consumer_info(consumer_seek.consumer_id);
end
$function$;
comment on function sluice.consumer_seek(text,text) is 'Moves a consumer and answers it with its numbers. target: start; end (what commits after this commits); an updated_idx (the first to be delivered); a time with its zone, or an age such as 1h (everything committed since). Leased messages stay leased, and their records come again after they are settled; dead letters from there on are delivered with the rest. Waits for calls and transactions that read with the consumer. Needs READ COMMITTED. Errors: SL001, SL003, SL103.';

CREATE OR REPLACE FUNCTION sluice.consumer_term(consumer_id text, ack_tokens text[], reason text DEFAULT NULL::text)
 RETURNS TABLE(accepted integer, rejected text[])
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_term.consumer_id, 'consumer');
begin
    perform sluice_internal._check_reading(1);
    perform sluice_internal._check_tokens(consumer_term.ack_tokens);
    if octet_length(consumer_term.reason) > 1000 then
        raise exception using
            errcode = 'SL001',
            message = format('reason has %s bytes, and may have 1000', octet_length(consumer_term.reason)),
            hint = 'Nothing was changed. Give it in short; the record stays readable.';
    end if;
    return query
    select s.accepted, s.rejected
    from sluice_internal._settle(
        v_consumer, consumer_term.ack_tokens, 'd', null, coalesce(nullif(consumer_term.reason, ''), 'terminated')
    ) as s;
end
$function$;
comment on function sluice.consumer_term(text,text[],text) is 'Gives messages up: they become dead letters with that reason (at most 1000 bytes; null: terminated) and are not delivered again until their record changes. Answers how many were accepted, and the rejected tokens. Needs READ COMMITTED. Errors: SL001, SL003, SL103.';

CREATE OR REPLACE FUNCTION sluice.consumer_update(consumer_id text, ack_wait interval DEFAULT NULL::interval, max_deliver integer DEFAULT NULL::integer, metadata jsonb DEFAULT NULL::jsonb, max_ack_pending integer DEFAULT NULL::integer, filter jsonb DEFAULT NULL::jsonb)
 RETURNS sluice.consumers
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_update.consumer_id, 'admin');
    v_filter jsonb := sluice_internal._check_filter(consumer_update.filter);
    v_consumer sluice.consumers;
begin
    -- what another update has changed meanwhile stays
    select c.* into v_known from sluice_internal.consumers as c where c.consumer_no = v_known.consumer_no for no key update;
    v_known.ack_wait := coalesce(consumer_update.ack_wait, v_known.ack_wait);
    v_known.max_deliver := coalesce(consumer_update.max_deliver, v_known.max_deliver);
    v_known.max_ack_pending := coalesce(consumer_update.max_ack_pending, v_known.max_ack_pending);
    v_known.metadata := coalesce(consumer_update.metadata, v_known.metadata);
    perform sluice_internal._check_consumer(
        v_known.ack_wait, v_known.max_deliver, v_known.max_ack_pending, v_known.metadata
    );
    if consumer_update.filter is not null then
        v_known.filter := v_filter;
    end if;
    update sluice_internal.consumers as c
    set
        ack_wait = v_known.ack_wait,
        max_deliver = v_known.max_deliver,
        max_ack_pending = nullif(v_known.max_ack_pending, 0),
        metadata = v_known.metadata,
        filter = v_known.filter,
        provider_patterns = sluice_internal._filter_patterns(v_known.filter -> 'provider', ':%'),
        sync_patterns = sluice_internal._filter_patterns(v_known.filter -> 'sync_id', ''),
        collection_patterns = sluice_internal._filter_patterns(v_known.filter -> 'collection_id', ''),
        predicate = (v_known.filter ->> 'where')::jsonpath
    where c.consumer_no = v_known.consumer_no;
    perform sluice_internal._wake(v_known.stream_no);
    select c.* into v_consumer from sluice.consumers as c where c.consumer_id = v_known.consumer_id;
    return v_consumer;
end
$function$;
comment on function sluice.consumer_update(text,interval,integer,jsonb,integer,jsonb) is 'Changes a consumer and answers it; what is null stays. max_ack_pending 0: no bound; filter {}: no filter. Messages that are leased keep the time they were leased for; a new filter decides on what is delivered from now on, also again, and what was stepped over stays behind (consumer_seek goes back). Locks the consumer''s row. Errors: SL001, SL103.';

CREATE OR REPLACE FUNCTION sluice.credential_delete(credential_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_sync_id text;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform from sluice_internal.credentials as c where c.credential_id = credential_delete.credential_id collate "C" for update;
    if not found then
        raise exception using
            errcode = 'SL104',
            message = format('credential "%s" does not exist', left(credential_delete.credential_id, 200)),
            hint = 'List the credentials with: select credential_id, provider from sluice.credentials';
    end if;
    select y.sync_id into v_sync_id
    from sluice_internal.syncs as y
    where y.credential_id = credential_delete.credential_id collate "C"
    limit 1;
    if found then
        raise exception using
            errcode = 'SL111',
            message = format('credential "%s" is used by sync "%s"', credential_delete.credential_id, v_sync_id),
            hint = 'Delete its syncs first.';
    end if;
    delete from sluice_internal.credentials as c where c.credential_id = credential_delete.credential_id collate "C";
end
$function$;
comment on function sluice.credential_delete(text) is 'Deletes a credential that no sync uses. Locks its row. Errors: SL104, SL111.';

CREATE OR REPLACE FUNCTION sluice.dead_letter_purge(consumer_id text, sync_id text DEFAULT NULL::text, collection_id text DEFAULT NULL::text, upstream_id text DEFAULT NULL::text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(dead_letter_purge.consumer_id, 'admin');
    v_count int;
begin
    delete from sluice_internal.dead_letters as t
    where
        t.consumer_no = v_consumer.consumer_no
        and t.record_no in (
            select d.record_no
            from sluice_internal.dead_letters as d
            left join sluice.records as r on r.record_no = d.record_no
            where
                d.consumer_no = v_consumer.consumer_no
                and (dead_letter_purge.sync_id is null or r.sync_id = dead_letter_purge.sync_id collate "C")
                and (dead_letter_purge.collection_id is null or r.collection_id = dead_letter_purge.collection_id collate "C")
                and (dead_letter_purge.upstream_id is null or r.upstream_id = dead_letter_purge.upstream_id collate "C")
        );
    get diagnostics v_count = row_count;
    return v_count;
end
$function$;
comment on function sluice.dead_letter_purge(text,text,text,text) is 'Removes dead letters, and answers how many: all of a consumer, or those of a sync, a collection, a record. No record is touched. Errors: SL103.';

CREATE OR REPLACE FUNCTION sluice.dead_letter_retry(consumer_id text, sync_id text DEFAULT NULL::text, collection_id text DEFAULT NULL::text, upstream_id text DEFAULT NULL::text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(dead_letter_retry.consumer_id, 'admin');
    v_lanes int := v_consumer.lanes;
    v_record_nos bigint[];
    v_count int;
begin
    perform sluice_internal._check_reading(1);
    perform sluice_internal._hold_consumer(v_consumer);
    select array_agg(n.record_no) into v_record_nos
    from (
        select d.record_no
        from sluice_internal.dead_letters as d
        left join sluice.records as r on r.record_no = d.record_no
        where
            d.consumer_no = v_consumer.consumer_no
            and (dead_letter_retry.sync_id is null or r.sync_id = dead_letter_retry.sync_id collate "C")
            and (dead_letter_retry.collection_id is null or r.collection_id = dead_letter_retry.collection_id collate "C")
            and (dead_letter_retry.upstream_id is null or r.upstream_id = dead_letter_retry.upstream_id collate "C")
        order by d.died_at
        limit 10000
    ) as n;
    perform pg_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, l.lane))
    from (select distinct (n.record_no % v_lanes)::int as lane from unnest(v_record_nos) as n (record_no) order by 1 offset 0) as l;
    -- Behind the cursor they are parked, as what was passed while its record was in flight; ahead of it they come anyway.
    with revived as (
        delete from sluice_internal.dead_letters as t
        where t.consumer_no = v_consumer.consumer_no and t.record_no = any(v_record_nos)
        returning t.record_no, t.updated_idx
    ),
    current as materialized (
        select v.record_no, v.updated_idx, (v.record_no % v_lanes)::int as lane
        from revived as v
        inner join sluice.records as r on r.record_no = v.record_no and r.updated_idx = v.updated_idx
    ),
    parked as (
        insert into sluice_internal.consumer_steps (
            consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect, data_bytes,
            secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
        )
        select
            v_consumer.consumer_no, c.lane, st.step_no + 1, st.cursor_idx, st.open_steps, st.next_due,
            st.parked_idxs || c.updated_idxs, st.parked_record_nos || c.record_nos, false, 0,
            st.secret, null, '{}', '{}', st.replay_idx, st.skipped
        from (select distinct n.lane from current as n) as l
        cross join lateral (
            select t.*
            from sluice_internal.consumer_steps as t
            where t.consumer_no = v_consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st
        cross join lateral (
            select
                n.lane,
                array_agg(n.updated_idx order by n.updated_idx) as updated_idxs,
                array_agg(n.record_no order by n.updated_idx) as record_nos
            from current as n
            where n.lane = l.lane and n.updated_idx <= st.cursor_idx and n.record_no <> all(st.parked_record_nos)
            group by n.lane
        ) as c
    )
    select count(*) into v_count from current as n;
    perform sluice_internal._wake(v_consumer.stream_no);
    return v_count;
end
$function$;
comment on function sluice.dead_letter_retry(text,text,text,text) is 'Delivers dead letters again, with a deliver_count from 1, and answers how many: all of a consumer, or those of a sync, a collection, a record. Those whose record has changed since are removed without being counted: that version is delivered anyway. At most 10,000 a call. Waits for calls and transactions that read in the same lanes. Needs READ COMMITTED. Errors: SL003, SL103.';

CREATE OR REPLACE FUNCTION sluice.mutation_cancel(mutation_id text)
 RETURNS sluice.mutations
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.mutations := sluice_internal._authorize_mutation(mutation_cancel.mutation_id, 'mutator');
    v_mutation sluice.mutations;
begin
    update sluice_internal.mutation_items as i
    set status = 'cancelled', finished_at = clock_timestamp()
    where i.mutation_no = v_known.mutation_no and i.status = 'queued' and i.first_sent_at is null;
    perform sluice_internal._mutation_close(v_known.mutation_no);
    select m.* into v_mutation from sluice.mutations as m where m.mutation_id = v_known.mutation_id;
    return v_mutation;
end
$function$;
comment on function sluice.mutation_cancel(text) is 'Takes back the items that were not sent yet; the others go on. Answers the mutation. Locks those items. Errors: SL108.';

CREATE OR REPLACE FUNCTION sluice.mutation_resolve(mutation_id text, item_no integer, status text)
 RETURNS sluice.mutations
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.mutations := sluice_internal._authorize_mutation(mutation_resolve.mutation_id, 'mutator');
    v_mutation sluice.mutations;
begin
    if mutation_resolve.status is null or mutation_resolve.status not in ('succeeded', 'failed', 'queued') then
        raise exception using
            errcode = 'SL001',
            message = 'status must be succeeded, failed or queued',
            hint = 'Look at the vendor first: succeeded if the write is there, failed to leave it, queued to send it again.';
    end if;
    update sluice_internal.mutation_items as i
    set
        status = mutation_resolve.status,
        finished_at = case when mutation_resolve.status <> 'queued' then clock_timestamp() end,
        error = case when mutation_resolve.status = 'failed' then i.error end,
        vendor_key = case when mutation_resolve.status = 'queued' then gen_random_uuid() else i.vendor_key end,
        first_sent_at = case when mutation_resolve.status <> 'queued' then i.first_sent_at end,
        next_attempt_at = clock_timestamp()
    where i.mutation_no = v_known.mutation_no and i.item_no = mutation_resolve.item_no and i.status = 'unknown';
    if not found then
        raise exception using
            errcode = 'SL001',
            message = format('item %s of this mutation is not in the state unknown', mutation_resolve.item_no),
            hint = 'Only what cannot be known needs a decision; mutation_result shows the states.';
    end if;
    if mutation_resolve.status = 'queued' then
        update sluice_internal.mutations as m set finished_at = null where m.mutation_no = v_known.mutation_no;
        perform pg_notify('sluice_mutations', '');
    end if;
    select m.* into v_mutation from sluice.mutations as m where m.mutation_id = v_known.mutation_id;
    return v_mutation;
end
$function$;
comment on function sluice.mutation_resolve(text,integer,text) is 'Decides an item whose outcome is unknown: succeeded, failed, or queued to send it once more. Answers the mutation. Errors: SL001, SL108.';

CREATE OR REPLACE FUNCTION sluice.mutation_result(mutation_id text)
 RETURNS SETOF sluice.mutation_items
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize_mutation(mutation_result.mutation_id, 'reader');
    return query
    select i.* from sluice.mutation_items as i where i.mutation_id = mutation_result.mutation_id collate "C" order by i.item_no;
end
$function$;
comment on function sluice.mutation_result(text) is 'What became of each item of a mutation, in the order sent: status queued, sending, succeeded, failed, unknown or cancelled, the vendor''s id and error. Errors: SL108.';

CREATE OR REPLACE FUNCTION sluice.mutation_run(kind text, sync_id text, collection_id text, data jsonb, match_on text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, if_match text DEFAULT NULL::text)
 RETURNS sluice.mutations
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs := sluice_internal._authorize_sync(mutation_run.sync_id, 'mutator');
    v_digest bytea := sha256(convert_to(jsonb_build_array(
        mutation_run.kind, mutation_run.collection_id, mutation_run.data, mutation_run.match_on
    )::text, 'UTF8'));
    v_problem text;
    v_id text := gen_random_uuid()::text;
    v_no bigint;
    v_known sluice_internal.mutations;
    v_mutation sluice.mutations;
begin
    perform sluice_internal._check_mutation(
        v_sync, mutation_run.kind, mutation_run.collection_id, mutation_run.data, mutation_run.match_on, mutation_run.if_match
    );
    if mutation_run.idempotency_key is not null then
        perform sluice_internal._check_id('idempotency_key', mutation_run.idempotency_key);
        delete from sluice_internal.mutations as m
        where
            m.sync_id = v_sync.sync_id and m.idempotency_key = mutation_run.idempotency_key collate "C"
            and m.finished_at < clock_timestamp() - interval '30 days';
    end if;
    insert into sluice_internal.mutations as m (
        mutation_id, stream_no, sync_id, collection_id, kind, match_on, idempotency_key, request_digest
    )
    values (
        v_id, v_sync.stream_no, v_sync.sync_id, mutation_run.collection_id, mutation_run.kind, mutation_run.match_on,
        mutation_run.idempotency_key, v_digest
    )
    on conflict do nothing
    returning m.mutation_no into v_no;
    if not found then
        -- The key is taken: the same request gets the same mutation, once that is committed.
        select m.* into v_known
        from sluice_internal.mutations as m
        where m.sync_id = v_sync.sync_id and m.idempotency_key = mutation_run.idempotency_key collate "C";
        if v_known.request_digest is distinct from v_digest then
            raise exception using
                errcode = 'SL112',
                message = format('the idempotency key "%s" was used for another request', mutation_run.idempotency_key),
                hint = 'Use a new key for a new request; a key is kept for 30 days.';
        end if;
        v_id := v_known.mutation_id;
    else
        insert into sluice_internal.mutation_items (mutation_no, item_no, sync_id, collection_id, upstream_id, data)
        select
            v_no,
            d.ordinality,
            v_sync.sync_id,
            mutation_run.collection_id,
            case when mutation_run.kind in ('update', 'delete') then d.item ->> 'upstream_id' end,
            case mutation_run.kind when 'delete' then null when 'update' then d.item -> 'data' else d.item end
        from jsonb_array_elements(mutation_run.data) with ordinality as d (item, ordinality);
        perform pg_notify('sluice_mutations', '');
    end if;
    select m.* into v_mutation from sluice.mutations as m where m.mutation_id = v_id collate "C";
    return v_mutation;
end
$function$;
comment on function sluice.mutation_run(text,text,text,jsonb,text,text,text) is 'Asks a vendor to write, in the caller''s transaction: a poller sends it once this commits. data is an array: create, the vendor''s object; update, {upstream_id, data}; delete, {upstream_id}. With an idempotency_key (kept for 30 days, per sync) the same request again answers the same mutation, another one SL112. Answers the mutation; mutation_result has what became of each item. Errors: SL001, SL004, SL102, SL106, SL112.';

CREATE OR REPLACE FUNCTION sluice.record_ingest(sync_id text, collection_id text, records jsonb)
 RETURNS TABLE(new integer, changed integer, unchanged integer, refused integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs := sluice_internal._authorize_sync(record_ingest.sync_id, 'admin');
    v_refusal text;
    v_done record;
begin
    if coalesce(record_ingest.collection_id, '') !~ '^[a-z0-9_-]+:.+$' or octet_length(record_ingest.collection_id) > 200 then
        raise exception using
            errcode = 'SL001',
            message = format('"%s" is not a collection id', left(record_ingest.collection_id, 200)),
            hint = 'A collection is named provider:object, for example stripe:customer or push:order.';
    end if;
    if not coalesce(
        case
            when v_sync.collection_ids <> '{}' then record_ingest.collection_id = any(v_sync.collection_ids)
            else record_ingest.collection_id like 'push:%'
        end,
        false
    ) then
        raise exception using
            errcode = 'SL106',
            message = format('sync "%s" has no collection "%s"', v_sync.sync_id, left(record_ingest.collection_id, 200)),
            hint = coalesce(
                'It has: ' || nullif(array_to_string(v_sync.collection_ids, ', '), '') || '.',
                'It takes any that is named push:object, for example push:order.'
            );
    end if;
    if jsonb_typeof(record_ingest.records) is distinct from 'array' then
        raise exception using
            errcode = 'SL001',
            message = 'records must be a JSON array',
            hint = 'Each element is {"upstream_id": …, "data": {…}}, optionally with upstream_created_at, upstream_updated_at, deleted.';
    end if;
    v_refusal := sluice_internal._records_refusal(record_ingest.records);
    if v_refusal is not null then
        raise exception using
            errcode = 'SL001',
            message = v_refusal,
            hint = 'Nothing was written. An element is {"upstream_id", "data", "upstream_created_at", "upstream_updated_at", "deleted"}.';
    end if;
    v_done := sluice_internal._record_write(v_sync.stream_no, v_sync.sync_id, record_ingest.collection_id, record_ingest.records, null);
    new := v_done.new;
    changed := v_done.changed;
    unchanged := v_done.unchanged;
    refused := v_done.refused;
    return next;
    -- Without pollers somebody has to fold the counters now and then.
    if random() < 0.01 then
        perform sluice_internal._fold_counts();
    end if;
end
$function$;
comment on function sluice.record_ingest(text,text,jsonb) is 'Writes objects into a sync''s collection, in the caller''s transaction. records: an array of {upstream_id, data, upstream_created_at?, upstream_updated_at?, deleted?}. Answers how many were new, changed, unchanged (equal as jsonb: no message) and refused (older than what is stored, or of the version that was deleted). Locks the written records. Errors: SL001, SL102, SL106.';

CREATE OR REPLACE FUNCTION sluice.stream_create(stream_id text DEFAULT NULL::text, lanes integer DEFAULT 16)
 RETURNS sluice.streams
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_stream sluice.streams;
    v_stream_no int;
begin
    perform sluice_internal._authorize(null, 'admin');
    if stream_create.lanes is null or stream_create.lanes not between 1 and 256 then
        raise exception using
            errcode = 'SL001',
            message = format('lanes must be 1 to 256, not %s', coalesce(stream_create.lanes::text, 'null')),
            hint = 'Leave it out for the default of 16. One lane gives one worker at a time.';
    end if;
    insert into sluice_internal.streams (stream_id, lanes)
    values (sluice_internal._check_id('stream_id', stream_create.stream_id), stream_create.lanes)
    on conflict do nothing
    returning stream_no, stream_id, lanes, created_at
    into v_stream_no, v_stream.stream_id, v_stream.lanes, v_stream.created_at;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the stream id "%s" is taken', stream_create.stream_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    execute format('create sequence sluice_internal.position_%s as bigint', v_stream_no);
    return v_stream;
end
$function$;
comment on function sluice.stream_create(text,integer) is 'Creates a stream and answers it. lanes: how many workers of one consumer can read side by side. Errors: SL001, SL110.';

CREATE OR REPLACE FUNCTION sluice.stream_delete(stream_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(stream_delete.stream_id, ''), 'admin');
    v_syncs bigint;
    v_consumers bigint;
begin
    perform from sluice_internal.streams as s where s.stream_no = v_stream.stream_no for update;
    select count(*) into v_syncs from sluice_internal.syncs as y where y.stream_no = v_stream.stream_no;
    select count(*) into v_consumers from sluice_internal.consumers as c where c.stream_no = v_stream.stream_no;
    if v_syncs + v_consumers > 0 then
        raise exception using
            errcode = 'SL111',
            message = format('stream "%s" still has %s syncs and %s consumers', v_stream.stream_id, v_syncs, v_consumers),
            hint = 'Delete those first.';
    end if;
    delete from sluice_internal.streams where stream_no = v_stream.stream_no;
    execute format('drop sequence sluice_internal.position_%s', v_stream.stream_no);
end
$function$;
comment on function sluice.stream_delete(text) is 'Deletes a stream that has no syncs and no consumers left. Locks the stream''s row. Errors: SL101, SL111.';

CREATE OR REPLACE FUNCTION sluice.stream_info(stream_id text)
 RETURNS sluice.stream_details
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(stream_info.stream_id, ''), 'reader');
    v_details sluice.stream_details;
begin
    select
        v_stream.stream_id,
        v_stream.lanes::int,
        v_stream.created_at,
        (select count(*) from sluice_internal.syncs as y where y.stream_no = v_stream.stream_no),
        (select count(*) from sluice_internal.consumers as c where c.stream_no = v_stream.stream_no),
        (
            select max(p.updated_idx)
            from generate_series(0, v_stream.lanes - 1) as l (lane)
            cross join lateral (
                select p.updated_idx
                from sluice_internal.positions as p
                where p.stream_no = v_stream.stream_no and p.lane = l.lane
                order by p.updated_idx desc
                limit 1
            ) as p
        )
    into v_details;
    return v_details;
end
$function$;
comment on function sluice.stream_info(text) is 'One stream: its syncs and consumers counted, and last_idx, the updated_idx of its newest change (null while empty). Errors: SL101.';

CREATE OR REPLACE FUNCTION sluice.sync_create(stream_id text, provider text, sync_id text DEFAULT NULL::text, name text DEFAULT NULL::text, collection_ids text[] DEFAULT NULL::text[], credential_id text DEFAULT NULL::text, rate_limit jsonb DEFAULT NULL::jsonb, metadata jsonb DEFAULT '{}'::jsonb, external_id text DEFAULT NULL::text, max_age_days integer DEFAULT NULL::integer, sync_frequency interval DEFAULT NULL::interval)
 RETURNS sluice.syncs
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(sync_create.stream_id, ''), 'admin');
    v_sync_id text := sluice_internal._check_id('sync_id', sync_create.sync_id);
    v_collection_ids text[] := coalesce(sync_create.collection_ids, '{}');
    v_sync sluice.syncs;
begin
    perform sluice_internal._hold_stream(v_stream);
    perform sluice_internal._check_sync(
        sync_create.provider, v_collection_ids, sync_create.credential_id, sync_create.metadata, sync_create.sync_frequency
    );
    perform sluice_internal._check_rate_limit(sync_create.rate_limit);
    if sync_create.max_age_days is not null then
        raise exception using
            errcode = 'SL004',
            message = 'max_age_days is not supported by this release',
            hint = 'Leave it out: everything is read.';
    end if;
    insert into sluice_internal.syncs as y (
        sync_id, stream_no, provider, name, collection_ids, credential_id, metadata, external_id, sync_frequency, rate_limit
    )
    values (
        v_sync_id, v_stream.stream_no, sync_create.provider, sync_create.name, v_collection_ids, sync_create.credential_id,
        coalesce(sync_create.metadata, '{}'), sync_create.external_id, sync_create.sync_frequency,
        sync_create.rate_limit
    )
    on conflict do nothing;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the sync id "%s" is taken', v_sync_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    if sync_create.provider <> 'push' then
        insert into sluice_internal.sync_runs (sync_id) values (v_sync_id);
        perform pg_notify('sluice_poller', '');
    end if;
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_sync_id collate "C";
    return v_sync;
end
$function$;
comment on function sluice.sync_create(text,text,text,text,text[],text,jsonb,jsonb,text,integer,interval) is 'Connects a stream to one account of a provider and answers the sync; a poller starts on it at once. With provider push, and no credential, record_ingest feeds it. sync_frequency: the pause between two readings; null means continuous. rate_limit: {allowed_requests, interval in seconds, max_concurrent_requests}, 0 means no limit of that kind; kept over all pollers. max_age_days must be null in this release. Errors: SL001, SL004, SL101, SL104, SL105, SL106, SL110.';

CREATE OR REPLACE FUNCTION sluice.sync_info(sync_id text)
 RETURNS sluice.syncs
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_checked sluice_internal.syncs := sluice_internal._authorize_sync(sync_info.sync_id, 'reader');
    v_sync sluice.syncs;
begin
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_checked.sync_id;
    return v_sync;
end
$function$;
comment on function sluice.sync_info(text) is 'One sync. Errors: SL102.';

CREATE OR REPLACE FUNCTION sluice.sync_pause(sync_id text)
 RETURNS sluice.syncs
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_checked sluice_internal.syncs := sluice_internal._authorize_sync(sync_pause.sync_id, 'admin');
    v_sync sluice.syncs;
begin
    update sluice_internal.syncs as y set paused = true where y.sync_id = v_checked.sync_id and y.paused <> true;
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_checked.sync_id;
    return v_sync;
end
$function$;
comment on function sluice.sync_pause(text) is 'Stops a sync: its poller drops the page at hand; consumers go on reading what is there. Errors: SL102.';

CREATE OR REPLACE FUNCTION sluice.sync_resume(sync_id text)
 RETURNS sluice.syncs
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_checked sluice_internal.syncs := sluice_internal._authorize_sync(sync_resume.sync_id, 'admin');
    v_sync sluice.syncs;
begin
    update sluice_internal.syncs as y set paused = false where y.sync_id = v_checked.sync_id and y.paused <> false;
    update sluice_internal.sync_runs as r set next_attempt_at = clock_timestamp() where r.sync_id = v_checked.sync_id;
    perform pg_notify('sluice_poller', '');
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_checked.sync_id;
    return v_sync;
end
$function$;
comment on function sluice.sync_resume(text) is 'Lets a paused sync go on at once, from where it stopped. Errors: SL102.';

CREATE OR REPLACE FUNCTION sluice.token_create(name text DEFAULT NULL::text, scopes text[] DEFAULT '{read,consume,mutate,manage}'::text[], token_id text DEFAULT NULL::text, expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS sluice.new_token
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_token sluice.new_token;
    v_random text;
begin
    perform sluice_internal._authorize(null, 'admin');
    if token_create.scopes is null or cardinality(token_create.scopes) = 0
        or not token_create.scopes <@ array['read', 'consume', 'mutate', 'manage']
    then
        raise exception using
            errcode = 'SL001',
            message = 'scopes must be some of read, consume, mutate, manage',
            hint = 'read looks, consume takes and acknowledges messages, mutate writes to vendors, manage does everything.';
    end if;
    if token_create.expires_at <= clock_timestamp() then
        raise exception using errcode = 'SL001', message = 'expires_at is in the past', hint = 'Leave it out for a token without end.';
    end if;
    -- 366 random bits in base 64; without the two signs and the filling at least 30 of its 64 characters are left
    v_random := substr(
        translate(
            encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'),
            '+/=' || chr(10), ''
        ), 1, 30
    );
    v_token.token := sluice_internal._token_signed(v_random);
    v_token.token_id := sluice_internal._check_id('token_id', token_create.token_id);
    v_token.name := token_create.name;
    v_token.scopes := token_create.scopes;
    v_token.expires_at := token_create.expires_at;
    insert into sluice_internal.tokens as t (token_id, name, prefix, digest, scopes, expires_at)
    values (
        v_token.token_id, v_token.name, substr(v_token.token, 1, 10), sha256(convert_to(v_token.token, 'UTF8')), v_token.scopes,
        v_token.expires_at
    )
    on conflict (token_id) do nothing
    returning t.created_at into v_token.created_at;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the token id "%s" is taken', v_token.token_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    return v_token;
end
$function$;
comment on function sluice.token_create(text,text[],text,timestamp with time zone) is 'Makes an API token and answers it, for the only time: the database keeps its SHA-256 digest. scopes: some of read, consume, mutate, manage. Errors: SL001, SL110.';

CREATE OR REPLACE FUNCTION sluice.token_revoke(token_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    update sluice_internal.tokens as t
    set revoked_at = coalesce(t.revoked_at, clock_timestamp())
    where t.token_id = token_revoke.token_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL107',
            message = format('token "%s" does not exist', left(token_revoke.token_id, 200)),
            hint = 'List the tokens with: select token_id, name, prefix from sluice.tokens';
    end if;
end
$function$;
comment on function sluice.token_revoke(text) is 'Ends a token at once. Errors: SL107.';

CREATE OR REPLACE FUNCTION sluice_internal._ack_token(lane integer, step_no bigint, ordinal integer, secret bigint)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (((((((lane)::text || '.'::text) || (step_no)::text) || '.'::text) || (ordinal)::text) || '.'::text) || lpad(to_hex(hashint8extended((ordinal)::bigint, secret)), 16, '0'::text));
comment on function sluice_internal._ack_token(integer,bigint,integer,bigint) is 'The name of one delivery: where its lease lies, and 64 bits that only the worker it was handed to knows. Tokens are compared as whole texts, never taken apart to be believed. Inlined, so it pins no search path.';

CREATE OR REPLACE FUNCTION sluice_internal._authorize(stream_id text, "right" text)
 RETURNS sluice_internal.streams
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_stream sluice_internal.streams;
begin
    if not sluice_internal._authorized(_authorize."right") then
        raise exception using
            errcode = 'SL002',
            message = format('this needs the role sluice_%s', _authorize."right"),
            hint = format('An administrator can say: grant sluice_%s to the role that calls.', _authorize."right");
    end if;
    if _authorize.stream_id is null then
        return null;
    end if;
    select s.* into v_stream from sluice_internal.streams as s where s.stream_id = _authorize.stream_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL101',
            message = format('stream "%s" does not exist', left(_authorize.stream_id, 200)),
            hint = 'List the streams with: select stream_id from sluice.streams';
    end if;
    return v_stream;
end
$function$;
comment on function sluice_internal._authorize(text,text) is 'The one gate: raises SL002 unless the caller holds the right, SL101 unless the stream exists; answers the stream. A null stream asks for the right alone.';

CREATE OR REPLACE FUNCTION sluice_internal._authorize_consumer(consumer_id text, "right" text)
 RETURNS sluice_internal.consumers
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_consumer sluice_internal.consumers;
begin
    select c.* into v_consumer
    from sluice_internal.consumers as c
    where c.consumer_id = _authorize_consumer.consumer_id collate "C" and sluice_internal._authorized(_authorize_consumer."right");
    if not found then
        perform sluice_internal._authorize(null, _authorize_consumer."right");
        raise exception using
            errcode = 'SL103',
            message = format('consumer "%s" does not exist', left(_authorize_consumer.consumer_id, 200)),
            hint = 'List the consumers with: select consumer_id, stream_id from sluice.consumers';
    end if;
    -- written by an older release
    if v_consumer.lanes is null then
        select s.lanes into v_consumer.lanes from sluice_internal.streams as s where s.stream_no = v_consumer.stream_no;
    end if;
    return v_consumer;
end
$function$;
comment on function sluice_internal._authorize_consumer(text,text) is 'The gate for what belongs to a consumer: SL002 or SL103, or the consumer.';

CREATE OR REPLACE FUNCTION sluice_internal._authorize_mutation(mutation_id text, "right" text)
 RETURNS sluice_internal.mutations
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_mutation sluice_internal.mutations;
begin
    perform sluice_internal._authorize(null, _authorize_mutation."right");
    select m.* into v_mutation
    from sluice_internal.mutations as m
    where m.mutation_id = _authorize_mutation.mutation_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL108',
            message = format('mutation "%s" does not exist', left(_authorize_mutation.mutation_id, 200)),
            hint = 'List them with: select mutation_id, status from sluice.mutations';
    end if;
    return v_mutation;
end
$function$;
comment on function sluice_internal._authorize_mutation(text,text) is 'The gate for a mutation: SL002 or SL108, or the mutation.';

CREATE OR REPLACE FUNCTION sluice_internal._authorize_sync(sync_id text, "right" text)
 RETURNS sluice_internal.syncs
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_sync sluice_internal.syncs;
begin
    select s.* into v_sync
    from sluice_internal.syncs as s
    where s.sync_id = _authorize_sync.sync_id collate "C" and sluice_internal._authorized(_authorize_sync."right");
    if not found then
        perform sluice_internal._authorize(null, _authorize_sync."right");
        raise exception using
            errcode = 'SL102',
            message = format('sync "%s" does not exist', left(_authorize_sync.sync_id, 200)),
            hint = 'List the syncs with: select sync_id, provider, name from sluice.syncs';
    end if;
    return v_sync;
end
$function$;
comment on function sluice_internal._authorize_sync(text,text) is 'The gate for what belongs to a sync: SL002 or SL102, or the sync.';

CREATE OR REPLACE FUNCTION sluice_internal._authorized("right" text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
RETURN COALESCE(pg_has_role(CASE current_setting('role'::text) WHEN 'none'::text THEN SESSION_USER ELSE (current_setting('role'::text))::name END, (to_regrole(('sluice_'::text || "right")))::oid, 'member'::text), true);
comment on function sluice_internal._authorized(text) is 'Whether the caller holds the right. Inlined, so it pins no search path; _authorize raises what is to be said if not.';

CREATE OR REPLACE FUNCTION sluice_internal._certain_time()
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ('^(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])[T ]'::text || '([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)?$'::text);
comment on function sluice_internal._certain_time() is 'A pattern of texts that are certainly times: others may be, too. Inlined, so it pins no search path.';

CREATE OR REPLACE FUNCTION sluice_internal._check_consumer(ack_wait interval, max_deliver integer, max_ack_pending integer, metadata jsonb)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_problem text;
    v_hint text;
begin
    case
        when coalesce(_check_consumer.ack_wait, '0') not between interval '1 millisecond' and interval '1 year' then
            v_problem := format(
                'ack_wait must be between a millisecond and a year, not %s', coalesce(_check_consumer.ack_wait::text, 'null')
            );
            v_hint := 'For example: interval ''60 seconds''.';
        when coalesce(_check_consumer.max_deliver, 0) not between 1 and 10000 and _check_consumer.max_deliver is distinct from -1 then
            v_problem := format('max_deliver must be -1 or 1 to 10000, not %s', coalesce(_check_consumer.max_deliver::text, 'null'));
            v_hint := '-1 means without limit; 3 means three deliveries in all.';
        when _check_consumer.max_ack_pending not between 0 and 1000000 then
            v_problem := format('max_ack_pending must be 1 to 1000000, not %s', _check_consumer.max_ack_pending);
            v_hint := 'Leave it out, or say 0, for no bound; 1 gives strict order.';
        when jsonb_typeof(coalesce(_check_consumer.metadata, '{}')) <> 'object' then
            v_problem := 'metadata must be a JSON object';
            v_hint := 'For example {"team": "billing"}.';
        else
            return;
    end case;
    raise exception using errcode = 'SL001', message = v_problem, hint = v_hint;
end
$function$;
comment on function sluice_internal._check_consumer(interval,integer,integer,jsonb) is 'Raises SL001 for settings that a consumer cannot have.';

CREATE OR REPLACE FUNCTION sluice_internal._check_filter(filter jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_problem text;
    v_path jsonpath;
begin
    if coalesce(_check_filter.filter, 'null') in ('null', '{}') then
        return null;
    end if;
    if jsonb_typeof(_check_filter.filter) <> 'object' then
        v_problem := 'filter must be a JSON object';
    else
        select case
            when f.key not in ('provider', 'sync_id', 'collection_id', 'where') then format('filter has no key "%s"', left(f.key, 200))
            when f.key = 'where' and jsonb_typeof(f.value) <> 'string' then 'filter.where must be a string, a JSONPath'
            when f.key = 'where' then null
            when jsonb_typeof(f.value) not in ('string', 'array') or f.value in ('[]', '""')
                or (
                    jsonb_typeof(f.value) = 'array'
                    and jsonb_path_exists(f.value, 'strict $[*] ? (@.type() != "string" || @ == "")')
                )
                then format('filter.%s must be a text, or an array of texts that is not empty', f.key)
            when jsonb_typeof(f.value) = 'array' and jsonb_array_length(f.value) > 1000
                then format('filter.%s has more than 1000 texts', f.key)
        end
        into v_problem
        from jsonb_each(_check_filter.filter) as f
        order by 1
        limit 1;
    end if;
    if v_problem is null and _check_filter.filter ? 'where' then
        begin
            v_path := (_check_filter.filter ->> 'where')::jsonpath;
            -- without what stands in quotes: a variable is written $"name"
            if strpos(regexp_replace(v_path::text, '"([^"\\]|\\.)*"', '""', 'g'), '$""') > 0 then
                v_problem := 'filter.where has a variable, and nothing gives it a value';
            end if;
        exception
            when others then
                v_problem := format('filter.where is not a JSONPath: %s', sqlerrm);
        end;
    end if;
    if v_problem is not null then
        raise exception using
            errcode = 'SL001',
            message = v_problem,
            hint = 'For example {"collection_id": ["stripe:invoice", "stripe:sub*"], "where": "$.status == \"open\""}; '
                'all of provider, sync_id, collection_id and where must match.';
    end if;
    return _check_filter.filter;
end
$function$;
comment on function sluice_internal._check_filter(jsonb) is 'The filter, null for one that says nothing. SL001 names what is wrong with it.';

CREATE OR REPLACE FUNCTION sluice_internal._check_id(noun text, id text)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    if _check_id.id is null then
        return gen_random_uuid()::text;
    end if;
    if octet_length(_check_id.id) not between 1 and 200 then
        raise exception using
            errcode = 'SL001',
            message = format('%s must have 1 to 200 bytes, not %s', _check_id.noun, octet_length(_check_id.id)),
            hint = 'Choose a shorter id, or leave it out to have one generated.';
    end if;
    return _check_id.id;
end
$function$;
comment on function sluice_internal._check_id(text,text) is 'An id for a new object: the caller''s own (1 to 200 bytes, else SL001), or a generated UUID for null.';

CREATE OR REPLACE FUNCTION sluice_internal._check_mutation(sync sluice_internal.syncs, kind text, collection_id text, data jsonb, match_on text, if_match text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_kinds text[];
    v_problem text;
begin
    if sync.provider = 'push' then
        raise exception using
            errcode = 'SL004',
            message = 'a push sync has no vendor to write to',
            hint = 'Write into it with record_ingest.';
    end if;
    if _check_mutation.collection_id is null or not _check_mutation.collection_id = any(sync.collection_ids) then
        raise exception using
            errcode = 'SL106',
            message = format('sync "%s" has no collection "%s"', sync.sync_id, left(coalesce(_check_mutation.collection_id, 'null'), 200)),
            hint = format('It has: %s.', array_to_string(sync.collection_ids, ', '));
    end if;
    select c.mutations into v_kinds
    from sluice.provider_collections as c
    where c.provider = sync.provider and c.collection_id = _check_mutation.collection_id;
    if _check_mutation.kind is null or _check_mutation.kind not in ('create', 'update', 'delete', 'upsert') then
        raise exception using
            errcode = 'SL001',
            message = format('kind must be create, update, delete or upsert, not %s', left(coalesce(_check_mutation.kind, 'null'), 200)),
            hint = format('%s can: %s.', _check_mutation.collection_id, coalesce(nullif(array_to_string(v_kinds, ', '), ''), 'nothing'));
    end if;
    if not _check_mutation.kind = any(v_kinds) or _check_mutation.match_on is not null or _check_mutation.if_match is not null then
        raise exception using
            errcode = 'SL004',
            message = case
                when not _check_mutation.kind = any(v_kinds)
                    then format('%s does not support %s', _check_mutation.collection_id, _check_mutation.kind)
                else format('%s supports neither match_on nor if_match', sync.provider)
            end,
            hint = format('%s can: %s.', _check_mutation.collection_id, coalesce(nullif(array_to_string(v_kinds, ', '), ''), 'nothing'));
    end if;
    if jsonb_typeof(_check_mutation.data) is distinct from 'array' or jsonb_array_length(_check_mutation.data) not between 1 and 1000 then
        raise exception using
            errcode = 'SL001',
            message = 'data must be a JSON array of 1 to 1000 items',
            hint = 'create: the vendor''s objects; update: {"upstream_id": …, "data": {…}}; delete: {"upstream_id": …}.';
    end if;
    select format('data[%s]: %s', d.ordinality - 1, p.problem) into v_problem
    from jsonb_array_elements(_check_mutation.data) with ordinality as d (item, ordinality)
    cross join lateral (
        select case
            when jsonb_typeof(d.item) <> 'object' then 'is not an object'
            when _check_mutation.kind in ('update', 'delete')
                and (jsonb_typeof(d.item -> 'upstream_id') is distinct from 'string'
                    or octet_length(d.item ->> 'upstream_id') not between 1 and 200)
                then 'upstream_id must be a string of 1 to 200 bytes'
            when _check_mutation.kind = 'update' and jsonb_typeof(d.item -> 'data') is distinct from 'object' then 'data must be an object'
            when _check_mutation.kind = 'update' and d.item - 'upstream_id' - 'data' <> '{}' then 'has more than upstream_id and data'
            when _check_mutation.kind = 'delete' and d.item - 'upstream_id' <> '{}' then 'has more than upstream_id'
        end as problem
        offset 0
    ) as p
    where p.problem is not null
    limit 1;
    if v_problem is not null then
        raise exception using errcode = 'SL001', message = v_problem, hint = 'Nothing was queued.';
    end if;
end
$function$;
comment on function sluice_internal._check_mutation(sluice_internal.syncs,text,text,jsonb,text,text) is 'Raises what is wrong with a mutation: SL001, SL004 or SL106.';

CREATE OR REPLACE FUNCTION sluice_internal._check_rate_limit(rate_limit jsonb)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_problem text;
begin
    case
        when _check_rate_limit.rate_limit is null then
            return;
        when jsonb_typeof(_check_rate_limit.rate_limit) <> 'object' then
            v_problem := 'must be a JSON object';
        when _check_rate_limit.rate_limit - 'allowed_requests' - 'interval' - 'max_concurrent_requests' <> '{}' then
            v_problem := 'has only allowed_requests, interval and max_concurrent_requests';
        else
            select format('%s must be a number, 0 to 1000000000', k.key) into v_problem
            from jsonb_each(_check_rate_limit.rate_limit) as k (key, value)
            where
                case
                    when jsonb_typeof(k.value) <> 'number' then true
                    when k.key <> 'interval' and k.value::numeric % 1 <> 0 then true
                    else k.value::numeric not between 0 and 1000000000
                end
            limit 1;
            if v_problem is null and coalesce((_check_rate_limit.rate_limit -> 'allowed_requests')::numeric, 0) > 0
                and coalesce((_check_rate_limit.rate_limit -> 'interval')::numeric, 0) = 0
            then
                v_problem := 'needs an interval in seconds beside allowed_requests';
            end if;
    end case;
    if v_problem is not null then
        raise exception using
            errcode = 'SL001',
            message = format('rate_limit %s', v_problem),
            hint = 'For example {"allowed_requests": 100, "interval": 60, "max_concurrent_requests": 0}: 100 requests a minute.';
    end if;
end
$function$;
comment on function sluice_internal._check_rate_limit(jsonb) is 'Raises SL001 for a rate limit that cannot be kept.';

CREATE OR REPLACE FUNCTION sluice_internal._check_reading(batch_size integer)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception using
            errcode = 'SL003',
            message = format('consumers need READ COMMITTED, not %s', upper(current_setting('transaction_isolation'))),
            hint = 'Begin with: begin isolation level read committed. A fixed snapshot would hand out a message twice.';
    end if;
    if _check_reading.batch_size is null or _check_reading.batch_size not between 1 and 1000 then
        raise exception using
            errcode = 'SL001',
            message = format('batch_size must be 1 to 1000, not %s', coalesce(_check_reading.batch_size::text, 'null')),
            hint = 'Call again for more.';
    end if;
end
$function$;
comment on function sluice_internal._check_reading(integer) is 'Raises SL003 outside READ COMMITTED, SL001 for a batch_size that is not 1 to 1000.';

CREATE OR REPLACE FUNCTION sluice_internal._check_sync(provider text, collection_ids text[], credential_id text, metadata jsonb, sync_frequency interval)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_collection_id text;
    v_credential_provider text;
begin
    if not exists (select from sluice.providers as p where p.provider = _check_sync.provider) then
        raise exception using
            errcode = 'SL105',
            message = format('provider "%s" does not exist', left(coalesce(_check_sync.provider, 'null'), 200)),
            hint = format('There are: %s.', (select string_agg(p.provider, ', ' order by p.provider) from sluice.providers as p));
    end if;
    select u.id into v_collection_id
    from unnest(_check_sync.collection_ids) as u (id)
    where
        u.id is null or case _check_sync.provider
            when 'push' then u.id !~ '^push:.' or octet_length(u.id) > 200
            else u.id not in (
                select c.collection_id from sluice.provider_collections as c where c.provider = _check_sync.provider
            )
        end
    limit 1;
    if found then
        raise exception using
            errcode = 'SL106',
            message = format(
                'provider "%s" has no collection "%s"', _check_sync.provider, left(coalesce(v_collection_id, 'null'), 200)
            ),
            hint = coalesce(
                'There are: ' || (
                    select string_agg(c.collection_id, ', ' order by c.collection_id)
                    from sluice.provider_collections as c
                    where c.provider = _check_sync.provider
                ) || '.',
                'A collection is named provider:object, for example push:order.'
            );
    end if;
    if _check_sync.provider <> 'push' and cardinality(_check_sync.collection_ids) = 0 then
        raise exception using
            errcode = 'SL001',
            message = 'collection_ids is empty',
            hint = 'Name what to sync; select collection_id from sluice.provider_collections lists it.';
    end if;
    if _check_sync.provider = 'push' and _check_sync.credential_id is not null then
        raise exception using errcode = 'SL001', message = 'a push sync takes no credential', hint = 'Leave credential_id out.';
    end if;
    if _check_sync.provider <> 'push' then
        select c.provider into v_credential_provider
        from sluice_internal.credentials as c
        where c.credential_id = _check_sync.credential_id collate "C"
        for key share;
        if not found then
            raise exception using
                errcode = 'SL104',
                message = format('credential "%s" does not exist', left(coalesce(_check_sync.credential_id, 'null'), 200)),
                hint = 'Make one with: pgsluice credential create';
        elsif v_credential_provider <> _check_sync.provider then
            raise exception using
                errcode = 'SL001',
                message = format(
                    'credential "%s" is for %s, not for %s', _check_sync.credential_id, v_credential_provider, _check_sync.provider
                ),
                hint = 'Choose a credential of the same provider.';
        end if;
    end if;
    if jsonb_typeof(coalesce(_check_sync.metadata, '{}')) <> 'object' then
        raise exception using errcode = 'SL001', message = 'metadata must be a JSON object', hint = 'For example {"tenant": 42}.';
    end if;
    if _check_sync.sync_frequency <= interval '0' then
        raise exception using
            errcode = 'SL001',
            message = 'sync_frequency must be longer than nothing',
            hint = 'Leave it out for continuous.';
    end if;
end
$function$;
comment on function sluice_internal._check_sync(text,text[],text,jsonb,interval) is 'Raises what is wrong with the settings of a sync: SL001, SL104, SL105 or SL106. Locks the credential against deletion.';

CREATE OR REPLACE FUNCTION sluice_internal._check_tokens(ack_tokens text[])
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    if _check_tokens.ack_tokens is null or coalesce(array_ndims(_check_tokens.ack_tokens), 1) <> 1
        or array_position(_check_tokens.ack_tokens, null) is not null
    then
        raise exception using
            errcode = 'SL001',
            message = 'ack_tokens must be an array of tokens, of one dimension and without nulls',
            hint = 'An empty array is fine: array[]::text[].';
    end if;
end
$function$;
comment on function sluice_internal._check_tokens(text[]) is 'Raises SL001 for a null array, a null in it, or more than one dimension.';

CREATE OR REPLACE FUNCTION sluice_internal._consumer_due(consumer_id text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(_consumer_due.consumer_id, 'consumer');
begin
    return (
        select least(min(st.next_due), min(n.due_at))
        from sluice_internal.streams as s
        cross join generate_series(0, s.lanes - 1) as l (lane)
        cross join lateral (
            select t.next_due, t.open_steps
            from sluice_internal.consumer_steps as t
            where t.consumer_no = v_consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st
        left join lateral (
            select min(e.due_at) as due_at
            from sluice_internal.consumer_settlements as e
            where
                e.consumer_no = v_consumer.consumer_no and e.lane = l.lane and e.due_at is not null and e.step_no = any(st.open_steps)
        ) as n on true
        where s.stream_no = v_consumer.stream_no
    );
end
$function$;
comment on function sluice_internal._consumer_due(text) is 'When the next leased or nacked message of a consumer may fall due; null if none is out. It may have been acknowledged since it was leased: then nothing is due at that time.';

CREATE OR REPLACE FUNCTION sluice_internal._consumer_ready(consumer_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(_consumer_ready.consumer_id, 'consumer');
    v_lanes int := v_consumer.lanes;
begin
    if v_consumer.paused then
        return false;
    end if;
    return sluice_internal._lanes_ready(v_consumer, v_lanes, 0, 1) is not null
        and coalesce(sluice_internal._num_ack_pending(v_consumer, v_lanes) < v_consumer.max_ack_pending, true);
end
$function$;
comment on function sluice_internal._consumer_ready(text) is 'Whether a call of consumer_next may find something now, or step over what its filter does not let pass. Reads only.';

CREATE OR REPLACE FUNCTION sluice_internal._credential_put(credential_id text, provider text, kind text, name text, sealed bytea, key_version integer, base_url text, metadata jsonb)
 RETURNS sluice.credentials
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_credential sluice.credentials;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform sluice_internal._check_id('credential_id', _credential_put.credential_id);
    if not exists (select from sluice.providers as p where p.provider = _credential_put.provider) then
        raise exception using
            errcode = 'SL105',
            message = format('provider "%s" does not exist', left(_credential_put.provider, 200)),
            hint = format('There are: %s.', (select string_agg(p.provider, ', ' order by p.provider) from sluice.providers as p));
    end if;
    if jsonb_typeof(coalesce(_credential_put.metadata, '{}')) <> 'object' then
        raise exception using errcode = 'SL001', message = 'metadata must be a JSON object', hint = 'For example {"tenant": 42}.';
    end if;
    insert into sluice_internal.credentials as c (
        credential_id, provider, kind, name, sealed, key_version, base_url, metadata
    )
    values (
        _credential_put.credential_id, _credential_put.provider, _credential_put.kind, _credential_put.name,
        _credential_put.sealed, _credential_put.key_version, _credential_put.base_url, coalesce(_credential_put.metadata, '{}')
    )
    on conflict do nothing;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the credential id "%s" is taken', _credential_put.credential_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    select c.* into v_credential from sluice.credentials as c where c.credential_id = _credential_put.credential_id collate "C";
    return v_credential;
end
$function$;
comment on function sluice_internal._credential_put(text,text,text,text,bytea,integer,text,jsonb) is 'Stores a credential whose secret the application has sealed. Errors: SL001, SL105, SL110.';

CREATE OR REPLACE FUNCTION sluice_internal._credential_replace(credential_id text, kind text, sealed bytea, key_version integer, base_url text)
 RETURNS sluice.credentials
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_credential sluice.credentials;
begin
    perform sluice_internal._authorize(null, 'admin');
    update sluice_internal.credentials as c
    set
        kind = _credential_replace.kind,
        sealed = _credential_replace.sealed,
        key_version = _credential_replace.key_version,
        base_url = coalesce(_credential_replace.base_url, c.base_url),
        updated_at = clock_timestamp()
    where c.credential_id = _credential_replace.credential_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL104',
            message = format('credential "%s" does not exist', left(_credential_replace.credential_id, 200)),
            hint = 'List the credentials with: select credential_id, provider from sluice.credentials';
    end if;
    update sluice_internal.sync_runs as r
    set next_attempt_at = clock_timestamp()
    from sluice_internal.syncs as y
    where y.sync_id = r.sync_id and y.credential_id = _credential_replace.credential_id collate "C";
    perform pg_notify('sluice_poller', '');
    select c.* into v_credential
    from sluice.credentials as c
    where c.credential_id = _credential_replace.credential_id collate "C";
    return v_credential;
end
$function$;
comment on function sluice_internal._credential_replace(text,text,bytea,integer,text) is 'Gives a credential a new sealed secret (base_url null: as before); its syncs are tried again at once, and go on from where they are. Errors: SL104.';

CREATE OR REPLACE FUNCTION sluice_internal._credential_sealed(credential_id text)
 RETURNS TABLE(sealed bytea, key_version integer, kind text, provider text, base_url text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT c.sealed,
     c.key_version,
     c.kind,
     c.provider,
     c.base_url
    FROM sluice_internal.credentials c
   WHERE (c.credential_id = (_credential_sealed.credential_id COLLATE "C"));
END;
comment on function sluice_internal._credential_sealed(text) is 'A sealed secret, for the process that holds the master key.';

CREATE OR REPLACE FUNCTION sluice_internal._filter_matches(consumer sluice_internal.consumers, sync_id text, collection_id text, data jsonb)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (((consumer).filter IS NULL) OR ((((consumer).provider_patterns IS NULL) OR ((collection_id COLLATE "C") ~~ ANY ((consumer).provider_patterns))) AND (((consumer).sync_patterns IS NULL) OR ((sync_id COLLATE "C") ~~ ANY ((consumer).sync_patterns))) AND (((consumer).collection_patterns IS NULL) OR ((collection_id COLLATE "C") ~~ ANY ((consumer).collection_patterns))) AND (((consumer).predicate IS NULL) OR COALESCE((jsonb_path_query_first_tz(data, (consumer).predicate, '{}'::jsonb, true) <> ALL (ARRAY['false'::jsonb, 'null'::jsonb])), false))));
comment on function sluice_internal._filter_matches(sluice_internal.consumers,text,text,jsonb) is 'Whether a record passes a consumer''s filter. The first item of the JSONPath decides: true counts, false, null and nothing do not, anything else exists and so counts. Inlined, so it pins no search path; the caller sets the time zone.';

CREATE OR REPLACE FUNCTION sluice_internal._filter_patterns(given jsonb, suffix text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT array_agg((replace(replace(replace(replace(p.pattern, '\'::text, '\\'::text), '%'::text, '\%'::text), '_'::text, '\_'::text), '*'::text, '%'::text) || _filter_patterns.suffix)) AS array_agg
    FROM jsonb_array_elements_text(
         CASE jsonb_typeof(_filter_patterns.given)
             WHEN 'array'::text THEN _filter_patterns.given
             WHEN 'string'::text THEN jsonb_build_array(_filter_patterns.given)
             ELSE '[]'::jsonb
         END) p(pattern);
END;
comment on function sluice_internal._filter_patterns(jsonb,text) is 'A filter''s text or array of texts as patterns of LIKE, each with the suffix, * as %; null if it says nothing.';

CREATE OR REPLACE FUNCTION sluice_internal._first_lane(consumer sluice_internal.consumers, lanes integer, OUT lane integer, OUT last_idx bigint)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
#variable_conflict use_column
begin
    select l.lane, c.idx into lane, last_idx
    from generate_series(0, _first_lane.lanes - 1) as l (lane)
    left join lateral (
        select t.cursor_idx, t.open_steps, t.parked_idxs
        from sluice_internal.consumer_steps as t
        where t.consumer_no = consumer.consumer_no and t.lane = l.lane
        order by t.step_no desc
        limit 1
    ) as st on true
    left join lateral (
        -- the first that can be delivered, or the end of what one call looks at: before that nothing can
        select coalesce(min(w.updated_idx) filter (where w.matches), max(w.updated_idx)) as idx
        from (
            select
                e.updated_idx,
                exists (
                    select
                    from sluice.records as r
                    where
                        r.record_no = e.record_no and r.updated_idx = e.updated_idx
                        and sluice_internal._filter_matches(consumer, r.sync_id, r.collection_id, r.data)
                    offset 0
                ) as matches
            from sluice_internal.positions as e
            where
                e.stream_no = consumer.stream_no and e.lane = l.lane
                and e.updated_idx > coalesce(st.cursor_idx, consumer.start_idx)
            order by e.updated_idx
            limit 10000 / _first_lane.lanes
        ) as w
    ) as n on true
    cross join lateral (
        select case
            -- with one message at a time, what is out is what comes next, and nothing new does
            when coalesce(exists (
                select
                from sluice_internal._live_messages as v
                where v.consumer_no = consumer.consumer_no and v.lane = l.lane and v.step_no = any(st.open_steps)
            ), false) then 0
            else least(n.idx, (select min(k.idx) from unnest(st.parked_idxs) as k (idx)))
        end as idx
    ) as c
    where c.idx is not null
    order by c.idx
    limit 1;
end
$function$;
comment on function sluice_internal._first_lane(sluice_internal.consumers,integer) is 'The lane of the message that comes next in the order of updated_idx, and how far one may go there; null if there is none. What is there may be replaced by the time it is taken: what lies behind it is not next.';

CREATE OR REPLACE FUNCTION sluice_internal._fold_counts()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    if not pg_try_advisory_xact_lock(sluice_internal._lock_key(3, 0, 0)) then
        return;
    end if;
    with folded as (
        delete from sluice_internal.ingests as i
        where i.ingest_no in (
            select n.ingest_no
            from (select o.ingest_no, o.created_at from sluice_internal.ingests as o order by o.ingest_no limit 2000) as n
            -- for a while they tell what was committed when
            where n.created_at < clock_timestamp() - interval '10 seconds'
        )
        returning i.stream_no, i.sync_id, i.collection_ids, i.firsts, i.updated_idxs[1] as first_idx, i.created_at
    ),
    timed as (
        insert into sluice_internal.stream_times as t (stream_no, at, idx)
        select f.stream_no, min(f.created_at), min(f.first_idx) - 1
        from folded as f
        group by f.stream_no, date_trunc('second', f.created_at)
        order by 1, 2
        on conflict do nothing
    ),
    counted as (
        select
            f.sync_id,
            case when cardinality(f.collection_ids) = 1 then f.collection_ids[1] else c.collection_id end as collection_id,
            count(*) filter (where c.first) as records,
            count(*) as changes
        from folded as f
        cross join lateral unnest(f.collection_ids, f.firsts) as c (collection_id, first)
        group by 1, 2
        order by 1, 2
    )
    insert into sluice_internal.record_counts as t (sync_id, collection_id, records, changes)
    select n.sync_id, n.collection_id, n.records, n.changes
    from counted as n
    on conflict (sync_id, collection_id) do update set
        records = t.records + excluded.records,
        changes = t.changes + excluded.changes;
end
$function$;
comment on function sluice_internal._fold_counts() is 'Adds up to 2,000 rows of ingests to record_counts, and about one a second to stream_times, and removes them; those of the last ten seconds stay. Locks the folding (tried, never waited for) and those rows.';

CREATE OR REPLACE FUNCTION sluice_internal._hold_consumer(consumer sluice_internal.consumers)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_there boolean := pg_try_advisory_xact_lock_shared(sluice_internal._lock_key(4, consumer.consumer_no, 0));
begin
    if v_there then
        v_there := exists (select from sluice_internal.consumers as c where c.consumer_no = consumer.consumer_no);
    end if;
    if not v_there then
        raise exception using
            errcode = 'SL103',
            message = format('consumer "%s" does not exist', consumer.consumer_id),
            hint = 'It was deleted just now.';
    end if;
end
$function$;
comment on function sluice_internal._hold_consumer(sluice_internal.consumers) is 'Keeps a consumer from being deleted while this transaction writes for it; SL103 if that came first. Locks the consumer''s name (shared, tried, never waited for), not its row: that would be written to by every batch.';

CREATE OR REPLACE FUNCTION sluice_internal._hold_stream(stream sluice_internal.streams)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    perform from sluice_internal.streams as s where s.stream_no = stream.stream_no for key share;
    if not found then
        raise exception using
            errcode = 'SL101',
            message = format('stream "%s" does not exist', stream.stream_id),
            hint = 'It was deleted just now.';
    end if;
end
$function$;
comment on function sluice_internal._hold_stream(sluice_internal.streams) is 'Keeps a stream from being deleted until the transaction ends; SL101 if that came first. Locks its row (key share).';

CREATE OR REPLACE FUNCTION sluice_internal._jsonb_refusal(raw text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_detail text;
begin
    perform _jsonb_refusal.raw::jsonb;
    return null;
exception
    when data_exception or program_limit_exceeded or statement_too_complex then
        get stacked diagnostics v_detail = pg_exception_detail;
        return concat_ws(': ', sqlerrm, nullif(v_detail, ''));
end
$function$;
comment on function sluice_internal._jsonb_refusal(text) is 'Why Postgres cannot store this JSON text as jsonb (a NUL, a lone surrogate, a number out of range, too deep, too large), or null if it can.';

CREATE OR REPLACE FUNCTION sluice_internal._lane_busy(consumer_no integer, lane integer, open_steps bigint[])
 RETURNS bigint[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
begin
    return (
        select coalesce(array_agg(v.record_no), '{}')
        from sluice_internal._live_messages as v
        where v.consumer_no = _lane_busy.consumer_no and v.lane = _lane_busy.lane and v.step_no = any(_lane_busy.open_steps)
    );
end
$function$;
comment on function sluice_internal._lane_busy(integer,integer,bigint[]) is 'The records that are in flight in these steps.';

CREATE OR REPLACE FUNCTION sluice_internal._lane_due(state sluice_internal.consumer_steps)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
begin
    return coalesce(state.next_due <= clock_timestamp(), false)
        or state.parked_record_nos <> '{}'
        or exists (
            select
            from sluice_internal.consumer_settlements as s
            where
                s.consumer_no = state.consumer_no and s.lane = state.lane and s.due_at is not null
                and s.due_at <= clock_timestamp() and s.step_no = any(state.open_steps)
        );
end
$function$;
comment on function sluice_internal._lane_due(sluice_internal.consumer_steps) is 'Whether something earlier in the lane may have to be delivered before new entries.';

CREATE OR REPLACE FUNCTION sluice_internal._lane_recover(consumer sluice_internal.consumers, state sluice_internal.consumer_steps, mood text, batch_size integer, max_rows integer, max_bytes bigint, max_fresh integer)
 RETURNS SETOF sluice.message
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_memoize TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_now timestamptz := clock_timestamp();
    v_locked bigint[];
    v_step_no bigint := state.step_no + 1;
    v_secret bigint := sluice_internal._random_bits();
    v_leased_until timestamptz := v_now + consumer.ack_wait;
begin
    -- Expired leases are locked, so that no late acknowledgement comes in between; one that is being acknowledged is left
    -- alone, and the next call looks again. No more of them than this call can take from: the others' late tokens stay good.
    -- A nacked message needs no lock, and its batch mates must not be locked: they may be with a worker.
    select coalesce(array_agg(d.step_no), '{}') into v_locked
    from (
        select st.step_no
        from (
            select g.step_no, g.due_at, sum(g.messages) over (order by g.due_at, g.step_no) - g.messages as before
            from (
                select v.step_no, min(v.due_at) as due_at, count(*) as messages
                from sluice_internal._live_messages as v
                where
                    v.consumer_no = consumer.consumer_no and v.lane = state.lane and v.step_no = any(state.open_steps)
                    and v.due_at <= v_now and not v.nacked
                group by v.step_no
            ) as g
            offset 0
        ) as x
        inner join sluice_internal.consumer_steps as st
            on st.consumer_no = consumer.consumer_no and st.lane = state.lane and st.step_no = x.step_no
        where x.before < max_rows
        order by x.due_at, x.step_no
        for update of st skip locked
    ) as d;
    -- The next statement sees every acknowledgement that was committed before those locks.
    return query
    with live as materialized (
        select v.step_no, v.ordinal, v.record_no, v.updated_idx, v.deliver_count, v.nacked, v.due_at, v.secret
        from sluice_internal._live_messages as v
        where v.consumer_no = consumer.consumer_no and v.lane = state.lane and v.step_no = any(state.open_steps)
    ),
    parked as materialized (
        select k.updated_idx, k.record_no
        from rows from (unnest(state.parked_idxs), unnest(state.parked_record_nos)) as k (updated_idx, record_no)
    ),
    due as (
        select v.* from live as v where v.due_at <= v_now and (v.nacked or v.step_no = any(v_locked))
        union all
        (
            select null, null, k.record_no, k.updated_idx, 0, true, v_now, null
            from parked as k
            where k.record_no <> all(array(select v.record_no from live as v))
            order by k.updated_idx
            limit least(max_fresh, max_rows + 100)
        )
    ),
    judged as materialized (
        select
            d.*,
            r.sync_id,
            r.collection_id,
            r.upstream_id,
            r.updated_idx as now_idx,
            r.upstream_created_at,
            r.upstream_updated_at,
            r.deleted,
            r.data,
            case
                when r.data is null then 0
                when pg_column_compression(r.data) is null then pg_column_size(r.data)
                else octet_length(r.data::text)
            end as bytes,
            case when r.updated_idx = d.updated_idx then d.deliver_count + 1 else 1 end as next_count,
            case
                -- gone; or changed, and its new entry lies ahead: that one will bring it, once
                when r.record_no is null or r.updated_idx > state.cursor_idx then 'drop'
                when d.step_no is null and r.updated_idx <> d.updated_idx then 'drop'
                when not sluice_internal._filter_matches(consumer, r.sync_id, r.collection_id, r.data) then 'skip'
                when r.updated_idx = d.updated_idx and consumer.max_deliver > 0 and d.deliver_count >= consumer.max_deliver
                    then 'dead'
                else 'deliver'
            end as fate
        from due as d
        left join lateral (select o.* from sluice.records as o where o.record_no = d.record_no offset 0) as r on true
    ),
    sorted as materialized (
        select
            j.*,
            (j.next_count > 1 and j.next_count = consumer.max_deliver) as last,
            (j.next_count > 1 and not j.nacked) as suspect,
            row_number() over (order by j.due_at, j.step_no, j.ordinal, j.record_no) as place
        from judged as j
        where j.fate = 'deliver'
    ),
    lead as (
        select s.*
        from sorted as s
        where case _lane_recover.mood
            when 'any' then true
            when 'suspect' then s.suspect and not s.last
            else not s.suspect and not s.last
        end
        order by s.place
        limit 1
    ),
    picked as materialized (
        select s.*, row_number() over (order by s.place) as position
        from sorted as s
        cross join lead as l
        where
            s.place >= l.place
            and case
                when l.last then s.place = l.place
                when l.suspect then s.suspect and not s.last and s.next_count = l.next_count
                else not s.suspect and not s.last
            end
        order by s.place
        limit (
            select case
                when l.suspect then least(max_rows, greatest(1, batch_size >> (least(l.next_count, 31) - 1)))
                else max_rows
            end
            from lead as l
        )
    ),
    chosen as materialized (
        select c.*
        from (select p.*, sum(p.bytes) over (order by p.position) as total_bytes from picked as p) as c
        where c.total_bytes <= max_bytes or (c.position = 1 and max_bytes >= 33554432)
    ),
    settled as materialized (
        select c.step_no, c.ordinal, c.record_no, c.updated_idx, 'm'::"char" as kind from chosen as c
        union all
        select j.step_no, j.ordinal, j.record_no, j.updated_idx, case j.fate when 'dead' then 'd' else 'm' end::"char"
        from judged as j
        where j.fate <> 'deliver'
    ),
    moved as (
        insert into sluice_internal.consumer_settlements as t (consumer_no, lane, step_no, ordinal, kind)
        select consumer.consumer_no, state.lane, s.step_no, s.ordinal, s.kind
        from settled as s
        where s.step_no is not null
        on conflict (consumer_no, lane, step_no, ordinal) do update set kind = excluded.kind, due_at = null
    ),
    buried as (
        insert into sluice_internal.dead_letters as t (
            consumer_no, record_no, updated_idx, deliver_count, reason, ack_token, died_at
        )
        select
            consumer.consumer_no, j.record_no, j.updated_idx, j.deliver_count, 'max_deliver',
            sluice_internal._ack_token(state.lane, j.step_no, j.ordinal, j.secret), v_now
        from judged as j
        where j.fate = 'dead'
        on conflict (consumer_no, record_no) do update set
            updated_idx = excluded.updated_idx,
            deliver_count = excluded.deliver_count,
            reason = excluded.reason,
            ack_token = excluded.ack_token,
            died_at = excluded.died_at
    ),
    rest as (
        select
            coalesce(array_agg(distinct v.step_no), '{}') as open_steps,
            min(v.due_at) as next_due
        from live as v
        where not exists (select from settled as s where s.step_no = v.step_no and s.ordinal = v.ordinal)
    ),
    kept as (
        select
            coalesce(array_agg(k.updated_idx order by k.updated_idx), '{}') as parked_idxs,
            coalesce(array_agg(k.record_no order by k.updated_idx), '{}') as parked_record_nos
        from parked as k
        where
            k.record_no <> all(array(select c.record_no from chosen as c))
            and not exists (
                select from settled as s
                where s.step_no is null and s.record_no = k.record_no and s.updated_idx = k.updated_idx
            )
    ),
    leased as (
        select
            coalesce(array_agg(c.record_no order by c.position), '{}') as record_nos,
            coalesce(array_agg(c.now_idx order by c.position), '{}') as updated_idxs,
            array_agg(c.next_count order by c.position) as deliver_counts,
            coalesce(bool_or(c.suspect or c.last), false) as suspect,
            coalesce(sum(c.bytes), 0) as bytes
        from chosen as c
    ),
    stepped as (
        insert into sluice_internal.consumer_steps (
            consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect,
            data_bytes, secret, leased_until, record_nos, updated_idxs, deliver_counts, replay_idx, skipped
        )
        select
            consumer.consumer_no,
            state.lane,
            v_step_no,
            state.cursor_idx,
            case when l.record_nos = '{}' then t.open_steps else t.open_steps || v_step_no end,
            least(t.next_due, case when l.record_nos <> '{}' then v_leased_until end),
            k.parked_idxs,
            k.parked_record_nos,
            l.suspect,
            l.bytes,
            v_secret,
            case when l.record_nos <> '{}' then v_leased_until end,
            l.record_nos,
            l.updated_idxs,
            l.deliver_counts,
            state.replay_idx,
            -- an older version than the newest was counted where that stands
            state.skipped + (
                select count(*) from judged as j where j.fate = 'skip' and (j.step_no is null or j.now_idx = j.updated_idx)
            )
        from leased as l
        cross join rest as t
        cross join kept as k
        where
            exists (select from settled)
            or t.open_steps <> state.open_steps
            or t.next_due is distinct from state.next_due
            or k.parked_idxs <> state.parked_idxs
    )
    select
        sluice_internal._ack_token(state.lane, v_step_no, c.position::int, v_secret),
        c.sync_id,
        c.collection_id,
        c.upstream_id,
        c.now_idx,
        c.upstream_created_at,
        c.upstream_updated_at,
        c.deleted,
        c.next_count,
        y.external_id,
        y.metadata,
        c.data
    from chosen as c
    left join sluice_internal.syncs as y on y.sync_id = c.sync_id
    order by c.position;
    if v_step_no % 64 = 0 then
        perform sluice_internal._lane_trim(consumer.consumer_no, state.lane, v_step_no, s.open_steps)
        from sluice_internal._lane_state(consumer.consumer_no, state.lane, 0) as s;
    end if;
end
$function$;
comment on function sluice_internal._lane_recover(sluice_internal.consumers,sluice_internal.consumer_steps,text,integer,integer,bigint,integer) is 'Delivers again what is due in a lane, in its newest version: expired and nacked messages, and entries that were parked until their record was free. Expired ones come in shrinking batches (half for each delivery so far) and a last attempt by itself, apart from everything else (mood: any, suspect, or fresh for what may be mixed). What used up max_deliver becomes a dead letter; what the filter does not let pass any more is counted. Of the parked ones, no more than max_fresh. The caller holds the lane''s lock; due leases are locked, locked ones skipped.';

CREATE OR REPLACE FUNCTION sluice_internal._lane_state(consumer_no integer, lane integer, start_idx bigint)
 RETURNS sluice_internal.consumer_steps
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_state sluice_internal.consumer_steps;
begin
    select st.* into v_state
    from sluice_internal.consumer_steps as st
    where st.consumer_no = _lane_state.consumer_no and st.lane = _lane_state.lane
    order by st.step_no desc
    limit 1;
    if not found then
        v_state.consumer_no := _lane_state.consumer_no;
        v_state.lane := _lane_state.lane;
        v_state.step_no := 0;
        v_state.cursor_idx := _lane_state.start_idx;
        v_state.open_steps := '{}';
        v_state.parked_idxs := '{}';
        v_state.parked_record_nos := '{}';
        v_state.suspect := false;
        v_state.data_bytes := 0;
        v_state.replay_idx := 0;
        v_state.skipped := 0;
    end if;
    return v_state;
end
$function$;
comment on function sluice_internal._lane_state(integer,integer,bigint) is 'The newest step of a consumer in a lane, or step 0 before the first. Volatile, so that it sees what was committed before the lane was locked.';

CREATE OR REPLACE FUNCTION sluice_internal._lane_take(consumer sluice_internal.consumers, state sluice_internal.consumer_steps, max_rows integer, max_records integer, max_entries integer, max_bytes bigint, last_idx bigint)
 RETURNS SETOF sluice.message
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_memoize TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_open bigint[] := '{}';
    v_step_no bigint := state.step_no + 1;
    v_secret bigint := sluice_internal._random_bits();
    v_leased_until timestamptz := clock_timestamp() + consumer.ack_wait;
begin
    if state.open_steps <> '{}' then
        select coalesce(array_agg(u.step_no order by u.step_no), '{}') into v_open
        from unnest(state.open_steps) as u (step_no)
        where not exists (
            select
            from sluice_internal.consumer_settlements as s
            where
                s.consumer_no = consumer.consumer_no and s.lane = state.lane
                and s.step_no = u.step_no and s.ordinal = 0 and s.kind not in ('n', 'e')
        );
    end if;
    -- One statement: the entries, the records as they are now, and how far was looked, all by one snapshot.
    return query
    with seen as materialized (
        select
            c.*,
            -- without an order of its own a window takes the rows as they come: by updated_idx
            sum(case when c.free then c.bytes else 0 end) over (rows unbounded preceding) <= max_bytes
                or (max_bytes >= 33554432 and count(*) filter (where c.free) over (rows unbounded preceding) <= 1) as fit_bytes,
            count(*) filter (where c.free) over (rows unbounded preceding) as ordinal
        from (
            select
                p.updated_idx,
                p.record_no,
                r.matches,
                r.matches and p.busy as busy,
                r.matches and not p.busy as free,
                r.sync_id,
                r.collection_id,
                r.upstream_id,
                r.upstream_created_at,
                r.upstream_updated_at,
                r.deleted,
                case when r.matches then r.data end as data,
                -- what is not compressed has its size in its header; the rest has to be opened to be sent anyway
                case
                    when r.data is null or not r.matches then 0
                    when pg_column_compression(r.data) is null then pg_column_size(r.data)
                    else octet_length(r.data::text)
                end as bytes
            from (
                select
                    e.updated_idx,
                    e.record_no,
                    -- the first entry of a record that comes for the first time: nobody can have it
                    (not e.first or e.updated_idx <= state.replay_idx) and e.record_no = any(
                        (select sluice_internal._lane_busy(consumer.consumer_no, state.lane, v_open))::bigint[]
                    ) as busy
                from sluice_internal.positions as e
                where e.stream_no = consumer.stream_no and e.lane = state.lane and e.updated_idx > state.cursor_idx
                    and e.updated_idx <= last_idx
                order by e.updated_idx
                limit max_entries
            ) as p
            cross join lateral (
                select
                    o.*,
                    sluice_internal._filter_matches(consumer, o.sync_id, o.collection_id, o.data) as matches
                from sluice.records as o
                where o.record_no = p.record_no and o.updated_idx = p.updated_idx
                offset 0
            ) as r
            limit max_records
        ) as c
    ),
    entry as materialized (
        select s.*, (s.fit_bytes and s.ordinal <= max_rows) as fits from seen as s
    ),
    leased as materialized (
        select
            coalesce(array_agg(e.record_no) filter (where e.fits and e.free), '{}') as record_nos,
            coalesce(array_agg(e.updated_idx) filter (where e.fits and e.free), '{}') as updated_idxs,
            coalesce(array_agg(e.record_no) filter (where e.fits and e.busy), '{}') as parked_record_nos,
            coalesce(array_agg(e.updated_idx) filter (where e.fits and e.busy), '{}') as parked_idxs,
            coalesce(sum(e.bytes) filter (where e.fits and e.free), 0) as bytes,
            count(*) filter (where e.fits and not e.matches) as skipped,
            case
                when not bool_and(e.fits) then coalesce(max(e.updated_idx) filter (where e.fits), state.cursor_idx)
                when count(*) = max_records then max(e.updated_idx)
                -- fewer than wanted: everything in reach was looked at
                else coalesce(
                    (
                        select max(w.updated_idx)
                        from (
                            select n.updated_idx
                            from sluice_internal.positions as n
                            where
                                n.stream_no = consumer.stream_no and n.lane = state.lane
                                and n.updated_idx > state.cursor_idx and n.updated_idx <= last_idx
                            order by n.updated_idx
                            limit max_entries
                        ) as w
                    ),
                    state.cursor_idx
                )
            end as cursor_idx
        from entry as e
    ),
    stepped as (
        insert into sluice_internal.consumer_steps (
            consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect,
            data_bytes, secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
        )
        select
            consumer.consumer_no,
            state.lane,
            v_step_no,
            l.cursor_idx,
            case when l.record_nos = '{}' then v_open else v_open || v_step_no end,
            least(case when v_open <> '{}' then state.next_due end, case when l.record_nos <> '{}' then v_leased_until end),
            l.parked_idxs || array(
                select k.idx
                from unnest(state.parked_idxs, state.parked_record_nos) as k (idx, record_no)
                where k.record_no <> all(l.parked_record_nos)
            ),
            l.parked_record_nos || array(
                select k.record_no from unnest(state.parked_record_nos) as k (record_no) where k.record_no <> all(l.parked_record_nos)
            ),
            false,
            l.bytes,
            v_secret,
            case when l.record_nos <> '{}' then v_leased_until end,
            l.record_nos,
            l.updated_idxs,
            state.replay_idx,
            state.skipped + l.skipped
        from leased as l
        where l.cursor_idx > state.cursor_idx or v_open <> state.open_steps
    )
    select
        sluice_internal._ack_token(state.lane, v_step_no, e.ordinal::int, v_secret),
        e.sync_id,
        e.collection_id,
        e.upstream_id,
        e.updated_idx,
        e.upstream_created_at,
        e.upstream_updated_at,
        e.deleted,
        1,
        y.external_id,
        y.metadata,
        e.data
    from entry as e
    left join sluice_internal.syncs as y on y.sync_id = e.sync_id
    where e.fits and e.free
    order by e.ordinal;
    if v_step_no % 64 = 0 then
        perform sluice_internal._lane_trim(consumer.consumer_no, state.lane, v_step_no, v_open);
    end if;
end
$function$;
comment on function sluice_internal._lane_take(sluice_internal.consumers,sluice_internal.consumer_steps,integer,integer,integer,bigint,bigint) is 'Leases the next entries of a lane: at most max_rows messages of max_bytes together, up to last_idx, looking at no more than max_entries and at max_records of them that hold a record''s newest version. Entries whose record is in flight are parked; those that the filter does not let pass are counted. Writes one step, unless nothing moved. The caller holds the lane''s lock and read state after taking it.';

CREATE OR REPLACE FUNCTION sluice_internal._lane_trim(consumer_no integer, lane integer, step_no bigint, open_steps bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
begin
    with settled as materialized (
        select st.step_no
        from sluice_internal.consumer_steps as st
        where
            st.consumer_no = _lane_trim.consumer_no and st.lane = _lane_trim.lane
            and st.step_no <> all(_lane_trim.open_steps)
            -- never the newest, which is the lane's state: the caller's own step is not written if nothing moved
            and st.step_no < least(
                _lane_trim.step_no,
                (
                    select n.step_no
                    from sluice_internal.consumer_steps as n
                    where n.consumer_no = _lane_trim.consumer_no and n.lane = _lane_trim.lane
                    order by n.step_no desc
                    limit 1
                )
            )
        order by st.step_no
        limit 256
        for update skip locked
    ),
    trimmed as (
        delete from sluice_internal.consumer_steps as st
        where
            st.consumer_no = _lane_trim.consumer_no and st.lane = _lane_trim.lane
            and st.step_no = any(array(select d.step_no from settled as d))
    )
    delete from sluice_internal.consumer_settlements as s
    where
        s.consumer_no = _lane_trim.consumer_no and s.lane = _lane_trim.lane
        and s.step_no = any(array(select d.step_no from settled as d));
end
$function$;
comment on function sluice_internal._lane_trim(integer,integer,bigint,bigint[]) is 'Removes steps before step_no whose messages are all settled. Called every 64 steps, under the lane''s lock; skips what an acknowledgement has locked.';

CREATE OR REPLACE FUNCTION sluice_internal._lanes_ready(consumer sluice_internal.consumers, lanes integer, first_lane integer, max_lanes integer)
 RETURNS integer[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    return (
        select array_agg(r.lane)
        from (
            select n.lane
            from (
                select (_lanes_ready.first_lane + g.i) % _lanes_ready.lanes as lane
                from generate_series(0, _lanes_ready.lanes - 1) as g (i)
                offset 0
            ) as n
            left join lateral (
                select st.cursor_idx, st.next_due, st.open_steps, st.parked_record_nos
                from sluice_internal.consumer_steps as st
                where st.consumer_no = consumer.consumer_no and st.lane = n.lane
                order by st.step_no desc
                limit 1
            ) as st on true
            where
                exists (
                    select
                    from sluice_internal.positions as p
                    where
                        p.stream_no = consumer.stream_no and p.lane = n.lane
                        and p.updated_idx > coalesce(st.cursor_idx, consumer.start_idx)
                    offset 0
                )
                -- case, since "null and …" looks at the rest all the same
                or case
                    when st.next_due is null and coalesce(st.parked_record_nos, '{}') = '{}' then false
                    when st.next_due <= clock_timestamp() then true
                    else exists (
                        select
                        from sluice_internal.consumer_settlements as s
                        where
                            s.consumer_no = consumer.consumer_no and s.lane = n.lane and s.due_at <= clock_timestamp()
                            and s.step_no = any(st.open_steps)
                    )
                    or case
                        when st.parked_record_nos = '{}' then false
                        else not (
                            st.parked_record_nos
                            <@ sluice_internal._lane_busy(consumer.consumer_no, n.lane, st.open_steps)
                        )
                    end
                end
            limit _lanes_ready.max_lanes
        ) as r
    );
end
$function$;
comment on function sluice_internal._lanes_ready(sluice_internal.consumers,integer,integer,integer) is 'The lanes, from first_lane on, in which the consumer may find something: a new entry, an expired or nacked message, or an entry whose record is free again. Reads only: no lock, no transaction id. Null if there are none. Its plan is made under the settings of the caller.';

CREATE OR REPLACE FUNCTION sluice_internal._lease_check(sync_id text, poller_id text, epoch bigint)
 RETURNS sluice_internal.sync_runs
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
begin
    select r.* into v_run
    from sluice_internal.sync_runs as r
    where
        r.sync_id = _lease_check.sync_id collate "C"
        and r.poller_id = _lease_check.poller_id collate "C"
        and r.epoch = _lease_check.epoch
        and not exists (select from sluice_internal.syncs as y where y.sync_id = r.sync_id and y.paused)
    for update of r;
    if not found then
        raise exception using
            errcode = 'SL130',
            message = format('poller "%s" no longer works on sync "%s"', _lease_check.poller_id, _lease_check.sync_id),
            hint = 'Drop what was read: another poller has the sync, or it was paused or deleted.';
    end if;
    return v_run;
end
$function$;
comment on function sluice_internal._lease_check(text,text,bigint) is 'Raises SL130 unless this poller still holds the sync in this epoch. Locks the run, so nobody can claim it before the transaction ends.';

CREATE OR REPLACE FUNCTION sluice_internal._lock_key(kind integer, number bigint, lane integer)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (((((5321)::bigint << 48) | ((kind)::bigint << 44)) | (number << 9)) | (lane)::bigint);
comment on function sluice_internal._lock_key(integer,bigint,integer) is 'The key of an advisory lock. Kind 1: a stream''s commit order (number: stream_no); 2: a consumer''s lane (consumer_no, lane); 3: the folding of counters; 4: a consumer''s existence (consumer_no); 5: a stream''s watchers (stream_no); 6: calls of a bounded consumer (consumer_no); 7: what a transaction took of one (consumer_no and how many). Inlined, so it pins no search path. Lock order: lanes, leases, records, then the streams of the transaction by number, at commit.';

CREATE OR REPLACE FUNCTION sluice_internal._lock_touched(stream_no integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_stream_no int;
begin
    -- The setting can be overwritten by anyone. That may cost a deadlock, which Postgres ends; the order stays right,
    -- since the stream at hand is always locked.
    for v_stream_no in
        select distinct t.touched::int
        from string_to_table(current_setting('sluice.touched_streams', true), ',') as t (touched)
        where t.touched ~ '^[0-9]{1,9}$'
        union
        select _lock_touched.stream_no
        order by 1
    loop
        perform pg_advisory_xact_lock(sluice_internal._lock_key(1, v_stream_no, 0));
    end loop;
end
$function$;
comment on function sluice_internal._lock_touched(integer) is 'At commit: takes the commit lock of every stream that this transaction touched, by number, so that two commits cannot deadlock.';

CREATE OR REPLACE FUNCTION sluice_internal._move_cursors(consumer_no integer, lanes integer, cursor_idx bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    insert into sluice_internal.consumer_steps (
        consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect, data_bytes,
        secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
    )
    select
        _move_cursors.consumer_no, l.lane, st.step_no + 1, _move_cursors.cursor_idx, st.open_steps, st.next_due, '{}', '{}', false, 0,
        st.secret, null, '{}', '{}', greatest(st.replay_idx, st.cursor_idx), st.skipped
    from generate_series(0, _move_cursors.lanes - 1) as l (lane)
    cross join lateral (
        select t.*
        from sluice_internal.consumer_steps as t
        where t.consumer_no = _move_cursors.consumer_no and t.lane = l.lane
        order by t.step_no desc
        limit 1
    ) as st;
end
$function$;
comment on function sluice_internal._move_cursors(integer,integer,bigint) is 'Moves a consumer''s cursor in every lane where it has one; leases stay. The caller holds the locks of the lanes.';

CREATE OR REPLACE FUNCTION sluice_internal._mutation_claim(poller_id text, max_items integer)
 RETURNS TABLE(mutation_no bigint, item_no integer, epoch integer, sync_id text, collection_id text, kind text, upstream_id text, data jsonb, vendor_key text, attempt integer, first_sent_at timestamp with time zone, provider text, credential_id text, sealed bytea, key_version integer, credential_kind text, base_url text, clock timestamp with time zone, sent_before boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    with open as materialized (
        select i.mutation_no, i.item_no, i.first_sent_at is not null as sent_before
        from sluice_internal.mutation_items as i
        inner join sluice_internal.syncs as y on y.sync_id = i.sync_id
        where
            i.status in ('queued', 'sending')
            and i.next_attempt_at <= clock_timestamp()
            and not y.paused
            and (
                i.status = 'queued'
                or not exists (
                    select from sluice_internal.pollers as p
                    where p.poller_id = i.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
                )
            )
            -- what the sync has on the way: its other items, and the poller that reads it
            and (
                coalesce((y.rate_limit -> 'max_concurrent_requests')::int, 0) = 0
                or (y.rate_limit -> 'max_concurrent_requests')::int > (
                    select count(*)
                    from sluice_internal.mutation_items as b
                    where
                        b.sync_id = i.sync_id and b.status in ('queued', 'sending')
                        and (b.status = 'sending' or (b.mutation_no, b.item_no) < (i.mutation_no, i.item_no))
                        and b.next_attempt_at <= clock_timestamp()
                        and (b.mutation_no, b.item_no) <> (i.mutation_no, i.item_no)
                ) + (select count(*) from sluice_internal.sync_runs as r where r.sync_id = i.sync_id and r.poller_id is not null)
            )
            -- writes to one object run in order; an unknown one holds up the next
            and not exists (
                select from sluice_internal.mutation_items as e
                where
                    e.sync_id = i.sync_id and e.collection_id = i.collection_id and e.upstream_id = i.upstream_id
                    and e.status in ('queued', 'sending', 'unknown')
                    and (e.mutation_no, e.item_no) < (i.mutation_no, i.item_no)
            )
        order by i.next_attempt_at, i.mutation_no, i.item_no
        limit _mutation_claim.max_items
        for update of i skip locked
    ),
    claimed as (
        update sluice_internal.mutation_items as i
        set
            status = 'sending',
            poller_id = _mutation_claim.poller_id,
            epoch = i.epoch + 1,
            attempt = i.attempt + 1,
            first_sent_at = coalesce(i.first_sent_at, clock_timestamp())
        from open as o
        where i.mutation_no = o.mutation_no and i.item_no = o.item_no
        returning i.*, o.sent_before
    )
    select
        c.mutation_no,
        c.item_no,
        c.epoch,
        c.sync_id,
        c.collection_id,
        m.kind,
        c.upstream_id,
        c.data,
        c.vendor_key::text,
        c.attempt,
        c.first_sent_at,
        y.provider,
        y.credential_id,
        k.sealed,
        k.key_version,
        k.kind,
        k.base_url,
        clock_timestamp(),
        c.sent_before
    from claimed as c
    inner join sluice_internal.mutations as m on m.mutation_no = c.mutation_no
    inner join sluice_internal.syncs as y on y.sync_id = c.sync_id
    left join sluice_internal.credentials as k on k.credential_id = y.credential_id
    order by c.mutation_no, c.item_no;
end
$function$;
comment on function sluice_internal._mutation_claim(text,integer) is 'Takes up to max_items items to send, oldest first, writes to one object in order, also those of a poller that died while sending (sent_before is then true, and first_sent_at says since when). Locks the items (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._mutation_close(mutation_no bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    -- The lock first: of two items that end at the same time, the later one must see the earlier.
    perform from sluice_internal.mutations as m where m.mutation_no = _mutation_close.mutation_no for update;
    update sluice_internal.mutations as m
    set finished_at = clock_timestamp()
    where
        m.mutation_no = _mutation_close.mutation_no
        and m.finished_at is null
        and not exists (
            select from sluice_internal.mutation_items as i
            where i.mutation_no = _mutation_close.mutation_no and i.status in ('queued', 'sending')
        );
    if found then
        perform pg_notify('sluice_mutation_done', (
            select m.mutation_id from sluice_internal.mutations as m where m.mutation_no = _mutation_close.mutation_no
        ));
    end if;
end
$function$;
comment on function sluice_internal._mutation_close(bigint) is 'Marks a mutation as finished once no item is open, and says so on the channel sluice_mutation_done. Locks its row.';

CREATE OR REPLACE FUNCTION sluice_internal._mutation_complete(mutation_no bigint, item_no integer, poller_id text, epoch integer, status text, upstream_id text, records jsonb, read_from timestamp with time zone, error jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_item sluice_internal.mutation_items;
    v_stream_no int;
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.mutation_items as i
    set
        status = _mutation_complete.status,
        upstream_id = coalesce(_mutation_complete.upstream_id, i.upstream_id),
        error = _mutation_complete.error,
        poller_id = null,
        finished_at = clock_timestamp()
    where
        i.mutation_no = _mutation_complete.mutation_no and i.item_no = _mutation_complete.item_no
        and i.status = 'sending' and i.poller_id = _mutation_complete.poller_id collate "C" and i.epoch = _mutation_complete.epoch
    returning i.* into v_item;
    if not found then
        return false;
    end if;
    if jsonb_array_length(coalesce(_mutation_complete.records, '[]')) > 0 then
        select y.stream_no into v_stream_no from sluice_internal.syncs as y where y.sync_id = v_item.sync_id;
        perform sluice_internal._record_write(
            v_stream_no, v_item.sync_id, v_item.collection_id, _mutation_complete.records, _mutation_complete.read_from
        );
    end if;
    perform sluice_internal._mutation_close(v_item.mutation_no);
    return true;
end
$function$;
comment on function sluice_internal._mutation_complete(bigint,integer,text,integer,text,text,jsonb,timestamp with time zone,jsonb) is 'Ends an item (succeeded, failed, unknown) and writes the object that the vendor answered into records, in one transaction; false, and nothing done, if the item was taken over. Locks the item, then its mutation.';

CREATE OR REPLACE FUNCTION sluice_internal._mutation_retry(mutation_no bigint, item_no integer, poller_id text, epoch integer, retry_in interval, was_sent boolean, error jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.mutation_items as i
    set
        status = 'queued',
        poller_id = null,
        first_sent_at = case when _mutation_retry.was_sent then i.first_sent_at end,
        next_attempt_at = clock_timestamp() + _mutation_retry.retry_in,
        error = _mutation_retry.error
    where
        i.mutation_no = _mutation_retry.mutation_no and i.item_no = _mutation_retry.item_no
        and i.status = 'sending' and i.poller_id = _mutation_retry.poller_id collate "C" and i.epoch = _mutation_retry.epoch;
    return found;
end
$function$;
comment on function sluice_internal._mutation_retry(bigint,integer,text,integer,interval,boolean,jsonb) is 'Puts an item back for a later attempt (rate limit, vendor down, SIGTERM); was_sent: the vendor may have done it already, in this attempt or an earlier one. False if it was taken over.';

CREATE OR REPLACE FUNCTION sluice_internal._next_bounded(consumer sluice_internal.consumers, lanes integer, batch_size integer, is_open boolean)
 RETURNS SETOF sluice.message
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_mutex bigint := sluice_internal._lock_key(6, consumer.consumer_no, 0);
    v_setting text := 'sluice.reserved_' || consumer.consumer_no;
    v_others int;
    v_total int;
    v_count int := 0;
    v_before bigint;
    v_strict boolean := consumer.max_ack_pending = 1;
    v_lane int;
    v_last_idx bigint;
begin
    -- Held for this call, not for the transaction: a worker that keeps its transaction open does not hold up the others.
    for v_round in 1..100 loop
        exit when pg_try_advisory_lock(v_mutex);
        if v_round = 100 then
            return;
        end if;
        perform pg_sleep(0.001);
    end loop;
    begin
        -- What others took and have not committed is known by a lock that carries the number. Read before the leases: a
        -- transaction that ends in between counts twice rather than not at all.
        select coalesce(sum(o.total), 0) into v_others
        from (
            select max(k.key & 1048575) as total
            from (
                select l.pid, (l.classid::bigint << 32) | l.objid::bigint as key
                from pg_locks as l
                where
                    l.locktype = 'advisory' and l.objsubid = 1
                    and l.database = (select d.oid from pg_database as d where d.datname = current_database())
                    and l.pid is distinct from pg_backend_pid()
            ) as k
            where k.key >> 20 = sluice_internal._lock_key(7, consumer.consumer_no::bigint << 11, 0) >> 20
            group by k.pid
        ) as o;
        -- Again after a round without messages that moved something: what was buried or dropped may have made room, and strict
        -- order asks anew after each lane where to go on.
        for v_round in 1..lanes + 3 loop
            v_lane := floor(random() * lanes);
            if v_strict then
                select f.lane, f.last_idx into v_lane, v_last_idx from sluice_internal._first_lane(consumer, lanes) as f;
            end if;
            exit when v_lane is null;
            v_before := sluice_internal._progress(consumer, lanes);
            return query
            select m.*
            from sluice_internal._next_lanes(
                consumer, lanes, v_lane,
                case when v_strict then array(select g.i from generate_series(0, lanes - 1) as g (i) where g.i <> v_lane) else '{}' end,
                least(batch_size, consumer.max_ack_pending), least(batch_size, consumer.max_ack_pending), 33554432, is_open,
                consumer.max_ack_pending - v_others, coalesce(v_last_idx, 9223372036854775807)
            ) as m;
            get diagnostics v_count = row_count;
            -- what was out may have been settled a moment ago
            continue when v_count = 0 and v_last_idx = 0 and sluice_internal._num_ack_pending(consumer, lanes) = 0;
            exit when v_count > 0 or sluice_internal._progress(consumer, lanes) is not distinct from v_before;
        end loop;
        if v_count > 0 then
            v_total := least(coalesce(nullif(current_setting(v_setting, true), ''), '0')::int + v_count, 1048575);
            perform set_config(v_setting, v_total::text, true);
            perform pg_advisory_xact_lock_shared(
                sluice_internal._lock_key(7, (consumer.consumer_no::bigint << 11) | (v_total >> 9), v_total & 511)
            );
        end if;
    exception
        when query_canceled or assert_failure or others then
            perform pg_advisory_unlock(v_mutex);
            raise;
    end;
    perform pg_advisory_unlock(v_mutex);
end
$function$;
comment on function sluice_internal._next_bounded(sluice_internal.consumers,integer,integer,boolean) is 'consumer_next of a consumer with max_ack_pending: an exact bound over all its workers, those with open transactions included. One call at a time (others try for 0.1 s); what it took is kept in a lock until the transaction ends.';

CREATE OR REPLACE FUNCTION sluice_internal._next_lanes(consumer sluice_internal.consumers, lanes integer, first_lane integer, done_lanes integer[], batch_size integer, max_rows integer, max_bytes bigint, is_open boolean, max_pending integer, last_idx bigint)
 RETURNS SETOF sluice.message
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_lane int;
    v_held boolean := false;
    v_fresh int := max_rows;
    v_taken int := cardinality(done_lanes);
    v_before int;
    v_before_idx bigint;
    v_before_skipped bigint;
    v_parked bigint[];
    v_looked int;
    v_left int := 10000;
    v_window int;
    v_ready int[];
    v_done int[] := done_lanes;
    v_state sluice_internal.consumer_steps;
    v_need int := max_rows;
    v_bytes bigint := max_bytes;
    v_strict boolean := coalesce(consumer.max_ack_pending = 1, false);
    v_step_no bigint;
    v_mood text := case when max_rows < batch_size then 'fresh' else 'any' end;
    v_count int;
begin
    -- With a backlog the first lane fills the batch; only when it does not are the others asked.
    for v_round in 1..2 loop
        v_ready := sluice_internal._lanes_ready(consumer, lanes, first_lane, case v_round when 1 then 1 else lanes end);
        foreach v_lane in array coalesce(v_ready, '{}') loop
            continue when v_lane = any(v_done);
            v_done := v_done || v_lane;
            continue when not pg_try_advisory_xact_lock(sluice_internal._lock_key(2, consumer.consumer_no, v_lane));
            if not v_held then
                perform sluice_internal._hold_consumer(consumer);
                v_held := true;
            end if;
            v_before := v_need;
            v_state := sluice_internal._lane_state(consumer.consumer_no, v_lane, consumer.start_idx);
            if v_state.open_steps <> '{}' or v_state.parked_record_nos <> '{}' then
                if sluice_internal._lane_due(v_state) then
                    if max_pending is not null then
                        v_fresh := greatest(max_pending - sluice_internal._num_ack_pending(consumer, lanes), 0);
                    end if;
                    v_step_no := v_state.step_no;
                    return query
                    select m.*
                    from sluice_internal._lane_recover(consumer, v_state, v_mood, batch_size, v_need, v_bytes, v_fresh) as m;
                    get diagnostics v_count = row_count;
                    v_state := sluice_internal._lane_state(consumer.consumer_no, v_lane, consumer.start_idx);
                    if v_count > 0 then
                        v_bytes := v_bytes - v_state.data_bytes;
                        if v_state.suspect and v_mood = 'any' then
                            v_mood := 'suspect';
                            v_need := case
                                when v_state.deliver_counts[1] = consumer.max_deliver then 0
                                else greatest(1, batch_size >> (least(v_state.deliver_counts[1], 31) - 1)) - v_count
                            end;
                        elsif v_mood = 'suspect' then
                            v_need := v_need - v_count;
                        else
                            v_mood := 'fresh';
                            v_need := v_need - v_count;
                        end if;
                    end if;
                    -- what was dropped here comes from its new place, which may not be the next
                    continue when v_strict and v_state.step_no > v_step_no;
                end if;
            end if;
            -- Again while all that was looked at is in flight, replaced or filtered: without a filter an empty answer means that
            -- nothing was there.
            v_looked := 0;
            v_window := case
                when v_strict then 10000 / lanes
                when consumer.filter is null then v_need
                else least(greatest(v_need * 2, 100), v_left)
            end;
            while v_mood <> 'suspect' and v_need > 0 and v_looked < 100000 and v_left > 0 loop
                v_fresh := v_need;
                if max_pending is not null then
                    v_fresh := least(v_need, max_pending - sluice_internal._num_ack_pending(consumer, lanes));
                    exit when v_fresh <= 0;
                end if;
                v_before_idx := v_state.cursor_idx;
                v_before_skipped := v_state.skipped;
                v_parked := v_state.parked_idxs;
                return query
                select m.*
                from sluice_internal._lane_take(
                    consumer, v_state, v_fresh, v_window,
                    case when consumer.filter is null then greatest(v_window, 10000 / lanes) else v_window end,
                    v_bytes, last_idx
                ) as m;
                get diagnostics v_count = row_count;
                if v_count > 0 then
                    v_mood := 'fresh';
                    v_need := v_need - v_count;
                end if;
                v_state := sluice_internal._lane_state(consumer.consumer_no, v_lane, consumer.start_idx);
                v_left := v_left - (v_state.skipped - v_before_skipped)::int;
                exit when v_need <= 0 or v_strict;
                v_bytes := v_bytes - case when v_count > 0 then v_state.data_bytes else 0 end;
                exit when v_state.cursor_idx = v_before_idx
                    or (v_count > 0 and v_state.parked_idxs = v_parked and v_state.skipped = v_before_skipped);
                v_looked := v_looked + greatest(v_window, 10000 / lanes);
                v_window := least(v_window * 8, case when consumer.filter is null then 10000 else v_left end);
            end loop;
            v_taken := v_taken + (v_need < v_before)::int;
            if v_need <= 0 or v_bytes <= 0 or (is_open and v_taken >= greatest(1, lanes / 2)) then
                return;
            end if;
        end loop;
        exit when v_ready is null;
    end loop;
end
$function$;
comment on function sluice_internal._next_lanes(sluice_internal.consumers,integer,integer,integer[],integer,integer,bigint,boolean,integer,bigint) is 'What consumer_next does lane by lane, from first_lane on, but for done_lanes: what is due again, then what is new, max_rows and max_bytes of a batch of batch_size; if is_open from at most half of the lanes; no more fresh ones than max_pending allows, null without bound, and none behind last_idx. Locks lanes (tried, never waited for).';

CREATE OR REPLACE FUNCTION sluice_internal._num_ack_pending(consumer sluice_internal.consumers, lanes integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
begin
    return (
        select count(*)
        from generate_series(0, _num_ack_pending.lanes - 1) as l (lane)
        cross join lateral (
            select st.open_steps
            from sluice_internal.consumer_steps as st
            where st.consumer_no = consumer.consumer_no and st.lane = l.lane
            order by st.step_no desc
            limit 1
        ) as st
        inner join sluice_internal._live_messages as v
            on v.consumer_no = consumer.consumer_no and v.lane = l.lane and v.step_no = any(st.open_steps)
    );
end
$function$;
comment on function sluice_internal._num_ack_pending(sluice_internal.consumers,integer) is 'How many messages of a consumer are delivered and not settled: leased, expired, or given back. Volatile, so that it sees what was committed a moment ago.';

CREATE OR REPLACE FUNCTION sluice_internal._number_ingest()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_memoize TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
declare
    v_sequence regclass := 'sluice_internal.position_' || new.stream_no;
    v_count int := cardinality(new.updated_idxs);
    v_lanes int;
    v_stream_id text;
begin
    select s.lanes, s.stream_id into v_lanes, v_stream_id from sluice_internal.streams as s where s.stream_no = new.stream_no;
    if current_setting('sluice.touched_streams', true) = new.stream_no::text then
        perform pg_advisory_xact_lock(sluice_internal._lock_key(1, new.stream_no, 0));
    else
        perform sluice_internal._lock_touched(new.stream_no);
    end if;
    -- The numbers drawn at ingest stand if they are one run and nobody drew a later one: then whoever committed before has
    -- lower ones, and whoever commits after will find that theirs are not the last. Otherwise new ones are drawn here,
    -- under the lock.
    if new.updated_idxs[v_count] = pg_sequence_last_value(v_sequence)
        and new.updated_idxs[v_count] - new.updated_idxs[1] + 1 = v_count
    then
        if v_count = 1 then
            insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
            values (new.stream_no, new.record_nos[1] % v_lanes, new.firsts[1], new.updated_idxs[1], new.record_nos[1]);
        else
            insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
            select new.stream_no, n.record_no % v_lanes, n.first, n.updated_idx, n.record_no
            from rows from (unnest(new.record_nos), unnest(new.updated_idxs), unnest(new.firsts)) as n (record_no, updated_idx, first);
        end if;
    else
        with renumbered as (
            update sluice.records as r
            set updated_idx = n.next_idx
            from (
                select u.record_no, u.updated_idx, u.first, nextval(v_sequence) as next_idx
                from unnest(new.record_nos, new.updated_idxs, new.firsts) as u (record_no, updated_idx, first)
                offset 0
            ) as n
            -- written again in this transaction: the later write has its own number
            where r.record_no = n.record_no and r.updated_idx = n.updated_idx
            returning r.record_no, r.updated_idx, n.first
        )
        insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
        select new.stream_no, n.record_no % v_lanes, n.first, n.updated_idx, n.record_no
        from renumbered as n;
    end if;
    -- At most one NOTIFY a transaction, and only while somebody waits: it serialises commits of the whole server.
    if not pg_try_advisory_xact_lock(sluice_internal._lock_key(5, new.stream_no, 0)) then
        perform pg_notify('sluice_streams', v_stream_id);
    end if;
    return null;
end
$function$;
comment on function sluice_internal._number_ingest() is 'At commit: puts what the transaction wrote into the stream''s order. Locks the commit order of every stream that the transaction touched, until the commit is done: whoever has read up to n never finds a new row at or below n later.';

CREATE OR REPLACE FUNCTION sluice_internal._page_commit(sync_id text, poller_id text, epoch bigint, feed text, cursor jsonb, done boolean, records jsonb, quarantine jsonb, read_from timestamp with time zone)
 RETURNS TABLE(new integer, changed integer, unchanged integer, refused integer, refetch jsonb, clock timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_stream_no int;
    v_clear boolean;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_page_commit.sync_id, _page_commit.poller_id, _page_commit.epoch);
    select y.stream_no into v_stream_no from sluice_internal.syncs as y where y.sync_id = v_run.sync_id;
    select w.new, w.changed, w.unchanged, w.refused, coalesce(w.unclear, '[]')
    into new, changed, unchanged, refused, refetch
    from sluice_internal._record_write(v_stream_no, v_run.sync_id, null, _page_commit.records, _page_commit.read_from) as w;

    -- What has to be fetched again must not be behind the cursor: a crash before it is fetched would lose it.
    v_clear := refetch = '[]';

    delete from sluice_internal.quarantine as q
    using
        jsonb_to_recordset(coalesce(_page_commit.quarantine, '[]') || coalesce(_page_commit.records, '[]')) as i (
            collection_id text, upstream_id text, raw text
        )
    where
        q.sync_id = v_run.sync_id
        and q.collection_id = i.collection_id collate "C"
        and (q.upstream_id = i.upstream_id collate "C" or (i.upstream_id is null and q.raw = decode(i.raw, 'base64')));
    insert into sluice_internal.quarantine (sync_id, collection_id, upstream_id, raw, reason)
    select v_run.sync_id, i.collection_id, i.upstream_id, decode(i.raw, 'base64'), i.reason
    from jsonb_to_recordset(coalesce(_page_commit.quarantine, '[]')) as i (
        collection_id text, upstream_id text, raw text, reason text
    );

    insert into sluice_internal.sync_feeds as f (sync_id, feed, cursor_state, done, pages, records)
    values (
        v_run.sync_id, _page_commit.feed, case when v_clear then _page_commit.cursor end, v_clear and _page_commit.done, 1,
        jsonb_array_length(_page_commit.records)
    )
    on conflict (sync_id, feed) do update set
        cursor_state = case when v_clear then excluded.cursor_state else f.cursor_state end,
        done = case when v_clear then excluded.done else f.done end,
        pages = f.pages + 1,
        records = f.records + excluded.records,
        updated_at = clock_timestamp();
    perform sluice_internal._run_succeeded(v_run, false);
    clock := clock_timestamp();
    return next;
end
$function$;
comment on function sluice_internal._page_commit(text,text,bigint,text,jsonb,boolean,jsonb,jsonb,timestamp with time zone) is 'Writes one page and moves the feed''s cursor, in one transaction and only under the lease. records as in _record_write; quarantine: [{collection_id, upstream_id, raw (base64), reason}]; refetch: the objects whose reads overlap and differ; if there are any, the cursor stays until a later call brings them. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._poller_heartbeat(poller_id text, host text, pid integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    insert into sluice_internal.pollers as p (poller_id, host, pid)
    values (_poller_heartbeat.poller_id, _poller_heartbeat.host, _poller_heartbeat.pid)
    on conflict (poller_id) do update set heartbeat_at = clock_timestamp();
    delete from sluice_internal.pollers as p where p.heartbeat_at < clock_timestamp() - interval '1 day';
    perform sluice_internal._fold_counts();
end
$function$;
comment on function sluice_internal._poller_heartbeat(text,text,integer) is 'Says that a poller lives, every 2 s; after 10 s of silence others take its syncs. Folds counters on the way.';

CREATE OR REPLACE FUNCTION sluice_internal._poller_stop(poller_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.sync_runs as r
    set poller_id = null
    where r.poller_id = _poller_stop.poller_id collate "C";
    delete from sluice_internal.pollers as p where p.poller_id = _poller_stop.poller_id collate "C";
    perform pg_notify('sluice_poller', '');
end
$function$;
comment on function sluice_internal._poller_stop(text) is 'A poller ends: its syncs are free at once, and the others are woken.';

CREATE OR REPLACE FUNCTION sluice_internal._progress(consumer sluice_internal.consumers, lanes integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
begin
    return (
        select sum(st.step_no)
        from generate_series(0, _progress.lanes - 1) as l (lane)
        cross join lateral (
            select t.step_no
            from sluice_internal.consumer_steps as t
            where t.consumer_no = consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st
    );
end
$function$;
comment on function sluice_internal._progress(sluice_internal.consumers,integer) is 'A number that rises with each step of a consumer; null before the first.';

CREATE OR REPLACE FUNCTION sluice_internal._random_bits()
 RETURNS bigint
 LANGUAGE sql
 PARALLEL SAFE
RETURN (((('x'::text || substr(replace((gen_random_uuid())::text, '-'::text, ''::text), 1, 12)) || substr(replace((gen_random_uuid())::text, '-'::text, ''::text), 1, 4)))::bit(64))::bigint;
comment on function sluice_internal._random_bits() is '64 bits from the server''s strong random source. Inlined, so it pins no search path.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_take(sync_id text)
 RETURNS interval
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_limit jsonb;
    v_pause interval;
    v_now timestamptz := clock_timestamp();
    v_next_at timestamptz;
begin
    perform sluice_internal._authorize(null, 'poller');
    select y.rate_limit into v_limit from sluice_internal.syncs as y where y.sync_id = _rate_take.sync_id collate "C";
    if coalesce((v_limit -> 'allowed_requests')::numeric, 0) = 0 then
        return null;
    end if;
    -- Evenly spaced, so that no window of that length, wherever it begins, has more.
    v_pause := make_interval(secs => ((v_limit -> 'interval')::numeric / (v_limit -> 'allowed_requests')::numeric)::double precision);
    insert into sluice_internal.sync_paces as p (sync_id, next_at)
    values (_rate_take.sync_id, v_now + v_pause)
    on conflict (sync_id) do update set next_at = greatest(p.next_at, v_now) + v_pause
    returning p.next_at into v_next_at;
    return greatest(v_next_at - v_pause - v_now, '0');
end
$function$;
comment on function sluice_internal._rate_take(text) is 'Takes the next place among the requests of a sync: how long to wait before sending, null for a sync without a limit. Requests of all pollers are spaced by interval / allowed_requests. Locks the sync''s pace for the moment. Outside a transaction only.';

CREATE OR REPLACE FUNCTION sluice_internal._record_write(stream_no integer, sync_id text, collection_id text, records jsonb, read_from timestamp with time zone, OUT new integer, OUT changed integer, OUT unchanged integer, OUT refused integer, OUT unclear jsonb)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_memoize TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_sequence regclass := 'sluice_internal.position_' || _record_write.stream_no;
    v_read_until timestamptz := case when _record_write.read_from is not null then clock_timestamp() end;
    v_items int := jsonb_array_length(_record_write.records);
    v_written int := 0;
    v_there record;
    v_done record;
    v_rest record;
begin
    perform sluice_internal._touch_stream(_record_write.stream_no);
    new := 0;
    changed := 0;
    unchanged := 0;
    refused := 0;
    -- A fixed snapshot may show as unchanged what was changed since. Locking what is there makes Postgres say so (40001).
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        perform
        from jsonb_to_recordset(_record_write.records) as i (collection_id text, upstream_id text)
        inner join sluice.records as r
            on r.sync_id = _record_write.sync_id collate "C"
            and r.collection_id = coalesce(i.collection_id, _record_write.collection_id) collate "C"
            and r.upstream_id = i.upstream_id collate "C"
        order by r.collection_id, r.upstream_id
        for share of r;
    end if;
    if v_items = 1 then
        select
            s.stream_id,
            i.*,
            case
                when r.record_no is null then 'new'
                else sluice_internal._verdict(
                    r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                    i.upstream_updated_at, _record_write.read_from, v_read_until, i.deleted, i.data
                )
            end as verdict
        into v_there
        from (
            select
                coalesce(e.value ->> 'collection_id', _record_write.collection_id) as collection_id,
                e.value ->> 'upstream_id' as upstream_id,
                nullif(e.value -> 'data', 'null') as data,
                (e.value ->> 'upstream_created_at')::timestamptz as upstream_created_at,
                (e.value ->> 'upstream_updated_at')::timestamptz as upstream_updated_at,
                coalesce((e.value ->> 'deleted')::boolean, false) as deleted
            from (select _record_write.records -> 0 as value offset 0) as e
            offset 0
        ) as i
        inner join sluice_internal.streams as s on s.stream_no = _record_write.stream_no
        left join lateral (
            select o.*
            from sluice.records as o
            where
                o.sync_id = _record_write.sync_id collate "C"
                and o.collection_id = i.collection_id collate "C"
                and o.upstream_id = i.upstream_id collate "C"
            offset 0
        ) as r on true;
        if v_there.verdict in ('new', 'changed') then
            -- The verdict is asked again under the row's lock: another writer may have come first.
            insert into sluice.records as r (
                sync_id, collection_id, upstream_id, updated_idx, upstream_created_at, upstream_updated_at, deleted, data,
                stream_id, read_from, read_until
            )
            values (
                _record_write.sync_id, v_there.collection_id, v_there.upstream_id, nextval(v_sequence), v_there.upstream_created_at,
                v_there.upstream_updated_at, v_there.deleted, v_there.data, v_there.stream_id, _record_write.read_from, v_read_until
            )
            on conflict on constraint records_key do update set
                updated_idx = excluded.updated_idx,
                upstream_created_at = coalesce(excluded.upstream_created_at, r.upstream_created_at),
                upstream_updated_at = greatest(excluded.upstream_updated_at, r.upstream_updated_at),
                deleted = excluded.deleted,
                data = coalesce(excluded.data, r.data),
                read_from = excluded.read_from,
                read_until = excluded.read_until
            where sluice_internal._verdict(
                r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                excluded.upstream_updated_at, excluded.read_from, excluded.read_until, excluded.deleted, excluded.data
            ) = 'changed'
            returning r.record_no, r.updated_idx, (r.xmax = 0) as first into v_done;
            if found then
                insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
                values (
                    _record_write.stream_no, _record_write.sync_id, array[v_there.collection_id],
                    array[v_done.record_no], array[v_done.updated_idx], array[v_done.first]
                );
                new := v_done.first::int;
                changed := 1 - new;
                return;
            end if;
        elsif v_there.verdict = 'unchanged' then
            unchanged := 1;
            return;
        end if;
    elsif v_items = (
        -- an object may stand in the call twice: then not here
        select count(*)
        from (
            select
            from jsonb_array_elements(_record_write.records) as e (value)
            group by e.value ->> 'collection_id', e.value ->> 'upstream_id'
        ) as g
    ) then
        -- compressed or out of line, it would be opened for each object
        records := _record_write.records #> '{}';
        if not exists (
            -- If the first and the last are new, so are the others, usually: they are not looked up, but put in.
            select
            from (values (_record_write.records -> 0), (_record_write.records -> -1)) as e (value)
            cross join lateral (
                select
                from sluice.records as o
                where
                    o.sync_id = _record_write.sync_id collate "C"
                    and o.collection_id = coalesce(e.value ->> 'collection_id', _record_write.collection_id) collate "C"
                    and o.upstream_id = (e.value ->> 'upstream_id') collate "C"
                offset 0
            ) as r
        ) then
            with written as (
                insert into sluice.records as r (
                    sync_id, collection_id, upstream_id, updated_idx, upstream_created_at, upstream_updated_at, deleted, data,
                    stream_id, read_from, read_until
                )
                select
                    _record_write.sync_id, n.collection_id, n.upstream_id, n.next_idx,
                    (n.value ->> 'upstream_created_at')::timestamptz,
                    (n.value ->> 'upstream_updated_at')::timestamptz,
                    coalesce((n.value ->> 'deleted')::boolean, false),
                    nullif(n.value -> 'data', 'null'),
                    (select t.stream_id from sluice_internal.streams as t where t.stream_no = _record_write.stream_no),
                    _record_write.read_from, v_read_until
                from (
                    select d.collection_id, d.upstream_id, d.next_idx, _record_write.records -> (d.place - 1) as value
                    from (
                        select
                            coalesce(e.value ->> 'collection_id', _record_write.collection_id) as collection_id,
                            e.value ->> 'upstream_id' as upstream_id,
                            e.place::int as place,
                            nextval(v_sequence) as next_idx
                        from jsonb_array_elements(_record_write.records) with ordinality as e (value, place)
                        offset 0
                    ) as d
                    order by d.collection_id, d.upstream_id
                    offset 0
                ) as n
                on conflict on constraint records_key do update set
                    updated_idx = excluded.updated_idx,
                    upstream_created_at = coalesce(excluded.upstream_created_at, r.upstream_created_at),
                    upstream_updated_at = greatest(excluded.upstream_updated_at, r.upstream_updated_at),
                    deleted = excluded.deleted,
                    data = coalesce(excluded.data, r.data),
                    read_from = excluded.read_from,
                    read_until = excluded.read_until
                where sluice_internal._verdict(
                    r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                    excluded.upstream_updated_at, excluded.read_from, excluded.read_until, excluded.deleted, excluded.data
                ) = 'changed'
                returning r.collection_id, r.record_no, r.updated_idx, (r.xmax = 0) as first
            )
            insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
            select
                _record_write.stream_no,
                _record_write.sync_id,
                case when min(w.collection_id) = max(w.collection_id) then array[min(w.collection_id)] else array_agg(w.collection_id) end,
                array_agg(w.record_no),
                array_agg(w.updated_idx),
                array_agg(w.first)
            from (select * from written order by updated_idx offset 0) as w
            having count(*) > 0
            returning cardinality(firsts), cardinality(array_positions(firsts, true)) into v_written, new;
            new := coalesce(new, 0);
            v_written := coalesce(v_written, 0);
            changed := v_written - new;
            if v_written = v_items then
                return;
            end if;
            -- The others stood there already, and are locked by now, all in the order of their keys. What was written comes up as
            -- unchanged.
        end if;
        with judged as materialized (
            -- without the data, which is taken out of the call once more: cheaper than to carry it along
            select
                coalesce(i.collection_id, _record_write.collection_id) as collection_id,
                i.upstream_id,
                i.place,
                i.upstream_created_at,
                i.upstream_updated_at,
                i.deleted,
                case
                    when r.record_no is null then 'new'
                    else sluice_internal._verdict(
                        r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                        i.upstream_updated_at, _record_write.read_from, v_read_until, i.deleted, i.data
                    )
                end as verdict
            from (
                select
                    e.value ->> 'collection_id' as collection_id,
                    e.value ->> 'upstream_id' as upstream_id,
                    nullif(e.value -> 'data', 'null') as data,
                    (e.value ->> 'upstream_created_at')::timestamptz as upstream_created_at,
                    (e.value ->> 'upstream_updated_at')::timestamptz as upstream_updated_at,
                    coalesce((e.value ->> 'deleted')::boolean, false) as deleted,
                    e.place::int as place
                from jsonb_array_elements(_record_write.records) with ordinality as e (value, place)
                offset 0
            ) as i
            left join lateral (
                select o.*
                from sluice.records as o
                where
                    o.sync_id = _record_write.sync_id collate "C"
                    and o.collection_id = coalesce(i.collection_id, _record_write.collection_id) collate "C"
                    and o.upstream_id = i.upstream_id collate "C"
                offset 0
            ) as r on true
        ),
        written as (
            insert into sluice.records as r (
                sync_id, collection_id, upstream_id, updated_idx, upstream_created_at, upstream_updated_at, deleted, data,
                stream_id, read_from, read_until
            )
            select
                _record_write.sync_id, n.collection_id, n.upstream_id, n.next_idx, n.upstream_created_at, n.upstream_updated_at,
                n.deleted, nullif(_record_write.records -> (n.place - 1) -> 'data', 'null'), s.stream_id,
                _record_write.read_from, v_read_until
            from (
                select d.*
                from (
                    select j.*, nextval(v_sequence) as next_idx
                    from (select * from judged where verdict in ('new', 'changed') order by place offset 0) as j
                    offset 0
                ) as d
                order by d.collection_id, d.upstream_id
                offset 0
            ) as n
            cross join (
                select t.stream_id from sluice_internal.streams as t where t.stream_no = _record_write.stream_no offset 0
            ) as s
            on conflict on constraint records_key do update set
                updated_idx = excluded.updated_idx,
                upstream_created_at = coalesce(excluded.upstream_created_at, r.upstream_created_at),
                upstream_updated_at = greatest(excluded.upstream_updated_at, r.upstream_updated_at),
                deleted = excluded.deleted,
                data = coalesce(excluded.data, r.data),
                read_from = excluded.read_from,
                read_until = excluded.read_until
            where sluice_internal._verdict(
                r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                excluded.upstream_updated_at, excluded.read_from, excluded.read_until, excluded.deleted, excluded.data
            ) = 'changed'
            returning r.collection_id, r.upstream_id, r.record_no, r.updated_idx, (r.xmax = 0) as first
        ),
        noted as (
            insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
            select
                _record_write.stream_no,
                _record_write.sync_id,
                case when min(w.collection_id) = max(w.collection_id) then array[min(w.collection_id)] else array_agg(w.collection_id) end,
                array_agg(w.record_no),
                array_agg(w.updated_idx),
                array_agg(w.first)
            from (select * from written order by updated_idx offset 0) as w
            having count(*) > 0
        ),
        -- everything but the usual is left to the general way
        rest as (
            select array_agg(j.place order by j.place) as places
            from judged as j
            where
                j.verdict in ('touched', 'refused', 'unclear')
                or (
                    j.verdict <> 'unchanged'
                    and (select count(*) from written as w) < (select count(*) from judged as k where k.verdict in ('new', 'changed'))
                    and (j.collection_id, j.upstream_id) not in (select w.collection_id, w.upstream_id from written as w)
                )
        )
        select
            (select count(*) from written as w where w.first) as new,
            (select count(*) from written as w where not w.first) as changed,
            (select count(*) from judged as j where j.verdict = 'unchanged') as unchanged,
            r.places
        into v_done
        from rest as r;
        new := new + v_done.new;
        changed := changed + v_done.changed;
        unchanged := v_done.unchanged - v_written;
        if v_done.places is null then
            return;
        end if;
        records := (select jsonb_agg(_record_write.records -> (p.place - 1) order by p.place) from unnest(v_done.places) as p (place));
    end if;
    v_rest := sluice_internal._record_write_each(
        _record_write.stream_no, _record_write.sync_id, _record_write.collection_id, _record_write.records, _record_write.read_from
    );
    new := new + v_rest.new;
    changed := changed + v_rest.changed;
    unchanged := unchanged + v_rest.unchanged;
    refused := v_rest.refused;
    unclear := v_rest.unclear;
end
$function$;
comment on function sluice_internal._record_write(integer,text,text,jsonb,timestamp with time zone) is 'Writes an array of {collection_id, upstream_id, data, upstream_created_at, upstream_updated_at, deleted} into records, at once visible to this transaction; their final updated_idx is decided at commit (_number_ingest). read_from: when the vendor was asked, on the database''s clock, null for pushed records. Locks the written records, in key order.';

CREATE OR REPLACE FUNCTION sluice_internal._record_write_each(stream_no integer, sync_id text, collection_id text, records jsonb, read_from timestamp with time zone, OUT new integer, OUT changed integer, OUT unchanged integer, OUT refused integer, OUT unclear jsonb)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_memoize TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_stream_id text;
    v_sequence regclass := format('sluice_internal.position_%s', _record_write_each.stream_no)::regclass;
    v_read_until timestamptz := case when _record_write_each.read_from is not null then clock_timestamp() end;
    v_round int := 1;
    v_rounds int;
    v_new int;
    v_changed int;
    v_unchanged int;
    v_refused int;
    v_unclear jsonb;
    v_lost bigint[];
begin
    select s.stream_id into v_stream_id from sluice_internal.streams as s where s.stream_no = _record_write_each.stream_no;
    new := 0;
    changed := 0;
    unchanged := 0;
    refused := 0;
    -- An object that stands in the call more than once is written in rounds, in the order given.
    loop
        with item as materialized (
            select
                coalesce(i.collection_id, _record_write_each.collection_id) as collection_id,
                i.upstream_id,
                case when i.data <> 'null' then i.data end as data,
                i.upstream_created_at,
                i.upstream_updated_at,
                coalesce(i.deleted, false) as deleted,
                i.ordinality,
                row_number() over (
                    partition by coalesce(i.collection_id, _record_write_each.collection_id), i.upstream_id
                    order by i.ordinality
                ) as round
            from rows from (
                jsonb_to_recordset(_record_write_each.records) as (
                    collection_id text,
                    upstream_id text,
                    data jsonb,
                    upstream_created_at timestamptz,
                    upstream_updated_at timestamptz,
                    deleted boolean
                )
            ) with ordinality as i (
                collection_id, upstream_id, data, upstream_created_at, upstream_updated_at, deleted, ordinality
            )
        ),
        judged as materialized (
            select
                i.*,
                case
                    when r.record_no is null then 'new'
                    else sluice_internal._verdict(
                        r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                        i.upstream_updated_at, _record_write_each.read_from, v_read_until, i.deleted, i.data
                    )
                end as verdict,
                r.record_no
            from item as i
            left join lateral (
                select o.*
                from sluice.records as o
                where
                    o.sync_id = _record_write_each.sync_id collate "C"
                    and o.collection_id = i.collection_id collate "C"
                    and o.upstream_id = i.upstream_id collate "C"
                offset 0
            ) as r on true
            where i.round = v_round and (v_lost is null or i.ordinality = any(v_lost))
        ),
        written as (
            -- The verdict is asked again under the row's lock: another writer may have come first.
            insert into sluice.records as r (
                sync_id, collection_id, upstream_id, updated_idx, upstream_created_at, upstream_updated_at, deleted, data,
                stream_id, read_from, read_until
            )
            select
                _record_write_each.sync_id, n.collection_id, n.upstream_id, n.next_idx, n.upstream_created_at,
                n.upstream_updated_at, n.deleted, n.data, v_stream_id, _record_write_each.read_from, v_read_until
            from (
                select j.*, nextval(v_sequence) as next_idx
                from (select * from judged where verdict in ('new', 'changed') order by ordinality offset 0) as j
                offset 0
            ) as n
            order by n.collection_id, n.upstream_id
            on conflict on constraint records_key do update set
                updated_idx = excluded.updated_idx,
                upstream_created_at = coalesce(excluded.upstream_created_at, r.upstream_created_at),
                upstream_updated_at = greatest(excluded.upstream_updated_at, r.upstream_updated_at),
                deleted = excluded.deleted,
                data = coalesce(excluded.data, r.data),
                read_from = excluded.read_from,
                read_until = excluded.read_until
            where sluice_internal._verdict(
                r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                excluded.upstream_updated_at, excluded.read_from, excluded.read_until, excluded.deleted, excluded.data
            ) = 'changed'
            returning r.collection_id, r.upstream_id, r.record_no, r.updated_idx, (r.xmax = 0) as first
        ),
        touched as (
            update sluice.records as r
            set upstream_updated_at = j.upstream_updated_at
            from judged as j
            where
                j.verdict = 'touched'
                and r.record_no = j.record_no
                and (r.upstream_updated_at < j.upstream_updated_at or r.upstream_updated_at is null)
        ),
        noted as (
            insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
            select
                _record_write_each.stream_no,
                _record_write_each.sync_id,
                case
                    when min(w.collection_id) = max(w.collection_id) then array[min(w.collection_id)]
                    else array_agg(w.collection_id order by w.updated_idx)
                end,
                array_agg(w.record_no order by w.updated_idx),
                array_agg(w.updated_idx order by w.updated_idx),
                array_agg(w.first order by w.updated_idx)
            from written as w
            having count(*) > 0
        )
        select
            (select count(*) from written as w where w.first),
            (select count(*) from written as w where not w.first),
            count(*) filter (where j.verdict = 'refused'),
            jsonb_agg(jsonb_build_object('collection_id', j.collection_id, 'upstream_id', j.upstream_id))
                filter (where j.verdict = 'unclear'),
            count(*) filter (where j.verdict in ('unchanged', 'touched')),
            case when count(*) filter (where j.verdict in ('new', 'changed')) > (select count(*) from written) then (
                select array_agg(l.ordinality)
                from judged as l
                where
                    l.verdict in ('new', 'changed')
                    and (l.collection_id, l.upstream_id) not in (select w.collection_id, w.upstream_id from written as w)
            ) end,
            (select max(i.round) from item as i)
        into v_new, v_changed, v_refused, v_unclear, v_unchanged, v_lost, v_rounds
        from judged as j;
        new := new + v_new;
        changed := changed + v_changed;
        unchanged := unchanged + v_unchanged;
        refused := refused + v_refused;
        if v_unclear is not null then
            unclear := coalesce(unclear, '[]') || v_unclear;
        end if;
        -- Another writer came first: look again at those records, and at no others. Their locks are held by now, so the order
        -- of locks stays; looking at all would lock what was unchanged a moment ago, and two writers could deadlock.
        continue when v_lost is not null;
        exit when v_round >= coalesce(v_rounds, 0);
        v_round := v_round + 1;
    end loop;
end
$function$;
comment on function sluice_internal._record_write_each(integer,text,text,jsonb,timestamp with time zone) is '_record_write in the general way: objects that stand in the call more than once, in rounds; those of which another writer came first, again.';

CREATE OR REPLACE FUNCTION sluice_internal._records_refusal(records jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET jit TO 'off'
AS $function$
begin
    return (
        select format('records[%s]: %s', e.ordinality - 1, b.problem)
        from jsonb_array_elements(_records_refusal.records) with ordinality as e (value, ordinality)
        cross join lateral (
            select case
                -- most are like this, and need no closer look; days up to 28 are in every month
                when
                    jsonb_typeof(e.value) = 'object'
                    and e.value - '{upstream_id,data,upstream_created_at,upstream_updated_at}'::text[] = '{}'
                    and jsonb_typeof(e.value -> 'upstream_id') = 'string'
                    and octet_length(e.value ->> 'upstream_id') between 1 and 200
                    and jsonb_typeof(e.value -> 'data') <> 'null'
                    and coalesce(e.value ->> 'upstream_created_at' ~ sluice_internal._certain_time(), true)
                    and coalesce(e.value ->> 'upstream_updated_at' ~ sluice_internal._certain_time(), true)
                    then null
                when jsonb_typeof(e.value) <> 'object' then 'is not an object'
                when jsonb_typeof(e.value -> 'upstream_id') is distinct from 'string'
                    or octet_length(e.value ->> 'upstream_id') not between 1 and 200
                    then 'upstream_id must be a string of 1 to 200 bytes'
                when coalesce(jsonb_typeof(e.value -> 'deleted'), 'null') not in ('boolean', 'null') then 'deleted must be true or false'
                when coalesce(jsonb_typeof(e.value -> 'data'), 'null') = 'null' and coalesce(e.value ->> 'deleted', 'false') = 'false'
                    then 'has no data and is not deleted'
                when sluice_internal._time_refusal(e.value -> 'upstream_created_at') is not null
                    then 'upstream_created_at ' || sluice_internal._time_refusal(e.value -> 'upstream_created_at')
                when sluice_internal._time_refusal(e.value -> 'upstream_updated_at') is not null
                    then 'upstream_updated_at ' || sluice_internal._time_refusal(e.value -> 'upstream_updated_at')
                else (
                    select format('unknown field "%s"', left(k.key, 200))
                    from jsonb_object_keys(e.value) as k (key)
                    where k.key not in ('upstream_id', 'data', 'upstream_created_at', 'upstream_updated_at', 'deleted')
                    limit 1
                )
            end as problem
            offset 0
        ) as b
        where b.problem is not null
        limit 1
    );
end
$function$;
comment on function sluice_internal._records_refusal(jsonb) is 'The first thing that is wrong with an array given to record_ingest, in words; null if nothing is.';

CREATE OR REPLACE FUNCTION sluice_internal._run_succeeded(run sluice_internal.sync_runs, finished boolean)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_complete boolean;
begin
    v_complete := run.backfill_completed_at is not null or not exists (
        select from sluice_internal.syncs as y
        cross join lateral unnest(y.collection_ids) as u (collection_id)
        left join sluice_internal.sync_feeds as f on f.sync_id = y.sync_id and f.feed = u.collection_id
        where y.sync_id = run.sync_id and not coalesce(f.done, false)
    );
    -- A page is no proof that all is well again: only a finished turn ends an error.
    if run.status = 'error' and not finished then
        return;
    end if;
    if run.status in ('pending', 'backfilling', 'active')
        and (run.status = 'active') = v_complete
        and (run.backfill_completed_at is not null) = v_complete
    then
        return;
    end if;
    update sluice_internal.sync_runs as r
    set
        status = case when v_complete then 'active' else 'backfilling' end,
        backfill_completed_at = case when v_complete then coalesce(r.backfill_completed_at, clock_timestamp()) end,
        error = null,
        error_since = null
    where r.sync_id = run.sync_id;
    if run.status = 'error' then
        insert into sluice_internal.notices (sync_id, kind) values (run.sync_id, 'recovered');
        perform pg_notify('sluice_notices', run.sync_id);
    end if;
end
$function$;
comment on function sluice_internal._run_succeeded(sluice_internal.sync_runs,boolean) is 'After a page, or (finished) a whole turn: the sync is backfilling or active; a turn ends an error, with a notice that it recovered.';

CREATE OR REPLACE FUNCTION sluice_internal._settle(consumer sluice_internal.consumers, ack_tokens text[], kind "char", delay interval, reason text, OUT accepted integer, OUT rejected text[])
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
#variable_conflict use_column
declare
    -- a slice of everything begins at 1, whatever the caller's array begins at
    v_tokens text[] := _settle.ack_tokens[:];
    v_next int := 1;
    v_last int := coalesce(cardinality(v_tokens), 0);
    v_lane int;
    v_step_no bigint;
    v_messages int;
    v_secret bigint;
    v_rest record;
    v_others text[];
begin
    accepted := 0;
    rejected := '{}';
    -- A consumer that was deleted has no leases: without this lock its settlements could outlive it.
    if v_last > 0 and not pg_try_advisory_xact_lock_shared(sluice_internal._lock_key(4, consumer.consumer_no, 0)) then
        perform sluice_internal._hold_consumer(consumer);
    end if;
    -- The usual cases, several times cheaper: whole leases, their tokens as they were handed out, small ones together and
    -- large ones each. Anything else, and what is left after the first one that is not like that, is looked at token by token.
    if _settle.kind = 'a' and v_last > 2 and split_part(v_tokens[least(v_last, 9)], '.', 3) <> least(v_last, 9)::text then
        v_rest := sluice_internal._settle_leases(consumer, v_tokens);
        accepted := v_rest.accepted;
        v_others := v_rest.others;
    else
        while _settle.kind = 'a' and v_next <= v_last loop
            exit when v_tokens[v_next] !~ '^[0-9]{1,3}[.][0-9]{1,18}[.]1[.][0-9a-f]{16}$';
            v_lane := split_part(v_tokens[v_next], '.', 1)::int;
            v_step_no := split_part(v_tokens[v_next], '.', 2)::bigint;
            -- What decides is immutable, so it is read with the lock; whether it was settled before, in the next statement. Part
            -- of a lease must not take this lock: the acknowledgement of its other messages would not get theirs.
            select cardinality(st.record_nos), st.secret into v_messages, v_secret
            from sluice_internal.consumer_steps as st
            where
                st.consumer_no = consumer.consumer_no and st.lane = v_lane and st.step_no = v_step_no
                and (
                    cardinality(st.record_nos) = 1
                    or v_tokens[v_next + cardinality(st.record_nos) - 1]
                    like concat(v_lane, '.', v_step_no, '.', cardinality(st.record_nos), '.%')
                )
            for no key update skip locked;
            exit when not found or v_tokens[v_next] <> sluice_internal._ack_token(v_lane, v_step_no, 1, v_secret);
            exit when v_messages > 1 and v_tokens[v_next : v_next + v_messages - 1] <> array(
                select sluice_internal._ack_token(v_lane, v_step_no, g.ordinal, v_secret)
                from generate_series(1, v_messages) as g (ordinal)
            );
            insert into sluice_internal.consumer_settlements (consumer_no, lane, step_no, ordinal, kind)
            select consumer.consumer_no, v_lane, v_step_no, 0, 'a'
            where not exists (
                select
                from sluice_internal.consumer_settlements as s
                where s.consumer_no = consumer.consumer_no and s.lane = v_lane and s.step_no = v_step_no
            );
            exit when not found;
            accepted := accepted + v_messages;
            v_next := v_next + v_messages;
        end loop;
        v_others := v_tokens[v_next : v_last];
    end if;
    -- What an acknowledgement lets go, a newer version or one more of a bounded number, wakes whoever waits for it.
    if _settle.kind in ('a', 'd') and not coalesce(
        case
            when pg_try_advisory_lock(sluice_internal._lock_key(5, consumer.stream_no, 0))
                then pg_advisory_unlock(sluice_internal._lock_key(5, consumer.stream_no, 0))
        end,
        false
    ) then
        perform sluice_internal._wake_freed(consumer, v_tokens);
    end if;
    if v_others <> '{}' then
        perform sluice_internal._hold_consumer(consumer);
        select e.accepted, e.rejected into v_rest
        from sluice_internal._settle_each(consumer, v_others, _settle.kind, _settle.delay, _settle.reason) as e;
        accepted := accepted + v_rest.accepted;
        rejected := v_rest.rejected;
    end if;
end
$function$;
comment on function sluice_internal._settle(sluice_internal.consumers,text[],"char",interval,text) is 'Acknowledges (a), gives back (n, after delay), leases for longer (e, for delay) or gives up (d, with a reason) the messages that the tokens name; answers how many, and the tokens that named none: redelivered since, settled before, forged, another consumer''s. Locks the leases (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._settle_each(consumer sluice_internal.consumers, ack_tokens text[], kind "char", delay interval, reason text, OUT accepted integer, OUT rejected text[])
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_memoize TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_lanes int[];
    v_step_nos bigint[];
    v_ordinals int[];
    v_tokens text[];
    v_leases int;
    v_locked int;
    v_whole_lanes int[];
    v_whole_steps bigint[];
    v_part_lanes int[];
    v_part_steps bigint[];
    v_accepted text[];
begin
    select
        array_agg(split_part(g.token, '.', 1)::int),
        array_agg(split_part(g.token, '.', 2)::bigint),
        array_agg(split_part(g.token, '.', 3)::int),
        array_agg(g.token),
        count(distinct (split_part(g.token, '.', 1), split_part(g.token, '.', 2)))
    into v_lanes, v_step_nos, v_ordinals, v_tokens, v_leases
    from (select distinct u.token from unnest(_settle_each.ack_tokens) as u (token) offset 0) as g
    where g.token ~ '^[0-9]{1,3}[.][0-9]{1,18}[.][0-9]{1,4}[.][0-9a-f]{16}$';

    -- Lock, then read what the lock protects in the next statement. Two acknowledgements of parts of one lease go side by
    -- side (share); that of a whole lease excludes any other; an expiry excludes both. What is locked is being settled by
    -- somebody else, usually in a call of a millisecond: so look again a few times, then go on without it.
    for v_round in 1..8 loop
        select array_agg(w.lane), array_agg(w.step_no) into v_whole_lanes, v_whole_steps
        from (
            select st.lane, st.step_no
            from (
                select g.lane, g.step_no, count(*) as tokens
                from unnest(v_lanes, v_step_nos) as g (lane, step_no)
                group by g.lane, g.step_no
                order by g.lane, g.step_no
                offset 0
            ) as g
            inner join sluice_internal.consumer_steps as st
                on st.consumer_no = consumer.consumer_no and st.lane = g.lane and st.step_no = g.step_no
            where _settle_each.kind in ('a', 'e') and cardinality(st.record_nos) = g.tokens
            for no key update of st skip locked
        ) as w;
        if coalesce(cardinality(v_whole_lanes), 0) < v_leases then
            select array_agg(p.lane), array_agg(p.step_no) into v_part_lanes, v_part_steps
            from (
                select st.lane, st.step_no
                from (
                    select distinct g.lane, g.step_no
                    from unnest(v_lanes, v_step_nos) as g (lane, step_no)
                    where (g.lane, g.step_no) not in (
                        select h.lane, h.step_no from unnest(v_whole_lanes, v_whole_steps) as h (lane, step_no)
                    )
                    order by g.lane, g.step_no
                    offset 0
                ) as g
                inner join sluice_internal.consumer_steps as st
                    on st.consumer_no = consumer.consumer_no and st.lane = g.lane and st.step_no = g.step_no
                for share of st skip locked
            ) as p;
        else
            v_part_lanes := null;
            v_part_steps := null;
        end if;
        v_locked := coalesce(cardinality(v_whole_lanes), 0) + coalesce(cardinality(v_part_lanes), 0);
        exit when v_locked >= v_leases or v_locked >= (
            select count(*)
            from (select distinct g.lane, g.step_no from unnest(v_lanes, v_step_nos) as g (lane, step_no) offset 0) as g
            inner join sluice_internal.consumer_steps as st
                on st.consumer_no = consumer.consumer_no and st.lane = g.lane and st.step_no = g.step_no
        );
        perform pg_sleep(0.001 * v_round);
    end loop;
    with lease as materialized (
        select
            st.lane,
            st.step_no,
            st.secret,
            cardinality(st.record_nos) as messages,
            l.whole and not exists (
                select from sluice_internal.consumer_settlements as s
                where s.consumer_no = consumer.consumer_no and s.lane = l.lane and s.step_no = l.step_no and s.ordinal > 0
            ) as whole
        from (
            select h.lane, h.step_no, true as whole from unnest(v_whole_lanes, v_whole_steps) as h (lane, step_no)
            union all
            select h.lane, h.step_no, false from unnest(v_part_lanes, v_part_steps) as h (lane, step_no)
            offset 0
        ) as l
        inner join sluice_internal.consumer_steps as st
            on st.consumer_no = consumer.consumer_no and st.lane = l.lane and st.step_no = l.step_no
        where not exists (
            select from sluice_internal.consumer_settlements as s
            where s.consumer_no = consumer.consumer_no and s.lane = l.lane and s.step_no = l.step_no and s.ordinal = 0
                and s.kind <> 'e'
        )
    ),
    given as materialized (
        select g.*
        from rows from (unnest(v_lanes), unnest(v_step_nos), unnest(v_ordinals), unnest(v_tokens)) as g (
            lane, step_no, ordinal, token
        )
        order by g.lane, g.step_no, g.ordinal
    ),
    valid as materialized (
        select
            g.token,
            g.lane,
            g.step_no,
            g.ordinal,
            l.whole and count(*) over (partition by g.lane, g.step_no) = l.messages as whole,
            row_number() over (partition by g.lane, g.step_no) as place
        from given as g
        inner join lease as l on l.lane = g.lane and l.step_no = g.step_no
        where
            g.ordinal between 1 and l.messages
            and g.token = sluice_internal._ack_token(l.lane, l.step_no, g.ordinal, l.secret)
            and not exists (
                select from sluice_internal.consumer_settlements as s
                where
                    s.consumer_no = consumer.consumer_no and s.lane = g.lane and s.step_no = g.step_no
                    and s.ordinal = g.ordinal and s.kind <> 'e'
            )
    ),
    judged as materialized (
        select
            v.*,
            m.record_no,
            m.updated_idx,
            m.deliver_count,
            case _settle_each.kind
                when 'd' then true
                when 'n' then coalesce(m.deliver_count >= consumer.max_deliver, false)
                else false
            end as dead
        from valid as v
        -- only what may become a dead letter needs more than its name
        left join lateral (
            select
                st.record_nos[v.ordinal] as record_no,
                st.updated_idxs[v.ordinal] as updated_idx,
                coalesce(st.deliver_counts[v.ordinal], 1) as deliver_count
            from sluice_internal.consumer_steps as st
            where
                (_settle_each.kind = 'd' or (_settle_each.kind = 'n' and consumer.max_deliver > 0))
                and st.consumer_no = consumer.consumer_no and st.lane = v.lane and st.step_no = v.step_no
            offset 0
        ) as m on true
    ),
    settled as (
        insert into sluice_internal.consumer_settlements as t (consumer_no, lane, step_no, ordinal, kind, due_at)
        select
            consumer.consumer_no,
            j.lane,
            j.step_no,
            case when j.whole then 0 else j.ordinal end,
            case when j.dead then 'd' else _settle_each.kind end,
            case when _settle_each.kind in ('n', 'e') and not j.dead then clock_timestamp() + _settle_each.delay end
        from judged as j
        where not j.whole or j.place = 1
        order by j.lane, j.step_no, j.ordinal
        on conflict (consumer_no, lane, step_no, ordinal) do update set kind = excluded.kind, due_at = excluded.due_at
        where t.kind = 'e'
        returning t.lane, t.step_no, t.ordinal
    ),
    done as materialized (
        select j.*
        from judged as j
        inner join settled as s
            on s.lane = j.lane and s.step_no = j.step_no and s.ordinal = case when j.whole then 0 else j.ordinal end
    ),
    buried as (
        insert into sluice_internal.dead_letters as t (consumer_no, record_no, updated_idx, deliver_count, reason, ack_token)
        select consumer.consumer_no, d.record_no, d.updated_idx, d.deliver_count, coalesce(_settle_each.reason, 'max_deliver'), d.token
        from done as d
        where
            d.dead
            and exists (
                select from sluice.records as r
                where r.record_no = d.record_no and (r.updated_idx = d.updated_idx or _settle_each.kind = 'd')
            )
        order by d.record_no
        on conflict (consumer_no, record_no) do update set
            updated_idx = excluded.updated_idx,
            deliver_count = excluded.deliver_count,
            reason = excluded.reason,
            ack_token = excluded.ack_token,
            died_at = clock_timestamp()
    )
    select coalesce(array_agg(d.token), '{}') into v_accepted from done as d;
    accepted := cardinality(v_accepted);
    rejected := '{}';
    if accepted < cardinality(_settle_each.ack_tokens) then
        if _settle_each.kind = 'a' and exists (
            select from sluice_internal.dead_letters as t where t.consumer_no = consumer.consumer_no
        ) then
            with revived as (
                delete from sluice_internal.dead_letters as t
                where t.consumer_no = consumer.consumer_no and t.ack_token = any(_settle_each.ack_tokens)
                returning t.ack_token
            )
            select v_accepted || coalesce(array_agg(r.ack_token), '{}') into v_accepted from revived as r;
            accepted := cardinality(v_accepted);
        end if;
        -- every place but the first of an accepted token: to name it twice acknowledges it once
        select coalesce(array_agg(g.token order by g.place), '{}') into rejected
        from (
            select u.token, u.place, row_number() over (partition by u.token order by u.place) as nth
            from unnest(_settle_each.ack_tokens) with ordinality as u (token, place)
        ) as g
        where g.nth > 1 or g.token <> all(v_accepted);
    end if;
end
$function$;
comment on function sluice_internal._settle_each(sluice_internal.consumers,text[],"char",interval,text) is '_settle, token by token. Giving back the last of max_deliver deliveries makes a dead letter, as giving up does; a late acknowledgement of a dead letter removes it. Locks the leases (skips those that stay locked for some 40 ms); waits only for another transaction that settles the same message.';

CREATE OR REPLACE FUNCTION sluice_internal._settle_leases(consumer sluice_internal.consumers, ack_tokens text[], OUT accepted integer, OUT others text[])
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_last int := cardinality(_settle_leases.ack_tokens);
    v_lease record;
    v_settled bigint[];
begin
    accepted := 0;
    others := _settle_leases.ack_tokens;
    if array_to_string(_settle_leases.ack_tokens, ',') !~ '^(?:[0-9]{1,3}[.][0-9]{1,18}[.][0-9]{1,4}[.][0-9a-f]{16}(?:,|$))*$' then
        return;
    end if;
    -- One statement locks them, the next settles them. The lateral join leaves only one plan: a look at the key for each lease.
    select
        array_agg(g.lane) as lanes,
        array_agg(g.step_no) as step_nos,
        array_agg(g.place) as places,
        array_agg(cardinality(g.tokens)) as messages
    into v_lease
    from (
        select
            b.place,
            split_part(b.token, '.', 1)::int as lane,
            split_part(b.token, '.', 2)::bigint as step_no,
            _settle_leases.ack_tokens[b.place : lead(b.place, 1, v_last + 1) over (rows unbounded preceding) - 1] as tokens
        from (
            select u.token, u.place::int as place
            from unnest(_settle_leases.ack_tokens) with ordinality as u (token, place)
            where split_part(u.token, '.', 3) = '1'
        ) as b
        offset 0
    ) as g
    cross join lateral (
        select
        from sluice_internal.consumer_steps as st
        where
            st.consumer_no = consumer.consumer_no and st.lane = g.lane and st.step_no = g.step_no
            and cardinality(st.record_nos) = cardinality(g.tokens)
            and g.tokens[1] = sluice_internal._ack_token(g.lane, g.step_no, 1, st.secret)
            and case
                when cardinality(g.tokens) = 1 then true
                else g.tokens = array(
                    select sluice_internal._ack_token(g.lane, g.step_no, o.ordinal, st.secret)
                    from generate_series(1, cardinality(g.tokens)) as o (ordinal)
                )
            end
        for no key update of st skip locked
    ) as w;
    with settled as (
        insert into sluice_internal.consumer_settlements (consumer_no, lane, step_no, ordinal, kind)
        select consumer.consumer_no, n.lane, n.step_no, 0, 'a'
        from (select distinct u.lane, u.step_no from unnest(v_lease.lanes, v_lease.step_nos) as u (lane, step_no) offset 0) as n
        where not exists (
            select
            from sluice_internal.consumer_settlements as s
            where s.consumer_no = consumer.consumer_no and s.lane = n.lane and s.step_no = n.step_no
            offset 0
        )
        returning lane, step_no
    )
    select array_agg((d.step_no << 8) | d.lane) into v_settled from settled as d;
    if cardinality(v_settled) = cardinality(v_lease.lanes) then
        accepted := (select sum(u.messages) from unnest(v_lease.messages) as u (messages));
        if accepted = v_last then
            others := '{}';
            return;
        end if;
    end if;
    -- Each lease counts once, however often its tokens were given.
    with once as materialized (
        select distinct on (u.lane, u.step_no) u.place, u.messages
        from unnest(v_lease.lanes, v_lease.step_nos, v_lease.places, v_lease.messages) as u (lane, step_no, place, messages)
        where (u.step_no << 8) | u.lane = any(v_settled)
        order by u.lane, u.step_no, u.place
    )
    select
        coalesce((select sum(o.messages) from once as o), 0),
        array(
            select t.token
            from unnest(_settle_leases.ack_tokens) with ordinality as t (token, place)
            where not exists (select from once as o where t.place between o.place and o.place + o.messages - 1)
            order by t.place
        )
    into accepted, others;
end
$function$;
comment on function sluice_internal._settle_leases(sluice_internal.consumers,text[]) is 'Acknowledges whole leases, many at once, their tokens in the order in which they were handed out; answers for how many messages, and the tokens that belong to none. Locks the leases (skips locked ones). Its plan is made under the settings of the caller.';

CREATE OR REPLACE FUNCTION sluice_internal._start_new_consumer()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_start_idx bigint;
begin
    perform sluice_internal._lock_touched(new.stream_no);
    -- Drawing a number makes every writer that has not committed yet draw a higher one.
    v_start_idx := nextval(format('sluice_internal.position_%s', new.stream_no)::regclass);
    update sluice_internal.consumers as c set start_idx = v_start_idx where c.consumer_no = new.consumer_no;
    perform sluice_internal._move_cursors(new.consumer_no, coalesce(new.lanes, 256), v_start_idx);
    return null;
end
$function$;
comment on function sluice_internal._start_new_consumer() is 'At commit: a consumer of new messages, or one sought to the end, starts after everything committed so far. Locks the stream''s commit order.';

CREATE OR REPLACE FUNCTION sluice_internal._start_of(stream_no integer, target text, name text)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "IntervalStyle" TO 'postgres'
AS $function$
#variable_conflict use_column
declare
    v_now timestamptz := clock_timestamp();
    v_last bigint;
    v_at timestamptz;
    v_age interval;
begin
    if _start_of.target ~ '^[0-9]{1,18}$' then
        v_last := coalesce(
            pg_sequence_last_value(format('sluice_internal.position_%s', _start_of.stream_no)::regclass), 0
        );
        if _start_of.target::bigint > v_last + 1 then
            raise exception using
                errcode = 'SL001',
                message = format('%s is %s, and the stream ends at %s', _start_of.name, _start_of.target, v_last),
                hint = 'Nothing was changed. An updated_idx counts from 1; the one given is the first to be delivered.';
        end if;
        return greatest(_start_of.target::bigint - 1, 0);
    end if;
    begin
        if _start_of.target ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?([Zz]|[+-]\d\d(:?\d\d)?)$' then
            v_at := _start_of.target::timestamptz;
        elsif _start_of.target ~ '^(P[0-9TYMWDHS.]+|([0-9]+(\.[0-9]+)?\s?[a-z]+\s?)+|([0-9]+ [a-z]+ )?\d\d:\d\d:\d\d(\.\d+)?)$' then
            v_age := _start_of.target::interval;
            v_at := v_now - v_age;
        end if;
    exception
        when data_exception then
            v_at := null;
    end;
    if v_at is null then
        raise exception using
            errcode = 'SL001',
            message = format('%s is "%s", which is no place in a stream', _start_of.name, left(coalesce(_start_of.target, 'null'), 200)),
            hint = case
                when _start_of.name = 'target' then 'It is start, end,'
                when _start_of.target = 'last' then 'new delivers what commits from now on; all the newest state of everything. Besides,'
                else 'It is all, new,'
            end || ' an updated_idx, a time with its zone such as 2026-01-31T09:00:00Z, or an age such as 1h or 2 days.';
    end if;
    if v_at > v_now then
        raise exception using
            errcode = 'SL001',
            message = format('%s is in the future: %s', _start_of.name, _start_of.target),
            hint = 'It is the time from which changes are delivered; it cannot be later than now.';
    end if;
    return coalesce(
        (
            select max(t.idx)
            from (
                (
                    select n.idx
                    from sluice_internal.stream_times as n
                    where n.stream_no = _start_of.stream_no and n.at <= v_at
                    order by n.at desc
                    limit 1
                )
                union all
                -- whatever commits after a write drew its number gets a higher one
                select max(i.updated_idxs[1]) - 1
                from sluice_internal.ingests as i
                where i.stream_no = _start_of.stream_no and i.created_at <= v_at
            ) as t
        ),
        0
    );
end
$function$;
comment on function sluice_internal._start_of(integer,text,text) is 'The updated_idx after which a consumer delivers, for an updated_idx (the first to be delivered), a time (everything committed since) or an age. Times more than ten seconds past are known to the second, so that a moment before it comes too. SL001.';

CREATE OR REPLACE FUNCTION sluice_internal._stream_unwatch(stream_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    perform pg_advisory_unlock_shared(sluice_internal._lock_key(5, s.stream_no, 0))
    from sluice_internal.streams as s
    where s.stream_id = _stream_unwatch.stream_id collate "C";
end
$function$;
comment on function sluice_internal._stream_unwatch(text) is 'Takes back one _stream_watch of this session, by the stream_id it answered.';

CREATE OR REPLACE FUNCTION sluice_internal._stream_watch(consumer_id text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '200ms'
AS $function$
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(_stream_watch.consumer_id, 'consumer');
begin
    -- A commit that looked for watchers a moment ago holds this; when it lets go, what it wrote can be seen.
    perform pg_advisory_lock_shared(sluice_internal._lock_key(5, v_consumer.stream_no, 0));
    return (select s.stream_id from sluice_internal.streams as s where s.stream_no = v_consumer.stream_no);
exception
    when lock_not_available then
        return null;
end
$function$;
comment on function sluice_internal._stream_watch(text) is 'From now on, until _stream_unwatch or the end of the session, commits and nacks in the consumer''s stream notify the channel sluice_streams, with the stream_id that this answers. LISTEN first, then this, then look for messages. Null: somebody holds a commit open, ask again in a while. Locks the stream''s watchers (shared, for the session).';

CREATE OR REPLACE FUNCTION sluice_internal._sync_claim(poller_id text, max_syncs integer, ignore_schedule boolean DEFAULT false, only_sync_id text DEFAULT NULL::text)
 RETURNS TABLE(sync_id text, epoch bigint, provider text, collection_ids text[], credential_id text, sealed bytea, key_version integer, kind text, base_url text, attempt integer, feeds jsonb, clock timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    with due as (
        select r.sync_id
        from sluice_internal.sync_runs as r
        inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
        where
            (_sync_claim.ignore_schedule or r.next_attempt_at <= clock_timestamp())
            and (_sync_claim.only_sync_id is null or r.sync_id = _sync_claim.only_sync_id collate "C")
            and not y.paused
            and not exists (
                select from sluice_internal.pollers as p
                where
                    p.poller_id = r.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
                    and not (r.poller_id = _sync_claim.poller_id collate "C" and _sync_claim.only_sync_id is not null)
            )
        order by r.next_attempt_at
        limit _sync_claim.max_syncs
        for update of r skip locked
    ),
    claimed as (
        update sluice_internal.sync_runs as r
        set
            poller_id = _sync_claim.poller_id,
            epoch = r.epoch + 1,
            status = case when r.status = 'pending' then 'backfilling' else r.status end
        from due as d
        where r.sync_id = d.sync_id
        returning r.sync_id, r.epoch, r.attempt
    )
    select
        c.sync_id,
        c.epoch,
        y.provider,
        y.collection_ids,
        y.credential_id,
        k.sealed,
        k.key_version,
        k.kind,
        k.base_url,
        c.attempt,
        (
            select coalesce(jsonb_agg(jsonb_build_object('feed', f.feed, 'cursor', f.cursor_state, 'done', f.done) order by f.feed), '[]')
            from sluice_internal.sync_feeds as f
            where f.sync_id = c.sync_id
        ),
        clock_timestamp()
    from claimed as c
    inner join sluice_internal.syncs as y on y.sync_id = c.sync_id
    left join sluice_internal.credentials as k on k.credential_id = y.credential_id;
end
$function$;
comment on function sluice_internal._sync_claim(text,integer,boolean,text) is 'Takes up to max_syncs syncs that are due (or whatever their time, with ignore_schedule) and that no living poller holds, longest waiting first; with only_sync_id that one, also from itself, after a lost connection. Each claim raises the epoch, which ends the earlier lease. feeds: [{feed, cursor, done}]. Locks the runs (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._sync_due(poller_id text)
 RETURNS TABLE(due integer, next_in interval, held integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    select
        (count(*) filter (where not h.held and r.next_attempt_at <= clock_timestamp()))::int,
        min(r.next_attempt_at) filter (where not h.held and r.next_attempt_at > clock_timestamp()) - clock_timestamp(),
        (count(*) filter (where h.held and r.poller_id <> _sync_due.poller_id collate "C"))::int
    from sluice_internal.sync_runs as r
    inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
    cross join lateral (
        select exists (
            select from sluice_internal.pollers as p
            where p.poller_id = r.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        ) as held
    ) as h
    where not y.paused;
end
$function$;
comment on function sluice_internal._sync_due(text) is 'How many syncs wait for a poller now, and how long until the next one does (null: none is planned), and how many other pollers hold.';

CREATE OR REPLACE FUNCTION sluice_internal._sync_fail(sync_id text, poller_id text, epoch bigint, status text, error jsonb, retry_in interval)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_sync_fail.sync_id, _sync_fail.poller_id, _sync_fail.epoch);
    update sluice_internal.sync_runs as r
    set
        status = _sync_fail.status,
        error = _sync_fail.error,
        error_since = case when r.status = _sync_fail.status then r.error_since else clock_timestamp() end,
        attempt = r.attempt + 1,
        next_attempt_at = clock_timestamp() + _sync_fail.retry_in,
        poller_id = null
    where r.sync_id = v_run.sync_id;
    if _sync_fail.status = 'error' and v_run.status <> 'error' then
        insert into sluice_internal.notices (sync_id, kind, error) values (v_run.sync_id, 'broken', _sync_fail.error);
        perform pg_notify('sluice_notices', v_run.sync_id);
    end if;
end
$function$;
comment on function sluice_internal._sync_fail(text,text,bigint,text,jsonb,interval) is 'The turn failed (status error or rate_limited): keeps the reason {code, message, details, hint}, gives the sync back until retry_in has passed, and leaves a notice when it breaks. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._sync_finish(sync_id text, poller_id text, epoch bigint, next_in interval)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_sync_finish.sync_id, _sync_finish.poller_id, _sync_finish.epoch);
    perform sluice_internal._run_succeeded(v_run, true);
    update sluice_internal.sync_runs as r
    set
        poller_id = null,
        attempt = 0,
        last_success_at = clock_timestamp(),
        next_attempt_at = clock_timestamp() + coalesce(
            (select y.sync_frequency from sluice_internal.syncs as y where y.sync_id = r.sync_id),
            _sync_finish.next_in
        )
    where r.sync_id = v_run.sync_id;
end
$function$;
comment on function sluice_internal._sync_finish(text,text,bigint,interval) is 'The sync is caught up: gives it back until its sync_frequency (else next_in) has passed. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._sync_release(sync_id text, poller_id text, epoch bigint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.sync_runs as r
    set poller_id = null, next_attempt_at = clock_timestamp()
    where
        r.sync_id = _sync_release.sync_id collate "C"
        and r.poller_id = _sync_release.poller_id collate "C"
        and r.epoch = _sync_release.epoch;
    perform pg_notify('sluice_poller', '');
end
$function$;
comment on function sluice_internal._sync_release(text,text,bigint) is 'Gives a sync back in the middle of its work; whoever comes first goes on. Does nothing if the lease is gone.';

CREATE OR REPLACE FUNCTION sluice_internal._take_many(consumer sluice_internal.consumers, taken_lanes integer[], max_rows integer, max_bytes bigint)
 RETURNS SETOF sluice.message
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_secret bigint := sluice_internal._random_bits();
    v_leased_until timestamptz := clock_timestamp() + consumer.ack_wait;
begin
    return query
    with lane as materialized (
        select
            l.lane,
            l.place,
            hashint8extended(l.lane, v_secret) as secret,
            coalesce(st.step_no, 0) + 1 as step_no,
            coalesce(st.cursor_idx, consumer.start_idx) as cursor_idx,
            coalesce(st.replay_idx, 0) as replay_idx,
            coalesce(st.skipped, 0) as skipped,
            st.next_due,
            case
                when coalesce(st.open_steps, '{}') = '{}' then '{}'
                when cardinality(st.open_steps) > 32 and (st.step_no & 15) > 0 then st.open_steps
                else array(
                    select u.step_no
                    from unnest(st.open_steps) as u (step_no)
                    where not exists (
                        select
                        from sluice_internal.consumer_settlements as s
                        where
                            s.consumer_no = consumer.consumer_no and s.lane = l.lane
                            and s.step_no = u.step_no and s.ordinal = 0 and s.kind not in ('n', 'e')
                        offset 0
                    )
                )
            end as open_steps
        from unnest(taken_lanes) with ordinality as l (lane, place)
        left join lateral (
            select t.*
            from sluice_internal.consumer_steps as t
            where t.consumer_no = consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st on true
        where case
            -- deleted before this transaction held it
            when not exists (select from sluice_internal.consumers as c where c.consumer_no = consumer.consumer_no) then false
            when st.step_no is null then true
            when st.parked_record_nos <> '{}' or st.next_due <= clock_timestamp() then false
            when st.open_steps = '{}' then true
            else not exists (
                select
                from sluice_internal.consumer_settlements as s
                where
                    s.consumer_no = consumer.consumer_no and s.lane = l.lane and s.due_at <= clock_timestamp()
                    and s.step_no = any(st.open_steps)
            )
        end
    ),
    entry as materialized (
        select l.lane, l.step_no, l.secret, e.updated_idx, e.record_no, e.busy, r.*
        from (select * from lane order by place offset 0) as l
        cross join lateral (
            select
                p.updated_idx,
                p.record_no,
                (not p.first or p.updated_idx <= l.replay_idx) and l.open_steps <> '{}' and p.record_no = any(
                    sluice_internal._lane_busy(consumer.consumer_no, l.lane, l.open_steps)
                ) as busy
            from sluice_internal.positions as p
            where p.stream_no = consumer.stream_no and p.lane = l.lane and p.updated_idx > l.cursor_idx
            order by p.updated_idx
            limit max_rows
        ) as e
        cross join lateral (
            select
                o.sync_id, o.collection_id, o.upstream_id, o.upstream_created_at, o.upstream_updated_at, o.deleted, o.data,
                pg_column_size(o.data) * case when pg_column_compression(o.data) is null then 1 else 90 end as bytes
            from sluice.records as o
            where o.record_no = e.record_no and o.updated_idx = e.updated_idx
            offset 0
        ) as r
        limit max_rows
    ),
    leased as materialized (
        select
            n.lane,
            max(n.updated_idx) as cursor_idx,
            coalesce(sum(n.bytes), 0) as bytes,
            array_agg(n.record_no order by n.updated_idx) as record_nos,
            array_agg(n.updated_idx order by n.updated_idx) as updated_idxs
        from entry as n
        where (select not bool_or(m.busy) and coalesce(sum(m.bytes), 0) <= max_bytes from entry as m)
        group by n.lane
    ),
    stepped as (
        insert into sluice_internal.consumer_steps (
            consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect,
            data_bytes, secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
        )
        select
            consumer.consumer_no, n.lane, l.step_no, n.cursor_idx, l.open_steps || l.step_no,
            least(case when l.open_steps <> '{}' then l.next_due end, v_leased_until), '{}', '{}', false,
            n.bytes, l.secret, v_leased_until, n.record_nos, n.updated_idxs, l.replay_idx, l.skipped
        from leased as n
        inner join lane as l on l.lane = n.lane
    )
    select
        sluice_internal._ack_token(n.lane, n.step_no, (row_number() over (partition by n.lane order by n.updated_idx))::int, n.secret),
        n.sync_id,
        n.collection_id,
        n.upstream_id,
        n.updated_idx,
        n.upstream_created_at,
        n.upstream_updated_at,
        n.deleted,
        1,
        case
            when n.sync_id = f.sync_id then f.external_id
            else (select y.external_id from sluice_internal.syncs as y where y.sync_id = n.sync_id)
        end,
        case
            when n.sync_id = f.sync_id then f.metadata
            else (select y.metadata from sluice_internal.syncs as y where y.sync_id = n.sync_id)
        end,
        n.data
    from (
        select m.sync_id, y.external_id, y.metadata
        from (select o.sync_id from entry as o limit 1) as m
        left join sluice_internal.syncs as y on y.sync_id = m.sync_id
        where exists (select from leased)
        offset 0
    ) as f
    cross join entry as n;
    if random() < 0.08 then
        perform sluice_internal._lane_trim(consumer.consumer_no, l.lane, st.step_no, st.open_steps)
        from unnest(taken_lanes) as l (lane)
        cross join lateral sluice_internal._lane_state(consumer.consumer_no, l.lane, 0) as st;
    end if;
end
$function$;
comment on function sluice_internal._take_many(sluice_internal.consumers,integer[],integer,bigint) is 'Leases new messages of several lanes in one statement: up to max_rows, for a stream that is nearly read to its end and has a few in each lane. Takes nothing from a lane in which something is due or kept back, and nothing at all where a record is in flight or the data might be more than max_bytes: the general way knows what to do. The caller holds the lanes'' locks; the plan is made under its settings.';

CREATE OR REPLACE FUNCTION sluice_internal._time_of(stream_no integer, idx bigint)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    if _time_of.idx is null then
        return null;
    end if;
    return greatest(
        (
            select t.at
            from sluice_internal.stream_times as t
            where t.stream_no = _time_of.stream_no and t.idx < _time_of.idx
            order by t.idx desc, t.at desc
            limit 1
        ),
        (
            select max(i.created_at)
            from sluice_internal.ingests as i
            where i.stream_no = _time_of.stream_no and i.updated_idxs[1] <= _time_of.idx
        )
    );
end
$function$;
comment on function sluice_internal._time_of(integer,bigint) is 'About when an updated_idx was committed: to the second, recent ones more exactly. Null if it is not known.';

CREATE OR REPLACE FUNCTION sluice_internal._time_refusal(given jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    if given is null or given = 'null' then
        return null;
    end if;
    if jsonb_typeof(given) <> 'string'
        or given #>> '{}' !~ '^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?([Zz]|[+-]\d\d(:?\d\d)?)?)?$'
    then
        return 'is not an ISO 8601 time';
    end if;
    perform (given #>> '{}')::timestamptz;
    return null;
exception
    when datetime_field_overflow or invalid_datetime_format or invalid_time_zone_displacement_value then
        return 'is a time that does not exist';
end
$function$;
comment on function sluice_internal._time_refusal(jsonb) is 'Why this JSON value is no time, in words that follow the name of its field; null if it is one, or null.';

CREATE OR REPLACE FUNCTION sluice_internal._token_check(token text, scope text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_token sluice_internal.tokens;
begin
    select t.* into v_token
    from sluice_internal.tokens as t
    where
        t.digest = sha256(convert_to(_token_check.token, 'UTF8'))
        and t.revoked_at is null
        and (t.expires_at is null or t.expires_at > clock_timestamp());
    if not found then
        raise exception using
            errcode = 'SL140',
            message = 'the token is not valid',
            hint = 'Send "Authorization: Bearer …" with a token of pgsluice token create that is neither revoked nor expired.';
    end if;
    if not (_token_check.scope = any(v_token.scopes) or 'manage' = any(v_token.scopes)
        or (_token_check.scope = 'read' and cardinality(v_token.scopes) > 0))
    then
        raise exception using
            errcode = 'SL002',
            message = format('the token lacks the scope %s', _token_check.scope),
            hint = format(
                'It has: %s. Make one with: pgsluice token create --scope %s',
                array_to_string(v_token.scopes, ', '), _token_check.scope
            );
    end if;
    return v_token.token_id;
end
$function$;
comment on function sluice_internal._token_check(text,text) is 'The id of the token, if it is valid and has the scope (manage has all, every scope includes read); else SL140 or SL002.';

CREATE OR REPLACE FUNCTION sluice_internal._token_signed(random text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT (('pgsl_'::text || random) || substr(encode(sha256(convert_to(('pgsl_'::text || random), 'UTF8'::name)), 'hex'::text), 1, 6));
END;
comment on function sluice_internal._token_signed(text) is 'A token: pgsl_, 30 random characters, and the first 6 hex digits of the SHA-256 of all that, so that a mistyped one is seen without a look-up.';

CREATE OR REPLACE FUNCTION sluice_internal._touch_stream(stream_no integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_touched text := coalesce(current_setting('sluice.touched_streams', true), '');
begin
    if not (_touch_stream.stream_no::text = any(string_to_array(v_touched, ','))) then
        perform set_config('sluice.touched_streams', concat_ws(',', nullif(v_touched, ''), _touch_stream.stream_no::text), true);
    end if;
end
$function$;
comment on function sluice_internal._touch_stream(integer) is 'Notes that this transaction will need the stream''s commit lock, so that the commit can take all of them in sorted order.';

CREATE OR REPLACE FUNCTION sluice_internal._verdict(old_version timestamp with time zone, old_from timestamp with time zone, old_until timestamp with time zone, old_deleted boolean, old_data jsonb, new_version timestamp with time zone, new_from timestamp with time zone, new_until timestamp with time zone, new_deleted boolean, new_data jsonb)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (old_version > new_version) THEN 'refused'::text WHEN (old_deleted AND (NOT new_deleted) AND (old_version = new_version)) THEN 'refused'::text WHEN (COALESCE((old_version < new_version), false) OR (old_from IS NULL) OR (new_from IS NULL) OR (new_from > old_until)) THEN CASE WHEN ((old_deleted <> new_deleted) OR (NOT COALESCE((old_data = new_data), (new_data IS NULL)))) THEN 'changed'::text WHEN ((old_version < new_version) OR ((old_version IS NULL) AND (new_version IS NOT NULL))) THEN 'touched'::text ELSE 'unchanged'::text END WHEN ((old_deleted = new_deleted) AND COALESCE((old_data = new_data), (new_data IS NULL))) THEN 'unchanged'::text WHEN (new_until < old_from) THEN 'refused'::text ELSE 'unclear'::text END;
comment on function sluice_internal._verdict(timestamp with time zone,timestamp with time zone,timestamp with time zone,boolean,jsonb,timestamp with time zone,timestamp with time zone,timestamp with time zone,boolean,jsonb) is 'What an incoming state is to the stored one: changed, touched (only the version is newer), unchanged, refused (older), or unclear (two reads overlap and differ: fetch again). Versions decide; without them, or where they are equal, the intervals in which the states were read; without those, the order of commits. Inlined, so it pins no search path.';

CREATE OR REPLACE FUNCTION sluice_internal._wake(stream_no integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    -- Looked at without keeping the lock: this transaction may last, and nobody may wait for it.
    if pg_try_advisory_lock(sluice_internal._lock_key(5, _wake.stream_no, 0)) then
        perform pg_advisory_unlock(sluice_internal._lock_key(5, _wake.stream_no, 0));
    else
        perform pg_notify('sluice_streams', s.stream_id) from sluice_internal.streams as s where s.stream_no = _wake.stream_no;
    end if;
end
$function$;
comment on function sluice_internal._wake(integer) is 'Notifies those who wait for messages of the stream, if somebody does, when this transaction commits.';

CREATE OR REPLACE FUNCTION sluice_internal._wake_freed(consumer sluice_internal.consumers, ack_tokens text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
begin
    if consumer.max_ack_pending is not null or exists (
        select
        from (
            select distinct split_part(g.token, '.', 1)::int as lane
            from unnest(_wake_freed.ack_tokens) as g (token)
            where g.token ~ '^[0-9]{1,3}[.]'
            offset 0
        ) as l
        cross join lateral (
            select st.parked_record_nos
            from sluice_internal.consumer_steps as st
            where st.consumer_no = consumer.consumer_no and st.lane = l.lane
            order by st.step_no desc
            limit 1
        ) as st
        where st.parked_record_nos <> '{}'
    ) then
        perform pg_notify('sluice_streams', s.stream_id) from sluice_internal.streams as s where s.stream_no = consumer.stream_no;
    end if;
end
$function$;
comment on function sluice_internal._wake_freed(sluice_internal.consumers,text[]) is 'Notifies those who wait (somebody does), if the messages that these tokens settle may have kept others back: a newer version of their record, or any where max_ack_pending bounds them.';

-- ---------------- Rights

grant execute on function sluice.consumer_ack(text,text[],boolean) to sluice_admin;
grant execute on function sluice.consumer_create(text,text,text,interval,integer,integer,jsonb,jsonb) to sluice_admin;
grant execute on function sluice.consumer_delete(text) to sluice_admin;
grant execute on function sluice.consumer_extend(text,text[],interval) to sluice_admin;
grant execute on function sluice.consumer_info(text) to sluice_admin;
grant execute on function sluice.consumer_nack(text,text[],interval) to sluice_admin;
grant execute on function sluice.consumer_next(text,integer,text[]) to sluice_admin;
grant execute on function sluice.consumer_pause(text) to sluice_admin;
grant execute on function sluice.consumer_peek(text,integer) to sluice_admin;
grant execute on function sluice.consumer_resume(text) to sluice_admin;
grant execute on function sluice.consumer_seek(text,text) to sluice_admin;
grant execute on function sluice.consumer_term(text,text[],text) to sluice_admin;
grant execute on function sluice.consumer_update(text,interval,integer,jsonb,integer,jsonb) to sluice_admin;
grant execute on function sluice.credential_delete(text) to sluice_admin;
grant execute on function sluice.dead_letter_purge(text,text,text,text) to sluice_admin;
grant execute on function sluice.dead_letter_retry(text,text,text,text) to sluice_admin;
grant execute on function sluice.mutation_cancel(text) to sluice_admin;
grant execute on function sluice.mutation_resolve(text,integer,text) to sluice_admin;
grant execute on function sluice.mutation_result(text) to sluice_admin;
grant execute on function sluice.mutation_run(text,text,text,jsonb,text,text,text) to sluice_admin;
grant execute on function sluice.record_ingest(text,text,jsonb) to sluice_admin;
grant execute on function sluice.stream_create(text,integer) to sluice_admin;
grant execute on function sluice.stream_delete(text) to sluice_admin;
grant execute on function sluice.stream_info(text) to sluice_admin;
grant execute on function sluice.sync_create(text,text,text,text,text[],text,jsonb,jsonb,text,integer,interval) to sluice_admin;
grant execute on function sluice.sync_info(text) to sluice_admin;
grant execute on function sluice.sync_pause(text) to sluice_admin;
grant execute on function sluice.sync_resume(text) to sluice_admin;
grant execute on function sluice.token_create(text,text[],text,timestamp with time zone) to sluice_admin;
grant execute on function sluice.token_revoke(text) to sluice_admin;
grant execute on function sluice_internal._credential_put(text,text,text,text,bytea,integer,text,jsonb) to sluice_admin;
grant execute on function sluice_internal._credential_replace(text,text,bytea,integer,text) to sluice_admin;
grant usage on schema sluice_internal to sluice_admin;
grant references on table sluice.records to sluice_admin;
grant execute on function sluice.consumer_ack(text,text[],boolean) to sluice_consumer;
grant execute on function sluice.consumer_extend(text,text[],interval) to sluice_consumer;
grant execute on function sluice.consumer_nack(text,text[],interval) to sluice_consumer;
grant execute on function sluice.consumer_next(text,integer,text[]) to sluice_consumer;
grant execute on function sluice.consumer_term(text,text[],text) to sluice_consumer;
grant execute on function sluice_internal._consumer_due(text) to sluice_consumer;
grant execute on function sluice_internal._consumer_ready(text) to sluice_consumer;
grant execute on function sluice_internal._stream_unwatch(text) to sluice_consumer;
grant execute on function sluice_internal._stream_watch(text) to sluice_consumer;
grant usage on schema sluice_internal to sluice_consumer;
grant execute on function sluice.mutation_cancel(text) to sluice_mutator;
grant execute on function sluice.mutation_resolve(text,integer,text) to sluice_mutator;
grant execute on function sluice.mutation_run(text,text,text,jsonb,text,text,text) to sluice_mutator;
grant execute on function sluice_internal._credential_sealed(text) to sluice_poller;
grant execute on function sluice_internal._jsonb_refusal(text) to sluice_poller;
grant execute on function sluice_internal._mutation_claim(text,integer) to sluice_poller;
grant execute on function sluice_internal._mutation_complete(bigint,integer,text,integer,text,text,jsonb,timestamp with time zone,jsonb) to sluice_poller;
grant execute on function sluice_internal._mutation_retry(bigint,integer,text,integer,interval,boolean,jsonb) to sluice_poller;
grant execute on function sluice_internal._page_commit(text,text,bigint,text,jsonb,boolean,jsonb,jsonb,timestamp with time zone) to sluice_poller;
grant execute on function sluice_internal._poller_heartbeat(text,text,integer) to sluice_poller;
grant execute on function sluice_internal._poller_stop(text) to sluice_poller;
grant execute on function sluice_internal._rate_take(text) to sluice_poller;
grant execute on function sluice_internal._sync_claim(text,integer,boolean,text) to sluice_poller;
grant execute on function sluice_internal._sync_due(text) to sluice_poller;
grant execute on function sluice_internal._sync_fail(text,text,bigint,text,jsonb,interval) to sluice_poller;
grant execute on function sluice_internal._sync_finish(text,text,bigint,interval) to sluice_poller;
grant execute on function sluice_internal._sync_release(text,text,bigint) to sluice_poller;
grant usage on schema sluice_internal to sluice_poller;
grant execute on function sluice.consumer_info(text) to sluice_reader;
grant execute on function sluice.consumer_peek(text,integer) to sluice_reader;
grant execute on function sluice.mutation_result(text) to sluice_reader;
grant execute on function sluice.stream_info(text) to sluice_reader;
grant execute on function sluice.sync_info(text) to sluice_reader;
grant usage on schema sluice to sluice_reader;
grant select on table sluice.collections to sluice_reader;
grant select on table sluice.consumers to sluice_reader;
grant select on table sluice.credentials to sluice_reader;
grant select on table sluice.dead_letters to sluice_reader;
grant select on table sluice.errors to sluice_reader;
grant select on table sluice.messages_in_flight to sluice_reader;
grant select on table sluice.mutation_items to sluice_reader;
grant select on table sluice.mutations to sluice_reader;
grant select on table sluice.notices to sluice_reader;
grant select on table sluice.provider_collections to sluice_reader;
grant select on table sluice.providers to sluice_reader;
grant select on table sluice.quarantine to sluice_reader;
grant select on table sluice.records to sluice_reader;
grant select on table sluice.streams to sluice_reader;
grant select on table sluice.syncs to sluice_reader;
grant select on table sluice.tokens to sluice_reader;
grant execute on function sluice_internal._consumer_due(text) to sluice_server;
grant execute on function sluice_internal._consumer_ready(text) to sluice_server;
grant execute on function sluice_internal._stream_unwatch(text) to sluice_server;
grant execute on function sluice_internal._stream_watch(text) to sluice_server;
grant execute on function sluice_internal._token_check(text,text) to sluice_server;
grant usage on schema sluice_internal to sluice_server;
