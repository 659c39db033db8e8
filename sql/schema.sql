-- Generated from a migrated database, for reading and for reviewing: never run, never edited.
-- Whoever owns an object may do everything with it; that right is not printed.

-- ---------------- Schemas

create schema sluice;

create schema sluice_internal;

create schema sluice_views;
comment on schema sluice_views is 'Typed views of records, one a collection, made by sluice.view_create. An upgrade changes none of them.';

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

create type sluice.sync_progress as (
    sync_id text,
    kind text,
    records bigint,
    finished boolean,
    waits_for text);
comment on type sluice.sync_progress is 'How far work on a sync''s records is: delete, drop or move, how many are done so far, whether that is all, and if not what it waits for.';

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
CREATE INDEX records_deleted ON sluice.records USING btree (stream_id, record_no) WHERE deleted;
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

create table sluice_internal.count_deltas (
    delta_no bigint generated always as identity not null,
    sync_id text collate "C" not null,
    collection_id text collate "C" not null,
    records bigint not null,
    changes bigint not null,
    stream_no integer,
    constraint count_deltas_pkey PRIMARY KEY (delta_no)
);
comment on table sluice_internal.count_deltas is 'What was removed or moved, and is not yet taken off record_counts: written where a row of those must not be locked.';
comment on column sluice_internal.count_deltas.stream_no is 'Where entries of these records are left that nobody needs; null: nowhere.';

create table sluice_internal.credential_renewals (
    credential_id text collate "C" not null,
    version bigint not null,
    poller_id text collate "C",
    begun_at timestamp with time zone default clock_timestamp() not null,
    error jsonb,
    failed_at timestamp with time zone,
    constraint credential_renewals_check CHECK (((error IS NULL) = (failed_at IS NULL))),
    constraint credential_renewals_check1 CHECK (((poller_id IS NULL) = (error IS NOT NULL))),
    constraint credential_renewals_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES sluice_internal.credentials(credential_id) ON DELETE CASCADE,
    constraint credential_renewals_pkey PRIMARY KEY (credential_id)
);
comment on table sluice_internal.credential_renewals is 'Who renews the token of a credential just now, and of which version; or why the vendor refused to.';

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
    account text collate "C",
    version bigint default 1 not null,
    expires_at timestamp with time zone,
    renew_at timestamp with time zone,
    oauth_app_id text collate "C",
    scopes text[] collate "C",
    constraint credentials_account_check CHECK (((octet_length(account) >= 1) AND (octet_length(account) <= 200))),
    constraint credentials_credential_id_check CHECK (((octet_length(credential_id) >= 1) AND (octet_length(credential_id) <= 200))),
    constraint credentials_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    constraint credentials_oauth_app_id_fkey FOREIGN KEY (oauth_app_id) REFERENCES sluice_internal.oauth_apps(oauth_app_id),
    constraint credentials_pkey PRIMARY KEY (credential_id)
);
CREATE INDEX credentials_by_oauth_app ON sluice_internal.credentials USING btree (oauth_app_id) WHERE (oauth_app_id IS NOT NULL);
CREATE UNIQUE INDEX credentials_by_account ON sluice_internal.credentials USING btree (provider, account) WHERE (account IS NOT NULL);
comment on table sluice_internal.credentials is 'Secrets, sealed by the application (AES-256-GCM, credential_id authenticated).';
comment on column sluice_internal.credentials.account is 'The account at the vendor, where it is known: each account has one credential.';
comment on column sluice_internal.credentials.version is 'Rises with each secret: who holds an older one takes the new one.';
comment on column sluice_internal.credentials.scopes is 'What the vendor granted, where it says so.';

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

create table sluice_internal.described_collections (
    credential_id text collate "C" not null,
    collection_id text collate "C" not null,
    description text not null,
    mutations text[] not null,
    match_on text[] not null,
    if_match boolean not null,
    fields jsonb not null,
    constraint described_collections_collection_id_check CHECK (((octet_length(collection_id) >= 1) AND (octet_length(collection_id) <= 200))),
    constraint described_collections_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES sluice_internal.descriptions(credential_id) ON DELETE CASCADE,
    constraint described_collections_fields_check CHECK ((jsonb_typeof(fields) = 'array'::text)),
    constraint described_collections_pkey PRIMARY KEY (credential_id, collection_id)
);
comment on table sluice_internal.described_collections is 'The collections of one account as it described them; fields: {name, type, primary_key, description} each.';

create table sluice_internal.descriptions (
    credential_id text collate "C" not null,
    requested_at timestamp with time zone default clock_timestamp() not null,
    described_at timestamp with time zone,
    next_attempt_at timestamp with time zone default clock_timestamp(),
    attempt integer default 0 not null,
    poller_id text collate "C",
    epoch bigint default 0 not null,
    error jsonb,
    constraint descriptions_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES sluice_internal.credentials(credential_id) ON DELETE CASCADE,
    constraint descriptions_pkey PRIMARY KEY (credential_id)
);
CREATE INDEX descriptions_due ON sluice_internal.descriptions USING btree (next_attempt_at) WHERE (next_attempt_at IS NOT NULL);
comment on table sluice_internal.descriptions is 'Accounts that were, or are to be, asked for their collections. next_attempt_at: when a poller shall ask; null: nobody wants to know.';

create table sluice_internal.erasure_key (
    only_one boolean default true not null,
    key bytea not null,
    constraint erasure_key_key_check CHECK ((octet_length(key) = 32)),
    constraint erasure_key_only_one_check CHECK (only_one),
    constraint erasure_key_pkey PRIMARY KEY (only_one)
);
comment on table sluice_internal.erasure_key is 'The key of the digests in erasures, made for this database. Nobody may read it.';

create table sluice_internal.erasures (
    sync_id text collate "C" not null,
    digest bytea not null,
    erased_at timestamp with time zone default clock_timestamp() not null,
    refused bigint default 0 not null,
    constraint erasures_digest_check CHECK ((octet_length(digest) = 32)),
    constraint erasures_pkey PRIMARY KEY (sync_id, digest),
    constraint erasures_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
comment on table sluice_internal.erasures is 'Objects that were erased and must not come back: a keyed digest of their collection and id, nothing else. refused: how often they came.';

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
    match_value text collate "C",
    constraint mutation_items_check CHECK (((status = ANY (ARRAY['succeeded'::text, 'failed'::text, 'unknown'::text, 'cancelled'::text])) = (finished_at IS NOT NULL))),
    constraint mutation_items_check1 CHECK (((status = 'sending'::text) = (poller_id IS NOT NULL))),
    constraint mutation_items_check2 CHECK (((status <> ALL (ARRAY['failed'::text, 'unknown'::text])) OR (error IS NOT NULL))),
    constraint mutation_items_mutation_no_fkey FOREIGN KEY (mutation_no) REFERENCES sluice_internal.mutations(mutation_no) ON DELETE CASCADE,
    constraint mutation_items_pkey PRIMARY KEY (mutation_no, item_no),
    constraint mutation_items_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'sending'::text, 'succeeded'::text, 'failed'::text, 'unknown'::text, 'cancelled'::text]))),
    constraint mutation_items_upstream_id_check CHECK (((octet_length(upstream_id) >= 1) AND (octet_length(upstream_id) <= 200)))
);
CREATE INDEX mutation_items_by_match ON sluice_internal.mutation_items USING btree (sync_id, collection_id, md5(match_value)) WHERE ((status = ANY (ARRAY['queued'::text, 'sending'::text, 'unknown'::text])) AND (match_value IS NOT NULL));
CREATE INDEX mutation_items_by_record ON sluice_internal.mutation_items USING btree (sync_id, collection_id, upstream_id, mutation_no, item_no) WHERE ((status = ANY (ARRAY['queued'::text, 'sending'::text, 'unknown'::text])) AND (upstream_id IS NOT NULL));
CREATE INDEX mutation_items_open ON sluice_internal.mutation_items USING btree (next_attempt_at, mutation_no, item_no) WHERE (status = ANY (ARRAY['queued'::text, 'sending'::text]));
CREATE INDEX mutation_items_queued ON sluice_internal.mutation_items USING btree (sync_id, next_attempt_at, mutation_no, item_no) WHERE (status = 'queued'::text);
CREATE INDEX mutation_items_sending ON sluice_internal.mutation_items USING btree (sync_id, poller_id) WHERE (status = 'sending'::text);
comment on table sluice_internal.mutation_items is 'One write to one object. vendor_key is what the vendor is told to recognise a repetition by; first_sent_at bounds how long it does.';
comment on column sluice_internal.mutation_items.match_value is 'Of an upsert: the value of match_on as JSON text, so that writes to one object run in order.';

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
    if_match text,
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
    collection_id text collate "C",
    constraint notices_kind_check CHECK ((kind ~ '^[a-z_]{1,40}$'::text)),
    constraint notices_pkey PRIMARY KEY (notice_id),
    constraint notices_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
CREATE INDEX notices_by_sync ON sluice_internal.notices USING btree (sync_id, notice_id);
comment on table sluice_internal.notices is 'What happened to a connection: it broke, it works again, and the like. Kept for 90 days.';

create table sluice_internal.oauth_apps (
    oauth_app_id text collate "C" not null,
    provider text not null,
    client_id text not null,
    sealed bytea not null,
    key_version integer not null,
    version bigint default 1 not null,
    name text,
    base_url text,
    scopes text[] collate "C" default '{}'::text[] not null,
    redirect_urls text[] collate "C" default '{}'::text[] not null,
    metadata jsonb default '{}'::jsonb not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    updated_at timestamp with time zone default clock_timestamp() not null,
    constraint oauth_apps_client_id_check CHECK (((octet_length(client_id) >= 1) AND (octet_length(client_id) <= 1000))),
    constraint oauth_apps_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    constraint oauth_apps_oauth_app_id_check CHECK (((octet_length(oauth_app_id) >= 1) AND (octet_length(oauth_app_id) <= 200))),
    constraint oauth_apps_pkey PRIMARY KEY (oauth_app_id)
);
comment on table sluice_internal.oauth_apps is 'Apps at vendors through which credentials are obtained; the client secret sealed by the application (AES-256-GCM, oauth_app_id authenticated).';
comment on column sluice_internal.oauth_apps.version is 'Rises with each client secret.';
comment on column sluice_internal.oauth_apps.scopes is 'Asked for where a consent names none; empty: the provider''s own.';
comment on column sluice_internal.oauth_apps.redirect_urls is 'Where a browser may be sent after a consent: these addresses and no other.';

create table sluice_internal.oauth_signins (
    signin_id text collate "C" not null,
    oauth_app_id text collate "C" not null,
    kind text not null,
    redirect_url text,
    state text,
    scopes text[] collate "C" default '{}'::text[] not null,
    "values" jsonb default '{}'::jsonb not null,
    name text,
    metadata jsonb,
    created_at timestamp with time zone default clock_timestamp() not null,
    begun_at timestamp with time zone,
    state_digest bytea,
    browser_digest bytea,
    redirect_uri text,
    verifier bytea,
    verifier_key_version integer,
    answered_at timestamp with time zone,
    answer bytea,
    answer_key_version integer,
    poller_id text collate "C",
    taken_at timestamp with time zone,
    finished_at timestamp with time zone,
    credential_id text collate "C",
    error jsonb,
    constraint oauth_signins_browser_digest_check CHECK ((octet_length(browser_digest) = 32)),
    constraint oauth_signins_check CHECK (((begun_at IS NULL) = (state_digest IS NULL))),
    constraint oauth_signins_check1 CHECK (((begun_at IS NULL) = (redirect_uri IS NULL))),
    constraint oauth_signins_check2 CHECK (((answered_at IS NULL) OR (begun_at IS NOT NULL))),
    constraint oauth_signins_check3 CHECK (((finished_at IS NULL) = (num_nonnulls(credential_id, error) = 0))),
    constraint oauth_signins_check4 CHECK ((num_nonnulls(credential_id, error) <= 1)),
    constraint oauth_signins_check5 CHECK (((finished_at IS NULL) OR (num_nonnulls(verifier, answer) = 0))),
    constraint oauth_signins_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    constraint oauth_signins_oauth_app_id_fkey FOREIGN KEY (oauth_app_id) REFERENCES sluice_internal.oauth_apps(oauth_app_id) ON DELETE CASCADE,
    constraint oauth_signins_pkey PRIMARY KEY (signin_id),
    constraint oauth_signins_signin_id_check CHECK ((octet_length(signin_id) = 64)),
    constraint oauth_signins_state_check CHECK ((octet_length(state) <= 5120)),
    constraint oauth_signins_state_digest_check CHECK ((octet_length(state_digest) = 32)),
    constraint oauth_signins_state_digest_key UNIQUE (state_digest),
    constraint oauth_signins_values_check CHECK ((jsonb_typeof("values") = 'object'::text))
);
CREATE INDEX oauth_signins_answered ON sluice_internal.oauth_signins USING btree (answered_at) WHERE ((answered_at IS NOT NULL) AND (finished_at IS NULL));
CREATE INDEX oauth_signins_by_age ON sluice_internal.oauth_signins USING btree (created_at);
CREATE INDEX oauth_signins_by_app ON sluice_internal.oauth_signins USING btree (oauth_app_id);
comment on table sluice_internal.oauth_signins is 'Consents that were asked for in the last day: begun by a browser, answered by the vendor, turned into a credential by a poller.';
comment on column sluice_internal.oauth_signins.signin_id is 'SHA-256 of what stands in the start address, which is kept nowhere.';
comment on column sluice_internal.oauth_signins.state_digest is 'SHA-256 of the state that the vendor was given; state itself is the caller''s own.';
comment on column sluice_internal.oauth_signins.answer is 'The query of the callback, sealed; forgotten at the end, like the verifier.';

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

create table sluice_internal.provider_documents (
    provider text collate "C" not null,
    document jsonb not null,
    source text,
    created_at timestamp with time zone default clock_timestamp() not null,
    updated_at timestamp with time zone default clock_timestamp() not null,
    constraint provider_documents_document_check CHECK ((jsonb_typeof(document) = 'object'::text)),
    constraint provider_documents_pkey PRIMARY KEY (provider),
    constraint provider_documents_provider_check CHECK ((provider ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
    constraint provider_documents_source_check CHECK ((octet_length(source) <= 1048576))
);
comment on table sluice_internal.provider_documents is 'Any REST or GraphQL API, described by one document (docs/how-to/rest.md).';
comment on column sluice_internal.provider_documents.document is 'Its values, which pollers read.';
comment on column sluice_internal.provider_documents.source is 'Its text as it was written, with comments; null where it came without.';

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

create table sluice_internal.rate_holds (
    hold_id uuid not null,
    sync_id text collate "C" not null,
    poller_id text collate "C" not null,
    constraint rate_holds_pkey PRIMARY KEY (hold_id),
    constraint rate_holds_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
CREATE INDEX rate_holds_by_poller ON sluice_internal.rate_holds USING btree (poller_id);
CREATE INDEX rate_holds_by_sync ON sluice_internal.rate_holds USING btree (sync_id);
comment on table sluice_internal.rate_holds is 'Requests under way of syncs with max_concurrent_requests.';

create table sluice_internal.rate_signals (
    scope text collate "C" not null,
    sync_id text collate "C",
    credential_id text collate "C",
    quiet_until timestamp with time zone,
    remaining double precision,
    resets_at timestamp with time zone,
    restore_rate double precision,
    said_at timestamp with time zone default clock_timestamp() not null,
    constraint rate_signals_check CHECK ((num_nonnulls(sync_id, credential_id) = 1)),
    constraint rate_signals_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES sluice_internal.credentials(credential_id) ON DELETE CASCADE,
    constraint rate_signals_pkey PRIMARY KEY (scope),
    constraint rate_signals_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
) with (fillfactor=50);
CREATE INDEX rate_signals_by_credential ON sluice_internal.rate_signals USING btree (credential_id) WHERE (credential_id IS NOT NULL);
CREATE INDEX rate_signals_by_sync ON sluice_internal.rate_signals USING btree (sync_id) WHERE (sync_id IS NOT NULL);
comment on table sluice_internal.rate_signals is 'What a vendor last said of its budget: nothing before quiet_until; remaining until resets_at, or refilled by restore_rate a second.';

create table sluice_internal.rate_windows (
    scope text collate "C" not null,
    name text collate "C" not null,
    sync_id text collate "C",
    credential_id text collate "C",
    ends timestamp with time zone[] default '{}'::timestamp with time zone[] not null,
    amounts double precision[] default '{}'::double precision[] not null,
    writes_wait_until timestamp with time zone,
    constraint rate_windows_check CHECK ((num_nonnulls(sync_id, credential_id) = 1)),
    constraint rate_windows_check1 CHECK ((cardinality(ends) = cardinality(amounts))),
    constraint rate_windows_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES sluice_internal.credentials(credential_id) ON DELETE CASCADE,
    constraint rate_windows_pkey PRIMARY KEY (scope, name),
    constraint rate_windows_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
) with (fillfactor=50);
CREATE INDEX rate_windows_by_credential ON sluice_internal.rate_windows USING btree (credential_id) WHERE (credential_id IS NOT NULL);
CREATE INDEX rate_windows_by_sync ON sluice_internal.rate_windows USING btree (sync_id) WHERE (sync_id IS NOT NULL);
comment on table sluice_internal.rate_windows is 'What was drawn from each limit of a sync or a credential in its last window: amounts[i] up to ends[i].';

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

create table sluice_internal.stream_trims (
    stream_no integer not null,
    kept bigint default 0 not null,
    replaced bigint default 0 not null,
    lane smallint,
    after_idx bigint,
    pass_kept bigint,
    times_until timestamp with time zone,
    constraint stream_trims_check CHECK ((((lane IS NULL) = (after_idx IS NULL)) AND ((lane IS NULL) = (pass_kept IS NULL)))),
    constraint stream_trims_pkey PRIMARY KEY (stream_no)
) with (fillfactor=50);
comment on table sluice_internal.stream_trims is 'How far each stream''s log of positions is due to be trimmed, how far a pass over it has come, and up to when its times are thinned out. No reference to streams: the log of one that is deleted goes by a pass of its own.';
comment on column sluice_internal.stream_trims.kept is 'About how many entries are current.';
comment on column sluice_internal.stream_trims.replaced is 'How many entries were replaced, or lost their record, since the last pass began.';
comment on column sluice_internal.stream_trims.lane is 'Of the pass under way, with after_idx: the last entry that was looked at. Null: there is none.';
comment on column sluice_internal.stream_trims.times_until is 'Before this, stream_times has one row a minute.';

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

create table sluice_internal.sweep_seen (
    sync_id text collate "C" not null,
    feed text collate "C" not null,
    pass_no bigint not null,
    collection_id text collate "C" not null,
    upstream_id text collate "C" not null,
    constraint sweep_seen_pkey PRIMARY KEY (sync_id, feed, pass_no, collection_id, upstream_id),
    constraint sweep_seen_sync_id_feed_fkey FOREIGN KEY (sync_id, feed) REFERENCES sluice_internal.sync_feeds(sync_id, feed) ON DELETE CASCADE
);
comment on table sluice_internal.sweep_seen is 'What came up since a sweep''s pass began; emptied once the pass is concluded.';

create table sluice_internal.sync_feeds (
    sync_id text collate "C" not null,
    feed text collate "C" not null,
    cursor_state jsonb,
    done boolean not null,
    pages bigint default 0 not null,
    records bigint default 0 not null,
    updated_at timestamp with time zone default clock_timestamp() not null,
    kind text,
    collection_ids text[] collate "C" default '{}'::text[] not null,
    every interval,
    error jsonb,
    error_since timestamp with time zone,
    attempt integer default 0 not null,
    next_attempt_at timestamp with time zone,
    last_success_at timestamp with time zone,
    completed_at timestamp with time zone,
    started_at timestamp with time zone,
    read_records bigint default 0 not null,
    total bigint,
    pass_no bigint default 0 not null,
    pass_from timestamp with time zone,
    conclusion text[] collate "C",
    constraint sync_feeds_error_check CHECK (((error IS NULL) = (error_since IS NULL))),
    constraint sync_feeds_every_check CHECK ((every > '00:00:00'::interval)),
    constraint sync_feeds_kind_check CHECK ((kind = ANY (ARRAY['backfill'::text, 'changes'::text, 'sweep'::text, 'part'::text]))),
    constraint sync_feeds_pkey PRIMARY KEY (sync_id, feed),
    constraint sync_feeds_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
comment on table sluice_internal.sync_feeds is 'How far each list or change feed of a sync has been read; moves in the transaction that writes the page.';
comment on column sluice_internal.sync_feeds.feed is 'Its name; a piece of a backfill that is read beside the others is a row feed/part.';
comment on column sluice_internal.sync_feeds.kind is 'As its provider says; null before a poller has told, and for rows of an earlier release.';
comment on column sluice_internal.sync_feeds.collection_ids is 'What its pages may speak of.';
comment on column sluice_internal.sync_feeds.every is 'Of a sweep: from the beginning of one pass to the beginning of the next.';
comment on column sluice_internal.sync_feeds.error is 'Why it cannot be read now: {code, message, details, hint}; others are read all the same.';
comment on column sluice_internal.sync_feeds.next_attempt_at is 'Not asked before: it failed, its job is not ready, or its next pass is not due.';
comment on column sluice_internal.sync_feeds.last_success_at is 'Its last page.';
comment on column sluice_internal.sync_feeds.completed_at is 'When it was first read to its end.';
comment on column sluice_internal.sync_feeds.started_at is 'When the reading (the pass) under way, or the last one, brought its first page;';
comment on column sluice_internal.sync_feeds.read_records is 'the records that it brought so far;';
comment on column sluice_internal.sync_feeds.total is 'how many there are in all, where the vendor says so.';
comment on column sluice_internal.sync_feeds.pass_no is 'Of a sweep: the pass that sweep_seen speaks of.';
comment on column sluice_internal.sync_feeds.pass_from is 'When it began, on the database''s clock, before its first request; null: none is under way, or it may conclude nothing.';
comment on column sluice_internal.sync_feeds.conclusion is 'A complete pass is being concluded: collection, and the object up to which what did not come up is a tombstone by now.';

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
    trim_from timestamp with time zone,
    trim_place text[] collate "C",
    told_at timestamp with time zone,
    constraint sync_runs_check CHECK (((status = ANY (ARRAY['error'::text, 'rate_limited'::text])) = (error IS NOT NULL))),
    constraint sync_runs_check1 CHECK (((error IS NULL) = (error_since IS NULL))),
    constraint sync_runs_pkey PRIMARY KEY (sync_id),
    constraint sync_runs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'backfilling'::text, 'active'::text, 'rate_limited'::text, 'error'::text]))),
    constraint sync_runs_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
CREATE INDEX sync_runs_by_poller ON sluice_internal.sync_runs USING btree (poller_id) WHERE (poller_id IS NOT NULL);
CREATE INDEX sync_runs_due ON sluice_internal.sync_runs USING btree (next_attempt_at);
comment on table sluice_internal.sync_runs is 'Where a sync stands, and who works on it: a lease is (poller_id, epoch), alive while the poller''s heartbeat is.';
comment on column sluice_internal.sync_runs.trim_from is 'When the last walk over the records for those that have become too old (max_age_days) began …';
comment on column sluice_internal.sync_runs.trim_place is '… and how far it is: collection and object; null: it is at its end.';
comment on column sluice_internal.sync_runs.told_at is 'Its vendor sent word while a poller held it: the end of the turn looks what is wanted.';

create table sluice_internal.sync_work (
    sync_id text collate "C" not null,
    kind text not null,
    emit boolean default false not null,
    collection_ids text[] collate "C",
    phase text not null,
    after_collection_id text collate "C" default ''::text not null,
    after_upstream_id text collate "C" default ''::text not null,
    writers text[],
    marked_by xid8 default pg_current_xact_id() not null,
    records bigint default 0 not null,
    waits_for text,
    since timestamp with time zone default clock_timestamp() not null,
    next_at timestamp with time zone default clock_timestamp() not null,
    constraint sync_work_check CHECK (((kind = 'drop'::text) = (collection_ids IS NOT NULL))),
    constraint sync_work_kind_check CHECK ((kind = ANY (ARRAY['delete'::text, 'drop'::text, 'move'::text]))),
    constraint sync_work_phase_check CHECK ((phase = ANY (ARRAY['tombstones'::text, 'records'::text, 'rest'::text]))),
    constraint sync_work_pkey PRIMARY KEY (sync_id),
    constraint sync_work_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
CREATE INDEX sync_work_due ON sluice_internal.sync_work USING btree (next_at);
comment on table sluice_internal.sync_work is 'What is done to a sync''s records piece by piece: all removed (delete), some collections removed (drop), another stream (move).';
comment on column sluice_internal.sync_work.phase is 'tombstones: consumers are told; records: they are removed or moved; rest: what else hangs on the sync.';
comment on column sluice_internal.sync_work.writers is 'Transactions that wrote records and were open when this was seen first: they may not know of it. Null: not looked yet.';
comment on column sluice_internal.sync_work.marked_by is 'The transaction that ordered it: until that is committed nobody else knows.';

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
    max_age_days integer,
    moving_from integer,
    deleting_since timestamp with time zone,
    erasures integer default 0 not null,
    constraint syncs_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES sluice_internal.credentials(credential_id),
    constraint syncs_max_age_days_check CHECK (((max_age_days >= 1) AND (max_age_days <= 36500))),
    constraint syncs_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    constraint syncs_moving_from_fkey FOREIGN KEY (moving_from) REFERENCES sluice_internal.streams(stream_no),
    constraint syncs_pkey PRIMARY KEY (sync_id),
    constraint syncs_stream_no_fkey FOREIGN KEY (stream_no) REFERENCES sluice_internal.streams(stream_no),
    constraint syncs_sync_frequency_check CHECK ((sync_frequency > '00:00:00'::interval)),
    constraint syncs_sync_id_check CHECK (((octet_length(sync_id) >= 1) AND (octet_length(sync_id) <= 200)))
);
CREATE INDEX syncs_by_credential ON sluice_internal.syncs USING btree (credential_id);
CREATE INDEX syncs_by_external_id ON sluice_internal.syncs USING btree (external_id, sync_id) WHERE (external_id IS NOT NULL);
CREATE INDEX syncs_by_metadata ON sluice_internal.syncs USING gin (metadata jsonb_path_ops);
CREATE INDEX syncs_by_name ON sluice_internal.syncs USING btree (name, sync_id) WHERE (name IS NOT NULL);
CREATE INDEX syncs_by_provider ON sluice_internal.syncs USING btree (provider, sync_id);
CREATE INDEX syncs_by_stream ON sluice_internal.syncs USING btree (stream_no);
CREATE INDEX syncs_moving ON sluice_internal.syncs USING btree (moving_from) WHERE (moving_from IS NOT NULL);
comment on table sluice_internal.syncs is 'What the user asked for: one connection to one account.';
comment on column sluice_internal.syncs.max_age_days is 'Objects created earlier than so many days ago are neither read nor kept.';
comment on column sluice_internal.syncs.moving_from is 'The stream in which some of its records still are.';
comment on column sluice_internal.syncs.deleting_since is 'Set: nothing is written any more, and the id is free once its records are gone.';
comment on column sluice_internal.syncs.erasures is 'How many of its objects must not come back.';

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

create table sluice_internal.typed_view_fields (
    view_name text collate "C" not null,
    place integer not null,
    column_name text collate "C" not null,
    field text collate "C" not null,
    kind text not null,
    constraint typed_view_fields_column_name_check CHECK (((octet_length(column_name) >= 1) AND (octet_length(column_name) <= 63))),
    constraint typed_view_fields_kind_check CHECK ((kind = ANY (ARRAY['text'::text, 'bigint'::text, 'numeric'::text, 'boolean'::text, 'timestamptz'::text, 'time'::text, 'unixtime'::text, 'date'::text, 'jsonb'::text]))),
    constraint typed_view_fields_pkey PRIMARY KEY (view_name, place),
    constraint typed_view_fields_view_name_column_name_key UNIQUE (view_name, column_name),
    constraint typed_view_fields_view_name_fkey FOREIGN KEY (view_name) REFERENCES sluice_internal.typed_views(view_name) ON DELETE CASCADE
);
comment on table sluice_internal.typed_view_fields is 'The columns of typed views beside those that all have: which field of data each shows, read as what. Only ever added to: a user''s own views may stand on them. time: a text or the seconds since 1970; unixtime: the latter, and so it is written.';

create table sluice_internal.typed_views (
    view_name text collate "C" not null,
    collection_id text collate "C" not null,
    stream_id text collate "C",
    sync_id text collate "C",
    fields_left_out integer default 0 not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    refreshed_at timestamp with time zone default clock_timestamp() not null,
    constraint typed_views_collection_id_stream_id_sync_id_key UNIQUE NULLS NOT DISTINCT (collection_id, stream_id, sync_id),
    constraint typed_views_pkey PRIMARY KEY (view_name),
    constraint typed_views_view_name_check CHECK (((octet_length(view_name) >= 1) AND (octet_length(view_name) <= 63)))
);
comment on table sluice_internal.typed_views is 'The views of sluice_views that view_create made: of which records.';

create table sluice_internal.unsubscriptions (
    unsubscription_no bigint generated always as identity not null,
    sync_id text collate "C" not null,
    provider text collate "C" not null,
    credential_id text collate "C",
    address text,
    tag text,
    since timestamp with time zone default clock_timestamp() not null,
    next_at timestamp with time zone default clock_timestamp() not null,
    poller_id text collate "C",
    epoch bigint default 0 not null,
    attempt integer default 0 not null,
    constraint unsubscriptions_pkey PRIMARY KEY (unsubscription_no)
);
CREATE INDEX unsubscriptions_by_sync ON sluice_internal.unsubscriptions USING btree (sync_id);
CREATE INDEX unsubscriptions_due ON sluice_internal.unsubscriptions USING btree (next_at);
comment on table sluice_internal.unsubscriptions is 'Subscriptions that are to be removed at their vendor: of syncs whose webhooks were switched off, and of syncs that are gone.';
comment on column sluice_internal.unsubscriptions.address is 'Where the vendor was to send; null where no attempt to subscribe had succeeded.';

create table sluice_internal.wanted_objects (
    sync_id text collate "C" not null,
    collection_id text collate "C" not null,
    upstream_id text collate "C" not null,
    since timestamp with time zone default clock_timestamp() not null,
    held bytea,
    attempt integer default 0 not null,
    next_at timestamp with time zone default '-infinity'::timestamp with time zone not null,
    taken_at timestamp with time zone,
    constraint wanted_objects_pkey PRIMARY KEY (sync_id, collection_id, upstream_id),
    constraint wanted_objects_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
);
CREATE INDEX wanted_objects_due ON sluice_internal.wanted_objects USING btree (sync_id, next_at, since);
comment on table sluice_internal.wanted_objects is 'Objects that the next turn of their sync fetches, one by one: somebody asked for it, or the vendor said that they changed.';
comment on column sluice_internal.wanted_objects.held is 'The provider''s own note on what to fetch.';
comment on column sluice_internal.wanted_objects.taken_at is 'Since when a poller fetches it; null again if there was word of it after that, so that it is fetched once more.';

create table sluice_internal.webhook_deliveries (
    digest bytea not null,
    received_at timestamp with time zone default clock_timestamp() not null,
    constraint webhook_deliveries_digest_check CHECK ((octet_length(digest) = 32)),
    constraint webhook_deliveries_pkey PRIMARY KEY (digest)
);
CREATE INDEX webhook_deliveries_by_time ON sluice_internal.webhook_deliveries USING btree (received_at);
comment on table sluice_internal.webhook_deliveries is 'Digests of sync and delivery id, for longer than any vendor sends a delivery again: one that comes twice does nothing.';

create table sluice_internal.webhook_deltas (
    delta_no bigint generated always as identity not null,
    sync_id text collate "C" not null,
    deliveries integer default 0 not null,
    repeated integer default 0 not null,
    hints integer default 0 not null,
    changes integer default 0 not null,
    dropped integer default 0 not null,
    unreadable integer default 0 not null,
    refused integer default 0 not null,
    at timestamp with time zone default clock_timestamp() not null,
    constraint webhook_deltas_pkey PRIMARY KEY (delta_no)
);
CREATE INDEX webhook_deltas_by_sync ON sluice_internal.webhook_deltas USING btree (sync_id);
comment on table sluice_internal.webhook_deltas is 'What is not yet added to the counts in webhooks: deliveries at the same moment do not wait for one row.';

create table sluice_internal.webhooks (
    sync_id text collate "C" not null,
    enabled boolean default false not null,
    sealed bytea,
    key_version integer,
    former_sealed bytea,
    former_key_version integer,
    former_until timestamp with time zone,
    address text,
    tag text,
    subscribe_at timestamp with time zone,
    subscribed_at timestamp with time zone,
    poller_id text collate "C",
    epoch bigint default 0 not null,
    attempt integer default 0 not null,
    error jsonb,
    error_since timestamp with time zone,
    ended_at timestamp with time zone,
    overflowed_at timestamp with time zone,
    deliveries bigint default 0 not null,
    repeated bigint default 0 not null,
    hints bigint default 0 not null,
    changes bigint default 0 not null,
    dropped bigint default 0 not null,
    unreadable bigint default 0 not null,
    refused bigint default 0 not null,
    last_delivery_at timestamp with time zone,
    constraint webhooks_check CHECK (((sealed IS NULL) = (key_version IS NULL))),
    constraint webhooks_check1 CHECK (((former_sealed IS NULL) = (former_key_version IS NULL))),
    constraint webhooks_check2 CHECK (((former_sealed IS NULL) = (former_until IS NULL))),
    constraint webhooks_check3 CHECK (((error IS NULL) = (error_since IS NULL))),
    constraint webhooks_check4 CHECK ((enabled OR (subscribe_at IS NULL))),
    constraint webhooks_pkey PRIMARY KEY (sync_id),
    constraint webhooks_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES sluice_internal.syncs(sync_id) ON DELETE CASCADE
) with (fillfactor=50);
CREATE INDEX webhooks_due ON sluice_internal.webhooks USING btree (subscribe_at) WHERE (subscribe_at IS NOT NULL);
comment on table sluice_internal.webhooks is 'What a sync''s vendor sends by itself: the sealed secret that signs it, the subscription that pollers keep up, and counts.';
comment on column sluice_internal.webhooks.former_sealed is 'The secret before this one: taken until former_until, so that one can be rolled.';
comment on column sluice_internal.webhooks.tag is 'Stands in the address, if the vendor has a subscription whose secret was lost: to the vendor it is another address.';
comment on column sluice_internal.webhooks.ended_at is 'When the vendor last said that the access had ended. Said, not believed.';
comment on column sluice_internal.webhooks.overflowed_at is 'When there was last no room for a hint.';

-- ---------------- Views

create view sluice.collections as
 SELECT y.sync_id,
    s.stream_id,
    c.collection_id,
    ((COALESCE(n.records, 0::bigint) + COALESCE(i.records, 0::bigint))::numeric + COALESCE(d.records, 0::numeric))::bigint AS records,
    ((COALESCE(n.changes, 0::bigint) + COALESCE(i.changes, 0::bigint))::numeric + COALESCE(d.changes, 0::numeric))::bigint AS changes,
    COALESCE(f.done, y.provider = 'push'::text) AS backfilled,
    f.records AS backfill_records,
    f.updated_at AS last_page_at,
        CASE
            WHEN y.deleting_since IS NOT NULL THEN 'deleting'::text
            WHEN y.paused THEN 'paused'::text
            WHEN y.provider = 'push'::text THEN 'active'::text
            WHEN x.error IS NOT NULL THEN 'error'::text
            WHEN COALESCE(f.completed_at IS NOT NULL OR f.done AND f.kind IS NULL, false) AND f.done THEN 'active'::text
            WHEN f.started_at IS NULL THEN 'pending'::text
            ELSE 'backfilling'::text
        END AS state,
    x.pages::bigint AS pages,
    x.last_success_at,
    x.error AS last_error,
    x.error_since AS last_error_since,
        CASE
            WHEN NOT f.done THEN f.total
            ELSE NULL::bigint
        END AS total,
        CASE
            WHEN NOT f.done THEN f.read_records
            ELSE NULL::bigint
        END AS progress,
    round(
        CASE
            WHEN NOT f.done THEN f.read_records::numeric / b.seconds
            ELSE NULL::numeric
        END, 1) AS rate,
    make_interval(secs =>
        CASE
            WHEN NOT f.done AND f.total > f.read_records AND f.read_records > 0 THEN (f.total - f.read_records)::numeric * b.seconds / f.read_records::numeric
            ELSE NULL::numeric
        END::double precision) AS remaining
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
     LEFT JOIN LATERAL ( SELECT sum(o.records) AS records,
            sum(o.changes) AS changes
           FROM sluice_internal.count_deltas o
          WHERE o.sync_id = y.sync_id AND o.collection_id = c.collection_id) d ON true
     LEFT JOIN LATERAL ( SELECT o.sync_id,
            o.feed,
            o.cursor_state,
            o.done,
            o.pages,
            o.records,
            o.updated_at,
            o.kind,
            o.collection_ids,
            o.every,
            o.error,
            o.error_since,
            o.attempt,
            o.next_attempt_at,
            o.last_success_at,
            o.completed_at,
            o.started_at,
            o.read_records,
            o.total,
            o.pass_no,
            o.pass_from,
            o.conclusion
           FROM sluice_internal.sync_feeds o
          WHERE o.sync_id = y.sync_id AND o.kind IS DISTINCT FROM 'sweep'::text AND o.kind IS DISTINCT FROM 'part'::text AND (o.feed = c.collection_id OR (c.collection_id = ANY (o.collection_ids)))
          ORDER BY (o.feed = c.collection_id) DESC, (o.kind = 'backfill'::text) DESC, o.feed
         LIMIT 1) f ON true
     LEFT JOIN LATERAL ( SELECT sum(o.pages) AS pages,
            max(o.last_success_at) AS last_success_at,
            (array_agg(o.error ORDER BY o.error_since) FILTER (WHERE o.error IS NOT NULL))[1] AS error,
            min(o.error_since) AS error_since
           FROM sluice_internal.sync_feeds o
          WHERE o.sync_id = y.sync_id AND (o.feed = c.collection_id OR (c.collection_id = ANY (o.collection_ids)))) x ON true
     LEFT JOIN LATERAL ( SELECT GREATEST(EXTRACT(epoch FROM COALESCE(f.last_success_at, f.updated_at) - f.started_at), 0.001) AS seconds) b ON true;
-- columns: sync_id text, stream_id text, collection_id text, records bigint, changes bigint, backfilled boolean, backfill_records bigint, last_page_at timestamp with time zone, state text, pages bigint, last_success_at timestamp with time zone, last_error jsonb, last_error_since timestamp with time zone, total bigint, progress bigint, rate numeric, remaining interval
comment on view sluice.collections is 'The collections of each sync: how many records (tombstones too) and changes arrived; state: pending, backfilling, active, error (last_error says why, since when), paused, deleting; and of the reading from the start that is under way how many records it brought (progress), of how many (total, where the vendor says), how many a second (rate), and how long it will still take (remaining, where that can be known).';

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

create view sluice.credential_collections as
 SELECT d.credential_id,
    c.provider,
    d.collection_id,
    d.description,
    d.mutations,
    d.match_on,
    d.if_match
   FROM sluice_internal.described_collections d
     JOIN sluice_internal.credentials c ON c.credential_id = d.credential_id
UNION ALL
 SELECT c.credential_id,
    c.provider,
    k.collection_id,
    k.description,
    k.mutations,
    k.match_on,
    k.if_match
   FROM sluice_internal.credentials c
     JOIN sluice.provider_collections k ON k.provider = c.provider
  WHERE NOT (EXISTS ( SELECT
           FROM sluice_internal.described_collections d
          WHERE d.credential_id = c.credential_id AND d.collection_id = (k.collection_id COLLATE "C")));
-- columns: credential_id text, provider text, collection_id text, description text, mutations text[], match_on text[], if_match boolean
comment on view sluice.credential_collections is 'The collections that the account behind each credential has: as it described them, else as its provider names them.';

create view sluice.credential_fields as
 SELECT d.credential_id,
    d.collection_id,
    f.place::integer AS place,
    f.field ->> 'name'::text AS name,
    f.field ->> 'type'::text AS type,
    COALESCE((f.field ->> 'primary_key'::text)::boolean, false) AS primary_key,
    COALESCE(f.field ->> 'description'::text, ''::text) AS description
   FROM sluice_internal.described_collections d
     CROSS JOIN LATERAL jsonb_array_elements(d.fields) WITH ORDINALITY f(field, place)
UNION ALL
 SELECT c.credential_id,
    f.collection_id,
    f.place,
    f.name,
    f.type,
    f.primary_key,
    f.description
   FROM sluice_internal.credentials c
     JOIN sluice.provider_fields f ON f.provider = c.provider
  WHERE NOT (EXISTS ( SELECT
           FROM sluice_internal.described_collections d
          WHERE d.credential_id = c.credential_id AND d.collection_id = (f.collection_id COLLATE "C")));
-- columns: credential_id text, collection_id text, place integer, name text, type text, primary_key boolean, description text
comment on view sluice.credential_fields is 'The fields of those collections, with type and key: text, integer, number, boolean, time, date, object, array or any.';

create view sluice.credentials as
 SELECT credential_id,
    provider,
    kind,
    name,
    base_url,
    metadata,
    key_version,
    created_at,
    updated_at,
    account,
    expires_at,
    version,
    oauth_app_id,
    scopes
   FROM sluice_internal.credentials c;
-- columns: credential_id text, provider text, kind text, name text, base_url text, metadata jsonb, key_version integer, created_at timestamp with time zone, updated_at timestamp with time zone, account text, expires_at timestamp with time zone, version bigint, oauth_app_id text, scopes text[]
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

create view sluice.descriptions as
 SELECT c.credential_id,
    c.provider,
        CASE
            WHEN NOT COALESCE(p.describes, false) THEN 'known'::text
            WHEN d.next_attempt_at IS NOT NULL AND d.attempt = 0 THEN 'pending'::text
            WHEN d.error IS NOT NULL THEN 'failed'::text
            WHEN d.described_at IS NOT NULL THEN 'described'::text
            ELSE 'pending'::text
        END AS status,
    d.requested_at,
    d.described_at,
    d.next_attempt_at,
    d.error
   FROM sluice_internal.credentials c
     LEFT JOIN sluice.providers p ON p.provider = c.provider
     LEFT JOIN sluice_internal.descriptions d ON d.credential_id = c.credential_id;
-- columns: credential_id text, provider text, status text, requested_at timestamp with time zone, described_at timestamp with time zone, next_attempt_at timestamp with time zone, error jsonb
comment on view sluice.descriptions is 'Whether it is known what collections the account behind a credential has. known: they are the same for everybody; pending: a poller is to ask; described; failed: error says why, and next_attempt_at when it is asked again.';

create view sluice.errors as
 SELECT code,
    name,
    http_status,
    meaning
   FROM ( VALUES ('SL001'::text,'invalid_argument'::text,422,'An argument is missing, malformed or out of range.'::text), ('SL002'::text,'not_authorized'::text,403,'The role that calls may not do this.'::text), ('SL003'::text,'isolation_level'::text,422,'The call needs a READ COMMITTED transaction.'::text), ('SL004'::text,'not_supported'::text,422,'This release cannot do this yet.'::text), ('SL005'::text,'malformed_request'::text,400,'The request is not what HTTP or JSON allow.'::text), ('SL101'::text,'unknown_stream'::text,404,'No stream has this id.'::text), ('SL102'::text,'unknown_sync'::text,404,'No sync has this id.'::text), ('SL103'::text,'unknown_consumer'::text,404,'No consumer has this id.'::text), ('SL104'::text,'unknown_credential'::text,404,'No credential has this id.'::text), ('SL105'::text,'unknown_provider'::text,422,'No provider has this name.'::text), ('SL106'::text,'unknown_collection'::text,422,'The provider or the sync has no such collection.'::text), ('SL107'::text,'unknown_token'::text,404,'No token has this id.'::text), ('SL108'::text,'unknown_mutation'::text,404,'No mutation has this id.'::text), ('SL109'::text,'unknown_route'::text,404,'Nothing is served at this path.'::text), ('SL110'::text,'id_taken'::text,409,'The id is in use.'::text), ('SL111'::text,'in_use'::text,409,'Something else still needs the object.'::text), ('SL112'::text,'idempotency_conflict'::text,409,'The idempotency key was used for another request.'::text), ('SL113'::text,'method_not_allowed'::text,405,'The path does not take this method.'::text), ('SL114'::text,'too_large'::text,413,'The body is larger than the server takes.'::text), ('SL120'::text,'stale_token'::text,409,'A token names no message that may be acknowledged, and strict was asked for.'::text), ('SL130'::text,'lease_lost'::text,409,'Another poller works on the sync now.'::text), ('SL140'::text,'unauthenticated'::text,401,'The request has no valid token.'::text), ('SL141'::text,'too_busy'::text,503,'The server has no room for the request just now.'::text), ('SL165'::text,'sync_deleting'::text,409,'The sync is being deleted.'::text), ('SL166'::text,'sync_busy'::text,409,'Records of the sync are still being moved or removed.'::text), ('SL167'::text,'unknown_quarantine'::text,404,'The quarantine has no such entry.'::text), ('SL150'::text,'provider_document_invalid'::text,422,'A provider document cannot be used; details names line, column and cure of each mistake.'::text), ('SL170'::text,'unknown_view'::text,404,'No typed view has this name.'::text), ('SL171'::text,'view_changed'::text,409,'A typed view''s name is taken by an object that somebody else made or changed.'::text), ('SL172'::text,'column_not_writable'::text,422,'A column of a typed view is the vendor''s alone to say.'::text), ('SL173'::text,'collection_not_there'::text,404,'The account has no such collection.'::text), ('SL180'::text,'no_webhooks'::text,422,'The sync''s vendor sends no webhooks that could be told from forged ones.'::text), ('SL181'::text,'webhook_gone'::text,410,'The sync that the webhook is for is being deleted.'::text), ('SL182'::text,'no_public_url'::text,422,'Vendors cannot send anything to an installation whose public address is not set.'::text), ('SL175'::text,'unknown_oauth_app'::text,404,'No OAuth app has this id.'::text), ('SL176'::text,'redirect_not_allowed'::text,422,'The OAuth app does not allow a browser to be sent there.'::text), ('SL177'::text,'signin_void'::text,400,'A sign-in is unknown, used, too old, or another browser''s.'::text), ('SL178'::text,'signin_denied'::text,403,'The person did not agree at the vendor.'::text), ('SL179'::text,'credential_changed'::text,409,'The credential got another secret meanwhile.'::text), ('SL201'::text,'vendor_unauthorized'::text,502,'The vendor refused the credential.'::text), ('SL202'::text,'vendor_forbidden'::text,502,'The credential may not read this.'::text), ('SL203'::text,'vendor_refused'::text,502,'The vendor refused the request.'::text), ('SL204'::text,'vendor_unreadable'::text,502,'The vendor''s reply is not what its API documents.'::text), ('SL205'::text,'vendor_unavailable'::text,502,'The vendor cannot be reached or failed.'::text), ('SL206'::text,'vendor_rate_limited'::text,502,'The vendor asked to slow down.'::text), ('SL207'::text,'vendor_list_broken'::text,502,'The vendor''s list repeats itself, so its end cannot be found.'::text), ('SL208'::text,'credential_malformed'::text,422,'The secret does not have the form the vendor gives out.'::text), ('SL209'::text,'address_refused'::text,422,'The address is private or local and was not allowed.'::text), ('SL210'::text,'signature_refused'::text,401,'What was sent is not signed with the secret, or is too old.'::text), ('SL301'::text,'master_key_missing'::text,500,'Secrets cannot be sealed or opened without the master key.'::text), ('SL302'::text,'secret_unreadable'::text,500,'The master key does not open this secret.'::text), ('SL401'::text,'database_unavailable'::text,503,'The database cannot be reached.'::text), ('SL402'::text,'already_running'::text,409,'pgsluice runs on this data folder already.'::text), ('SL403'::text,'port_in_use'::text,409,'The address is taken by another program.'::text), ('SL404'::text,'data_folder_not_ours'::text,403,'The data folder belongs to someone else or is something else.'::text), ('SL405'::text,'migration_failed'::text,500,'The database could not be brought to this release.'::text), ('SL406'::text,'settings_invalid'::text,422,'A setting is malformed.'::text), ('SL407'::text,'database_not_migrated'::text,503,'The database lacks pgsluice''s schema or an update of it.'::text), ('SL408'::text,'embedded_failed'::text,500,'The embedded Postgres could not be started.'::text)) e(code, name, http_status, meaning);
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
    m.finished_at,
    m.if_match
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
-- columns: mutation_id text, stream_id text, sync_id text, collection_id text, kind text, status text, items bigint, succeeded bigint, failed bigint, unknown bigint, cancelled bigint, match_on text, idempotency_key text, created_at timestamp with time zone, finished_at timestamp with time zone, if_match text
comment on view sluice.mutations is 'Requested writes. status: queued, running; when every item is final succeeded, failed, cancelled, partial, or unknown: it cannot be known whether the vendor did an item. Kept for 90 days after that, unknown ones until somebody resolves them.';

create view sluice.notices as
 SELECT n.notice_id,
    s.stream_id,
    n.sync_id,
    n.kind,
    n.error,
    n.created_at,
    n.collection_id
   FROM sluice_internal.notices n
     JOIN sluice_internal.syncs y ON y.sync_id = n.sync_id
     JOIN sluice_internal.streams s ON s.stream_no = y.stream_no;
-- columns: notice_id bigint, stream_id text, sync_id text, kind text, error jsonb, created_at timestamp with time zone, collection_id text
comment on view sluice.notices is 'What happened to connections, kept for 90 days: broken (error says why), recovered, moved; webhooks_left: a subscription could not be removed at the vendor; collection_broken and collection_recovered, of one collection alone. The channel sluice_notices brings the sync_id of each when it is committed.';

create view sluice.oauth_apps as
 SELECT oauth_app_id,
    provider,
    client_id,
    name,
    base_url,
    scopes,
    redirect_urls,
    metadata,
    key_version,
    created_at,
    updated_at
   FROM sluice_internal.oauth_apps a;
-- columns: oauth_app_id text, provider text, client_id text, name text, base_url text, scopes text[], redirect_urls text[], metadata jsonb, key_version integer, created_at timestamp with time zone, updated_at timestamp with time zone
comment on view sluice.oauth_apps is 'The OAuth apps at vendors, without their secrets. scopes: what consents ask for (empty: the provider''s own); redirect_urls: where a browser may be sent after one.';

create view sluice.provider_collections as
 SELECT c.provider,
    c.collection_id,
    c.mutations,
    c.description,
    c.match_on,
    c.if_match
   FROM sluice_internal._builtin_collections c
UNION ALL
 SELECT c.provider,
    c.collection_id,
    c.mutations,
    c.description,
    c.match_on,
    c.if_match
   FROM sluice_internal._document_collections c;
-- columns: provider text, collection_id text, mutations text[], description text, match_on text[], if_match boolean
comment on view sluice.provider_collections is 'The collections that each provider can read, the kinds of mutation it takes, the fields that an upsert may match on, and whether if_match is understood. A push sync takes any collection named provider:object.';

create view sluice.provider_documents as
 SELECT provider,
    document,
    source,
    created_at,
    updated_at
   FROM sluice_internal.provider_documents d;
-- columns: provider text, document jsonb, source text, created_at timestamp with time zone, updated_at timestamp with time zone
comment on view sluice.provider_documents is 'The documents that describe users'' own providers; source is the text as it was written.';

create view sluice.provider_fields as
 SELECT c.provider,
    f.collection_id,
    f.place,
    f.name,
    f.type,
    f.primary_key,
    f.description
   FROM sluice_internal._builtin_fields f
     JOIN sluice_internal._builtin_collections c ON c.collection_id = f.collection_id
UNION ALL
 SELECT c.provider,
    c.collection_id,
    f.place::integer AS place,
    f.name,
    COALESCE(
        CASE jsonb_typeof(f.spec)
            WHEN 'string'::text THEN f.spec #>> '{}'::text[]
            ELSE f.spec ->> 'type'::text
        END, 'any'::text) AS type,
    COALESCE((f.spec -> 'key'::text) = 'true'::jsonb, false) AS primary_key,
    COALESCE(f.spec ->> 'description'::text, ''::text) AS description
   FROM sluice_internal._document_collections c
     CROSS JOIN LATERAL jsonb_each(c.fields) WITH ORDINALITY f(name, spec, place);
-- columns: provider text, collection_id text, place integer, name text, type text, primary_key boolean, description text
comment on view sluice.provider_fields is 'The fields of the collections that are known before an account is asked: text, integer, number, boolean, time, date, object, array or any.';

create view sluice.providers as
 SELECT p.provider,
    p.free_form,
    p.describes,
    true AS built_in,
    NULL::text AS title,
    NULL::timestamp with time zone AS updated_at
   FROM sluice_internal._builtin_providers p
UNION ALL
 SELECT d.provider,
    false AS free_form,
    jsonb_path_exists(d.document, '$."collections".*."describe"'::jsonpath) AS describes,
    false AS built_in,
    d.document ->> 'title'::text AS title,
    d.updated_at
   FROM sluice_internal.provider_documents d;
-- columns: provider text, free_form boolean, describes boolean, built_in boolean, title text, updated_at timestamp with time zone
comment on view sluice.providers is 'The kinds of API that a sync can have. free_form: any collection will do; describes: what there is differs between accounts. Not built_in: described by a document of the user''s own, stored at updated_at.';

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

create view sluice.sync_webhooks as
 SELECT y.sync_id,
    s.stream_id,
    y.provider,
    COALESCE(w.enabled, false) AS enabled,
    (w.sealed IS NOT NULL)::integer + COALESCE(w.former_until > clock_timestamp(), false)::integer AS secrets,
    w.address,
    w.subscribed_at,
    w.subscribe_at AS next_attempt_at,
    w.error,
    w.error_since,
    GREATEST(w.last_delivery_at, d.last_at) AS last_delivery_at,
    COALESCE(w.deliveries, 0::bigint) + d.deliveries AS deliveries,
    COALESCE(w.repeated, 0::bigint) + d.repeated AS repeated,
    COALESCE(w.hints, 0::bigint) + d.hints AS hints,
    COALESCE(w.changes, 0::bigint) + d.changes AS changes,
    COALESCE(w.dropped, 0::bigint) + d.dropped AS dropped,
    COALESCE(w.unreadable, 0::bigint) + d.unreadable AS unreadable,
    COALESCE(w.refused, 0::bigint) + d.refused AS refused,
    ( SELECT count(*) AS count
           FROM sluice_internal.wanted_objects o
          WHERE o.sync_id = y.sync_id) AS wanted
   FROM sluice_internal.syncs y
     JOIN sluice_internal.streams s ON s.stream_no = y.stream_no
     LEFT JOIN sluice_internal.webhooks w ON w.sync_id = y.sync_id
     CROSS JOIN LATERAL ( SELECT max(n.at) FILTER (WHERE n.refused = 0) AS last_at,
            COALESCE(sum(n.deliveries), 0::bigint) AS deliveries,
            COALESCE(sum(n.repeated), 0::bigint) AS repeated,
            COALESCE(sum(n.hints), 0::bigint) AS hints,
            COALESCE(sum(n.changes), 0::bigint) AS changes,
            COALESCE(sum(n.dropped), 0::bigint) AS dropped,
            COALESCE(sum(n.unreadable), 0::bigint) AS unreadable,
            COALESCE(sum(n.refused), 0::bigint) AS refused
           FROM sluice_internal.webhook_deltas n
          WHERE n.sync_id = y.sync_id) d;
-- columns: sync_id text, stream_id text, provider text, enabled boolean, secrets integer, address text, subscribed_at timestamp with time zone, next_attempt_at timestamp with time zone, error jsonb, error_since timestamp with time zone, last_delivery_at timestamp with time zone, deliveries bigint, repeated bigint, hints bigint, changes bigint, dropped bigint, unreadable bigint, refused bigint, wanted bigint
comment on view sluice.sync_webhooks is 'What the vendors of syncs send by themselves. enabled: pollers keep a subscription at address, checked at next_attempt_at; secrets: how many are taken (two while one is rolled). Counted: genuine deliveries and repeated ones, hints and changes in them, what was dropped (collections that the sync has not, no room), unreadable ones, and what was refused as forged or too old; wanted: objects that are still to be fetched.';

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
    h.status,
    r.error,
    r.error_since,
    h.next_attempt_at,
    r.last_success_at,
    r.backfill_completed_at,
    y.paused,
    y.created_at,
    y.rate_limit,
    y.max_age_days,
    jsonb_build_object('status', h.status, 'reason', COALESCE(w.waits_for, r.error ->> 'message'::text, e.words), 'hint', r.error ->> 'hint'::text, 'since', COALESCE(y.deleting_since, r.error_since, e.since), 'next_attempt', COALESCE(w.next_at, h.next_attempt_at)) AS health,
        CASE
            WHEN w.sync_id IS NOT NULL THEN jsonb_build_object('kind', w.kind, 'emit', w.emit, 'collection_ids', w.collection_ids, 'from', f.stream_id, 'records', w.records, 'waits_for', w.waits_for, 'since', w.since)
            ELSE NULL::jsonb
        END AS work,
    y.erasures,
        CASE
            WHEN n.sync_id IS NOT NULL THEN jsonb_build_object('enabled', n.enabled, 'subscribed_at', n.subscribed_at, 'last_delivery_at', n.last_delivery_at, 'deliveries', n.deliveries, 'refused', n.refused, 'error', n.error)
            ELSE NULL::jsonb
        END AS webhooks
   FROM sluice_internal.syncs y
     JOIN sluice_internal.streams s ON s.stream_no = y.stream_no
     LEFT JOIN sluice_internal.sync_runs r ON r.sync_id = y.sync_id
     LEFT JOIN sluice_internal.sync_work w ON w.sync_id = y.sync_id
     LEFT JOIN sluice_internal.streams f ON f.stream_no = y.moving_from
     LEFT JOIN sluice_internal.webhooks n ON n.sync_id = y.sync_id
     LEFT JOIN LATERAL ( SELECT 'fails: '::text || string_agg(format('%s (%s)'::text, g.feed, COALESCE(g.error ->> 'message'::text, g.error ->> 'code'::text)), '; '::text ORDER BY g.feed) AS words,
            min(g.error_since) AS since
           FROM sluice_internal.sync_feeds g
          WHERE g.sync_id = y.sync_id AND g.error IS NOT NULL) e ON true
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN y.deleting_since IS NOT NULL THEN 'deleting'::text
                    WHEN y.paused THEN 'paused'::text
                    ELSE COALESCE(r.status, 'active'::text)
                END AS status,
                CASE
                    WHEN NOT y.paused THEN r.next_attempt_at
                    ELSE NULL::timestamp with time zone
                END AS next_attempt_at) h;
-- columns: sync_id text, stream_id text, provider text, name text, collection_ids text[], credential_id text, metadata jsonb, external_id text, sync_frequency interval, status text, error jsonb, error_since timestamp with time zone, next_attempt_at timestamp with time zone, last_success_at timestamp with time zone, backfill_completed_at timestamp with time zone, paused boolean, created_at timestamp with time zone, rate_limit jsonb, max_age_days integer, health jsonb, work jsonb, erasures integer, webhooks jsonb
comment on view sluice.syncs is 'The syncs with where they stand: pending, backfilling, active, rate_limited, error (error says why and what to do), paused or deleting. health {status, reason, hint, since, next_attempt}: the reason also says which collections cannot be read while the others are. work: its records are being moved, or removed, piece by piece. erasures: how many of its objects were erased and must not come back. webhooks: whether its vendor sends word of changes by itself (sync_webhooks has all of it).';

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

create view sluice.view_fields as
 SELECT 'sluice_views.'::text || view_name AS view_name,
    place,
    column_name,
    field,
        CASE
            WHEN kind = ANY (ARRAY['time'::text, 'unixtime'::text]) THEN 'timestamptz'::text
            ELSE kind
        END AS type
   FROM sluice_internal.typed_view_fields f;
-- columns: view_name text, place integer, column_name text, field text, type text
comment on view sluice.view_fields is 'The columns of the typed views and the field of data that each shows.';

create view sluice.views as
 SELECT 'sluice_views.'::text || v.view_name AS view_name,
    v.collection_id,
    v.stream_id,
    v.sync_id,
    f.fields,
    v.fields_left_out,
    v.created_at,
    v.refreshed_at
   FROM sluice_internal.typed_views v
     CROSS JOIN LATERAL ( SELECT count(*)::integer AS fields
           FROM sluice_internal.typed_view_fields t
          WHERE t.view_name = v.view_name) f;
-- columns: view_name text, collection_id text, stream_id text, sync_id text, fields integer, fields_left_out integer, created_at timestamp with time zone, refreshed_at timestamp with time zone
comment on view sluice.views is 'The typed views that view_create made. fields: how many columns of data they have; fields_left_out: how many had no room.';

create view sluice_internal._builtin_collections as
 SELECT provider,
    collection_id,
    description,
    mutations,
    match_on,
    if_match
   FROM ( VALUES ('airtable'::text,'airtable:base'::text,'a base'::text,ARRAY['create'::text],'{}'::text[],false), ('airtable'::text,'airtable:record'::text,'a record of a table'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('airtable'::text,'airtable:table'::text,'a table of a base, with its fields and views'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('github'::text,'github:commit'::text,'a commit on the default branch'::text,'{}'::text[],'{}'::text[],false), ('github'::text,'github:issue'::text,'an issue; pull requests have a collection of their own'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('github'::text,'github:issue_comment'::text,'a comment on an issue or a pull request'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('github'::text,'github:label'::text,'a label for issues'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('github'::text,'github:milestone'::text,'a milestone for issues'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('github'::text,'github:pull_request'::text,'a pull request'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('github'::text,'github:release'::text,'a release'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('github'::text,'github:repository'::text,'a repository'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('hubspot'::text,'hubspot:call'::text,'logged calls'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],'{}'::text[],false), ('hubspot'::text,'hubspot:company'::text,'organisations'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],'{}'::text[],false), ('hubspot'::text,'hubspot:contact'::text,'people'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],ARRAY['properties.email'::text, 'email'::text],false), ('hubspot'::text,'hubspot:deal'::text,'sales in the making, won or lost'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],'{}'::text[],false), ('hubspot'::text,'hubspot:email'::text,'logged emails'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],'{}'::text[],false), ('hubspot'::text,'hubspot:line_item'::text,'products as they stand in a deal or a quote'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],'{}'::text[],false), ('hubspot'::text,'hubspot:meeting'::text,'logged meetings'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],'{}'::text[],false), ('hubspot'::text,'hubspot:note'::text,'notes on records'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],'{}'::text[],false), ('hubspot'::text,'hubspot:owner'::text,'users of the account, to whom records are assigned'::text,'{}'::text[],'{}'::text[],false), ('hubspot'::text,'hubspot:product'::text,'what can be sold'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],'{}'::text[],false), ('hubspot'::text,'hubspot:quote'::text,'offers to buyers'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],'{}'::text[],false), ('hubspot'::text,'hubspot:task'::text,'what is to be done'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],'{}'::text[],false), ('hubspot'::text,'hubspot:ticket'::text,'requests for help'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],'{}'::text[],false), ('intercom'::text,'intercom:admin'::text,'a teammate'::text,'{}'::text[],'{}'::text[],false), ('intercom'::text,'intercom:article'::text,'an article of the help center'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('intercom'::text,'intercom:company'::text,'a company'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],ARRAY['company_id'::text],false), ('intercom'::text,'intercom:contact'::text,'a user or a lead'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('intercom'::text,'intercom:conversation'::text,'a conversation; its parts have a collection of their own'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('intercom'::text,'intercom:conversation_part'::text,'an answer, a note or an action in a conversation'::text,'{}'::text[],'{}'::text[],false), ('intercom'::text,'intercom:data_attribute'::text,'an attribute of contacts, companies or conversations, built in or custom'::text,ARRAY['create'::text],'{}'::text[],false), ('intercom'::text,'intercom:help_center_collection'::text,'a collection of articles'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('intercom'::text,'intercom:segment'::text,'a segment of contacts or companies'::text,'{}'::text[],'{}'::text[],false), ('intercom'::text,'intercom:tag'::text,'a tag'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('intercom'::text,'intercom:team'::text,'a team of teammates'::text,'{}'::text[],'{}'::text[],false), ('intercom'::text,'intercom:ticket'::text,'a ticket'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('intercom'::text,'intercom:ticket_type'::text,'a type of tickets, with its attributes'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('jira'::text,'jira:board'::text,'a board'::text,ARRAY['create'::text, 'delete'::text],'{}'::text[],false), ('jira'::text,'jira:comment'::text,'a comment on an issue'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('jira'::text,'jira:component'::text,'a component of a project'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('jira'::text,'jira:field'::text,'a field of issues, built in or custom'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('jira'::text,'jira:issue'::text,'an issue, with all its fields'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('jira'::text,'jira:issue_type'::text,'a type of issues'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('jira'::text,'jira:priority'::text,'a priority'::text,'{}'::text[],'{}'::text[],false), ('jira'::text,'jira:project'::text,'a project'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('jira'::text,'jira:sprint'::text,'a sprint of a board'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('jira'::text,'jira:status'::text,'a status that issues can have'::text,'{}'::text[],'{}'::text[],false), ('jira'::text,'jira:user'::text,'a user of the site, or an app'::text,'{}'::text[],'{}'::text[],false), ('jira'::text,'jira:version'::text,'a version of a project'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('jira'::text,'jira:worklog'::text,'time that was worked on an issue'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('linear'::text,'linear:attachment'::text,'what is attached to an issue, as a link'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('linear'::text,'linear:comment'::text,'a comment'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('linear'::text,'linear:cycle'::text,'a cycle of a team'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('linear'::text,'linear:document'::text,'a document'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('linear'::text,'linear:initiative'::text,'an initiative'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('linear'::text,'linear:issue'::text,'an issue; a deleted one comes as trashed'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('linear'::text,'linear:label'::text,'a label for issues'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('linear'::text,'linear:project'::text,'a project'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('linear'::text,'linear:project_milestone'::text,'a milestone of a project'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('linear'::text,'linear:team'::text,'a team'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('linear'::text,'linear:user'::text,'a member of the workspace, suspended ones, too'::text,ARRAY['update'::text],'{}'::text[],false), ('linear'::text,'linear:workflow_state'::text,'a state that issues of a team can be in'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('notion'::text,'notion:block'::text,'a block of a page, however deep'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('notion'::text,'notion:comment'::text,'an open comment on a page'::text,ARRAY['create'::text],'{}'::text[],false), ('notion'::text,'notion:data_source'::text,'a data source of a database, with its properties'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('notion'::text,'notion:database'::text,'a database that a data source belongs to'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('notion'::text,'notion:page'::text,'a page, in a data source or elsewhere'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('notion'::text,'notion:row'::text,'a page of a data source, read from there'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('notion'::text,'notion:user'::text,'a member of the workspace, a guest or a bot'::text,'{}'::text[],'{}'::text[],false), ('salesforce'::text,'salesforce:account'::text,'companies and people that business is done with'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:asset'::text,'what customers own'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:attachment'::text,'files on records, of the old kind'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:campaign'::text,'marketing campaigns'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:campaignmember'::text,'who a campaign reached'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:case'::text,'questions and troubles of customers'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:casecomment'::text,'comments on cases'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:contact'::text,'people at accounts'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:contentdocument'::text,'files'::text,ARRAY['update'::text, 'delete'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:contentversion'::text,'versions of files'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:contract'::text,'contracts'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:emailmessage'::text,'mails about cases and other records'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:event'::text,'appointments'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:group'::text,'public groups and queues'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:lead'::text,'people who may become customers'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:note'::text,'notes on records, of the old kind'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:opportunity'::text,'deals'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:opportunitycontactrole'::text,'which contacts play which part in a deal'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:opportunityhistory'::text,'stages that deals went through'::text,'{}'::text[],'{}'::text[],false), ('salesforce'::text,'salesforce:opportunitylineitem'::text,'products of a deal'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:order'::text,'orders'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:orderitem'::text,'products of an order'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:pricebook2'::text,'lists of prices'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:pricebookentry'::text,'the price of a product in a list'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:product2'::text,'what is sold'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:profile'::text,'what users may do'::text,'{}'::text[],'{}'::text[],false), ('salesforce'::text,'salesforce:recordtype'::text,'kinds of records of an object'::text,'{}'::text[],'{}'::text[],false), ('salesforce'::text,'salesforce:task'::text,'things to do, calls and mails'::text,ARRAY['create'::text, 'update'::text, 'delete'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:user'::text,'people who work in the organization'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text],'{}'::text[],true), ('salesforce'::text,'salesforce:userrole'::text,'places in the hierarchy of roles'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],true), ('shopify'::text,'shopify:collection'::text,'Collections of products, those made by hand and those made by conditions'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('shopify'::text,'shopify:company'::text,'Companies that buy on account (B2B)'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('shopify'::text,'shopify:customer'::text,'Customers, with their addresses'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],ARRAY['email'::text, 'phone'::text],false), ('shopify'::text,'shopify:discount'::text,'Discounts, those with codes and automatic ones'::text,'{}'::text[],'{}'::text[],false), ('shopify'::text,'shopify:draft_order'::text,'Draft orders'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('shopify'::text,'shopify:fulfillment'::text,'Fulfilments of orders'::text,ARRAY['create'::text],'{}'::text[],false), ('shopify'::text,'shopify:fulfillment_order'::text,'Fulfilment orders, closed ones too'::text,'{}'::text[],'{}'::text[],false), ('shopify'::text,'shopify:inventory_item'::text,'Inventory items: what a variant is in stock'::text,ARRAY['update'::text],'{}'::text[],false), ('shopify'::text,'shopify:inventory_level'::text,'How much of an inventory item there is at a location'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('shopify'::text,'shopify:location'::text,'Locations, inactive ones too'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('shopify'::text,'shopify:metafield'::text,'Metafields of products, variants, customers, orders, draft orders, collections and companies; read with what they belong to'::text,ARRAY['create'::text, 'upsert'::text],ARRAY['key'::text],false), ('shopify'::text,'shopify:order'::text,'Orders, with line items, shipping lines, transactions and refunds; those of the last 60 days without the scope read_all_orders'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('shopify'::text,'shopify:product'::text,'Products, with their media and options; their variants are a collection of their own'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],ARRAY['handle'::text],false), ('shopify'::text,'shopify:variant'::text,'Product variants'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:account'::text,'connected accounts'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:application_fee'::text,'fees taken from connected accounts'::text,'{}'::text[],'{}'::text[],false), ('stripe'::text,'stripe:balance_transaction'::text,'every movement of the balance'::text,'{}'::text[],'{}'::text[],false), ('stripe'::text,'stripe:billing_alert'::text,'alerts on usage'::text,ARRAY['create'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:billing_credit_balance_transaction'::text,'use of prepaid credit'::text,'{}'::text[],'{}'::text[],false), ('stripe'::text,'stripe:billing_credit_grant'::text,'prepaid credit of customers'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:billing_feedback_option'::text,'reasons that customers can give for leaving'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:billing_meter'::text,'what usage is counted'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:billing_portal_configuration'::text,'what customers can do by themselves'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:charge'::text,'attempts to move money'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:checkout_session'::text,'visits to the checkout'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:coupon'::text,'discounts that can be given'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:credit_note'::text,'amounts taken off invoices'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:customer'::text,'who buys'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:customer_balance_transaction'::text,'every movement of the balances of customers'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:dispute'::text,'charges that customers contest'::text,ARRAY['update'::text],'{}'::text[],false), ('stripe'::text,'stripe:entitlements_feature'::text,'what products entitle to'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:file'::text,'files held by Stripe'::text,'{}'::text[],'{}'::text[],false), ('stripe'::text,'stripe:file_link'::text,'addresses that show a file'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:invoice'::text,'what was billed'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:invoice_payment'::text,'which payments settled which invoices'::text,'{}'::text[],'{}'::text[],false), ('stripe'::text,'stripe:invoice_rendering_template'::text,'how invoices look'::text,ARRAY['delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:invoiceitem'::text,'amounts that the next invoice takes up'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:issuing_authorization'::text,'payments that cards ask for'::text,ARRAY['update'::text],'{}'::text[],false), ('stripe'::text,'stripe:issuing_card'::text,'cards that were issued'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:issuing_cardholder'::text,'who holds the cards'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:issuing_dispute'::text,'payments with the cards that are contested'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:issuing_transaction'::text,'what was paid with the cards'::text,ARRAY['update'::text],'{}'::text[],false), ('stripe'::text,'stripe:payment_intent'::text,'payments from beginning to end'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:payment_link'::text,'links that take payments'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:payment_method'::text,'cards, accounts and other means of payment'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:payment_method_configuration'::text,'which means of payment are offered'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:payment_method_domain'::text,'domains that take wallets'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:payout'::text,'money sent to the bank'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:person'::text,'who owns, directs or represents connected accounts'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:plan'::text,'recurring prices in their older form'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:price'::text,'what a product costs'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:product'::text,'what is sold'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:product_catalog_trial_offer'::text,'trials that can be sold'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:promotion_code'::text,'codes that customers type for a coupon'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:quote'::text,'offers to customers'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:radar_early_fraud_warning'::text,'charges that may be fraud'::text,'{}'::text[],'{}'::text[],false), ('stripe'::text,'stripe:radar_value_list'::text,'lists that rules of fraud use'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:radar_value_list_item'::text,'the entries of those lists'::text,ARRAY['create'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:refund'::text,'money given back'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:review'::text,'payments that a person should look at'::text,'{}'::text[],'{}'::text[],false), ('stripe'::text,'stripe:setup_intent'::text,'means of payment being set up'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:shipping_rate'::text,'what shipping costs'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:subscription'::text,'who pays for what, how often'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:subscription_item'::text,'the prices and quantities of subscriptions'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:subscription_schedule'::text,'planned changes of subscriptions'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:tax_id'::text,'tax numbers of customers and of the account'::text,ARRAY['create'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:tax_rate'::text,'rates that invoices add'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:tax_registration'::text,'where tax is collected'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:topup'::text,'money added to the balance'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:transfer'::text,'money moved to connected accounts'::text,ARRAY['create'::text, 'update'::text],'{}'::text[],false), ('stripe'::text,'stripe:treasury_financial_account'::text,'accounts that hold money'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:treasury_inbound_transfer'::text,'money moved from an own bank account'::text,ARRAY['create'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:treasury_outbound_payment'::text,'money sent to others'::text,ARRAY['create'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:treasury_outbound_transfer'::text,'money moved to an own bank account'::text,ARRAY['create'::text, 'delete'::text],'{}'::text[],false), ('stripe'::text,'stripe:treasury_received_credit'::text,'money that came in'::text,'{}'::text[],'{}'::text[],false), ('stripe'::text,'stripe:treasury_received_debit'::text,'money that others drew'::text,'{}'::text[],'{}'::text[],false), ('stripe'::text,'stripe:treasury_transaction'::text,'every movement of those accounts'::text,'{}'::text[],'{}'::text[],false), ('stripe'::text,'stripe:webhook_endpoint'::text,'where events are sent'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('zendesk'::text,'zendesk:group'::text,'a group of agents'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('zendesk'::text,'zendesk:group_membership'::text,'which agent is in which group'::text,ARRAY['create'::text, 'delete'::text],'{}'::text[],false), ('zendesk'::text,'zendesk:macro'::text,'a macro'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('zendesk'::text,'zendesk:organization'::text,'an organization'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],ARRAY['external_id'::text],false), ('zendesk'::text,'zendesk:organization_membership'::text,'which user is in which organization'::text,ARRAY['create'::text, 'delete'::text],'{}'::text[],false), ('zendesk'::text,'zendesk:ticket'::text,'a ticket; deleted ones come with the status deleted'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('zendesk'::text,'zendesk:ticket_comment'::text,'a comment of a ticket'::text,'{}'::text[],'{}'::text[],false), ('zendesk'::text,'zendesk:ticket_field'::text,'a field of tickets, built in or custom'::text,ARRAY['create'::text, 'update'::text, 'delete'::text],'{}'::text[],false), ('zendesk'::text,'zendesk:user'::text,'an end user, an agent or an administrator; deleted ones come as not active'::text,ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text],ARRAY['email'::text, 'external_id'::text],false)) v(provider, collection_id, description, mutations, match_on, if_match);
-- columns: provider text, collection_id text, description text, mutations text[], match_on text[], if_match boolean
comment on view sluice_internal._builtin_collections is 'The collections of the providers that come with this release.';

create view sluice_internal._builtin_fields as
 SELECT collection_id,
    place,
    name,
    type,
    primary_key,
    description
   FROM ( VALUES ('airtable:base'::text,1,'id'::text,'text'::text,true,''::text), ('airtable:base'::text,2,'name'::text,'text'::text,false,''::text), ('airtable:base'::text,3,'permissionLevel'::text,'text'::text,false,''::text), ('airtable:record'::text,1,'id'::text,'text'::text,false,''::text), ('airtable:record'::text,2,'createdTime'::text,'time'::text,false,''::text), ('airtable:record'::text,3,'fields'::text,'object'::text,false,''::text), ('airtable:table'::text,1,'id'::text,'text'::text,false,''::text), ('airtable:table'::text,2,'name'::text,'text'::text,false,''::text), ('airtable:table'::text,3,'primaryFieldId'::text,'text'::text,false,''::text), ('airtable:table'::text,4,'fields'::text,'array'::text,false,''::text), ('airtable:table'::text,5,'views'::text,'array'::text,false,''::text), ('github:commit'::text,1,'sha'::text,'text'::text,true,''::text), ('github:commit'::text,2,'commit'::text,'object'::text,false,''::text), ('github:commit'::text,3,'author'::text,'object'::text,false,''::text), ('github:commit'::text,4,'committer'::text,'object'::text,false,''::text), ('github:commit'::text,5,'parents'::text,'array'::text,false,''::text), ('github:issue'::text,1,'id'::text,'integer'::text,false,''::text), ('github:issue'::text,2,'number'::text,'integer'::text,false,''::text), ('github:issue'::text,3,'title'::text,'text'::text,false,''::text), ('github:issue'::text,4,'state'::text,'text'::text,false,''::text), ('github:issue'::text,5,'body'::text,'text'::text,false,''::text), ('github:issue'::text,6,'created_at'::text,'time'::text,false,''::text), ('github:issue'::text,7,'updated_at'::text,'time'::text,false,''::text), ('github:issue'::text,8,'closed_at'::text,'time'::text,false,''::text), ('github:issue_comment'::text,1,'id'::text,'integer'::text,false,''::text), ('github:issue_comment'::text,2,'body'::text,'text'::text,false,''::text), ('github:issue_comment'::text,3,'created_at'::text,'time'::text,false,''::text), ('github:issue_comment'::text,4,'updated_at'::text,'time'::text,false,''::text), ('github:label'::text,1,'id'::text,'integer'::text,false,''::text), ('github:label'::text,2,'name'::text,'text'::text,false,''::text), ('github:label'::text,3,'color'::text,'text'::text,false,''::text), ('github:label'::text,4,'description'::text,'text'::text,false,''::text), ('github:milestone'::text,1,'id'::text,'integer'::text,false,''::text), ('github:milestone'::text,2,'number'::text,'integer'::text,false,''::text), ('github:milestone'::text,3,'title'::text,'text'::text,false,''::text), ('github:milestone'::text,4,'state'::text,'text'::text,false,''::text), ('github:milestone'::text,5,'due_on'::text,'time'::text,false,''::text), ('github:milestone'::text,6,'created_at'::text,'time'::text,false,''::text), ('github:milestone'::text,7,'updated_at'::text,'time'::text,false,''::text), ('github:pull_request'::text,1,'id'::text,'integer'::text,false,''::text), ('github:pull_request'::text,2,'number'::text,'integer'::text,false,''::text), ('github:pull_request'::text,3,'title'::text,'text'::text,false,''::text), ('github:pull_request'::text,4,'state'::text,'text'::text,false,''::text), ('github:pull_request'::text,5,'draft'::text,'boolean'::text,false,''::text), ('github:pull_request'::text,6,'created_at'::text,'time'::text,false,''::text), ('github:pull_request'::text,7,'updated_at'::text,'time'::text,false,''::text), ('github:pull_request'::text,8,'merged_at'::text,'time'::text,false,''::text), ('github:release'::text,1,'id'::text,'integer'::text,false,''::text), ('github:release'::text,2,'tag_name'::text,'text'::text,false,''::text), ('github:release'::text,3,'name'::text,'text'::text,false,''::text), ('github:release'::text,4,'draft'::text,'boolean'::text,false,''::text), ('github:release'::text,5,'prerelease'::text,'boolean'::text,false,''::text), ('github:release'::text,6,'created_at'::text,'time'::text,false,''::text), ('github:release'::text,7,'published_at'::text,'time'::text,false,''::text), ('github:repository'::text,1,'id'::text,'integer'::text,false,''::text), ('github:repository'::text,2,'full_name'::text,'text'::text,false,''::text), ('github:repository'::text,3,'private'::text,'boolean'::text,false,''::text), ('github:repository'::text,4,'archived'::text,'boolean'::text,false,''::text), ('github:repository'::text,5,'created_at'::text,'time'::text,false,''::text), ('github:repository'::text,6,'updated_at'::text,'time'::text,false,''::text), ('github:repository'::text,7,'pushed_at'::text,'time'::text,false,''::text), ('hubspot:call'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:call'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:call'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:call'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:call'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:call'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:call'::text,7,'associations'::text,'object'::text,false,'of each other type, the list of the associated objects'::text), ('hubspot:company'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:company'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:company'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:company'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:company'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:company'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:contact'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:contact'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:contact'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:contact'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:contact'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:contact'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:contact'::text,7,'associations'::text,'object'::text,false,'of each other type, the list of the associated objects'::text), ('hubspot:deal'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:deal'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:deal'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:deal'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:deal'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:deal'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:deal'::text,7,'associations'::text,'object'::text,false,'of each other type, the list of the associated objects'::text), ('hubspot:email'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:email'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:email'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:email'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:email'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:email'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:email'::text,7,'associations'::text,'object'::text,false,'of each other type, the list of the associated objects'::text), ('hubspot:line_item'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:line_item'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:line_item'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:line_item'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:line_item'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:line_item'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:line_item'::text,7,'associations'::text,'object'::text,false,'of each other type, the list of the associated objects'::text), ('hubspot:meeting'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:meeting'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:meeting'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:meeting'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:meeting'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:meeting'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:meeting'::text,7,'associations'::text,'object'::text,false,'of each other type, the list of the associated objects'::text), ('hubspot:note'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:note'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:note'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:note'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:note'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:note'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:note'::text,7,'associations'::text,'object'::text,false,'of each other type, the list of the associated objects'::text), ('hubspot:owner'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:owner'::text,2,'email'::text,'text'::text,false,''::text), ('hubspot:owner'::text,3,'type'::text,'text'::text,false,''::text), ('hubspot:owner'::text,4,'firstName'::text,'text'::text,false,''::text), ('hubspot:owner'::text,5,'lastName'::text,'text'::text,false,''::text), ('hubspot:owner'::text,6,'userId'::text,'integer'::text,false,''::text), ('hubspot:owner'::text,7,'userIdIncludingInactive'::text,'integer'::text,false,''::text), ('hubspot:owner'::text,8,'createdAt'::text,'time'::text,false,''::text), ('hubspot:owner'::text,9,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:owner'::text,10,'archived'::text,'boolean'::text,false,''::text), ('hubspot:owner'::text,11,'teams'::text,'array'::text,false,''::text), ('hubspot:product'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:product'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:product'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:product'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:product'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:product'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:quote'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:quote'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:quote'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:quote'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:quote'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:quote'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:quote'::text,7,'associations'::text,'object'::text,false,'of each other type, the list of the associated objects'::text), ('hubspot:task'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:task'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:task'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:task'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:task'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:task'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:task'::text,7,'associations'::text,'object'::text,false,'of each other type, the list of the associated objects'::text), ('hubspot:ticket'::text,1,'id'::text,'text'::text,true,'HubSpot''s id'::text), ('hubspot:ticket'::text,2,'properties'::text,'object'::text,false,'all properties that the account has, each a text or null'::text), ('hubspot:ticket'::text,3,'createdAt'::text,'time'::text,false,''::text), ('hubspot:ticket'::text,4,'updatedAt'::text,'time'::text,false,''::text), ('hubspot:ticket'::text,5,'archived'::text,'boolean'::text,false,''::text), ('hubspot:ticket'::text,6,'url'::text,'text'::text,false,''::text), ('hubspot:ticket'::text,7,'associations'::text,'object'::text,false,'of each other type, the list of the associated objects'::text), ('intercom:admin'::text,1,'id'::text,'text'::text,true,''::text), ('intercom:admin'::text,2,'name'::text,'text'::text,false,''::text), ('intercom:admin'::text,3,'email'::text,'text'::text,false,''::text), ('intercom:admin'::text,4,'has_inbox_seat'::text,'boolean'::text,false,''::text), ('intercom:admin'::text,5,'team_ids'::text,'array'::text,false,''::text), ('intercom:article'::text,1,'id'::text,'text'::text,true,''::text), ('intercom:article'::text,2,'title'::text,'text'::text,false,''::text), ('intercom:article'::text,3,'description'::text,'text'::text,false,''::text), ('intercom:article'::text,4,'body'::text,'text'::text,false,''::text), ('intercom:article'::text,5,'state'::text,'text'::text,false,''::text), ('intercom:article'::text,6,'author_id'::text,'integer'::text,false,''::text), ('intercom:article'::text,7,'created_at'::text,'time'::text,false,''::text), ('intercom:article'::text,8,'updated_at'::text,'time'::text,false,''::text), ('intercom:company'::text,1,'id'::text,'text'::text,true,''::text), ('intercom:company'::text,2,'company_id'::text,'text'::text,false,''::text), ('intercom:company'::text,3,'name'::text,'text'::text,false,''::text), ('intercom:company'::text,4,'plan'::text,'object'::text,false,''::text), ('intercom:company'::text,5,'monthly_spend'::text,'number'::text,false,''::text), ('intercom:company'::text,6,'user_count'::text,'integer'::text,false,''::text), ('intercom:company'::text,7,'custom_attributes'::text,'object'::text,false,''::text), ('intercom:company'::text,8,'created_at'::text,'time'::text,false,''::text), ('intercom:company'::text,9,'updated_at'::text,'time'::text,false,''::text), ('intercom:contact'::text,1,'id'::text,'text'::text,true,''::text), ('intercom:contact'::text,2,'role'::text,'text'::text,false,''::text), ('intercom:contact'::text,3,'email'::text,'text'::text,false,''::text), ('intercom:contact'::text,4,'phone'::text,'text'::text,false,''::text), ('intercom:contact'::text,5,'name'::text,'text'::text,false,''::text), ('intercom:contact'::text,6,'external_id'::text,'text'::text,false,''::text), ('intercom:contact'::text,7,'custom_attributes'::text,'object'::text,false,''::text), ('intercom:contact'::text,8,'created_at'::text,'time'::text,false,''::text), ('intercom:contact'::text,9,'updated_at'::text,'time'::text,false,''::text), ('intercom:contact'::text,10,'last_seen_at'::text,'time'::text,false,''::text), ('intercom:contact'::text,11,'signed_up_at'::text,'time'::text,false,''::text), ('intercom:conversation'::text,1,'id'::text,'text'::text,true,''::text), ('intercom:conversation'::text,2,'title'::text,'text'::text,false,''::text), ('intercom:conversation'::text,3,'state'::text,'text'::text,false,''::text), ('intercom:conversation'::text,4,'open'::text,'boolean'::text,false,''::text), ('intercom:conversation'::text,5,'read'::text,'boolean'::text,false,''::text), ('intercom:conversation'::text,6,'admin_assignee_id'::text,'integer'::text,false,''::text), ('intercom:conversation'::text,7,'team_assignee_id'::text,'integer'::text,false,''::text), ('intercom:conversation'::text,8,'contacts'::text,'object'::text,false,''::text), ('intercom:conversation'::text,9,'created_at'::text,'time'::text,false,''::text), ('intercom:conversation'::text,10,'updated_at'::text,'time'::text,false,''::text), ('intercom:conversation_part'::text,1,'id'::text,'text'::text,false,''::text), ('intercom:conversation_part'::text,2,'part_type'::text,'text'::text,false,''::text), ('intercom:conversation_part'::text,3,'body'::text,'text'::text,false,''::text), ('intercom:conversation_part'::text,4,'author'::text,'object'::text,false,''::text), ('intercom:conversation_part'::text,5,'created_at'::text,'time'::text,false,''::text), ('intercom:conversation_part'::text,6,'updated_at'::text,'time'::text,false,''::text), ('intercom:data_attribute'::text,1,'model'::text,'text'::text,false,''::text), ('intercom:data_attribute'::text,2,'name'::text,'text'::text,false,''::text), ('intercom:data_attribute'::text,3,'full_name'::text,'text'::text,false,''::text), ('intercom:data_attribute'::text,4,'label'::text,'text'::text,false,''::text), ('intercom:data_attribute'::text,5,'data_type'::text,'text'::text,false,''::text), ('intercom:data_attribute'::text,6,'custom'::text,'boolean'::text,false,''::text), ('intercom:data_attribute'::text,7,'archived'::text,'boolean'::text,false,''::text), ('intercom:help_center_collection'::text,1,'id'::text,'text'::text,true,''::text), ('intercom:help_center_collection'::text,2,'name'::text,'text'::text,false,''::text), ('intercom:help_center_collection'::text,3,'parent_id'::text,'text'::text,false,''::text), ('intercom:help_center_collection'::text,4,'order'::text,'integer'::text,false,''::text), ('intercom:help_center_collection'::text,5,'created_at'::text,'time'::text,false,''::text), ('intercom:help_center_collection'::text,6,'updated_at'::text,'time'::text,false,''::text), ('intercom:segment'::text,1,'id'::text,'text'::text,true,''::text), ('intercom:segment'::text,2,'name'::text,'text'::text,false,''::text), ('intercom:segment'::text,3,'person_type'::text,'text'::text,false,''::text), ('intercom:segment'::text,4,'created_at'::text,'time'::text,false,''::text), ('intercom:segment'::text,5,'updated_at'::text,'time'::text,false,''::text), ('intercom:tag'::text,1,'id'::text,'text'::text,true,''::text), ('intercom:tag'::text,2,'name'::text,'text'::text,false,''::text), ('intercom:team'::text,1,'id'::text,'text'::text,true,''::text), ('intercom:team'::text,2,'name'::text,'text'::text,false,''::text), ('intercom:team'::text,3,'admin_ids'::text,'array'::text,false,''::text), ('intercom:ticket'::text,1,'id'::text,'text'::text,true,''::text), ('intercom:ticket'::text,2,'ticket_id'::text,'text'::text,false,''::text), ('intercom:ticket'::text,3,'category'::text,'text'::text,false,''::text), ('intercom:ticket'::text,4,'ticket_attributes'::text,'object'::text,false,''::text), ('intercom:ticket'::text,5,'ticket_state'::text,'object'::text,false,''::text), ('intercom:ticket'::text,6,'open'::text,'boolean'::text,false,''::text), ('intercom:ticket'::text,7,'contacts'::text,'object'::text,false,''::text), ('intercom:ticket'::text,8,'created_at'::text,'time'::text,false,''::text), ('intercom:ticket'::text,9,'updated_at'::text,'time'::text,false,''::text), ('intercom:ticket_type'::text,1,'id'::text,'text'::text,true,''::text), ('intercom:ticket_type'::text,2,'name'::text,'text'::text,false,''::text), ('intercom:ticket_type'::text,3,'category'::text,'text'::text,false,''::text), ('intercom:ticket_type'::text,4,'archived'::text,'boolean'::text,false,''::text), ('intercom:ticket_type'::text,5,'created_at'::text,'time'::text,false,''::text), ('intercom:ticket_type'::text,6,'updated_at'::text,'time'::text,false,''::text), ('jira:board'::text,1,'id'::text,'integer'::text,true,''::text), ('jira:board'::text,2,'name'::text,'text'::text,false,''::text), ('jira:board'::text,3,'type'::text,'text'::text,false,''::text), ('jira:board'::text,4,'location'::text,'object'::text,false,''::text), ('jira:comment'::text,1,'id'::text,'text'::text,false,''::text), ('jira:comment'::text,2,'author'::text,'object'::text,false,''::text), ('jira:comment'::text,3,'body'::text,'object'::text,false,''::text), ('jira:comment'::text,4,'created'::text,'time'::text,false,''::text), ('jira:comment'::text,5,'updated'::text,'time'::text,false,''::text), ('jira:component'::text,1,'id'::text,'text'::text,true,''::text), ('jira:component'::text,2,'name'::text,'text'::text,false,''::text), ('jira:component'::text,3,'description'::text,'text'::text,false,''::text), ('jira:component'::text,4,'lead'::text,'object'::text,false,''::text), ('jira:component'::text,5,'project'::text,'text'::text,false,''::text), ('jira:field'::text,1,'id'::text,'text'::text,true,''::text), ('jira:field'::text,2,'key'::text,'text'::text,false,''::text), ('jira:field'::text,3,'name'::text,'text'::text,false,''::text), ('jira:field'::text,4,'custom'::text,'boolean'::text,false,''::text), ('jira:field'::text,5,'schema'::text,'object'::text,false,''::text), ('jira:issue'::text,1,'id'::text,'text'::text,true,''::text), ('jira:issue'::text,2,'key'::text,'text'::text,false,''::text), ('jira:issue'::text,3,'fields'::text,'object'::text,false,''::text), ('jira:issue_type'::text,1,'id'::text,'text'::text,true,''::text), ('jira:issue_type'::text,2,'name'::text,'text'::text,false,''::text), ('jira:issue_type'::text,3,'description'::text,'text'::text,false,''::text), ('jira:issue_type'::text,4,'subtask'::text,'boolean'::text,false,''::text), ('jira:priority'::text,1,'id'::text,'text'::text,true,''::text), ('jira:priority'::text,2,'name'::text,'text'::text,false,''::text), ('jira:priority'::text,3,'description'::text,'text'::text,false,''::text), ('jira:priority'::text,4,'isDefault'::text,'boolean'::text,false,''::text), ('jira:project'::text,1,'id'::text,'text'::text,true,''::text), ('jira:project'::text,2,'key'::text,'text'::text,false,''::text), ('jira:project'::text,3,'name'::text,'text'::text,false,''::text), ('jira:project'::text,4,'projectTypeKey'::text,'text'::text,false,''::text), ('jira:project'::text,5,'description'::text,'text'::text,false,''::text), ('jira:project'::text,6,'lead'::text,'object'::text,false,''::text), ('jira:sprint'::text,1,'id'::text,'integer'::text,true,''::text), ('jira:sprint'::text,2,'name'::text,'text'::text,false,''::text), ('jira:sprint'::text,3,'state'::text,'text'::text,false,''::text), ('jira:sprint'::text,4,'startDate'::text,'time'::text,false,''::text), ('jira:sprint'::text,5,'endDate'::text,'time'::text,false,''::text), ('jira:sprint'::text,6,'completeDate'::text,'time'::text,false,''::text), ('jira:sprint'::text,7,'originBoardId'::text,'integer'::text,false,''::text), ('jira:sprint'::text,8,'goal'::text,'text'::text,false,''::text), ('jira:status'::text,1,'id'::text,'text'::text,true,''::text), ('jira:status'::text,2,'name'::text,'text'::text,false,''::text), ('jira:status'::text,3,'statusCategory'::text,'text'::text,false,''::text), ('jira:status'::text,4,'description'::text,'text'::text,false,''::text), ('jira:user'::text,1,'accountId'::text,'text'::text,true,''::text), ('jira:user'::text,2,'accountType'::text,'text'::text,false,''::text), ('jira:user'::text,3,'displayName'::text,'text'::text,false,''::text), ('jira:user'::text,4,'emailAddress'::text,'text'::text,false,''::text), ('jira:user'::text,5,'active'::text,'boolean'::text,false,''::text), ('jira:version'::text,1,'id'::text,'text'::text,true,''::text), ('jira:version'::text,2,'name'::text,'text'::text,false,''::text), ('jira:version'::text,3,'released'::text,'boolean'::text,false,''::text), ('jira:version'::text,4,'archived'::text,'boolean'::text,false,''::text), ('jira:version'::text,5,'releaseDate'::text,'date'::text,false,''::text), ('jira:version'::text,6,'projectId'::text,'integer'::text,false,''::text), ('jira:worklog'::text,1,'id'::text,'text'::text,true,''::text), ('jira:worklog'::text,2,'issueId'::text,'text'::text,false,''::text), ('jira:worklog'::text,3,'author'::text,'object'::text,false,''::text), ('jira:worklog'::text,4,'started'::text,'time'::text,false,''::text), ('jira:worklog'::text,5,'timeSpentSeconds'::text,'integer'::text,false,''::text), ('jira:worklog'::text,6,'created'::text,'time'::text,false,''::text), ('jira:worklog'::text,7,'updated'::text,'time'::text,false,''::text), ('linear:attachment'::text,1,'id'::text,'text'::text,true,''::text), ('linear:attachment'::text,2,'title'::text,'text'::text,false,''::text), ('linear:attachment'::text,3,'url'::text,'text'::text,false,''::text), ('linear:attachment'::text,4,'metadata'::text,'object'::text,false,''::text), ('linear:attachment'::text,5,'issue'::text,'object'::text,false,''::text), ('linear:attachment'::text,6,'createdAt'::text,'time'::text,false,''::text), ('linear:attachment'::text,7,'updatedAt'::text,'time'::text,false,''::text), ('linear:comment'::text,1,'id'::text,'text'::text,true,''::text), ('linear:comment'::text,2,'body'::text,'text'::text,false,''::text), ('linear:comment'::text,3,'url'::text,'text'::text,false,''::text), ('linear:comment'::text,4,'issue'::text,'object'::text,false,''::text), ('linear:comment'::text,5,'user'::text,'object'::text,false,''::text), ('linear:comment'::text,6,'createdAt'::text,'time'::text,false,''::text), ('linear:comment'::text,7,'updatedAt'::text,'time'::text,false,''::text), ('linear:comment'::text,8,'editedAt'::text,'time'::text,false,''::text), ('linear:cycle'::text,1,'id'::text,'text'::text,true,''::text), ('linear:cycle'::text,2,'number'::text,'number'::text,false,''::text), ('linear:cycle'::text,3,'name'::text,'text'::text,false,''::text), ('linear:cycle'::text,4,'startsAt'::text,'time'::text,false,''::text), ('linear:cycle'::text,5,'endsAt'::text,'time'::text,false,''::text), ('linear:cycle'::text,6,'progress'::text,'number'::text,false,''::text), ('linear:cycle'::text,7,'team'::text,'object'::text,false,''::text), ('linear:cycle'::text,8,'createdAt'::text,'time'::text,false,''::text), ('linear:cycle'::text,9,'updatedAt'::text,'time'::text,false,''::text), ('linear:document'::text,1,'id'::text,'text'::text,true,''::text), ('linear:document'::text,2,'title'::text,'text'::text,false,''::text), ('linear:document'::text,3,'content'::text,'text'::text,false,''::text), ('linear:document'::text,4,'project'::text,'object'::text,false,''::text), ('linear:document'::text,5,'createdAt'::text,'time'::text,false,''::text), ('linear:document'::text,6,'updatedAt'::text,'time'::text,false,''::text), ('linear:initiative'::text,1,'id'::text,'text'::text,true,''::text), ('linear:initiative'::text,2,'name'::text,'text'::text,false,''::text), ('linear:initiative'::text,3,'description'::text,'text'::text,false,''::text), ('linear:initiative'::text,4,'status'::text,'text'::text,false,''::text), ('linear:initiative'::text,5,'targetDate'::text,'date'::text,false,''::text), ('linear:initiative'::text,6,'createdAt'::text,'time'::text,false,''::text), ('linear:initiative'::text,7,'updatedAt'::text,'time'::text,false,''::text), ('linear:issue'::text,1,'id'::text,'text'::text,true,''::text), ('linear:issue'::text,2,'identifier'::text,'text'::text,false,''::text), ('linear:issue'::text,3,'number'::text,'integer'::text,false,''::text), ('linear:issue'::text,4,'title'::text,'text'::text,false,''::text), ('linear:issue'::text,5,'description'::text,'text'::text,false,''::text), ('linear:issue'::text,6,'priority'::text,'number'::text,false,''::text), ('linear:issue'::text,7,'estimate'::text,'number'::text,false,''::text), ('linear:issue'::text,8,'dueDate'::text,'date'::text,false,''::text), ('linear:issue'::text,9,'url'::text,'text'::text,false,''::text), ('linear:issue'::text,10,'team'::text,'object'::text,false,''::text), ('linear:issue'::text,11,'state'::text,'object'::text,false,''::text), ('linear:issue'::text,12,'assignee'::text,'object'::text,false,''::text), ('linear:issue'::text,13,'project'::text,'object'::text,false,''::text), ('linear:issue'::text,14,'cycle'::text,'object'::text,false,''::text), ('linear:issue'::text,15,'labelIds'::text,'array'::text,false,''::text), ('linear:issue'::text,16,'createdAt'::text,'time'::text,false,''::text), ('linear:issue'::text,17,'updatedAt'::text,'time'::text,false,''::text), ('linear:issue'::text,18,'completedAt'::text,'time'::text,false,''::text), ('linear:issue'::text,19,'canceledAt'::text,'time'::text,false,''::text), ('linear:issue'::text,20,'archivedAt'::text,'time'::text,false,''::text), ('linear:label'::text,1,'id'::text,'text'::text,true,''::text), ('linear:label'::text,2,'name'::text,'text'::text,false,''::text), ('linear:label'::text,3,'description'::text,'text'::text,false,''::text), ('linear:label'::text,4,'color'::text,'text'::text,false,''::text), ('linear:label'::text,5,'team'::text,'object'::text,false,''::text), ('linear:label'::text,6,'parent'::text,'object'::text,false,''::text), ('linear:label'::text,7,'createdAt'::text,'time'::text,false,''::text), ('linear:label'::text,8,'updatedAt'::text,'time'::text,false,''::text), ('linear:project'::text,1,'id'::text,'text'::text,true,''::text), ('linear:project'::text,2,'name'::text,'text'::text,false,''::text), ('linear:project'::text,3,'description'::text,'text'::text,false,''::text), ('linear:project'::text,4,'url'::text,'text'::text,false,''::text), ('linear:project'::text,5,'progress'::text,'number'::text,false,''::text), ('linear:project'::text,6,'startDate'::text,'date'::text,false,''::text), ('linear:project'::text,7,'targetDate'::text,'date'::text,false,''::text), ('linear:project'::text,8,'status'::text,'object'::text,false,''::text), ('linear:project'::text,9,'lead'::text,'object'::text,false,''::text), ('linear:project'::text,10,'createdAt'::text,'time'::text,false,''::text), ('linear:project'::text,11,'updatedAt'::text,'time'::text,false,''::text), ('linear:project'::text,12,'archivedAt'::text,'time'::text,false,''::text), ('linear:project_milestone'::text,1,'id'::text,'text'::text,true,''::text), ('linear:project_milestone'::text,2,'name'::text,'text'::text,false,''::text), ('linear:project_milestone'::text,3,'targetDate'::text,'date'::text,false,''::text), ('linear:project_milestone'::text,4,'project'::text,'object'::text,false,''::text), ('linear:project_milestone'::text,5,'createdAt'::text,'time'::text,false,''::text), ('linear:project_milestone'::text,6,'updatedAt'::text,'time'::text,false,''::text), ('linear:team'::text,1,'id'::text,'text'::text,true,''::text), ('linear:team'::text,2,'key'::text,'text'::text,false,''::text), ('linear:team'::text,3,'name'::text,'text'::text,false,''::text), ('linear:team'::text,4,'description'::text,'text'::text,false,''::text), ('linear:team'::text,5,'private'::text,'boolean'::text,false,''::text), ('linear:team'::text,6,'createdAt'::text,'time'::text,false,''::text), ('linear:team'::text,7,'updatedAt'::text,'time'::text,false,''::text), ('linear:team'::text,8,'archivedAt'::text,'time'::text,false,''::text), ('linear:user'::text,1,'id'::text,'text'::text,true,''::text), ('linear:user'::text,2,'name'::text,'text'::text,false,''::text), ('linear:user'::text,3,'displayName'::text,'text'::text,false,''::text), ('linear:user'::text,4,'email'::text,'text'::text,false,''::text), ('linear:user'::text,5,'active'::text,'boolean'::text,false,''::text), ('linear:user'::text,6,'admin'::text,'boolean'::text,false,''::text), ('linear:user'::text,7,'createdAt'::text,'time'::text,false,''::text), ('linear:user'::text,8,'updatedAt'::text,'time'::text,false,''::text), ('linear:workflow_state'::text,1,'id'::text,'text'::text,true,''::text), ('linear:workflow_state'::text,2,'name'::text,'text'::text,false,''::text), ('linear:workflow_state'::text,3,'type'::text,'text'::text,false,''::text), ('linear:workflow_state'::text,4,'position'::text,'number'::text,false,''::text), ('linear:workflow_state'::text,5,'team'::text,'object'::text,false,''::text), ('linear:workflow_state'::text,6,'createdAt'::text,'time'::text,false,''::text), ('linear:workflow_state'::text,7,'updatedAt'::text,'time'::text,false,''::text), ('notion:block'::text,1,'id'::text,'text'::text,true,''::text), ('notion:block'::text,2,'type'::text,'text'::text,false,''::text), ('notion:block'::text,3,'parent'::text,'object'::text,false,''::text), ('notion:block'::text,4,'has_children'::text,'boolean'::text,false,''::text), ('notion:block'::text,5,'created_time'::text,'time'::text,false,''::text), ('notion:block'::text,6,'last_edited_time'::text,'time'::text,false,''::text), ('notion:comment'::text,1,'id'::text,'text'::text,true,''::text), ('notion:comment'::text,2,'discussion_id'::text,'text'::text,false,''::text), ('notion:comment'::text,3,'rich_text'::text,'array'::text,false,''::text), ('notion:comment'::text,4,'parent'::text,'object'::text,false,''::text), ('notion:comment'::text,5,'created_time'::text,'time'::text,false,''::text), ('notion:comment'::text,6,'last_edited_time'::text,'time'::text,false,''::text), ('notion:data_source'::text,1,'id'::text,'text'::text,true,''::text), ('notion:data_source'::text,2,'title'::text,'array'::text,false,''::text), ('notion:data_source'::text,3,'properties'::text,'object'::text,false,''::text), ('notion:data_source'::text,4,'parent'::text,'object'::text,false,''::text), ('notion:data_source'::text,5,'created_time'::text,'time'::text,false,''::text), ('notion:data_source'::text,6,'last_edited_time'::text,'time'::text,false,''::text), ('notion:database'::text,1,'id'::text,'text'::text,true,''::text), ('notion:database'::text,2,'title'::text,'array'::text,false,''::text), ('notion:database'::text,3,'data_sources'::text,'array'::text,false,''::text), ('notion:database'::text,4,'parent'::text,'object'::text,false,''::text), ('notion:database'::text,5,'created_time'::text,'time'::text,false,''::text), ('notion:database'::text,6,'last_edited_time'::text,'time'::text,false,''::text), ('notion:page'::text,1,'id'::text,'text'::text,true,''::text), ('notion:page'::text,2,'properties'::text,'object'::text,false,''::text), ('notion:page'::text,3,'parent'::text,'object'::text,false,''::text), ('notion:page'::text,4,'url'::text,'text'::text,false,''::text), ('notion:page'::text,5,'in_trash'::text,'boolean'::text,false,''::text), ('notion:page'::text,6,'created_time'::text,'time'::text,false,''::text), ('notion:page'::text,7,'last_edited_time'::text,'time'::text,false,''::text), ('notion:row'::text,1,'id'::text,'text'::text,true,''::text), ('notion:row'::text,2,'properties'::text,'object'::text,false,''::text), ('notion:row'::text,3,'parent'::text,'object'::text,false,''::text), ('notion:row'::text,4,'url'::text,'text'::text,false,''::text), ('notion:row'::text,5,'created_time'::text,'time'::text,false,''::text), ('notion:row'::text,6,'last_edited_time'::text,'time'::text,false,''::text), ('notion:user'::text,1,'id'::text,'text'::text,true,''::text), ('notion:user'::text,2,'type'::text,'text'::text,false,''::text), ('notion:user'::text,3,'name'::text,'text'::text,false,''::text), ('notion:user'::text,4,'avatar_url'::text,'text'::text,false,''::text), ('notion:user'::text,5,'person'::text,'object'::text,false,''::text), ('notion:user'::text,6,'bot'::text,'object'::text,false,''::text), ('salesforce:account'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:account'::text,2,'Name'::text,'text'::text,false,''::text), ('salesforce:account'::text,3,'Type'::text,'text'::text,false,''::text), ('salesforce:account'::text,4,'Industry'::text,'text'::text,false,''::text), ('salesforce:account'::text,5,'Phone'::text,'text'::text,false,''::text), ('salesforce:account'::text,6,'Fax'::text,'text'::text,false,''::text), ('salesforce:account'::text,7,'Website'::text,'text'::text,false,''::text), ('salesforce:account'::text,8,'BillingStreet'::text,'text'::text,false,''::text), ('salesforce:account'::text,9,'BillingCity'::text,'text'::text,false,''::text), ('salesforce:account'::text,10,'BillingState'::text,'text'::text,false,''::text), ('salesforce:account'::text,11,'BillingPostalCode'::text,'text'::text,false,''::text), ('salesforce:account'::text,12,'BillingCountry'::text,'text'::text,false,''::text), ('salesforce:account'::text,13,'ShippingStreet'::text,'text'::text,false,''::text), ('salesforce:account'::text,14,'ShippingCity'::text,'text'::text,false,''::text), ('salesforce:account'::text,15,'ShippingState'::text,'text'::text,false,''::text), ('salesforce:account'::text,16,'ShippingPostalCode'::text,'text'::text,false,''::text), ('salesforce:account'::text,17,'ShippingCountry'::text,'text'::text,false,''::text), ('salesforce:account'::text,18,'AccountNumber'::text,'text'::text,false,''::text), ('salesforce:account'::text,19,'Description'::text,'text'::text,false,''::text), ('salesforce:account'::text,20,'Rating'::text,'text'::text,false,''::text), ('salesforce:account'::text,21,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:account'::text,22,'ParentId'::text,'text'::text,false,''::text), ('salesforce:account'::text,23,'MasterRecordId'::text,'text'::text,false,''::text), ('salesforce:account'::text,24,'Sic'::text,'text'::text,false,''::text), ('salesforce:account'::text,25,'AccountSource'::text,'text'::text,false,''::text), ('salesforce:account'::text,26,'NumberOfEmployees'::text,'integer'::text,false,''::text), ('salesforce:account'::text,27,'AnnualRevenue'::text,'number'::text,false,''::text), ('salesforce:account'::text,28,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:account'::text,29,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:account'::text,30,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:account'::text,31,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:account'::text,32,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:account'::text,33,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:asset'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:asset'::text,2,'ContactId'::text,'text'::text,false,''::text), ('salesforce:asset'::text,3,'AccountId'::text,'text'::text,false,''::text), ('salesforce:asset'::text,4,'ParentId'::text,'text'::text,false,''::text), ('salesforce:asset'::text,5,'RootAssetId'::text,'text'::text,false,''::text), ('salesforce:asset'::text,6,'Product2Id'::text,'text'::text,false,''::text), ('salesforce:asset'::text,7,'ProductCode'::text,'text'::text,false,''::text), ('salesforce:asset'::text,8,'Name'::text,'text'::text,false,''::text), ('salesforce:asset'::text,9,'SerialNumber'::text,'text'::text,false,''::text), ('salesforce:asset'::text,10,'Status'::text,'text'::text,false,''::text), ('salesforce:asset'::text,11,'Description'::text,'text'::text,false,''::text), ('salesforce:asset'::text,12,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:asset'::text,13,'InstallDate'::text,'date'::text,false,''::text), ('salesforce:asset'::text,14,'PurchaseDate'::text,'date'::text,false,''::text), ('salesforce:asset'::text,15,'UsageEndDate'::text,'date'::text,false,''::text), ('salesforce:asset'::text,16,'Price'::text,'number'::text,false,''::text), ('salesforce:asset'::text,17,'Quantity'::text,'number'::text,false,''::text), ('salesforce:asset'::text,18,'IsCompetitorProduct'::text,'boolean'::text,false,''::text), ('salesforce:asset'::text,19,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:asset'::text,20,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:asset'::text,21,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:asset'::text,22,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:asset'::text,23,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:asset'::text,24,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:attachment'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:attachment'::text,2,'ParentId'::text,'text'::text,false,''::text), ('salesforce:attachment'::text,3,'Name'::text,'text'::text,false,''::text), ('salesforce:attachment'::text,4,'ContentType'::text,'text'::text,false,''::text), ('salesforce:attachment'::text,5,'Description'::text,'text'::text,false,''::text), ('salesforce:attachment'::text,6,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:attachment'::text,7,'Body'::text,'text'::text,false,''::text), ('salesforce:attachment'::text,8,'BodyLength'::text,'integer'::text,false,''::text), ('salesforce:attachment'::text,9,'IsPrivate'::text,'boolean'::text,false,''::text), ('salesforce:attachment'::text,10,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:attachment'::text,11,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:attachment'::text,12,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:attachment'::text,13,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:attachment'::text,14,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:attachment'::text,15,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:campaign'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:campaign'::text,2,'Name'::text,'text'::text,false,''::text), ('salesforce:campaign'::text,3,'ParentId'::text,'text'::text,false,''::text), ('salesforce:campaign'::text,4,'Type'::text,'text'::text,false,''::text), ('salesforce:campaign'::text,5,'Status'::text,'text'::text,false,''::text), ('salesforce:campaign'::text,6,'Description'::text,'text'::text,false,''::text), ('salesforce:campaign'::text,7,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:campaign'::text,8,'StartDate'::text,'date'::text,false,''::text), ('salesforce:campaign'::text,9,'EndDate'::text,'date'::text,false,''::text), ('salesforce:campaign'::text,10,'IsActive'::text,'boolean'::text,false,''::text), ('salesforce:campaign'::text,11,'BudgetedCost'::text,'number'::text,false,''::text), ('salesforce:campaign'::text,12,'ActualCost'::text,'number'::text,false,''::text), ('salesforce:campaign'::text,13,'ExpectedRevenue'::text,'number'::text,false,''::text), ('salesforce:campaign'::text,14,'ExpectedResponse'::text,'number'::text,false,''::text), ('salesforce:campaign'::text,15,'NumberSent'::text,'number'::text,false,''::text), ('salesforce:campaign'::text,16,'AmountAllOpportunities'::text,'number'::text,false,''::text), ('salesforce:campaign'::text,17,'AmountWonOpportunities'::text,'number'::text,false,''::text), ('salesforce:campaign'::text,18,'NumberOfLeads'::text,'integer'::text,false,''::text), ('salesforce:campaign'::text,19,'NumberOfConvertedLeads'::text,'integer'::text,false,''::text), ('salesforce:campaign'::text,20,'NumberOfContacts'::text,'integer'::text,false,''::text), ('salesforce:campaign'::text,21,'NumberOfResponses'::text,'integer'::text,false,''::text), ('salesforce:campaign'::text,22,'NumberOfOpportunities'::text,'integer'::text,false,''::text), ('salesforce:campaign'::text,23,'NumberOfWonOpportunities'::text,'integer'::text,false,''::text), ('salesforce:campaign'::text,24,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:campaign'::text,25,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:campaign'::text,26,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:campaign'::text,27,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:campaign'::text,28,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:campaign'::text,29,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:campaignmember'::text,2,'CampaignId'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,3,'LeadId'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,4,'ContactId'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,5,'Status'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,6,'Name'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,7,'FirstName'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,8,'LastName'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,9,'Email'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,10,'Phone'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,11,'CompanyOrAccount'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,12,'LeadOrContactId'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,13,'LeadOrContactOwnerId'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,14,'Type'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,15,'HasResponded'::text,'boolean'::text,false,''::text), ('salesforce:campaignmember'::text,16,'FirstRespondedDate'::text,'date'::text,false,''::text), ('salesforce:campaignmember'::text,17,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:campaignmember'::text,18,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:campaignmember'::text,19,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:campaignmember'::text,20,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:campaignmember'::text,21,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:campaignmember'::text,22,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:case'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:case'::text,2,'CaseNumber'::text,'text'::text,false,''::text), ('salesforce:case'::text,3,'ContactId'::text,'text'::text,false,''::text), ('salesforce:case'::text,4,'AccountId'::text,'text'::text,false,''::text), ('salesforce:case'::text,5,'AssetId'::text,'text'::text,false,''::text), ('salesforce:case'::text,6,'ParentId'::text,'text'::text,false,''::text), ('salesforce:case'::text,7,'Subject'::text,'text'::text,false,''::text), ('salesforce:case'::text,8,'Description'::text,'text'::text,false,''::text), ('salesforce:case'::text,9,'Status'::text,'text'::text,false,''::text), ('salesforce:case'::text,10,'Priority'::text,'text'::text,false,''::text), ('salesforce:case'::text,11,'Origin'::text,'text'::text,false,''::text), ('salesforce:case'::text,12,'Reason'::text,'text'::text,false,''::text), ('salesforce:case'::text,13,'Type'::text,'text'::text,false,''::text), ('salesforce:case'::text,14,'SuppliedName'::text,'text'::text,false,''::text), ('salesforce:case'::text,15,'SuppliedEmail'::text,'text'::text,false,''::text), ('salesforce:case'::text,16,'SuppliedPhone'::text,'text'::text,false,''::text), ('salesforce:case'::text,17,'SuppliedCompany'::text,'text'::text,false,''::text), ('salesforce:case'::text,18,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:case'::text,19,'MasterRecordId'::text,'text'::text,false,''::text), ('salesforce:case'::text,20,'Comments'::text,'text'::text,false,''::text), ('salesforce:case'::text,21,'IsClosed'::text,'boolean'::text,false,''::text), ('salesforce:case'::text,22,'IsEscalated'::text,'boolean'::text,false,''::text), ('salesforce:case'::text,23,'ClosedDate'::text,'time'::text,false,''::text), ('salesforce:case'::text,24,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:case'::text,25,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:case'::text,26,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:case'::text,27,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:case'::text,28,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:case'::text,29,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:casecomment'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:casecomment'::text,2,'ParentId'::text,'text'::text,false,''::text), ('salesforce:casecomment'::text,3,'CommentBody'::text,'text'::text,false,''::text), ('salesforce:casecomment'::text,4,'IsPublished'::text,'boolean'::text,false,''::text), ('salesforce:casecomment'::text,5,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:casecomment'::text,6,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:casecomment'::text,7,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:casecomment'::text,8,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:casecomment'::text,9,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:casecomment'::text,10,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:contact'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:contact'::text,2,'AccountId'::text,'text'::text,false,''::text), ('salesforce:contact'::text,3,'FirstName'::text,'text'::text,false,''::text), ('salesforce:contact'::text,4,'LastName'::text,'text'::text,false,''::text), ('salesforce:contact'::text,5,'Name'::text,'text'::text,false,''::text), ('salesforce:contact'::text,6,'Salutation'::text,'text'::text,false,''::text), ('salesforce:contact'::text,7,'Title'::text,'text'::text,false,''::text), ('salesforce:contact'::text,8,'Department'::text,'text'::text,false,''::text), ('salesforce:contact'::text,9,'Email'::text,'text'::text,false,''::text), ('salesforce:contact'::text,10,'Phone'::text,'text'::text,false,''::text), ('salesforce:contact'::text,11,'MobilePhone'::text,'text'::text,false,''::text), ('salesforce:contact'::text,12,'HomePhone'::text,'text'::text,false,''::text), ('salesforce:contact'::text,13,'OtherPhone'::text,'text'::text,false,''::text), ('salesforce:contact'::text,14,'Fax'::text,'text'::text,false,''::text), ('salesforce:contact'::text,15,'MailingStreet'::text,'text'::text,false,''::text), ('salesforce:contact'::text,16,'MailingCity'::text,'text'::text,false,''::text), ('salesforce:contact'::text,17,'MailingState'::text,'text'::text,false,''::text), ('salesforce:contact'::text,18,'MailingPostalCode'::text,'text'::text,false,''::text), ('salesforce:contact'::text,19,'MailingCountry'::text,'text'::text,false,''::text), ('salesforce:contact'::text,20,'OtherStreet'::text,'text'::text,false,''::text), ('salesforce:contact'::text,21,'OtherCity'::text,'text'::text,false,''::text), ('salesforce:contact'::text,22,'OtherState'::text,'text'::text,false,''::text), ('salesforce:contact'::text,23,'OtherPostalCode'::text,'text'::text,false,''::text), ('salesforce:contact'::text,24,'OtherCountry'::text,'text'::text,false,''::text), ('salesforce:contact'::text,25,'AssistantName'::text,'text'::text,false,''::text), ('salesforce:contact'::text,26,'LeadSource'::text,'text'::text,false,''::text), ('salesforce:contact'::text,27,'Description'::text,'text'::text,false,''::text), ('salesforce:contact'::text,28,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:contact'::text,29,'ReportsToId'::text,'text'::text,false,''::text), ('salesforce:contact'::text,30,'MasterRecordId'::text,'text'::text,false,''::text), ('salesforce:contact'::text,31,'EmailBouncedReason'::text,'text'::text,false,''::text), ('salesforce:contact'::text,32,'Birthdate'::text,'date'::text,false,''::text), ('salesforce:contact'::text,33,'LastCURequestDate'::text,'date'::text,false,''::text), ('salesforce:contact'::text,34,'EmailBouncedDate'::text,'time'::text,false,''::text), ('salesforce:contact'::text,35,'IsEmailBounced'::text,'boolean'::text,false,''::text), ('salesforce:contact'::text,36,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:contact'::text,37,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:contact'::text,38,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:contact'::text,39,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:contact'::text,40,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:contact'::text,41,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:contentdocument'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:contentdocument'::text,2,'Title'::text,'text'::text,false,''::text), ('salesforce:contentdocument'::text,3,'Description'::text,'text'::text,false,''::text), ('salesforce:contentdocument'::text,4,'FileType'::text,'text'::text,false,''::text), ('salesforce:contentdocument'::text,5,'FileExtension'::text,'text'::text,false,''::text), ('salesforce:contentdocument'::text,6,'PublishStatus'::text,'text'::text,false,''::text), ('salesforce:contentdocument'::text,7,'LatestPublishedVersionId'::text,'text'::text,false,''::text), ('salesforce:contentdocument'::text,8,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:contentdocument'::text,9,'ParentId'::text,'text'::text,false,''::text), ('salesforce:contentdocument'::text,10,'ContentSize'::text,'integer'::text,false,''::text), ('salesforce:contentdocument'::text,11,'IsArchived'::text,'boolean'::text,false,''::text), ('salesforce:contentdocument'::text,12,'ContentModifiedDate'::text,'time'::text,false,''::text), ('salesforce:contentdocument'::text,13,'ArchivedDate'::text,'time'::text,false,''::text), ('salesforce:contentdocument'::text,14,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:contentdocument'::text,15,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:contentdocument'::text,16,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:contentdocument'::text,17,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:contentdocument'::text,18,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:contentdocument'::text,19,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:contentversion'::text,2,'ContentDocumentId'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,3,'Title'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,4,'Description'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,5,'PathOnClient'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,6,'FileType'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,7,'FileExtension'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,8,'VersionNumber'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,9,'Checksum'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,10,'ContentUrl'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,11,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,12,'FirstPublishLocationId'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,13,'Origin'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,14,'VersionData'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,15,'ContentSize'::text,'integer'::text,false,''::text), ('salesforce:contentversion'::text,16,'RatingCount'::text,'integer'::text,false,''::text), ('salesforce:contentversion'::text,17,'IsLatest'::text,'boolean'::text,false,''::text), ('salesforce:contentversion'::text,18,'ContentModifiedDate'::text,'time'::text,false,''::text), ('salesforce:contentversion'::text,19,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:contentversion'::text,20,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:contentversion'::text,21,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:contentversion'::text,22,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:contentversion'::text,23,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:contentversion'::text,24,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:contract'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:contract'::text,2,'AccountId'::text,'text'::text,false,''::text), ('salesforce:contract'::text,3,'Pricebook2Id'::text,'text'::text,false,''::text), ('salesforce:contract'::text,4,'Status'::text,'text'::text,false,''::text), ('salesforce:contract'::text,5,'StatusCode'::text,'text'::text,false,''::text), ('salesforce:contract'::text,6,'ContractNumber'::text,'text'::text,false,''::text), ('salesforce:contract'::text,7,'Description'::text,'text'::text,false,''::text), ('salesforce:contract'::text,8,'SpecialTerms'::text,'text'::text,false,''::text), ('salesforce:contract'::text,9,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:contract'::text,10,'OwnerExpirationNotice'::text,'text'::text,false,''::text), ('salesforce:contract'::text,11,'ActivatedById'::text,'text'::text,false,''::text), ('salesforce:contract'::text,12,'CustomerSignedId'::text,'text'::text,false,''::text), ('salesforce:contract'::text,13,'CompanySignedId'::text,'text'::text,false,''::text), ('salesforce:contract'::text,14,'BillingStreet'::text,'text'::text,false,''::text), ('salesforce:contract'::text,15,'BillingCity'::text,'text'::text,false,''::text), ('salesforce:contract'::text,16,'BillingState'::text,'text'::text,false,''::text), ('salesforce:contract'::text,17,'BillingPostalCode'::text,'text'::text,false,''::text), ('salesforce:contract'::text,18,'BillingCountry'::text,'text'::text,false,''::text), ('salesforce:contract'::text,19,'ContractTerm'::text,'integer'::text,false,''::text), ('salesforce:contract'::text,20,'StartDate'::text,'date'::text,false,''::text), ('salesforce:contract'::text,21,'EndDate'::text,'date'::text,false,''::text), ('salesforce:contract'::text,22,'CustomerSignedDate'::text,'date'::text,false,''::text), ('salesforce:contract'::text,23,'CompanySignedDate'::text,'date'::text,false,''::text), ('salesforce:contract'::text,24,'ActivatedDate'::text,'time'::text,false,''::text), ('salesforce:contract'::text,25,'LastApprovedDate'::text,'time'::text,false,''::text), ('salesforce:contract'::text,26,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:contract'::text,27,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:contract'::text,28,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:contract'::text,29,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:contract'::text,30,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:contract'::text,31,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:emailmessage'::text,2,'ParentId'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,3,'ActivityId'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,4,'Subject'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,5,'TextBody'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,6,'HtmlBody'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,7,'Headers'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,8,'FromName'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,9,'FromAddress'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,10,'ToAddress'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,11,'CcAddress'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,12,'BccAddress'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,13,'Status'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,14,'MessageIdentifier'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,15,'ThreadIdentifier'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,16,'RelatedToId'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,17,'Incoming'::text,'boolean'::text,false,''::text), ('salesforce:emailmessage'::text,18,'HasAttachment'::text,'boolean'::text,false,''::text), ('salesforce:emailmessage'::text,19,'IsExternallyVisible'::text,'boolean'::text,false,''::text), ('salesforce:emailmessage'::text,20,'MessageDate'::text,'time'::text,false,''::text), ('salesforce:emailmessage'::text,21,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:emailmessage'::text,22,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:emailmessage'::text,23,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:emailmessage'::text,24,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:emailmessage'::text,25,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:emailmessage'::text,26,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:event'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:event'::text,2,'WhoId'::text,'text'::text,false,''::text), ('salesforce:event'::text,3,'WhatId'::text,'text'::text,false,''::text), ('salesforce:event'::text,4,'Subject'::text,'text'::text,false,''::text), ('salesforce:event'::text,5,'Location'::text,'text'::text,false,''::text), ('salesforce:event'::text,6,'Description'::text,'text'::text,false,''::text), ('salesforce:event'::text,7,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:event'::text,8,'AccountId'::text,'text'::text,false,''::text), ('salesforce:event'::text,9,'Type'::text,'text'::text,false,''::text), ('salesforce:event'::text,10,'ShowAs'::text,'text'::text,false,''::text), ('salesforce:event'::text,11,'ActivityDateTime'::text,'time'::text,false,''::text), ('salesforce:event'::text,12,'StartDateTime'::text,'time'::text,false,''::text), ('salesforce:event'::text,13,'EndDateTime'::text,'time'::text,false,''::text), ('salesforce:event'::text,14,'ReminderDateTime'::text,'time'::text,false,''::text), ('salesforce:event'::text,15,'ActivityDate'::text,'date'::text,false,''::text), ('salesforce:event'::text,16,'EndDate'::text,'date'::text,false,''::text), ('salesforce:event'::text,17,'DurationInMinutes'::text,'integer'::text,false,''::text), ('salesforce:event'::text,18,'IsAllDayEvent'::text,'boolean'::text,false,''::text), ('salesforce:event'::text,19,'IsPrivate'::text,'boolean'::text,false,''::text), ('salesforce:event'::text,20,'IsArchived'::text,'boolean'::text,false,''::text), ('salesforce:event'::text,21,'IsChild'::text,'boolean'::text,false,''::text), ('salesforce:event'::text,22,'IsGroupEvent'::text,'boolean'::text,false,''::text), ('salesforce:event'::text,23,'IsReminderSet'::text,'boolean'::text,false,''::text), ('salesforce:event'::text,24,'IsRecurrence'::text,'boolean'::text,false,''::text), ('salesforce:event'::text,25,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:event'::text,26,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:event'::text,27,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:event'::text,28,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:event'::text,29,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:event'::text,30,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:group'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:group'::text,2,'Name'::text,'text'::text,false,''::text), ('salesforce:group'::text,3,'DeveloperName'::text,'text'::text,false,''::text), ('salesforce:group'::text,4,'RelatedId'::text,'text'::text,false,''::text), ('salesforce:group'::text,5,'Type'::text,'text'::text,false,''::text), ('salesforce:group'::text,6,'Email'::text,'text'::text,false,''::text), ('salesforce:group'::text,7,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:group'::text,8,'DoesSendEmailToMembers'::text,'boolean'::text,false,''::text), ('salesforce:group'::text,9,'DoesIncludeBosses'::text,'boolean'::text,false,''::text), ('salesforce:group'::text,10,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:group'::text,11,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:group'::text,12,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:group'::text,13,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:group'::text,14,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:group'::text,15,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:lead'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:lead'::text,2,'FirstName'::text,'text'::text,false,''::text), ('salesforce:lead'::text,3,'LastName'::text,'text'::text,false,''::text), ('salesforce:lead'::text,4,'Name'::text,'text'::text,false,''::text), ('salesforce:lead'::text,5,'Salutation'::text,'text'::text,false,''::text), ('salesforce:lead'::text,6,'Title'::text,'text'::text,false,''::text), ('salesforce:lead'::text,7,'Company'::text,'text'::text,false,''::text), ('salesforce:lead'::text,8,'Street'::text,'text'::text,false,''::text), ('salesforce:lead'::text,9,'City'::text,'text'::text,false,''::text), ('salesforce:lead'::text,10,'State'::text,'text'::text,false,''::text), ('salesforce:lead'::text,11,'PostalCode'::text,'text'::text,false,''::text), ('salesforce:lead'::text,12,'Country'::text,'text'::text,false,''::text), ('salesforce:lead'::text,13,'Phone'::text,'text'::text,false,''::text), ('salesforce:lead'::text,14,'MobilePhone'::text,'text'::text,false,''::text), ('salesforce:lead'::text,15,'Fax'::text,'text'::text,false,''::text), ('salesforce:lead'::text,16,'Email'::text,'text'::text,false,''::text), ('salesforce:lead'::text,17,'Website'::text,'text'::text,false,''::text), ('salesforce:lead'::text,18,'Status'::text,'text'::text,false,''::text), ('salesforce:lead'::text,19,'LeadSource'::text,'text'::text,false,''::text), ('salesforce:lead'::text,20,'Industry'::text,'text'::text,false,''::text), ('salesforce:lead'::text,21,'Rating'::text,'text'::text,false,''::text), ('salesforce:lead'::text,22,'Description'::text,'text'::text,false,''::text), ('salesforce:lead'::text,23,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:lead'::text,24,'MasterRecordId'::text,'text'::text,false,''::text), ('salesforce:lead'::text,25,'ConvertedAccountId'::text,'text'::text,false,''::text), ('salesforce:lead'::text,26,'ConvertedContactId'::text,'text'::text,false,''::text), ('salesforce:lead'::text,27,'ConvertedOpportunityId'::text,'text'::text,false,''::text), ('salesforce:lead'::text,28,'AnnualRevenue'::text,'number'::text,false,''::text), ('salesforce:lead'::text,29,'NumberOfEmployees'::text,'integer'::text,false,''::text), ('salesforce:lead'::text,30,'IsConverted'::text,'boolean'::text,false,''::text), ('salesforce:lead'::text,31,'IsUnreadByOwner'::text,'boolean'::text,false,''::text), ('salesforce:lead'::text,32,'ConvertedDate'::text,'date'::text,false,''::text), ('salesforce:lead'::text,33,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:lead'::text,34,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:lead'::text,35,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:lead'::text,36,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:lead'::text,37,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:lead'::text,38,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:note'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:note'::text,2,'ParentId'::text,'text'::text,false,''::text), ('salesforce:note'::text,3,'Title'::text,'text'::text,false,''::text), ('salesforce:note'::text,4,'Body'::text,'text'::text,false,''::text), ('salesforce:note'::text,5,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:note'::text,6,'IsPrivate'::text,'boolean'::text,false,''::text), ('salesforce:note'::text,7,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:note'::text,8,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:note'::text,9,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:note'::text,10,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:note'::text,11,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:note'::text,12,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:opportunity'::text,2,'AccountId'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,3,'Name'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,4,'StageName'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,5,'Type'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,6,'LeadSource'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,7,'NextStep'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,8,'Description'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,9,'ForecastCategory'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,10,'ForecastCategoryName'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,11,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,12,'CampaignId'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,13,'Pricebook2Id'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,14,'ContactId'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,15,'Amount'::text,'number'::text,false,''::text), ('salesforce:opportunity'::text,16,'Probability'::text,'number'::text,false,''::text), ('salesforce:opportunity'::text,17,'ExpectedRevenue'::text,'number'::text,false,''::text), ('salesforce:opportunity'::text,18,'TotalOpportunityQuantity'::text,'number'::text,false,''::text), ('salesforce:opportunity'::text,19,'CloseDate'::text,'date'::text,false,''::text), ('salesforce:opportunity'::text,20,'IsClosed'::text,'boolean'::text,false,''::text), ('salesforce:opportunity'::text,21,'IsWon'::text,'boolean'::text,false,''::text), ('salesforce:opportunity'::text,22,'IsPrivate'::text,'boolean'::text,false,''::text), ('salesforce:opportunity'::text,23,'HasOpportunityLineItem'::text,'boolean'::text,false,''::text), ('salesforce:opportunity'::text,24,'FiscalYear'::text,'integer'::text,false,''::text), ('salesforce:opportunity'::text,25,'FiscalQuarter'::text,'integer'::text,false,''::text), ('salesforce:opportunity'::text,26,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:opportunity'::text,27,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:opportunity'::text,28,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:opportunity'::text,29,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:opportunity'::text,30,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:opportunity'::text,31,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:opportunitycontactrole'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:opportunitycontactrole'::text,2,'OpportunityId'::text,'text'::text,false,''::text), ('salesforce:opportunitycontactrole'::text,3,'ContactId'::text,'text'::text,false,''::text), ('salesforce:opportunitycontactrole'::text,4,'Role'::text,'text'::text,false,''::text), ('salesforce:opportunitycontactrole'::text,5,'IsPrimary'::text,'boolean'::text,false,''::text), ('salesforce:opportunitycontactrole'::text,6,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:opportunitycontactrole'::text,7,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:opportunitycontactrole'::text,8,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:opportunitycontactrole'::text,9,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:opportunitycontactrole'::text,10,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:opportunitycontactrole'::text,11,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:opportunityhistory'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:opportunityhistory'::text,2,'OpportunityId'::text,'text'::text,false,''::text), ('salesforce:opportunityhistory'::text,3,'StageName'::text,'text'::text,false,''::text), ('salesforce:opportunityhistory'::text,4,'ForecastCategory'::text,'text'::text,false,''::text), ('salesforce:opportunityhistory'::text,5,'PrevAmount'::text,'text'::text,false,''::text), ('salesforce:opportunityhistory'::text,6,'PrevCloseDate'::text,'text'::text,false,''::text), ('salesforce:opportunityhistory'::text,7,'Amount'::text,'number'::text,false,''::text), ('salesforce:opportunityhistory'::text,8,'ExpectedRevenue'::text,'number'::text,false,''::text), ('salesforce:opportunityhistory'::text,9,'Probability'::text,'number'::text,false,''::text), ('salesforce:opportunityhistory'::text,10,'CloseDate'::text,'date'::text,false,''::text), ('salesforce:opportunityhistory'::text,11,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:opportunityhistory'::text,12,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:opportunityhistory'::text,13,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:opportunityhistory'::text,14,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:opportunityhistory'::text,15,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:opportunityhistory'::text,16,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:opportunitylineitem'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:opportunitylineitem'::text,2,'OpportunityId'::text,'text'::text,false,''::text), ('salesforce:opportunitylineitem'::text,3,'PricebookEntryId'::text,'text'::text,false,''::text), ('salesforce:opportunitylineitem'::text,4,'Product2Id'::text,'text'::text,false,''::text), ('salesforce:opportunitylineitem'::text,5,'ProductCode'::text,'text'::text,false,''::text), ('salesforce:opportunitylineitem'::text,6,'Name'::text,'text'::text,false,''::text), ('salesforce:opportunitylineitem'::text,7,'Description'::text,'text'::text,false,''::text), ('salesforce:opportunitylineitem'::text,8,'SortOrder'::text,'integer'::text,false,''::text), ('salesforce:opportunitylineitem'::text,9,'Quantity'::text,'number'::text,false,''::text), ('salesforce:opportunitylineitem'::text,10,'UnitPrice'::text,'number'::text,false,''::text), ('salesforce:opportunitylineitem'::text,11,'TotalPrice'::text,'number'::text,false,''::text), ('salesforce:opportunitylineitem'::text,12,'ListPrice'::text,'number'::text,false,''::text), ('salesforce:opportunitylineitem'::text,13,'Discount'::text,'number'::text,false,''::text), ('salesforce:opportunitylineitem'::text,14,'ServiceDate'::text,'date'::text,false,''::text), ('salesforce:opportunitylineitem'::text,15,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:opportunitylineitem'::text,16,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:opportunitylineitem'::text,17,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:opportunitylineitem'::text,18,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:opportunitylineitem'::text,19,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:opportunitylineitem'::text,20,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:order'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:order'::text,2,'AccountId'::text,'text'::text,false,''::text), ('salesforce:order'::text,3,'ContractId'::text,'text'::text,false,''::text), ('salesforce:order'::text,4,'Pricebook2Id'::text,'text'::text,false,''::text), ('salesforce:order'::text,5,'OpportunityId'::text,'text'::text,false,''::text), ('salesforce:order'::text,6,'OrderNumber'::text,'text'::text,false,''::text), ('salesforce:order'::text,7,'OrderReferenceNumber'::text,'text'::text,false,''::text), ('salesforce:order'::text,8,'Status'::text,'text'::text,false,''::text), ('salesforce:order'::text,9,'StatusCode'::text,'text'::text,false,''::text), ('salesforce:order'::text,10,'Type'::text,'text'::text,false,''::text), ('salesforce:order'::text,11,'Name'::text,'text'::text,false,''::text), ('salesforce:order'::text,12,'Description'::text,'text'::text,false,''::text), ('salesforce:order'::text,13,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:order'::text,14,'BillingStreet'::text,'text'::text,false,''::text), ('salesforce:order'::text,15,'BillingCity'::text,'text'::text,false,''::text), ('salesforce:order'::text,16,'BillingState'::text,'text'::text,false,''::text), ('salesforce:order'::text,17,'BillingPostalCode'::text,'text'::text,false,''::text), ('salesforce:order'::text,18,'BillingCountry'::text,'text'::text,false,''::text), ('salesforce:order'::text,19,'ShippingStreet'::text,'text'::text,false,''::text), ('salesforce:order'::text,20,'ShippingCity'::text,'text'::text,false,''::text), ('salesforce:order'::text,21,'ShippingState'::text,'text'::text,false,''::text), ('salesforce:order'::text,22,'ShippingPostalCode'::text,'text'::text,false,''::text), ('salesforce:order'::text,23,'ShippingCountry'::text,'text'::text,false,''::text), ('salesforce:order'::text,24,'EffectiveDate'::text,'date'::text,false,''::text), ('salesforce:order'::text,25,'EndDate'::text,'date'::text,false,''::text), ('salesforce:order'::text,26,'TotalAmount'::text,'number'::text,false,''::text), ('salesforce:order'::text,27,'ActivatedDate'::text,'time'::text,false,''::text), ('salesforce:order'::text,28,'IsReductionOrder'::text,'boolean'::text,false,''::text), ('salesforce:order'::text,29,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:order'::text,30,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:order'::text,31,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:order'::text,32,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:order'::text,33,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:order'::text,34,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:orderitem'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:orderitem'::text,2,'OrderId'::text,'text'::text,false,''::text), ('salesforce:orderitem'::text,3,'Product2Id'::text,'text'::text,false,''::text), ('salesforce:orderitem'::text,4,'PricebookEntryId'::text,'text'::text,false,''::text), ('salesforce:orderitem'::text,5,'OrderItemNumber'::text,'text'::text,false,''::text), ('salesforce:orderitem'::text,6,'Description'::text,'text'::text,false,''::text), ('salesforce:orderitem'::text,7,'OriginalOrderItemId'::text,'text'::text,false,''::text), ('salesforce:orderitem'::text,8,'Quantity'::text,'number'::text,false,''::text), ('salesforce:orderitem'::text,9,'AvailableQuantity'::text,'number'::text,false,''::text), ('salesforce:orderitem'::text,10,'UnitPrice'::text,'number'::text,false,''::text), ('salesforce:orderitem'::text,11,'ListPrice'::text,'number'::text,false,''::text), ('salesforce:orderitem'::text,12,'TotalPrice'::text,'number'::text,false,''::text), ('salesforce:orderitem'::text,13,'ServiceDate'::text,'date'::text,false,''::text), ('salesforce:orderitem'::text,14,'EndDate'::text,'date'::text,false,''::text), ('salesforce:orderitem'::text,15,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:orderitem'::text,16,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:orderitem'::text,17,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:orderitem'::text,18,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:orderitem'::text,19,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:orderitem'::text,20,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:pricebook2'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:pricebook2'::text,2,'Name'::text,'text'::text,false,''::text), ('salesforce:pricebook2'::text,3,'Description'::text,'text'::text,false,''::text), ('salesforce:pricebook2'::text,4,'IsActive'::text,'boolean'::text,false,''::text), ('salesforce:pricebook2'::text,5,'IsArchived'::text,'boolean'::text,false,''::text), ('salesforce:pricebook2'::text,6,'IsStandard'::text,'boolean'::text,false,''::text), ('salesforce:pricebook2'::text,7,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:pricebook2'::text,8,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:pricebook2'::text,9,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:pricebook2'::text,10,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:pricebook2'::text,11,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:pricebook2'::text,12,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:pricebookentry'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:pricebookentry'::text,2,'Name'::text,'text'::text,false,''::text), ('salesforce:pricebookentry'::text,3,'Pricebook2Id'::text,'text'::text,false,''::text), ('salesforce:pricebookentry'::text,4,'Product2Id'::text,'text'::text,false,''::text), ('salesforce:pricebookentry'::text,5,'ProductCode'::text,'text'::text,false,''::text), ('salesforce:pricebookentry'::text,6,'UnitPrice'::text,'number'::text,false,''::text), ('salesforce:pricebookentry'::text,7,'IsActive'::text,'boolean'::text,false,''::text), ('salesforce:pricebookentry'::text,8,'UseStandardPrice'::text,'boolean'::text,false,''::text), ('salesforce:pricebookentry'::text,9,'IsArchived'::text,'boolean'::text,false,''::text), ('salesforce:pricebookentry'::text,10,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:pricebookentry'::text,11,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:pricebookentry'::text,12,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:pricebookentry'::text,13,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:pricebookentry'::text,14,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:pricebookentry'::text,15,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:product2'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:product2'::text,2,'Name'::text,'text'::text,false,''::text), ('salesforce:product2'::text,3,'ProductCode'::text,'text'::text,false,''::text), ('salesforce:product2'::text,4,'Description'::text,'text'::text,false,''::text), ('salesforce:product2'::text,5,'Family'::text,'text'::text,false,''::text), ('salesforce:product2'::text,6,'ExternalDataSourceId'::text,'text'::text,false,''::text), ('salesforce:product2'::text,7,'ExternalId'::text,'text'::text,false,''::text), ('salesforce:product2'::text,8,'DisplayUrl'::text,'text'::text,false,''::text), ('salesforce:product2'::text,9,'QuantityUnitOfMeasure'::text,'text'::text,false,''::text), ('salesforce:product2'::text,10,'StockKeepingUnit'::text,'text'::text,false,''::text), ('salesforce:product2'::text,11,'IsActive'::text,'boolean'::text,false,''::text), ('salesforce:product2'::text,12,'IsArchived'::text,'boolean'::text,false,''::text), ('salesforce:product2'::text,13,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:product2'::text,14,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:product2'::text,15,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:product2'::text,16,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:product2'::text,17,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:product2'::text,18,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:profile'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:profile'::text,2,'Name'::text,'text'::text,false,''::text), ('salesforce:profile'::text,3,'Description'::text,'text'::text,false,''::text), ('salesforce:profile'::text,4,'UserType'::text,'text'::text,false,''::text), ('salesforce:profile'::text,5,'UserLicenseId'::text,'text'::text,false,''::text), ('salesforce:profile'::text,6,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:profile'::text,7,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:profile'::text,8,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:profile'::text,9,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:profile'::text,10,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:profile'::text,11,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:recordtype'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:recordtype'::text,2,'Name'::text,'text'::text,false,''::text), ('salesforce:recordtype'::text,3,'DeveloperName'::text,'text'::text,false,''::text), ('salesforce:recordtype'::text,4,'NamespacePrefix'::text,'text'::text,false,''::text), ('salesforce:recordtype'::text,5,'Description'::text,'text'::text,false,''::text), ('salesforce:recordtype'::text,6,'BusinessProcessId'::text,'text'::text,false,''::text), ('salesforce:recordtype'::text,7,'SobjectType'::text,'text'::text,false,''::text), ('salesforce:recordtype'::text,8,'IsActive'::text,'boolean'::text,false,''::text), ('salesforce:recordtype'::text,9,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:recordtype'::text,10,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:recordtype'::text,11,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:recordtype'::text,12,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:recordtype'::text,13,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:recordtype'::text,14,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:task'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:task'::text,2,'WhoId'::text,'text'::text,false,''::text), ('salesforce:task'::text,3,'WhatId'::text,'text'::text,false,''::text), ('salesforce:task'::text,4,'Subject'::text,'text'::text,false,''::text), ('salesforce:task'::text,5,'Status'::text,'text'::text,false,''::text), ('salesforce:task'::text,6,'Priority'::text,'text'::text,false,''::text), ('salesforce:task'::text,7,'Description'::text,'text'::text,false,''::text), ('salesforce:task'::text,8,'OwnerId'::text,'text'::text,false,''::text), ('salesforce:task'::text,9,'AccountId'::text,'text'::text,false,''::text), ('salesforce:task'::text,10,'Type'::text,'text'::text,false,''::text), ('salesforce:task'::text,11,'TaskSubtype'::text,'text'::text,false,''::text), ('salesforce:task'::text,12,'CallType'::text,'text'::text,false,''::text), ('salesforce:task'::text,13,'CallDisposition'::text,'text'::text,false,''::text), ('salesforce:task'::text,14,'CallObject'::text,'text'::text,false,''::text), ('salesforce:task'::text,15,'ActivityDate'::text,'date'::text,false,''::text), ('salesforce:task'::text,16,'CallDurationInSeconds'::text,'integer'::text,false,''::text), ('salesforce:task'::text,17,'IsClosed'::text,'boolean'::text,false,''::text), ('salesforce:task'::text,18,'IsHighPriority'::text,'boolean'::text,false,''::text), ('salesforce:task'::text,19,'IsArchived'::text,'boolean'::text,false,''::text), ('salesforce:task'::text,20,'IsReminderSet'::text,'boolean'::text,false,''::text), ('salesforce:task'::text,21,'IsRecurrence'::text,'boolean'::text,false,''::text), ('salesforce:task'::text,22,'ReminderDateTime'::text,'time'::text,false,''::text), ('salesforce:task'::text,23,'CompletedDateTime'::text,'time'::text,false,''::text), ('salesforce:task'::text,24,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:task'::text,25,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:task'::text,26,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:task'::text,27,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:task'::text,28,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:task'::text,29,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:user'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:user'::text,2,'Username'::text,'text'::text,false,''::text), ('salesforce:user'::text,3,'LastName'::text,'text'::text,false,''::text), ('salesforce:user'::text,4,'FirstName'::text,'text'::text,false,''::text), ('salesforce:user'::text,5,'Name'::text,'text'::text,false,''::text), ('salesforce:user'::text,6,'CompanyName'::text,'text'::text,false,''::text), ('salesforce:user'::text,7,'Division'::text,'text'::text,false,''::text), ('salesforce:user'::text,8,'Department'::text,'text'::text,false,''::text), ('salesforce:user'::text,9,'Title'::text,'text'::text,false,''::text), ('salesforce:user'::text,10,'Email'::text,'text'::text,false,''::text), ('salesforce:user'::text,11,'Phone'::text,'text'::text,false,''::text), ('salesforce:user'::text,12,'MobilePhone'::text,'text'::text,false,''::text), ('salesforce:user'::text,13,'Alias'::text,'text'::text,false,''::text), ('salesforce:user'::text,14,'TimeZoneSidKey'::text,'text'::text,false,''::text), ('salesforce:user'::text,15,'LocaleSidKey'::text,'text'::text,false,''::text), ('salesforce:user'::text,16,'LanguageLocaleKey'::text,'text'::text,false,''::text), ('salesforce:user'::text,17,'EmailEncodingKey'::text,'text'::text,false,''::text), ('salesforce:user'::text,18,'UserType'::text,'text'::text,false,''::text), ('salesforce:user'::text,19,'UserRoleId'::text,'text'::text,false,''::text), ('salesforce:user'::text,20,'ProfileId'::text,'text'::text,false,''::text), ('salesforce:user'::text,21,'ManagerId'::text,'text'::text,false,''::text), ('salesforce:user'::text,22,'EmployeeNumber'::text,'text'::text,false,''::text), ('salesforce:user'::text,23,'FederationIdentifier'::text,'text'::text,false,''::text), ('salesforce:user'::text,24,'IsActive'::text,'boolean'::text,false,''::text), ('salesforce:user'::text,25,'LastLoginDate'::text,'time'::text,false,''::text), ('salesforce:user'::text,26,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:user'::text,27,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:user'::text,28,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:user'::text,29,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:user'::text,30,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:user'::text,31,'LastModifiedById'::text,'text'::text,false,''::text), ('salesforce:userrole'::text,1,'Id'::text,'text'::text,true,''::text), ('salesforce:userrole'::text,2,'Name'::text,'text'::text,false,''::text), ('salesforce:userrole'::text,3,'ParentUserRoleId'::text,'text'::text,false,''::text), ('salesforce:userrole'::text,4,'DeveloperName'::text,'text'::text,false,''::text), ('salesforce:userrole'::text,5,'RollupDescription'::text,'text'::text,false,''::text), ('salesforce:userrole'::text,6,'IsDeleted'::text,'boolean'::text,false,''::text), ('salesforce:userrole'::text,7,'CreatedDate'::text,'time'::text,false,''::text), ('salesforce:userrole'::text,8,'LastModifiedDate'::text,'time'::text,false,''::text), ('salesforce:userrole'::text,9,'SystemModstamp'::text,'time'::text,false,''::text), ('salesforce:userrole'::text,10,'CreatedById'::text,'text'::text,false,''::text), ('salesforce:userrole'::text,11,'LastModifiedById'::text,'text'::text,false,''::text), ('shopify:collection'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:collection'::text,2,'legacyResourceId'::text,'text'::text,false,''::text), ('shopify:collection'::text,3,'title'::text,'text'::text,false,''::text), ('shopify:collection'::text,4,'handle'::text,'text'::text,false,''::text), ('shopify:collection'::text,5,'descriptionHtml'::text,'text'::text,false,''::text), ('shopify:collection'::text,6,'sortOrder'::text,'text'::text,false,''::text), ('shopify:collection'::text,7,'templateSuffix'::text,'text'::text,false,''::text), ('shopify:collection'::text,8,'updatedAt'::text,'time'::text,false,''::text), ('shopify:collection'::text,9,'productsCount'::text,'object'::text,false,''::text), ('shopify:collection'::text,10,'image'::text,'object'::text,false,''::text), ('shopify:collection'::text,11,'seo'::text,'object'::text,false,''::text), ('shopify:collection'::text,12,'sources'::text,'array'::text,false,''::text), ('shopify:company'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:company'::text,2,'name'::text,'text'::text,false,''::text), ('shopify:company'::text,3,'note'::text,'text'::text,false,''::text), ('shopify:company'::text,4,'externalId'::text,'text'::text,false,''::text), ('shopify:company'::text,5,'customerSince'::text,'time'::text,false,''::text), ('shopify:company'::text,6,'createdAt'::text,'time'::text,false,''::text), ('shopify:company'::text,7,'updatedAt'::text,'time'::text,false,''::text), ('shopify:company'::text,8,'totalSpent'::text,'object'::text,false,''::text), ('shopify:company'::text,9,'ordersCount'::text,'object'::text,false,''::text), ('shopify:company'::text,10,'contactsCount'::text,'object'::text,false,''::text), ('shopify:company'::text,11,'locationsCount'::text,'object'::text,false,''::text), ('shopify:company'::text,12,'mainContact'::text,'object'::text,false,''::text), ('shopify:company'::text,13,'defaultRole'::text,'object'::text,false,''::text), ('shopify:customer'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:customer'::text,2,'legacyResourceId'::text,'text'::text,false,''::text), ('shopify:customer'::text,3,'firstName'::text,'text'::text,false,''::text), ('shopify:customer'::text,4,'lastName'::text,'text'::text,false,''::text), ('shopify:customer'::text,5,'displayName'::text,'text'::text,false,''::text), ('shopify:customer'::text,6,'note'::text,'text'::text,false,''::text), ('shopify:customer'::text,7,'state'::text,'text'::text,false,''::text), ('shopify:customer'::text,8,'locale'::text,'text'::text,false,''::text), ('shopify:customer'::text,9,'numberOfOrders'::text,'text'::text,false,''::text), ('shopify:customer'::text,10,'multipassIdentifier'::text,'text'::text,false,''::text), ('shopify:customer'::text,11,'productSubscriberStatus'::text,'text'::text,false,''::text), ('shopify:customer'::text,12,'verifiedEmail'::text,'boolean'::text,false,''::text), ('shopify:customer'::text,13,'taxExempt'::text,'boolean'::text,false,''::text), ('shopify:customer'::text,14,'dataSaleOptOut'::text,'boolean'::text,false,''::text), ('shopify:customer'::text,15,'createdAt'::text,'time'::text,false,''::text), ('shopify:customer'::text,16,'updatedAt'::text,'time'::text,false,''::text), ('shopify:customer'::text,17,'amountSpent'::text,'object'::text,false,''::text), ('shopify:customer'::text,18,'defaultEmailAddress'::text,'object'::text,false,''::text), ('shopify:customer'::text,19,'defaultPhoneNumber'::text,'object'::text,false,''::text), ('shopify:customer'::text,20,'defaultAddress'::text,'object'::text,false,''::text), ('shopify:customer'::text,21,'lastOrder'::text,'object'::text,false,''::text), ('shopify:customer'::text,22,'addressesV2'::text,'object'::text,false,''::text), ('shopify:customer'::text,23,'tags'::text,'array'::text,false,''::text), ('shopify:customer'::text,24,'taxExemptions'::text,'array'::text,false,''::text), ('shopify:discount'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:discount'::text,2,'discount'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:draft_order'::text,2,'legacyResourceId'::text,'text'::text,false,''::text), ('shopify:draft_order'::text,3,'name'::text,'text'::text,false,''::text), ('shopify:draft_order'::text,4,'status'::text,'text'::text,false,''::text), ('shopify:draft_order'::text,5,'email'::text,'text'::text,false,''::text), ('shopify:draft_order'::text,6,'phone'::text,'text'::text,false,''::text), ('shopify:draft_order'::text,7,'note2'::text,'text'::text,false,''::text), ('shopify:draft_order'::text,8,'poNumber'::text,'text'::text,false,''::text), ('shopify:draft_order'::text,9,'invoiceUrl'::text,'text'::text,false,''::text), ('shopify:draft_order'::text,10,'currencyCode'::text,'text'::text,false,''::text), ('shopify:draft_order'::text,11,'presentmentCurrencyCode'::text,'text'::text,false,''::text), ('shopify:draft_order'::text,12,'totalWeight'::text,'text'::text,false,''::text), ('shopify:draft_order'::text,13,'totalQuantityOfLineItems'::text,'integer'::text,false,''::text), ('shopify:draft_order'::text,14,'ready'::text,'boolean'::text,false,''::text), ('shopify:draft_order'::text,15,'taxExempt'::text,'boolean'::text,false,''::text), ('shopify:draft_order'::text,16,'taxesIncluded'::text,'boolean'::text,false,''::text), ('shopify:draft_order'::text,17,'visibleToCustomer'::text,'boolean'::text,false,''::text), ('shopify:draft_order'::text,18,'billingAddressMatchesShippingAddress'::text,'boolean'::text,false,''::text), ('shopify:draft_order'::text,19,'createdAt'::text,'time'::text,false,''::text), ('shopify:draft_order'::text,20,'updatedAt'::text,'time'::text,false,''::text), ('shopify:draft_order'::text,21,'completedAt'::text,'time'::text,false,''::text), ('shopify:draft_order'::text,22,'invoiceSentAt'::text,'time'::text,false,''::text), ('shopify:draft_order'::text,23,'reserveInventoryUntil'::text,'time'::text,false,''::text), ('shopify:draft_order'::text,24,'customer'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,25,'order'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,26,'billingAddress'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,27,'shippingAddress'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,28,'appliedDiscount'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,29,'subtotalPriceSet'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,30,'totalPriceSet'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,31,'totalTaxSet'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,32,'totalDiscountsSet'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,33,'totalShippingPriceSet'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,34,'lineItemsSubtotalPrice'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,35,'lineItems'::text,'object'::text,false,''::text), ('shopify:draft_order'::text,36,'tags'::text,'array'::text,false,''::text), ('shopify:draft_order'::text,37,'discountCodes'::text,'array'::text,false,''::text), ('shopify:draft_order'::text,38,'customAttributes'::text,'array'::text,false,''::text), ('shopify:draft_order'::text,39,'taxLines'::text,'array'::text,false,''::text), ('shopify:fulfillment'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:fulfillment'::text,2,'legacyResourceId'::text,'text'::text,false,''::text), ('shopify:fulfillment'::text,3,'name'::text,'text'::text,false,''::text), ('shopify:fulfillment'::text,4,'status'::text,'text'::text,false,''::text), ('shopify:fulfillment'::text,5,'displayStatus'::text,'text'::text,false,''::text), ('shopify:fulfillment'::text,6,'totalQuantity'::text,'integer'::text,false,''::text), ('shopify:fulfillment'::text,7,'requiresShipping'::text,'boolean'::text,false,''::text), ('shopify:fulfillment'::text,8,'createdAt'::text,'time'::text,false,''::text), ('shopify:fulfillment'::text,9,'updatedAt'::text,'time'::text,false,''::text), ('shopify:fulfillment'::text,10,'deliveredAt'::text,'time'::text,false,''::text), ('shopify:fulfillment'::text,11,'inTransitAt'::text,'time'::text,false,''::text), ('shopify:fulfillment'::text,12,'estimatedDeliveryAt'::text,'time'::text,false,''::text), ('shopify:fulfillment'::text,13,'order'::text,'object'::text,false,''::text), ('shopify:fulfillment'::text,14,'location'::text,'object'::text,false,''::text), ('shopify:fulfillment'::text,15,'fulfillmentLineItems'::text,'object'::text,false,''::text), ('shopify:fulfillment'::text,16,'trackingInfo'::text,'array'::text,false,''::text), ('shopify:fulfillment_order'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:fulfillment_order'::text,2,'status'::text,'text'::text,false,''::text), ('shopify:fulfillment_order'::text,3,'requestStatus'::text,'text'::text,false,''::text), ('shopify:fulfillment_order'::text,4,'orderId'::text,'text'::text,false,''::text), ('shopify:fulfillment_order'::text,5,'orderName'::text,'text'::text,false,''::text), ('shopify:fulfillment_order'::text,6,'orderProcessedAt'::text,'time'::text,false,''::text), ('shopify:fulfillment_order'::text,7,'createdAt'::text,'time'::text,false,''::text), ('shopify:fulfillment_order'::text,8,'updatedAt'::text,'time'::text,false,''::text), ('shopify:fulfillment_order'::text,9,'fulfillAt'::text,'time'::text,false,''::text), ('shopify:fulfillment_order'::text,10,'fulfillBy'::text,'time'::text,false,''::text), ('shopify:fulfillment_order'::text,11,'assignedLocation'::text,'object'::text,false,''::text), ('shopify:fulfillment_order'::text,12,'destination'::text,'object'::text,false,''::text), ('shopify:fulfillment_order'::text,13,'deliveryMethod'::text,'object'::text,false,''::text), ('shopify:fulfillment_order'::text,14,'lineItems'::text,'object'::text,false,''::text), ('shopify:fulfillment_order'::text,15,'fulfillmentHolds'::text,'array'::text,false,''::text), ('shopify:fulfillment_order'::text,16,'supportedActions'::text,'array'::text,false,''::text), ('shopify:inventory_item'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:inventory_item'::text,2,'legacyResourceId'::text,'text'::text,false,''::text), ('shopify:inventory_item'::text,3,'sku'::text,'text'::text,false,''::text), ('shopify:inventory_item'::text,4,'countryCodeOfOrigin'::text,'text'::text,false,''::text), ('shopify:inventory_item'::text,5,'provinceCodeOfOrigin'::text,'text'::text,false,''::text), ('shopify:inventory_item'::text,6,'harmonizedSystemCode'::text,'text'::text,false,''::text), ('shopify:inventory_item'::text,7,'duplicateSkuCount'::text,'integer'::text,false,''::text), ('shopify:inventory_item'::text,8,'tracked'::text,'boolean'::text,false,''::text), ('shopify:inventory_item'::text,9,'requiresShipping'::text,'boolean'::text,false,''::text), ('shopify:inventory_item'::text,10,'createdAt'::text,'time'::text,false,''::text), ('shopify:inventory_item'::text,11,'updatedAt'::text,'time'::text,false,''::text), ('shopify:inventory_item'::text,12,'unitCost'::text,'object'::text,false,''::text), ('shopify:inventory_item'::text,13,'measurement'::text,'object'::text,false,''::text), ('shopify:inventory_level'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:inventory_level'::text,2,'deactivationAlert'::text,'text'::text,false,''::text), ('shopify:inventory_level'::text,3,'isActive'::text,'boolean'::text,false,''::text), ('shopify:inventory_level'::text,4,'canDeactivate'::text,'boolean'::text,false,''::text), ('shopify:inventory_level'::text,5,'createdAt'::text,'time'::text,false,''::text), ('shopify:inventory_level'::text,6,'updatedAt'::text,'time'::text,false,''::text), ('shopify:inventory_level'::text,7,'item'::text,'object'::text,false,''::text), ('shopify:inventory_level'::text,8,'location'::text,'object'::text,false,''::text), ('shopify:inventory_level'::text,9,'quantities'::text,'array'::text,false,''::text), ('shopify:location'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:location'::text,2,'legacyResourceId'::text,'text'::text,false,''::text), ('shopify:location'::text,3,'name'::text,'text'::text,false,''::text), ('shopify:location'::text,4,'deactivatedAt'::text,'text'::text,false,''::text), ('shopify:location'::text,5,'isActive'::text,'boolean'::text,false,''::text), ('shopify:location'::text,6,'activatable'::text,'boolean'::text,false,''::text), ('shopify:location'::text,7,'deactivatable'::text,'boolean'::text,false,''::text), ('shopify:location'::text,8,'deletable'::text,'boolean'::text,false,''::text), ('shopify:location'::text,9,'fulfillsOnlineOrders'::text,'boolean'::text,false,''::text), ('shopify:location'::text,10,'hasActiveInventory'::text,'boolean'::text,false,''::text), ('shopify:location'::text,11,'hasUnfulfilledOrders'::text,'boolean'::text,false,''::text), ('shopify:location'::text,12,'isFulfillmentService'::text,'boolean'::text,false,''::text), ('shopify:location'::text,13,'shipsInventory'::text,'boolean'::text,false,''::text), ('shopify:location'::text,14,'addressVerified'::text,'boolean'::text,false,''::text), ('shopify:location'::text,15,'createdAt'::text,'time'::text,false,''::text), ('shopify:location'::text,16,'updatedAt'::text,'time'::text,false,''::text), ('shopify:location'::text,17,'address'::text,'object'::text,false,''::text), ('shopify:metafield'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:metafield'::text,2,'legacyResourceId'::text,'text'::text,false,''::text), ('shopify:metafield'::text,3,'namespace'::text,'text'::text,false,''::text), ('shopify:metafield'::text,4,'key'::text,'text'::text,false,''::text), ('shopify:metafield'::text,5,'type'::text,'text'::text,false,''::text), ('shopify:metafield'::text,6,'value'::text,'text'::text,false,''::text), ('shopify:metafield'::text,7,'compareDigest'::text,'text'::text,false,''::text), ('shopify:metafield'::text,8,'ownerType'::text,'text'::text,false,''::text), ('shopify:metafield'::text,9,'sizeInBytes'::text,'integer'::text,false,''::text), ('shopify:metafield'::text,10,'createdAt'::text,'time'::text,false,''::text), ('shopify:metafield'::text,11,'updatedAt'::text,'time'::text,false,''::text), ('shopify:metafield'::text,12,'owner'::text,'object'::text,false,''::text), ('shopify:metafield'::text,13,'definition'::text,'object'::text,false,''::text), ('shopify:order'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:order'::text,2,'legacyResourceId'::text,'text'::text,false,''::text), ('shopify:order'::text,3,'name'::text,'text'::text,false,''::text), ('shopify:order'::text,4,'email'::text,'text'::text,false,''::text), ('shopify:order'::text,5,'phone'::text,'text'::text,false,''::text), ('shopify:order'::text,6,'note'::text,'text'::text,false,''::text), ('shopify:order'::text,7,'poNumber'::text,'text'::text,false,''::text), ('shopify:order'::text,8,'cancelReason'::text,'text'::text,false,''::text), ('shopify:order'::text,9,'confirmationNumber'::text,'text'::text,false,''::text), ('shopify:order'::text,10,'currencyCode'::text,'text'::text,false,''::text), ('shopify:order'::text,11,'presentmentCurrencyCode'::text,'text'::text,false,''::text), ('shopify:order'::text,12,'customerLocale'::text,'text'::text,false,''::text), ('shopify:order'::text,13,'displayFinancialStatus'::text,'text'::text,false,''::text), ('shopify:order'::text,14,'displayFulfillmentStatus'::text,'text'::text,false,''::text), ('shopify:order'::text,15,'returnStatus'::text,'text'::text,false,''::text), ('shopify:order'::text,16,'discountCode'::text,'text'::text,false,''::text), ('shopify:order'::text,17,'sourceName'::text,'text'::text,false,''::text), ('shopify:order'::text,18,'sourceIdentifier'::text,'text'::text,false,''::text), ('shopify:order'::text,19,'registeredSourceUrl'::text,'text'::text,false,''::text), ('shopify:order'::text,20,'statusPageUrl'::text,'text'::text,false,''::text), ('shopify:order'::text,21,'totalWeight'::text,'text'::text,false,''::text), ('shopify:order'::text,22,'currentTotalWeight'::text,'text'::text,false,''::text), ('shopify:order'::text,23,'number'::text,'integer'::text,false,''::text), ('shopify:order'::text,24,'subtotalLineItemsQuantity'::text,'integer'::text,false,''::text), ('shopify:order'::text,25,'currentSubtotalLineItemsQuantity'::text,'integer'::text,false,''::text), ('shopify:order'::text,26,'closed'::text,'boolean'::text,false,''::text), ('shopify:order'::text,27,'confirmed'::text,'boolean'::text,false,''::text), ('shopify:order'::text,28,'test'::text,'boolean'::text,false,''::text), ('shopify:order'::text,29,'edited'::text,'boolean'::text,false,''::text), ('shopify:order'::text,30,'fulfillable'::text,'boolean'::text,false,''::text), ('shopify:order'::text,31,'fullyPaid'::text,'boolean'::text,false,''::text), ('shopify:order'::text,32,'unpaid'::text,'boolean'::text,false,''::text), ('shopify:order'::text,33,'refundable'::text,'boolean'::text,false,''::text), ('shopify:order'::text,34,'restockable'::text,'boolean'::text,false,''::text), ('shopify:order'::text,35,'requiresShipping'::text,'boolean'::text,false,''::text), ('shopify:order'::text,36,'taxesIncluded'::text,'boolean'::text,false,''::text), ('shopify:order'::text,37,'taxExempt'::text,'boolean'::text,false,''::text), ('shopify:order'::text,38,'dutiesIncluded'::text,'boolean'::text,false,''::text), ('shopify:order'::text,39,'estimatedTaxes'::text,'boolean'::text,false,''::text), ('shopify:order'::text,40,'customerAcceptsMarketing'::text,'boolean'::text,false,''::text), ('shopify:order'::text,41,'billingAddressMatchesShippingAddress'::text,'boolean'::text,false,''::text), ('shopify:order'::text,42,'merchantEditable'::text,'boolean'::text,false,''::text), ('shopify:order'::text,43,'createdAt'::text,'time'::text,false,''::text), ('shopify:order'::text,44,'updatedAt'::text,'time'::text,false,''::text), ('shopify:order'::text,45,'processedAt'::text,'time'::text,false,''::text), ('shopify:order'::text,46,'cancelledAt'::text,'time'::text,false,''::text), ('shopify:order'::text,47,'closedAt'::text,'time'::text,false,''::text), ('shopify:order'::text,48,'customer'::text,'object'::text,false,''::text), ('shopify:order'::text,49,'billingAddress'::text,'object'::text,false,''::text), ('shopify:order'::text,50,'shippingAddress'::text,'object'::text,false,''::text), ('shopify:order'::text,51,'totalPriceSet'::text,'object'::text,false,''::text), ('shopify:order'::text,52,'subtotalPriceSet'::text,'object'::text,false,''::text), ('shopify:order'::text,53,'totalTaxSet'::text,'object'::text,false,''::text), ('shopify:order'::text,54,'totalDiscountsSet'::text,'object'::text,false,''::text), ('shopify:order'::text,55,'totalShippingPriceSet'::text,'object'::text,false,''::text), ('shopify:order'::text,56,'totalRefundedSet'::text,'object'::text,false,''::text), ('shopify:order'::text,57,'totalReceivedSet'::text,'object'::text,false,''::text), ('shopify:order'::text,58,'totalOutstandingSet'::text,'object'::text,false,''::text), ('shopify:order'::text,59,'totalTipReceivedSet'::text,'object'::text,false,''::text), ('shopify:order'::text,60,'netPaymentSet'::text,'object'::text,false,''::text), ('shopify:order'::text,61,'originalTotalPriceSet'::text,'object'::text,false,''::text), ('shopify:order'::text,62,'currentTotalPriceSet'::text,'object'::text,false,''::text), ('shopify:order'::text,63,'currentSubtotalPriceSet'::text,'object'::text,false,''::text), ('shopify:order'::text,64,'currentTotalTaxSet'::text,'object'::text,false,''::text), ('shopify:order'::text,65,'currentTotalDiscountsSet'::text,'object'::text,false,''::text), ('shopify:order'::text,66,'lineItems'::text,'object'::text,false,''::text), ('shopify:order'::text,67,'shippingLines'::text,'object'::text,false,''::text), ('shopify:order'::text,68,'tags'::text,'array'::text,false,''::text), ('shopify:order'::text,69,'discountCodes'::text,'array'::text,false,''::text), ('shopify:order'::text,70,'paymentGatewayNames'::text,'array'::text,false,''::text), ('shopify:order'::text,71,'customAttributes'::text,'array'::text,false,''::text), ('shopify:order'::text,72,'taxLines'::text,'array'::text,false,''::text), ('shopify:order'::text,73,'transactions'::text,'array'::text,false,''::text), ('shopify:order'::text,74,'refunds'::text,'array'::text,false,''::text), ('shopify:product'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:product'::text,2,'legacyResourceId'::text,'text'::text,false,''::text), ('shopify:product'::text,3,'title'::text,'text'::text,false,''::text), ('shopify:product'::text,4,'handle'::text,'text'::text,false,''::text), ('shopify:product'::text,5,'status'::text,'text'::text,false,''::text), ('shopify:product'::text,6,'vendor'::text,'text'::text,false,''::text), ('shopify:product'::text,7,'productType'::text,'text'::text,false,''::text), ('shopify:product'::text,8,'descriptionHtml'::text,'text'::text,false,''::text), ('shopify:product'::text,9,'templateSuffix'::text,'text'::text,false,''::text), ('shopify:product'::text,10,'giftCardTemplateSuffix'::text,'text'::text,false,''::text), ('shopify:product'::text,11,'onlineStoreUrl'::text,'text'::text,false,''::text), ('shopify:product'::text,12,'onlineStorePreviewUrl'::text,'text'::text,false,''::text), ('shopify:product'::text,13,'combinedListingRole'::text,'text'::text,false,''::text), ('shopify:product'::text,14,'totalInventory'::text,'integer'::text,false,''::text), ('shopify:product'::text,15,'isGiftCard'::text,'boolean'::text,false,''::text), ('shopify:product'::text,16,'hasOnlyDefaultVariant'::text,'boolean'::text,false,''::text), ('shopify:product'::text,17,'hasOutOfStockVariants'::text,'boolean'::text,false,''::text), ('shopify:product'::text,18,'hasVariantsThatRequiresComponents'::text,'boolean'::text,false,''::text), ('shopify:product'::text,19,'requiresSellingPlan'::text,'boolean'::text,false,''::text), ('shopify:product'::text,20,'tracksInventory'::text,'boolean'::text,false,''::text), ('shopify:product'::text,21,'createdAt'::text,'time'::text,false,''::text), ('shopify:product'::text,22,'updatedAt'::text,'time'::text,false,''::text), ('shopify:product'::text,23,'publishedAt'::text,'time'::text,false,''::text), ('shopify:product'::text,24,'category'::text,'object'::text,false,''::text), ('shopify:product'::text,25,'seo'::text,'object'::text,false,''::text), ('shopify:product'::text,26,'priceRangeV2'::text,'object'::text,false,''::text), ('shopify:product'::text,27,'featuredMedia'::text,'object'::text,false,''::text), ('shopify:product'::text,28,'media'::text,'object'::text,false,''::text), ('shopify:product'::text,29,'tags'::text,'array'::text,false,''::text), ('shopify:product'::text,30,'options'::text,'array'::text,false,''::text), ('shopify:variant'::text,1,'id'::text,'text'::text,true,''::text), ('shopify:variant'::text,2,'legacyResourceId'::text,'text'::text,false,''::text), ('shopify:variant'::text,3,'title'::text,'text'::text,false,''::text), ('shopify:variant'::text,4,'displayName'::text,'text'::text,false,''::text), ('shopify:variant'::text,5,'sku'::text,'text'::text,false,''::text), ('shopify:variant'::text,6,'barcode'::text,'text'::text,false,''::text), ('shopify:variant'::text,7,'price'::text,'text'::text,false,''::text), ('shopify:variant'::text,8,'compareAtPrice'::text,'text'::text,false,''::text), ('shopify:variant'::text,9,'inventoryPolicy'::text,'text'::text,false,''::text), ('shopify:variant'::text,10,'position'::text,'integer'::text,false,''::text), ('shopify:variant'::text,11,'inventoryQuantity'::text,'integer'::text,false,''::text), ('shopify:variant'::text,12,'taxable'::text,'boolean'::text,false,''::text), ('shopify:variant'::text,13,'availableForSale'::text,'boolean'::text,false,''::text), ('shopify:variant'::text,14,'requiresComponents'::text,'boolean'::text,false,''::text), ('shopify:variant'::text,15,'showUnitPrice'::text,'boolean'::text,false,''::text), ('shopify:variant'::text,16,'createdAt'::text,'time'::text,false,''::text), ('shopify:variant'::text,17,'updatedAt'::text,'time'::text,false,''::text), ('shopify:variant'::text,18,'product'::text,'object'::text,false,''::text), ('shopify:variant'::text,19,'inventoryItem'::text,'object'::text,false,''::text), ('shopify:variant'::text,20,'unitPriceMeasurement'::text,'object'::text,false,''::text), ('shopify:variant'::text,21,'selectedOptions'::text,'array'::text,false,''::text), ('stripe:account'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:account'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:account'::text,3,'business_type'::text,'text'::text,false,''::text), ('stripe:account'::text,4,'country'::text,'text'::text,false,''::text), ('stripe:account'::text,5,'default_currency'::text,'text'::text,false,''::text), ('stripe:account'::text,6,'email'::text,'text'::text,false,''::text), ('stripe:account'::text,7,'type'::text,'text'::text,false,''::text), ('stripe:account'::text,8,'created'::text,'integer'::text,false,''::text), ('stripe:account'::text,9,'charges_enabled'::text,'boolean'::text,false,''::text), ('stripe:account'::text,10,'details_submitted'::text,'boolean'::text,false,''::text), ('stripe:account'::text,11,'payouts_enabled'::text,'boolean'::text,false,''::text), ('stripe:account'::text,12,'business_profile'::text,'object'::text,false,''::text), ('stripe:account'::text,13,'capabilities'::text,'object'::text,false,''::text), ('stripe:account'::text,14,'company'::text,'object'::text,false,''::text), ('stripe:account'::text,15,'controller'::text,'object'::text,false,''::text), ('stripe:account'::text,16,'external_accounts'::text,'object'::text,false,''::text), ('stripe:account'::text,17,'future_requirements'::text,'object'::text,false,''::text), ('stripe:account'::text,18,'groups'::text,'object'::text,false,''::text), ('stripe:account'::text,19,'individual'::text,'object'::text,false,''::text), ('stripe:account'::text,20,'metadata'::text,'object'::text,false,''::text), ('stripe:account'::text,21,'requirements'::text,'object'::text,false,''::text), ('stripe:account'::text,22,'settings'::text,'object'::text,false,''::text), ('stripe:account'::text,23,'tos_acceptance'::text,'object'::text,false,''::text), ('stripe:application_fee'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:application_fee'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:application_fee'::text,3,'account'::text,'text'::text,false,''::text), ('stripe:application_fee'::text,4,'application'::text,'text'::text,false,''::text), ('stripe:application_fee'::text,5,'balance_transaction'::text,'text'::text,false,''::text), ('stripe:application_fee'::text,6,'charge'::text,'text'::text,false,''::text), ('stripe:application_fee'::text,7,'currency'::text,'text'::text,false,''::text), ('stripe:application_fee'::text,8,'originating_transaction'::text,'text'::text,false,''::text), ('stripe:application_fee'::text,9,'amount'::text,'integer'::text,false,''::text), ('stripe:application_fee'::text,10,'amount_refunded'::text,'integer'::text,false,''::text), ('stripe:application_fee'::text,11,'created'::text,'integer'::text,false,''::text), ('stripe:application_fee'::text,12,'livemode'::text,'boolean'::text,false,''::text), ('stripe:application_fee'::text,13,'refunded'::text,'boolean'::text,false,''::text), ('stripe:application_fee'::text,14,'fee_source'::text,'object'::text,false,''::text), ('stripe:application_fee'::text,15,'refunds'::text,'object'::text,false,''::text), ('stripe:balance_transaction'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:balance_transaction'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:balance_transaction'::text,3,'balance_type'::text,'text'::text,false,''::text), ('stripe:balance_transaction'::text,4,'currency'::text,'text'::text,false,''::text), ('stripe:balance_transaction'::text,5,'description'::text,'text'::text,false,''::text), ('stripe:balance_transaction'::text,6,'reporting_category'::text,'text'::text,false,''::text), ('stripe:balance_transaction'::text,7,'source'::text,'text'::text,false,''::text), ('stripe:balance_transaction'::text,8,'status'::text,'text'::text,false,''::text), ('stripe:balance_transaction'::text,9,'type'::text,'text'::text,false,''::text), ('stripe:balance_transaction'::text,10,'amount'::text,'integer'::text,false,''::text), ('stripe:balance_transaction'::text,11,'available_on'::text,'integer'::text,false,''::text), ('stripe:balance_transaction'::text,12,'created'::text,'integer'::text,false,''::text), ('stripe:balance_transaction'::text,13,'fee'::text,'integer'::text,false,''::text), ('stripe:balance_transaction'::text,14,'net'::text,'integer'::text,false,''::text), ('stripe:balance_transaction'::text,15,'exchange_rate'::text,'number'::text,false,''::text), ('stripe:balance_transaction'::text,16,'fee_details'::text,'array'::text,false,''::text), ('stripe:billing_alert'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:billing_alert'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:billing_alert'::text,3,'alert_type'::text,'text'::text,false,''::text), ('stripe:billing_alert'::text,4,'status'::text,'text'::text,false,''::text), ('stripe:billing_alert'::text,5,'title'::text,'text'::text,false,''::text), ('stripe:billing_alert'::text,6,'livemode'::text,'boolean'::text,false,''::text), ('stripe:billing_alert'::text,7,'usage_threshold'::text,'object'::text,false,''::text), ('stripe:billing_credit_balance_transaction'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:billing_credit_balance_transaction'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:billing_credit_balance_transaction'::text,3,'credit_grant'::text,'text'::text,false,''::text), ('stripe:billing_credit_balance_transaction'::text,4,'test_clock'::text,'text'::text,false,''::text), ('stripe:billing_credit_balance_transaction'::text,5,'type'::text,'text'::text,false,''::text), ('stripe:billing_credit_balance_transaction'::text,6,'created'::text,'integer'::text,false,''::text), ('stripe:billing_credit_balance_transaction'::text,7,'effective_at'::text,'integer'::text,false,''::text), ('stripe:billing_credit_balance_transaction'::text,8,'livemode'::text,'boolean'::text,false,''::text), ('stripe:billing_credit_balance_transaction'::text,9,'credit'::text,'object'::text,false,''::text), ('stripe:billing_credit_balance_transaction'::text,10,'debit'::text,'object'::text,false,''::text), ('stripe:billing_credit_grant'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:billing_credit_grant'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:billing_credit_grant'::text,3,'category'::text,'text'::text,false,''::text), ('stripe:billing_credit_grant'::text,4,'customer'::text,'text'::text,false,''::text), ('stripe:billing_credit_grant'::text,5,'customer_account'::text,'text'::text,false,''::text), ('stripe:billing_credit_grant'::text,6,'name'::text,'text'::text,false,''::text), ('stripe:billing_credit_grant'::text,7,'test_clock'::text,'text'::text,false,''::text), ('stripe:billing_credit_grant'::text,8,'created'::text,'integer'::text,false,''::text), ('stripe:billing_credit_grant'::text,9,'effective_at'::text,'integer'::text,false,''::text), ('stripe:billing_credit_grant'::text,10,'expires_at'::text,'integer'::text,false,''::text), ('stripe:billing_credit_grant'::text,11,'priority'::text,'integer'::text,false,''::text), ('stripe:billing_credit_grant'::text,12,'updated'::text,'integer'::text,false,''::text), ('stripe:billing_credit_grant'::text,13,'voided_at'::text,'integer'::text,false,''::text), ('stripe:billing_credit_grant'::text,14,'livemode'::text,'boolean'::text,false,''::text), ('stripe:billing_credit_grant'::text,15,'amount'::text,'object'::text,false,''::text), ('stripe:billing_credit_grant'::text,16,'applicability_config'::text,'object'::text,false,''::text), ('stripe:billing_credit_grant'::text,17,'metadata'::text,'object'::text,false,''::text), ('stripe:billing_feedback_option'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:billing_feedback_option'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:billing_feedback_option'::text,3,'description'::text,'text'::text,false,''::text), ('stripe:billing_feedback_option'::text,4,'status'::text,'text'::text,false,''::text), ('stripe:billing_feedback_option'::text,5,'livemode'::text,'boolean'::text,false,''::text), ('stripe:billing_feedback_option'::text,6,'status_transitions'::text,'object'::text,false,''::text), ('stripe:billing_meter'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:billing_meter'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:billing_meter'::text,3,'display_name'::text,'text'::text,false,''::text), ('stripe:billing_meter'::text,4,'event_name'::text,'text'::text,false,''::text), ('stripe:billing_meter'::text,5,'event_time_window'::text,'text'::text,false,''::text), ('stripe:billing_meter'::text,6,'status'::text,'text'::text,false,''::text), ('stripe:billing_meter'::text,7,'created'::text,'integer'::text,false,''::text), ('stripe:billing_meter'::text,8,'updated'::text,'integer'::text,false,''::text), ('stripe:billing_meter'::text,9,'livemode'::text,'boolean'::text,false,''::text), ('stripe:billing_meter'::text,10,'customer_mapping'::text,'object'::text,false,''::text), ('stripe:billing_meter'::text,11,'default_aggregation'::text,'object'::text,false,''::text), ('stripe:billing_meter'::text,12,'status_transitions'::text,'object'::text,false,''::text), ('stripe:billing_meter'::text,13,'value_settings'::text,'object'::text,false,''::text), ('stripe:billing_portal_configuration'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:billing_portal_configuration'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:billing_portal_configuration'::text,3,'application'::text,'text'::text,false,''::text), ('stripe:billing_portal_configuration'::text,4,'default_return_url'::text,'text'::text,false,''::text), ('stripe:billing_portal_configuration'::text,5,'name'::text,'text'::text,false,''::text), ('stripe:billing_portal_configuration'::text,6,'created'::text,'integer'::text,false,''::text), ('stripe:billing_portal_configuration'::text,7,'updated'::text,'integer'::text,false,''::text), ('stripe:billing_portal_configuration'::text,8,'active'::text,'boolean'::text,false,''::text), ('stripe:billing_portal_configuration'::text,9,'is_default'::text,'boolean'::text,false,''::text), ('stripe:billing_portal_configuration'::text,10,'livemode'::text,'boolean'::text,false,''::text), ('stripe:billing_portal_configuration'::text,11,'business_profile'::text,'object'::text,false,''::text), ('stripe:billing_portal_configuration'::text,12,'features'::text,'object'::text,false,''::text), ('stripe:billing_portal_configuration'::text,13,'login_page'::text,'object'::text,false,''::text), ('stripe:billing_portal_configuration'::text,14,'metadata'::text,'object'::text,false,''::text), ('stripe:charge'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:charge'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:charge'::text,3,'application'::text,'text'::text,false,''::text), ('stripe:charge'::text,4,'application_fee'::text,'text'::text,false,''::text), ('stripe:charge'::text,5,'authorization_code'::text,'text'::text,false,''::text), ('stripe:charge'::text,6,'balance_transaction'::text,'text'::text,false,''::text), ('stripe:charge'::text,7,'calculated_statement_descriptor'::text,'text'::text,false,''::text), ('stripe:charge'::text,8,'currency'::text,'text'::text,false,''::text), ('stripe:charge'::text,9,'customer'::text,'text'::text,false,''::text), ('stripe:charge'::text,10,'description'::text,'text'::text,false,''::text), ('stripe:charge'::text,11,'failure_balance_transaction'::text,'text'::text,false,''::text), ('stripe:charge'::text,12,'failure_code'::text,'text'::text,false,''::text), ('stripe:charge'::text,13,'failure_message'::text,'text'::text,false,''::text), ('stripe:charge'::text,14,'on_behalf_of'::text,'text'::text,false,''::text), ('stripe:charge'::text,15,'payment_intent'::text,'text'::text,false,''::text), ('stripe:charge'::text,16,'payment_method'::text,'text'::text,false,''::text), ('stripe:charge'::text,17,'receipt_email'::text,'text'::text,false,''::text), ('stripe:charge'::text,18,'receipt_number'::text,'text'::text,false,''::text), ('stripe:charge'::text,19,'receipt_url'::text,'text'::text,false,''::text), ('stripe:charge'::text,20,'review'::text,'text'::text,false,''::text), ('stripe:charge'::text,21,'source_transfer'::text,'text'::text,false,''::text), ('stripe:charge'::text,22,'statement_descriptor'::text,'text'::text,false,''::text), ('stripe:charge'::text,23,'statement_descriptor_suffix'::text,'text'::text,false,''::text), ('stripe:charge'::text,24,'status'::text,'text'::text,false,''::text), ('stripe:charge'::text,25,'transfer'::text,'text'::text,false,''::text), ('stripe:charge'::text,26,'transfer_group'::text,'text'::text,false,''::text), ('stripe:charge'::text,27,'amount'::text,'integer'::text,false,''::text), ('stripe:charge'::text,28,'amount_captured'::text,'integer'::text,false,''::text), ('stripe:charge'::text,29,'amount_refunded'::text,'integer'::text,false,''::text), ('stripe:charge'::text,30,'application_fee_amount'::text,'integer'::text,false,''::text), ('stripe:charge'::text,31,'created'::text,'integer'::text,false,''::text), ('stripe:charge'::text,32,'captured'::text,'boolean'::text,false,''::text), ('stripe:charge'::text,33,'disputed'::text,'boolean'::text,false,''::text), ('stripe:charge'::text,34,'livemode'::text,'boolean'::text,false,''::text), ('stripe:charge'::text,35,'paid'::text,'boolean'::text,false,''::text), ('stripe:charge'::text,36,'refunded'::text,'boolean'::text,false,''::text), ('stripe:charge'::text,37,'billing_details'::text,'object'::text,false,''::text), ('stripe:charge'::text,38,'fraud_details'::text,'object'::text,false,''::text), ('stripe:charge'::text,39,'level3'::text,'object'::text,false,''::text), ('stripe:charge'::text,40,'metadata'::text,'object'::text,false,''::text), ('stripe:charge'::text,41,'outcome'::text,'object'::text,false,''::text), ('stripe:charge'::text,42,'payment_method_details'::text,'object'::text,false,''::text), ('stripe:charge'::text,43,'presentment_details'::text,'object'::text,false,''::text), ('stripe:charge'::text,44,'radar_options'::text,'object'::text,false,''::text), ('stripe:charge'::text,45,'refunds'::text,'object'::text,false,''::text), ('stripe:charge'::text,46,'shipping'::text,'object'::text,false,''::text), ('stripe:charge'::text,47,'transfer_data'::text,'object'::text,false,''::text), ('stripe:charge'::text,48,'source'::text,'any'::text,false,''::text), ('stripe:checkout_session'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:checkout_session'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,3,'billing_address_collection'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,4,'cancel_url'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,5,'client_reference_id'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,6,'client_secret'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,7,'currency'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,8,'customer'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,9,'customer_account'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,10,'customer_creation'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,11,'customer_email'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,12,'integration_identifier'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,13,'invoice'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,14,'locale'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,15,'mode'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,16,'origin_context'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,17,'payment_intent'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,18,'payment_link'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,19,'payment_method_collection'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,20,'payment_status'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,21,'recovered_from'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,22,'redirect_on_completion'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,23,'return_url'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,24,'setup_intent'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,25,'status'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,26,'submit_type'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,27,'subscription'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,28,'success_url'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,29,'ui_mode'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,30,'url'::text,'text'::text,false,''::text), ('stripe:checkout_session'::text,31,'amount_subtotal'::text,'integer'::text,false,''::text), ('stripe:checkout_session'::text,32,'amount_total'::text,'integer'::text,false,''::text), ('stripe:checkout_session'::text,33,'created'::text,'integer'::text,false,''::text), ('stripe:checkout_session'::text,34,'expires_at'::text,'integer'::text,false,''::text), ('stripe:checkout_session'::text,35,'allow_promotion_codes'::text,'boolean'::text,false,''::text), ('stripe:checkout_session'::text,36,'livemode'::text,'boolean'::text,false,''::text), ('stripe:checkout_session'::text,37,'adaptive_pricing'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,38,'after_expiration'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,39,'automatic_tax'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,40,'branding_settings'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,41,'collected_information'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,42,'consent'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,43,'consent_collection'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,44,'currency_conversion'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,45,'custom_text'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,46,'customer_details'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,47,'invoice_creation'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,48,'line_items'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,49,'managed_payments'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,50,'metadata'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,51,'name_collection'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,52,'payment_method_configuration_details'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,53,'payment_method_options'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,54,'permissions'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,55,'phone_number_collection'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,56,'presentment_details'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,57,'saved_payment_method_options'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,58,'shipping_address_collection'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,59,'shipping_cost'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,60,'tax_id_collection'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,61,'total_details'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,62,'wallet_options'::text,'object'::text,false,''::text), ('stripe:checkout_session'::text,63,'allowed_payment_method_types'::text,'array'::text,false,''::text), ('stripe:checkout_session'::text,64,'custom_fields'::text,'array'::text,false,''::text), ('stripe:checkout_session'::text,65,'discounts'::text,'array'::text,false,''::text), ('stripe:checkout_session'::text,66,'excluded_payment_method_types'::text,'array'::text,false,''::text), ('stripe:checkout_session'::text,67,'optional_items'::text,'array'::text,false,''::text), ('stripe:checkout_session'::text,68,'payment_method_types'::text,'array'::text,false,''::text), ('stripe:checkout_session'::text,69,'shipping_options'::text,'array'::text,false,''::text), ('stripe:coupon'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:coupon'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:coupon'::text,3,'currency'::text,'text'::text,false,''::text), ('stripe:coupon'::text,4,'duration'::text,'text'::text,false,''::text), ('stripe:coupon'::text,5,'name'::text,'text'::text,false,''::text), ('stripe:coupon'::text,6,'amount_off'::text,'integer'::text,false,''::text), ('stripe:coupon'::text,7,'created'::text,'integer'::text,false,''::text), ('stripe:coupon'::text,8,'duration_in_months'::text,'integer'::text,false,''::text), ('stripe:coupon'::text,9,'max_redemptions'::text,'integer'::text,false,''::text), ('stripe:coupon'::text,10,'redeem_by'::text,'integer'::text,false,''::text), ('stripe:coupon'::text,11,'times_redeemed'::text,'integer'::text,false,''::text), ('stripe:coupon'::text,12,'percent_off'::text,'number'::text,false,''::text), ('stripe:coupon'::text,13,'livemode'::text,'boolean'::text,false,''::text), ('stripe:coupon'::text,14,'valid'::text,'boolean'::text,false,''::text), ('stripe:coupon'::text,15,'applies_to'::text,'object'::text,false,''::text), ('stripe:coupon'::text,16,'currency_options'::text,'object'::text,false,''::text), ('stripe:coupon'::text,17,'metadata'::text,'object'::text,false,''::text), ('stripe:credit_note'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:credit_note'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,3,'currency'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,4,'customer'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,5,'customer_account'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,6,'customer_balance_transaction'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,7,'invoice'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,8,'memo'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,9,'number'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,10,'pdf'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,11,'reason'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,12,'status'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,13,'type'::text,'text'::text,false,''::text), ('stripe:credit_note'::text,14,'amount'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,15,'amount_shipping'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,16,'created'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,17,'discount_amount'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,18,'effective_at'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,19,'out_of_band_amount'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,20,'post_payment_amount'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,21,'pre_payment_amount'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,22,'subtotal'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,23,'subtotal_excluding_tax'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,24,'total'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,25,'total_excluding_tax'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,26,'voided_at'::text,'integer'::text,false,''::text), ('stripe:credit_note'::text,27,'livemode'::text,'boolean'::text,false,''::text), ('stripe:credit_note'::text,28,'lines'::text,'object'::text,false,''::text), ('stripe:credit_note'::text,29,'metadata'::text,'object'::text,false,''::text), ('stripe:credit_note'::text,30,'shipping_cost'::text,'object'::text,false,''::text), ('stripe:credit_note'::text,31,'discount_amounts'::text,'array'::text,false,''::text), ('stripe:credit_note'::text,32,'pretax_credit_amounts'::text,'array'::text,false,''::text), ('stripe:credit_note'::text,33,'refunds'::text,'array'::text,false,''::text), ('stripe:credit_note'::text,34,'total_taxes'::text,'array'::text,false,''::text), ('stripe:customer'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:customer'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:customer'::text,3,'business_name'::text,'text'::text,false,''::text), ('stripe:customer'::text,4,'currency'::text,'text'::text,false,''::text), ('stripe:customer'::text,5,'customer_account'::text,'text'::text,false,''::text), ('stripe:customer'::text,6,'default_source'::text,'text'::text,false,''::text), ('stripe:customer'::text,7,'description'::text,'text'::text,false,''::text), ('stripe:customer'::text,8,'email'::text,'text'::text,false,''::text), ('stripe:customer'::text,9,'individual_name'::text,'text'::text,false,''::text), ('stripe:customer'::text,10,'invoice_prefix'::text,'text'::text,false,''::text), ('stripe:customer'::text,11,'name'::text,'text'::text,false,''::text), ('stripe:customer'::text,12,'phone'::text,'text'::text,false,''::text), ('stripe:customer'::text,13,'tax_exempt'::text,'text'::text,false,''::text), ('stripe:customer'::text,14,'test_clock'::text,'text'::text,false,''::text), ('stripe:customer'::text,15,'balance'::text,'integer'::text,false,''::text), ('stripe:customer'::text,16,'created'::text,'integer'::text,false,''::text), ('stripe:customer'::text,17,'next_invoice_sequence'::text,'integer'::text,false,''::text), ('stripe:customer'::text,18,'delinquent'::text,'boolean'::text,false,''::text), ('stripe:customer'::text,19,'livemode'::text,'boolean'::text,false,''::text), ('stripe:customer'::text,20,'address'::text,'object'::text,false,''::text), ('stripe:customer'::text,21,'cash_balance'::text,'object'::text,false,''::text), ('stripe:customer'::text,22,'discount'::text,'object'::text,false,''::text), ('stripe:customer'::text,23,'invoice_credit_balance'::text,'object'::text,false,''::text), ('stripe:customer'::text,24,'invoice_settings'::text,'object'::text,false,''::text), ('stripe:customer'::text,25,'metadata'::text,'object'::text,false,''::text), ('stripe:customer'::text,26,'shipping'::text,'object'::text,false,''::text), ('stripe:customer'::text,27,'sources'::text,'object'::text,false,''::text), ('stripe:customer'::text,28,'subscriptions'::text,'object'::text,false,''::text), ('stripe:customer'::text,29,'tax'::text,'object'::text,false,''::text), ('stripe:customer'::text,30,'tax_ids'::text,'object'::text,false,''::text), ('stripe:customer'::text,31,'preferred_locales'::text,'array'::text,false,''::text), ('stripe:customer_balance_transaction'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:customer_balance_transaction'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:customer_balance_transaction'::text,3,'checkout_session'::text,'text'::text,false,''::text), ('stripe:customer_balance_transaction'::text,4,'credit_note'::text,'text'::text,false,''::text), ('stripe:customer_balance_transaction'::text,5,'currency'::text,'text'::text,false,''::text), ('stripe:customer_balance_transaction'::text,6,'customer'::text,'text'::text,false,''::text), ('stripe:customer_balance_transaction'::text,7,'customer_account'::text,'text'::text,false,''::text), ('stripe:customer_balance_transaction'::text,8,'description'::text,'text'::text,false,''::text), ('stripe:customer_balance_transaction'::text,9,'invoice'::text,'text'::text,false,''::text), ('stripe:customer_balance_transaction'::text,10,'type'::text,'text'::text,false,''::text), ('stripe:customer_balance_transaction'::text,11,'amount'::text,'integer'::text,false,''::text), ('stripe:customer_balance_transaction'::text,12,'created'::text,'integer'::text,false,''::text), ('stripe:customer_balance_transaction'::text,13,'ending_balance'::text,'integer'::text,false,''::text), ('stripe:customer_balance_transaction'::text,14,'livemode'::text,'boolean'::text,false,''::text), ('stripe:customer_balance_transaction'::text,15,'metadata'::text,'object'::text,false,''::text), ('stripe:dispute'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:dispute'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:dispute'::text,3,'charge'::text,'text'::text,false,''::text), ('stripe:dispute'::text,4,'currency'::text,'text'::text,false,''::text), ('stripe:dispute'::text,5,'intended_submission_method'::text,'text'::text,false,''::text), ('stripe:dispute'::text,6,'network_reason_code'::text,'text'::text,false,''::text), ('stripe:dispute'::text,7,'payment_intent'::text,'text'::text,false,''::text), ('stripe:dispute'::text,8,'reason'::text,'text'::text,false,''::text), ('stripe:dispute'::text,9,'status'::text,'text'::text,false,''::text), ('stripe:dispute'::text,10,'amount'::text,'integer'::text,false,''::text), ('stripe:dispute'::text,11,'created'::text,'integer'::text,false,''::text), ('stripe:dispute'::text,12,'is_charge_refundable'::text,'boolean'::text,false,''::text), ('stripe:dispute'::text,13,'livemode'::text,'boolean'::text,false,''::text), ('stripe:dispute'::text,14,'evidence'::text,'object'::text,false,''::text), ('stripe:dispute'::text,15,'evidence_details'::text,'object'::text,false,''::text), ('stripe:dispute'::text,16,'metadata'::text,'object'::text,false,''::text), ('stripe:dispute'::text,17,'payment_method_details'::text,'object'::text,false,''::text), ('stripe:dispute'::text,18,'balance_transactions'::text,'array'::text,false,''::text), ('stripe:dispute'::text,19,'enhanced_eligibility_types'::text,'array'::text,false,''::text), ('stripe:entitlements_feature'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:entitlements_feature'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:entitlements_feature'::text,3,'lookup_key'::text,'text'::text,false,''::text), ('stripe:entitlements_feature'::text,4,'name'::text,'text'::text,false,''::text), ('stripe:entitlements_feature'::text,5,'active'::text,'boolean'::text,false,''::text), ('stripe:entitlements_feature'::text,6,'livemode'::text,'boolean'::text,false,''::text), ('stripe:entitlements_feature'::text,7,'metadata'::text,'object'::text,false,''::text), ('stripe:file'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:file'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:file'::text,3,'filename'::text,'text'::text,false,''::text), ('stripe:file'::text,4,'purpose'::text,'text'::text,false,''::text), ('stripe:file'::text,5,'title'::text,'text'::text,false,''::text), ('stripe:file'::text,6,'type'::text,'text'::text,false,''::text), ('stripe:file'::text,7,'url'::text,'text'::text,false,''::text), ('stripe:file'::text,8,'created'::text,'integer'::text,false,''::text), ('stripe:file'::text,9,'expires_at'::text,'integer'::text,false,''::text), ('stripe:file'::text,10,'size'::text,'integer'::text,false,''::text), ('stripe:file'::text,11,'links'::text,'object'::text,false,''::text), ('stripe:file_link'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:file_link'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:file_link'::text,3,'file'::text,'text'::text,false,''::text), ('stripe:file_link'::text,4,'url'::text,'text'::text,false,''::text), ('stripe:file_link'::text,5,'created'::text,'integer'::text,false,''::text), ('stripe:file_link'::text,6,'expires_at'::text,'integer'::text,false,''::text), ('stripe:file_link'::text,7,'expired'::text,'boolean'::text,false,''::text), ('stripe:file_link'::text,8,'livemode'::text,'boolean'::text,false,''::text), ('stripe:file_link'::text,9,'metadata'::text,'object'::text,false,''::text), ('stripe:invoice'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:invoice'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:invoice'::text,3,'account_country'::text,'text'::text,false,''::text), ('stripe:invoice'::text,4,'account_name'::text,'text'::text,false,''::text), ('stripe:invoice'::text,5,'application'::text,'text'::text,false,''::text), ('stripe:invoice'::text,6,'billing_reason'::text,'text'::text,false,''::text), ('stripe:invoice'::text,7,'collection_method'::text,'text'::text,false,''::text), ('stripe:invoice'::text,8,'currency'::text,'text'::text,false,''::text), ('stripe:invoice'::text,9,'customer'::text,'text'::text,false,''::text), ('stripe:invoice'::text,10,'customer_account'::text,'text'::text,false,''::text), ('stripe:invoice'::text,11,'customer_email'::text,'text'::text,false,''::text), ('stripe:invoice'::text,12,'customer_name'::text,'text'::text,false,''::text), ('stripe:invoice'::text,13,'customer_phone'::text,'text'::text,false,''::text), ('stripe:invoice'::text,14,'customer_tax_exempt'::text,'text'::text,false,''::text), ('stripe:invoice'::text,15,'default_payment_method'::text,'text'::text,false,''::text), ('stripe:invoice'::text,16,'default_source'::text,'text'::text,false,''::text), ('stripe:invoice'::text,17,'description'::text,'text'::text,false,''::text), ('stripe:invoice'::text,18,'footer'::text,'text'::text,false,''::text), ('stripe:invoice'::text,19,'hosted_invoice_url'::text,'text'::text,false,''::text), ('stripe:invoice'::text,20,'invoice_pdf'::text,'text'::text,false,''::text), ('stripe:invoice'::text,21,'latest_revision'::text,'text'::text,false,''::text), ('stripe:invoice'::text,22,'number'::text,'text'::text,false,''::text), ('stripe:invoice'::text,23,'on_behalf_of'::text,'text'::text,false,''::text), ('stripe:invoice'::text,24,'receipt_number'::text,'text'::text,false,''::text), ('stripe:invoice'::text,25,'statement_descriptor'::text,'text'::text,false,''::text), ('stripe:invoice'::text,26,'status'::text,'text'::text,false,''::text), ('stripe:invoice'::text,27,'test_clock'::text,'text'::text,false,''::text), ('stripe:invoice'::text,28,'amount_due'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,29,'amount_overpaid'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,30,'amount_paid'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,31,'amount_paid_off_stripe'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,32,'amount_remaining'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,33,'amount_shipping'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,34,'attempt_count'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,35,'automatically_finalizes_at'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,36,'created'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,37,'due_date'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,38,'effective_at'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,39,'ending_balance'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,40,'next_payment_attempt'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,41,'period_end'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,42,'period_start'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,43,'post_payment_credit_notes_amount'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,44,'pre_payment_credit_notes_amount'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,45,'starting_balance'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,46,'subtotal'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,47,'subtotal_excluding_tax'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,48,'total'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,49,'total_excluding_tax'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,50,'webhooks_delivered_at'::text,'integer'::text,false,''::text), ('stripe:invoice'::text,51,'attempted'::text,'boolean'::text,false,''::text), ('stripe:invoice'::text,52,'auto_advance'::text,'boolean'::text,false,''::text), ('stripe:invoice'::text,53,'livemode'::text,'boolean'::text,false,''::text), ('stripe:invoice'::text,54,'automatic_tax'::text,'object'::text,false,''::text), ('stripe:invoice'::text,55,'confirmation_secret'::text,'object'::text,false,''::text), ('stripe:invoice'::text,56,'customer_address'::text,'object'::text,false,''::text), ('stripe:invoice'::text,57,'customer_shipping'::text,'object'::text,false,''::text), ('stripe:invoice'::text,58,'from_invoice'::text,'object'::text,false,''::text), ('stripe:invoice'::text,59,'issuer'::text,'object'::text,false,''::text), ('stripe:invoice'::text,60,'last_finalization_error'::text,'object'::text,false,''::text), ('stripe:invoice'::text,61,'lines'::text,'object'::text,false,''::text), ('stripe:invoice'::text,62,'metadata'::text,'object'::text,false,''::text), ('stripe:invoice'::text,63,'parent'::text,'object'::text,false,''::text), ('stripe:invoice'::text,64,'payment_settings'::text,'object'::text,false,''::text), ('stripe:invoice'::text,65,'payments'::text,'object'::text,false,''::text), ('stripe:invoice'::text,66,'rendering'::text,'object'::text,false,''::text), ('stripe:invoice'::text,67,'shipping_cost'::text,'object'::text,false,''::text), ('stripe:invoice'::text,68,'shipping_details'::text,'object'::text,false,''::text), ('stripe:invoice'::text,69,'status_details'::text,'object'::text,false,''::text), ('stripe:invoice'::text,70,'status_transitions'::text,'object'::text,false,''::text), ('stripe:invoice'::text,71,'threshold_reason'::text,'object'::text,false,''::text), ('stripe:invoice'::text,72,'account_tax_ids'::text,'array'::text,false,''::text), ('stripe:invoice'::text,73,'custom_fields'::text,'array'::text,false,''::text), ('stripe:invoice'::text,74,'customer_tax_ids'::text,'array'::text,false,''::text), ('stripe:invoice'::text,75,'default_tax_rates'::text,'array'::text,false,''::text), ('stripe:invoice'::text,76,'discounts'::text,'array'::text,false,''::text), ('stripe:invoice'::text,77,'total_discount_amounts'::text,'array'::text,false,''::text), ('stripe:invoice'::text,78,'total_pretax_credit_amounts'::text,'array'::text,false,''::text), ('stripe:invoice'::text,79,'total_taxes'::text,'array'::text,false,''::text), ('stripe:invoice_payment'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:invoice_payment'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:invoice_payment'::text,3,'currency'::text,'text'::text,false,''::text), ('stripe:invoice_payment'::text,4,'invoice'::text,'text'::text,false,''::text), ('stripe:invoice_payment'::text,5,'status'::text,'text'::text,false,''::text), ('stripe:invoice_payment'::text,6,'amount_paid'::text,'integer'::text,false,''::text), ('stripe:invoice_payment'::text,7,'amount_requested'::text,'integer'::text,false,''::text), ('stripe:invoice_payment'::text,8,'created'::text,'integer'::text,false,''::text), ('stripe:invoice_payment'::text,9,'is_default'::text,'boolean'::text,false,''::text), ('stripe:invoice_payment'::text,10,'livemode'::text,'boolean'::text,false,''::text), ('stripe:invoice_payment'::text,11,'payment'::text,'object'::text,false,''::text), ('stripe:invoice_payment'::text,12,'status_transitions'::text,'object'::text,false,''::text), ('stripe:invoice_rendering_template'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:invoice_rendering_template'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:invoice_rendering_template'::text,3,'nickname'::text,'text'::text,false,''::text), ('stripe:invoice_rendering_template'::text,4,'status'::text,'text'::text,false,''::text), ('stripe:invoice_rendering_template'::text,5,'created'::text,'integer'::text,false,''::text), ('stripe:invoice_rendering_template'::text,6,'version'::text,'integer'::text,false,''::text), ('stripe:invoice_rendering_template'::text,7,'livemode'::text,'boolean'::text,false,''::text), ('stripe:invoice_rendering_template'::text,8,'metadata'::text,'object'::text,false,''::text), ('stripe:invoiceitem'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:invoiceitem'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:invoiceitem'::text,3,'currency'::text,'text'::text,false,''::text), ('stripe:invoiceitem'::text,4,'customer'::text,'text'::text,false,''::text), ('stripe:invoiceitem'::text,5,'customer_account'::text,'text'::text,false,''::text), ('stripe:invoiceitem'::text,6,'description'::text,'text'::text,false,''::text), ('stripe:invoiceitem'::text,7,'invoice'::text,'text'::text,false,''::text), ('stripe:invoiceitem'::text,8,'quantity_decimal'::text,'text'::text,false,''::text), ('stripe:invoiceitem'::text,9,'test_clock'::text,'text'::text,false,''::text), ('stripe:invoiceitem'::text,10,'amount'::text,'integer'::text,false,''::text), ('stripe:invoiceitem'::text,11,'date'::text,'integer'::text,false,''::text), ('stripe:invoiceitem'::text,12,'net_amount'::text,'integer'::text,false,''::text), ('stripe:invoiceitem'::text,13,'quantity'::text,'integer'::text,false,''::text), ('stripe:invoiceitem'::text,14,'discountable'::text,'boolean'::text,false,''::text), ('stripe:invoiceitem'::text,15,'livemode'::text,'boolean'::text,false,''::text), ('stripe:invoiceitem'::text,16,'proration'::text,'boolean'::text,false,''::text), ('stripe:invoiceitem'::text,17,'metadata'::text,'object'::text,false,''::text), ('stripe:invoiceitem'::text,18,'parent'::text,'object'::text,false,''::text), ('stripe:invoiceitem'::text,19,'period'::text,'object'::text,false,''::text), ('stripe:invoiceitem'::text,20,'pricing'::text,'object'::text,false,''::text), ('stripe:invoiceitem'::text,21,'proration_details'::text,'object'::text,false,''::text), ('stripe:invoiceitem'::text,22,'discounts'::text,'array'::text,false,''::text), ('stripe:invoiceitem'::text,23,'frozen_fields'::text,'array'::text,false,''::text), ('stripe:invoiceitem'::text,24,'invoicing_rules'::text,'array'::text,false,''::text), ('stripe:invoiceitem'::text,25,'tax_rates'::text,'array'::text,false,''::text), ('stripe:issuing_authorization'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:issuing_authorization'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:issuing_authorization'::text,3,'authorization_method'::text,'text'::text,false,''::text), ('stripe:issuing_authorization'::text,4,'card_presence'::text,'text'::text,false,''::text), ('stripe:issuing_authorization'::text,5,'cardholder'::text,'text'::text,false,''::text), ('stripe:issuing_authorization'::text,6,'currency'::text,'text'::text,false,''::text), ('stripe:issuing_authorization'::text,7,'merchant_currency'::text,'text'::text,false,''::text), ('stripe:issuing_authorization'::text,8,'status'::text,'text'::text,false,''::text), ('stripe:issuing_authorization'::text,9,'token'::text,'text'::text,false,''::text), ('stripe:issuing_authorization'::text,10,'wallet'::text,'text'::text,false,''::text), ('stripe:issuing_authorization'::text,11,'amount'::text,'integer'::text,false,''::text), ('stripe:issuing_authorization'::text,12,'created'::text,'integer'::text,false,''::text), ('stripe:issuing_authorization'::text,13,'merchant_amount'::text,'integer'::text,false,''::text), ('stripe:issuing_authorization'::text,14,'approved'::text,'boolean'::text,false,''::text), ('stripe:issuing_authorization'::text,15,'livemode'::text,'boolean'::text,false,''::text), ('stripe:issuing_authorization'::text,16,'verified_by_fraud_challenge'::text,'boolean'::text,false,''::text), ('stripe:issuing_authorization'::text,17,'amount_details'::text,'object'::text,false,''::text), ('stripe:issuing_authorization'::text,18,'card'::text,'object'::text,false,''::text), ('stripe:issuing_authorization'::text,19,'fleet'::text,'object'::text,false,''::text), ('stripe:issuing_authorization'::text,20,'fuel'::text,'object'::text,false,''::text), ('stripe:issuing_authorization'::text,21,'merchant_data'::text,'object'::text,false,''::text), ('stripe:issuing_authorization'::text,22,'metadata'::text,'object'::text,false,''::text), ('stripe:issuing_authorization'::text,23,'network_data'::text,'object'::text,false,''::text), ('stripe:issuing_authorization'::text,24,'pending_request'::text,'object'::text,false,''::text), ('stripe:issuing_authorization'::text,25,'treasury'::text,'object'::text,false,''::text), ('stripe:issuing_authorization'::text,26,'verification_data'::text,'object'::text,false,''::text), ('stripe:issuing_authorization'::text,27,'balance_transactions'::text,'array'::text,false,''::text), ('stripe:issuing_authorization'::text,28,'fraud_challenges'::text,'array'::text,false,''::text), ('stripe:issuing_authorization'::text,29,'request_history'::text,'array'::text,false,''::text), ('stripe:issuing_authorization'::text,30,'transactions'::text,'array'::text,false,''::text), ('stripe:issuing_card'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:issuing_card'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,3,'brand'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,4,'cancellation_reason'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,5,'currency'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,6,'cvc'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,7,'financial_account'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,8,'last4'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,9,'number'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,10,'personalization_design'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,11,'replaced_by'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,12,'replacement_for'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,13,'replacement_reason'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,14,'second_line'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,15,'status'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,16,'type'::text,'text'::text,false,''::text), ('stripe:issuing_card'::text,17,'created'::text,'integer'::text,false,''::text), ('stripe:issuing_card'::text,18,'exp_month'::text,'integer'::text,false,''::text), ('stripe:issuing_card'::text,19,'exp_year'::text,'integer'::text,false,''::text), ('stripe:issuing_card'::text,20,'livemode'::text,'boolean'::text,false,''::text), ('stripe:issuing_card'::text,21,'cardholder'::text,'object'::text,false,''::text), ('stripe:issuing_card'::text,22,'latest_fraud_warning'::text,'object'::text,false,''::text), ('stripe:issuing_card'::text,23,'lifecycle_controls'::text,'object'::text,false,''::text), ('stripe:issuing_card'::text,24,'metadata'::text,'object'::text,false,''::text), ('stripe:issuing_card'::text,25,'shipping'::text,'object'::text,false,''::text), ('stripe:issuing_card'::text,26,'spending_controls'::text,'object'::text,false,''::text), ('stripe:issuing_card'::text,27,'wallets'::text,'object'::text,false,''::text), ('stripe:issuing_cardholder'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:issuing_cardholder'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:issuing_cardholder'::text,3,'email'::text,'text'::text,false,''::text), ('stripe:issuing_cardholder'::text,4,'name'::text,'text'::text,false,''::text), ('stripe:issuing_cardholder'::text,5,'phone_number'::text,'text'::text,false,''::text), ('stripe:issuing_cardholder'::text,6,'status'::text,'text'::text,false,''::text), ('stripe:issuing_cardholder'::text,7,'type'::text,'text'::text,false,''::text), ('stripe:issuing_cardholder'::text,8,'created'::text,'integer'::text,false,''::text), ('stripe:issuing_cardholder'::text,9,'livemode'::text,'boolean'::text,false,''::text), ('stripe:issuing_cardholder'::text,10,'billing'::text,'object'::text,false,''::text), ('stripe:issuing_cardholder'::text,11,'company'::text,'object'::text,false,''::text), ('stripe:issuing_cardholder'::text,12,'individual'::text,'object'::text,false,''::text), ('stripe:issuing_cardholder'::text,13,'metadata'::text,'object'::text,false,''::text), ('stripe:issuing_cardholder'::text,14,'requirements'::text,'object'::text,false,''::text), ('stripe:issuing_cardholder'::text,15,'spending_controls'::text,'object'::text,false,''::text), ('stripe:issuing_cardholder'::text,16,'preferred_locales'::text,'array'::text,false,''::text), ('stripe:issuing_dispute'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:issuing_dispute'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:issuing_dispute'::text,3,'currency'::text,'text'::text,false,''::text), ('stripe:issuing_dispute'::text,4,'loss_reason'::text,'text'::text,false,''::text), ('stripe:issuing_dispute'::text,5,'status'::text,'text'::text,false,''::text), ('stripe:issuing_dispute'::text,6,'transaction'::text,'text'::text,false,''::text), ('stripe:issuing_dispute'::text,7,'amount'::text,'integer'::text,false,''::text), ('stripe:issuing_dispute'::text,8,'created'::text,'integer'::text,false,''::text), ('stripe:issuing_dispute'::text,9,'livemode'::text,'boolean'::text,false,''::text), ('stripe:issuing_dispute'::text,10,'evidence'::text,'object'::text,false,''::text), ('stripe:issuing_dispute'::text,11,'metadata'::text,'object'::text,false,''::text), ('stripe:issuing_dispute'::text,12,'treasury'::text,'object'::text,false,''::text), ('stripe:issuing_dispute'::text,13,'balance_transactions'::text,'array'::text,false,''::text), ('stripe:issuing_transaction'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:issuing_transaction'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:issuing_transaction'::text,3,'authorization'::text,'text'::text,false,''::text), ('stripe:issuing_transaction'::text,4,'balance_transaction'::text,'text'::text,false,''::text), ('stripe:issuing_transaction'::text,5,'card'::text,'text'::text,false,''::text), ('stripe:issuing_transaction'::text,6,'cardholder'::text,'text'::text,false,''::text), ('stripe:issuing_transaction'::text,7,'currency'::text,'text'::text,false,''::text), ('stripe:issuing_transaction'::text,8,'dispute'::text,'text'::text,false,''::text), ('stripe:issuing_transaction'::text,9,'merchant_currency'::text,'text'::text,false,''::text), ('stripe:issuing_transaction'::text,10,'token'::text,'text'::text,false,''::text), ('stripe:issuing_transaction'::text,11,'type'::text,'text'::text,false,''::text), ('stripe:issuing_transaction'::text,12,'wallet'::text,'text'::text,false,''::text), ('stripe:issuing_transaction'::text,13,'amount'::text,'integer'::text,false,''::text), ('stripe:issuing_transaction'::text,14,'created'::text,'integer'::text,false,''::text), ('stripe:issuing_transaction'::text,15,'merchant_amount'::text,'integer'::text,false,''::text), ('stripe:issuing_transaction'::text,16,'livemode'::text,'boolean'::text,false,''::text), ('stripe:issuing_transaction'::text,17,'amount_details'::text,'object'::text,false,''::text), ('stripe:issuing_transaction'::text,18,'merchant_data'::text,'object'::text,false,''::text), ('stripe:issuing_transaction'::text,19,'metadata'::text,'object'::text,false,''::text), ('stripe:issuing_transaction'::text,20,'network_data'::text,'object'::text,false,''::text), ('stripe:issuing_transaction'::text,21,'purchase_details'::text,'object'::text,false,''::text), ('stripe:issuing_transaction'::text,22,'treasury'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:payment_intent'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,3,'application'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,4,'cancellation_reason'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,5,'capture_method'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,6,'client_secret'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,7,'confirmation_method'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,8,'currency'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,9,'customer'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,10,'customer_account'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,11,'description'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,12,'latest_charge'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,13,'on_behalf_of'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,14,'payment_method'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,15,'payment_record'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,16,'receipt_email'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,17,'review'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,18,'setup_future_usage'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,19,'source'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,20,'statement_descriptor'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,21,'statement_descriptor_suffix'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,22,'status'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,23,'transfer_group'::text,'text'::text,false,''::text), ('stripe:payment_intent'::text,24,'amount'::text,'integer'::text,false,''::text), ('stripe:payment_intent'::text,25,'amount_capturable'::text,'integer'::text,false,''::text), ('stripe:payment_intent'::text,26,'amount_received'::text,'integer'::text,false,''::text), ('stripe:payment_intent'::text,27,'application_fee_amount'::text,'integer'::text,false,''::text), ('stripe:payment_intent'::text,28,'canceled_at'::text,'integer'::text,false,''::text), ('stripe:payment_intent'::text,29,'created'::text,'integer'::text,false,''::text), ('stripe:payment_intent'::text,30,'livemode'::text,'boolean'::text,false,''::text), ('stripe:payment_intent'::text,31,'amount_details'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,32,'automatic_payment_methods'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,33,'hooks'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,34,'last_payment_error'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,35,'managed_payments'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,36,'metadata'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,37,'next_action'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,38,'payment_details'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,39,'payment_method_configuration_details'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,40,'payment_method_options'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,41,'presentment_details'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,42,'processing'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,43,'shipping'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,44,'transfer_data'::text,'object'::text,false,''::text), ('stripe:payment_intent'::text,45,'allowed_payment_method_types'::text,'array'::text,false,''::text), ('stripe:payment_intent'::text,46,'excluded_payment_method_types'::text,'array'::text,false,''::text), ('stripe:payment_intent'::text,47,'payment_method_types'::text,'array'::text,false,''::text), ('stripe:payment_link'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:payment_link'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:payment_link'::text,3,'application'::text,'text'::text,false,''::text), ('stripe:payment_link'::text,4,'billing_address_collection'::text,'text'::text,false,''::text), ('stripe:payment_link'::text,5,'currency'::text,'text'::text,false,''::text), ('stripe:payment_link'::text,6,'customer_creation'::text,'text'::text,false,''::text), ('stripe:payment_link'::text,7,'inactive_message'::text,'text'::text,false,''::text), ('stripe:payment_link'::text,8,'on_behalf_of'::text,'text'::text,false,''::text), ('stripe:payment_link'::text,9,'payment_method_collection'::text,'text'::text,false,''::text), ('stripe:payment_link'::text,10,'submit_type'::text,'text'::text,false,''::text), ('stripe:payment_link'::text,11,'url'::text,'text'::text,false,''::text), ('stripe:payment_link'::text,12,'application_fee_amount'::text,'integer'::text,false,''::text), ('stripe:payment_link'::text,13,'application_fee_percent'::text,'number'::text,false,''::text), ('stripe:payment_link'::text,14,'active'::text,'boolean'::text,false,''::text), ('stripe:payment_link'::text,15,'allow_promotion_codes'::text,'boolean'::text,false,''::text), ('stripe:payment_link'::text,16,'livemode'::text,'boolean'::text,false,''::text), ('stripe:payment_link'::text,17,'after_completion'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,18,'automatic_tax'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,19,'consent_collection'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,20,'custom_text'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,21,'invoice_creation'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,22,'line_items'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,23,'managed_payments'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,24,'metadata'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,25,'name_collection'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,26,'payment_intent_data'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,27,'payment_method_options'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,28,'phone_number_collection'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,29,'restrictions'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,30,'shipping_address_collection'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,31,'subscription_data'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,32,'tax_id_collection'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,33,'transfer_data'::text,'object'::text,false,''::text), ('stripe:payment_link'::text,34,'custom_fields'::text,'array'::text,false,''::text), ('stripe:payment_link'::text,35,'optional_items'::text,'array'::text,false,''::text), ('stripe:payment_link'::text,36,'payment_method_types'::text,'array'::text,false,''::text), ('stripe:payment_link'::text,37,'shipping_options'::text,'array'::text,false,''::text), ('stripe:payment_method'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:payment_method'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:payment_method'::text,3,'allow_redisplay'::text,'text'::text,false,''::text), ('stripe:payment_method'::text,4,'customer'::text,'text'::text,false,''::text), ('stripe:payment_method'::text,5,'customer_account'::text,'text'::text,false,''::text), ('stripe:payment_method'::text,6,'type'::text,'text'::text,false,''::text), ('stripe:payment_method'::text,7,'created'::text,'integer'::text,false,''::text), ('stripe:payment_method'::text,8,'livemode'::text,'boolean'::text,false,''::text), ('stripe:payment_method'::text,9,'acss_debit'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,10,'affirm'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,11,'afterpay_clearpay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,12,'alipay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,13,'alma'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,14,'amazon_pay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,15,'au_becs_debit'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,16,'bacs_debit'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,17,'bancontact'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,18,'billie'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,19,'billing_details'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,20,'bizum'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,21,'blik'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,22,'boleto'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,23,'card'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,24,'card_present'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,25,'cashapp'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,26,'crypto'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,27,'custom'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,28,'customer_balance'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,29,'eps'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,30,'fpx'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,31,'giropay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,32,'grabpay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,33,'ideal'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,34,'interac_present'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,35,'kakao_pay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,36,'klarna'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,37,'konbini'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,38,'kr_card'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,39,'link'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,40,'mb_way'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,41,'metadata'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,42,'mobilepay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,43,'multibanco'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,44,'naver_pay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,45,'nz_bank_account'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,46,'oxxo'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,47,'p24'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,48,'pay_by_bank'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,49,'payco'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,50,'paynow'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,51,'paypal'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,52,'paypay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,53,'payto'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,54,'pix'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,55,'promptpay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,56,'radar_options'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,57,'revolut_pay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,58,'samsung_pay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,59,'satispay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,60,'scalapay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,61,'sepa_debit'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,62,'sequra'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,63,'sofort'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,64,'sunbit'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,65,'swish'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,66,'twint'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,67,'upi'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,68,'us_bank_account'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,69,'wechat_pay'::text,'object'::text,false,''::text), ('stripe:payment_method'::text,70,'zip'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:payment_method_configuration'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:payment_method_configuration'::text,3,'application'::text,'text'::text,false,''::text), ('stripe:payment_method_configuration'::text,4,'name'::text,'text'::text,false,''::text), ('stripe:payment_method_configuration'::text,5,'parent'::text,'text'::text,false,''::text), ('stripe:payment_method_configuration'::text,6,'active'::text,'boolean'::text,false,''::text), ('stripe:payment_method_configuration'::text,7,'is_default'::text,'boolean'::text,false,''::text), ('stripe:payment_method_configuration'::text,8,'livemode'::text,'boolean'::text,false,''::text), ('stripe:payment_method_configuration'::text,9,'acss_debit'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,10,'affirm'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,11,'afterpay_clearpay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,12,'alipay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,13,'alma'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,14,'amazon_pay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,15,'apple_pay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,16,'au_becs_debit'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,17,'bacs_debit'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,18,'bancontact'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,19,'billie'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,20,'bizum'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,21,'blik'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,22,'boleto'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,23,'card'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,24,'cartes_bancaires'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,25,'cashapp'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,26,'crypto'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,27,'customer_balance'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,28,'eps'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,29,'fpx'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,30,'giropay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,31,'google_pay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,32,'grabpay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,33,'ideal'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,34,'jcb'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,35,'kakao_pay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,36,'klarna'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,37,'konbini'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,38,'kr_card'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,39,'link'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,40,'mb_way'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,41,'mobilepay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,42,'multibanco'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,43,'naver_pay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,44,'nz_bank_account'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,45,'oxxo'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,46,'p24'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,47,'pay_by_bank'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,48,'payco'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,49,'paynow'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,50,'paypal'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,51,'paypay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,52,'payto'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,53,'pix'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,54,'promptpay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,55,'revolut_pay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,56,'samsung_pay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,57,'satispay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,58,'scalapay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,59,'sepa_debit'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,60,'sequra'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,61,'sofort'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,62,'sunbit'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,63,'swish'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,64,'twint'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,65,'upi'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,66,'us_bank_account'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,67,'wechat_pay'::text,'object'::text,false,''::text), ('stripe:payment_method_configuration'::text,68,'zip'::text,'object'::text,false,''::text), ('stripe:payment_method_domain'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:payment_method_domain'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:payment_method_domain'::text,3,'domain_name'::text,'text'::text,false,''::text), ('stripe:payment_method_domain'::text,4,'created'::text,'integer'::text,false,''::text), ('stripe:payment_method_domain'::text,5,'enabled'::text,'boolean'::text,false,''::text), ('stripe:payment_method_domain'::text,6,'livemode'::text,'boolean'::text,false,''::text), ('stripe:payment_method_domain'::text,7,'amazon_pay'::text,'object'::text,false,''::text), ('stripe:payment_method_domain'::text,8,'apple_pay'::text,'object'::text,false,''::text), ('stripe:payment_method_domain'::text,9,'google_pay'::text,'object'::text,false,''::text), ('stripe:payment_method_domain'::text,10,'klarna'::text,'object'::text,false,''::text), ('stripe:payment_method_domain'::text,11,'link'::text,'object'::text,false,''::text), ('stripe:payment_method_domain'::text,12,'paypal'::text,'object'::text,false,''::text), ('stripe:payout'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:payout'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:payout'::text,3,'application_fee'::text,'text'::text,false,''::text), ('stripe:payout'::text,4,'balance_transaction'::text,'text'::text,false,''::text), ('stripe:payout'::text,5,'currency'::text,'text'::text,false,''::text), ('stripe:payout'::text,6,'description'::text,'text'::text,false,''::text), ('stripe:payout'::text,7,'destination'::text,'text'::text,false,''::text), ('stripe:payout'::text,8,'failure_balance_transaction'::text,'text'::text,false,''::text), ('stripe:payout'::text,9,'failure_code'::text,'text'::text,false,''::text), ('stripe:payout'::text,10,'failure_message'::text,'text'::text,false,''::text), ('stripe:payout'::text,11,'method'::text,'text'::text,false,''::text), ('stripe:payout'::text,12,'original_payout'::text,'text'::text,false,''::text), ('stripe:payout'::text,13,'payout_method'::text,'text'::text,false,''::text), ('stripe:payout'::text,14,'reconciliation_status'::text,'text'::text,false,''::text), ('stripe:payout'::text,15,'reversed_by'::text,'text'::text,false,''::text), ('stripe:payout'::text,16,'source_type'::text,'text'::text,false,''::text), ('stripe:payout'::text,17,'statement_descriptor'::text,'text'::text,false,''::text), ('stripe:payout'::text,18,'status'::text,'text'::text,false,''::text), ('stripe:payout'::text,19,'type'::text,'text'::text,false,''::text), ('stripe:payout'::text,20,'amount'::text,'integer'::text,false,''::text), ('stripe:payout'::text,21,'application_fee_amount'::text,'integer'::text,false,''::text), ('stripe:payout'::text,22,'arrival_date'::text,'integer'::text,false,''::text), ('stripe:payout'::text,23,'created'::text,'integer'::text,false,''::text), ('stripe:payout'::text,24,'automatic'::text,'boolean'::text,false,''::text), ('stripe:payout'::text,25,'livemode'::text,'boolean'::text,false,''::text), ('stripe:payout'::text,26,'metadata'::text,'object'::text,false,''::text), ('stripe:payout'::text,27,'trace_id'::text,'object'::text,false,''::text), ('stripe:person'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:person'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:person'::text,3,'account'::text,'text'::text,false,''::text), ('stripe:person'::text,4,'email'::text,'text'::text,false,''::text), ('stripe:person'::text,5,'first_name'::text,'text'::text,false,''::text), ('stripe:person'::text,6,'first_name_kana'::text,'text'::text,false,''::text), ('stripe:person'::text,7,'first_name_kanji'::text,'text'::text,false,''::text), ('stripe:person'::text,8,'gender'::text,'text'::text,false,''::text), ('stripe:person'::text,9,'last_name'::text,'text'::text,false,''::text), ('stripe:person'::text,10,'last_name_kana'::text,'text'::text,false,''::text), ('stripe:person'::text,11,'last_name_kanji'::text,'text'::text,false,''::text), ('stripe:person'::text,12,'maiden_name'::text,'text'::text,false,''::text), ('stripe:person'::text,13,'nationality'::text,'text'::text,false,''::text), ('stripe:person'::text,14,'phone'::text,'text'::text,false,''::text), ('stripe:person'::text,15,'political_exposure'::text,'text'::text,false,''::text), ('stripe:person'::text,16,'created'::text,'integer'::text,false,''::text), ('stripe:person'::text,17,'id_number_provided'::text,'boolean'::text,false,''::text), ('stripe:person'::text,18,'id_number_secondary_provided'::text,'boolean'::text,false,''::text), ('stripe:person'::text,19,'ssn_last_4_provided'::text,'boolean'::text,false,''::text), ('stripe:person'::text,20,'additional_tos_acceptances'::text,'object'::text,false,''::text), ('stripe:person'::text,21,'address'::text,'object'::text,false,''::text), ('stripe:person'::text,22,'address_kana'::text,'object'::text,false,''::text), ('stripe:person'::text,23,'address_kanji'::text,'object'::text,false,''::text), ('stripe:person'::text,24,'dob'::text,'object'::text,false,''::text), ('stripe:person'::text,25,'future_requirements'::text,'object'::text,false,''::text), ('stripe:person'::text,26,'metadata'::text,'object'::text,false,''::text), ('stripe:person'::text,27,'registered_address'::text,'object'::text,false,''::text), ('stripe:person'::text,28,'relationship'::text,'object'::text,false,''::text), ('stripe:person'::text,29,'requirements'::text,'object'::text,false,''::text), ('stripe:person'::text,30,'us_cfpb_data'::text,'object'::text,false,''::text), ('stripe:person'::text,31,'verification'::text,'object'::text,false,''::text), ('stripe:person'::text,32,'full_name_aliases'::text,'array'::text,false,''::text), ('stripe:plan'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:plan'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:plan'::text,3,'amount_decimal'::text,'text'::text,false,''::text), ('stripe:plan'::text,4,'billing_scheme'::text,'text'::text,false,''::text), ('stripe:plan'::text,5,'currency'::text,'text'::text,false,''::text), ('stripe:plan'::text,6,'interval'::text,'text'::text,false,''::text), ('stripe:plan'::text,7,'meter'::text,'text'::text,false,''::text), ('stripe:plan'::text,8,'nickname'::text,'text'::text,false,''::text), ('stripe:plan'::text,9,'product'::text,'text'::text,false,''::text), ('stripe:plan'::text,10,'tiers_mode'::text,'text'::text,false,''::text), ('stripe:plan'::text,11,'usage_type'::text,'text'::text,false,''::text), ('stripe:plan'::text,12,'amount'::text,'integer'::text,false,''::text), ('stripe:plan'::text,13,'created'::text,'integer'::text,false,''::text), ('stripe:plan'::text,14,'interval_count'::text,'integer'::text,false,''::text), ('stripe:plan'::text,15,'trial_period_days'::text,'integer'::text,false,''::text), ('stripe:plan'::text,16,'active'::text,'boolean'::text,false,''::text), ('stripe:plan'::text,17,'livemode'::text,'boolean'::text,false,''::text), ('stripe:plan'::text,18,'metadata'::text,'object'::text,false,''::text), ('stripe:plan'::text,19,'transform_usage'::text,'object'::text,false,''::text), ('stripe:plan'::text,20,'tiers'::text,'array'::text,false,''::text), ('stripe:price'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:price'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:price'::text,3,'billing_scheme'::text,'text'::text,false,''::text), ('stripe:price'::text,4,'currency'::text,'text'::text,false,''::text), ('stripe:price'::text,5,'lookup_key'::text,'text'::text,false,''::text), ('stripe:price'::text,6,'nickname'::text,'text'::text,false,''::text), ('stripe:price'::text,7,'product'::text,'text'::text,false,''::text), ('stripe:price'::text,8,'tax_behavior'::text,'text'::text,false,''::text), ('stripe:price'::text,9,'tiers_mode'::text,'text'::text,false,''::text), ('stripe:price'::text,10,'type'::text,'text'::text,false,''::text), ('stripe:price'::text,11,'unit_amount_decimal'::text,'text'::text,false,''::text), ('stripe:price'::text,12,'created'::text,'integer'::text,false,''::text), ('stripe:price'::text,13,'unit_amount'::text,'integer'::text,false,''::text), ('stripe:price'::text,14,'active'::text,'boolean'::text,false,''::text), ('stripe:price'::text,15,'livemode'::text,'boolean'::text,false,''::text), ('stripe:price'::text,16,'currency_options'::text,'object'::text,false,''::text), ('stripe:price'::text,17,'custom_unit_amount'::text,'object'::text,false,''::text), ('stripe:price'::text,18,'metadata'::text,'object'::text,false,''::text), ('stripe:price'::text,19,'recurring'::text,'object'::text,false,''::text), ('stripe:price'::text,20,'transform_quantity'::text,'object'::text,false,''::text), ('stripe:price'::text,21,'tiers'::text,'array'::text,false,''::text), ('stripe:product'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:product'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:product'::text,3,'default_price'::text,'text'::text,false,''::text), ('stripe:product'::text,4,'description'::text,'text'::text,false,''::text), ('stripe:product'::text,5,'name'::text,'text'::text,false,''::text), ('stripe:product'::text,6,'statement_descriptor'::text,'text'::text,false,''::text), ('stripe:product'::text,7,'tax_code'::text,'text'::text,false,''::text), ('stripe:product'::text,8,'type'::text,'text'::text,false,''::text), ('stripe:product'::text,9,'unit_label'::text,'text'::text,false,''::text), ('stripe:product'::text,10,'url'::text,'text'::text,false,''::text), ('stripe:product'::text,11,'created'::text,'integer'::text,false,''::text), ('stripe:product'::text,12,'updated'::text,'integer'::text,false,''::text), ('stripe:product'::text,13,'active'::text,'boolean'::text,false,''::text), ('stripe:product'::text,14,'livemode'::text,'boolean'::text,false,''::text), ('stripe:product'::text,15,'shippable'::text,'boolean'::text,false,''::text), ('stripe:product'::text,16,'metadata'::text,'object'::text,false,''::text), ('stripe:product'::text,17,'package_dimensions'::text,'object'::text,false,''::text), ('stripe:product'::text,18,'tax_details'::text,'object'::text,false,''::text), ('stripe:product'::text,19,'images'::text,'array'::text,false,''::text), ('stripe:product'::text,20,'marketing_features'::text,'array'::text,false,''::text), ('stripe:product_catalog_trial_offer'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:product_catalog_trial_offer'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:product_catalog_trial_offer'::text,3,'nickname'::text,'text'::text,false,''::text), ('stripe:product_catalog_trial_offer'::text,4,'price'::text,'text'::text,false,''::text), ('stripe:product_catalog_trial_offer'::text,5,'active'::text,'boolean'::text,false,''::text), ('stripe:product_catalog_trial_offer'::text,6,'livemode'::text,'boolean'::text,false,''::text), ('stripe:product_catalog_trial_offer'::text,7,'duration'::text,'object'::text,false,''::text), ('stripe:product_catalog_trial_offer'::text,8,'end_behavior'::text,'object'::text,false,''::text), ('stripe:promotion_code'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:promotion_code'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:promotion_code'::text,3,'code'::text,'text'::text,false,''::text), ('stripe:promotion_code'::text,4,'customer'::text,'text'::text,false,''::text), ('stripe:promotion_code'::text,5,'customer_account'::text,'text'::text,false,''::text), ('stripe:promotion_code'::text,6,'created'::text,'integer'::text,false,''::text), ('stripe:promotion_code'::text,7,'expires_at'::text,'integer'::text,false,''::text), ('stripe:promotion_code'::text,8,'max_redemptions'::text,'integer'::text,false,''::text), ('stripe:promotion_code'::text,9,'times_redeemed'::text,'integer'::text,false,''::text), ('stripe:promotion_code'::text,10,'active'::text,'boolean'::text,false,''::text), ('stripe:promotion_code'::text,11,'livemode'::text,'boolean'::text,false,''::text), ('stripe:promotion_code'::text,12,'metadata'::text,'object'::text,false,''::text), ('stripe:promotion_code'::text,13,'promotion'::text,'object'::text,false,''::text), ('stripe:promotion_code'::text,14,'restrictions'::text,'object'::text,false,''::text), ('stripe:quote'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:quote'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:quote'::text,3,'application'::text,'text'::text,false,''::text), ('stripe:quote'::text,4,'collection_method'::text,'text'::text,false,''::text), ('stripe:quote'::text,5,'currency'::text,'text'::text,false,''::text), ('stripe:quote'::text,6,'customer'::text,'text'::text,false,''::text), ('stripe:quote'::text,7,'customer_account'::text,'text'::text,false,''::text), ('stripe:quote'::text,8,'description'::text,'text'::text,false,''::text), ('stripe:quote'::text,9,'footer'::text,'text'::text,false,''::text), ('stripe:quote'::text,10,'header'::text,'text'::text,false,''::text), ('stripe:quote'::text,11,'invoice'::text,'text'::text,false,''::text), ('stripe:quote'::text,12,'number'::text,'text'::text,false,''::text), ('stripe:quote'::text,13,'on_behalf_of'::text,'text'::text,false,''::text), ('stripe:quote'::text,14,'status'::text,'text'::text,false,''::text), ('stripe:quote'::text,15,'subscription'::text,'text'::text,false,''::text), ('stripe:quote'::text,16,'subscription_schedule'::text,'text'::text,false,''::text), ('stripe:quote'::text,17,'test_clock'::text,'text'::text,false,''::text), ('stripe:quote'::text,18,'amount_subtotal'::text,'integer'::text,false,''::text), ('stripe:quote'::text,19,'amount_total'::text,'integer'::text,false,''::text), ('stripe:quote'::text,20,'application_fee_amount'::text,'integer'::text,false,''::text), ('stripe:quote'::text,21,'created'::text,'integer'::text,false,''::text), ('stripe:quote'::text,22,'expires_at'::text,'integer'::text,false,''::text), ('stripe:quote'::text,23,'application_fee_percent'::text,'number'::text,false,''::text), ('stripe:quote'::text,24,'livemode'::text,'boolean'::text,false,''::text), ('stripe:quote'::text,25,'automatic_tax'::text,'object'::text,false,''::text), ('stripe:quote'::text,26,'computed'::text,'object'::text,false,''::text), ('stripe:quote'::text,27,'from_quote'::text,'object'::text,false,''::text), ('stripe:quote'::text,28,'invoice_settings'::text,'object'::text,false,''::text), ('stripe:quote'::text,29,'line_items'::text,'object'::text,false,''::text), ('stripe:quote'::text,30,'metadata'::text,'object'::text,false,''::text), ('stripe:quote'::text,31,'status_transitions'::text,'object'::text,false,''::text), ('stripe:quote'::text,32,'subscription_data'::text,'object'::text,false,''::text), ('stripe:quote'::text,33,'total_details'::text,'object'::text,false,''::text), ('stripe:quote'::text,34,'transfer_data'::text,'object'::text,false,''::text), ('stripe:quote'::text,35,'default_tax_rates'::text,'array'::text,false,''::text), ('stripe:quote'::text,36,'discounts'::text,'array'::text,false,''::text), ('stripe:radar_early_fraud_warning'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:radar_early_fraud_warning'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:radar_early_fraud_warning'::text,3,'charge'::text,'text'::text,false,''::text), ('stripe:radar_early_fraud_warning'::text,4,'fraud_type'::text,'text'::text,false,''::text), ('stripe:radar_early_fraud_warning'::text,5,'payment_intent'::text,'text'::text,false,''::text), ('stripe:radar_early_fraud_warning'::text,6,'created'::text,'integer'::text,false,''::text), ('stripe:radar_early_fraud_warning'::text,7,'actionable'::text,'boolean'::text,false,''::text), ('stripe:radar_early_fraud_warning'::text,8,'livemode'::text,'boolean'::text,false,''::text), ('stripe:radar_value_list'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:radar_value_list'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:radar_value_list'::text,3,'alias'::text,'text'::text,false,''::text), ('stripe:radar_value_list'::text,4,'created_by'::text,'text'::text,false,''::text), ('stripe:radar_value_list'::text,5,'item_type'::text,'text'::text,false,''::text), ('stripe:radar_value_list'::text,6,'name'::text,'text'::text,false,''::text), ('stripe:radar_value_list'::text,7,'created'::text,'integer'::text,false,''::text), ('stripe:radar_value_list'::text,8,'livemode'::text,'boolean'::text,false,''::text), ('stripe:radar_value_list'::text,9,'list_items'::text,'object'::text,false,''::text), ('stripe:radar_value_list'::text,10,'metadata'::text,'object'::text,false,''::text), ('stripe:radar_value_list_item'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:radar_value_list_item'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:radar_value_list_item'::text,3,'created_by'::text,'text'::text,false,''::text), ('stripe:radar_value_list_item'::text,4,'value'::text,'text'::text,false,''::text), ('stripe:radar_value_list_item'::text,5,'value_list'::text,'text'::text,false,''::text), ('stripe:radar_value_list_item'::text,6,'created'::text,'integer'::text,false,''::text), ('stripe:radar_value_list_item'::text,7,'livemode'::text,'boolean'::text,false,''::text), ('stripe:refund'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:refund'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:refund'::text,3,'balance_transaction'::text,'text'::text,false,''::text), ('stripe:refund'::text,4,'charge'::text,'text'::text,false,''::text), ('stripe:refund'::text,5,'currency'::text,'text'::text,false,''::text), ('stripe:refund'::text,6,'customer'::text,'text'::text,false,''::text), ('stripe:refund'::text,7,'customer_account'::text,'text'::text,false,''::text), ('stripe:refund'::text,8,'description'::text,'text'::text,false,''::text), ('stripe:refund'::text,9,'failure_balance_transaction'::text,'text'::text,false,''::text), ('stripe:refund'::text,10,'failure_reason'::text,'text'::text,false,''::text), ('stripe:refund'::text,11,'instructions_email'::text,'text'::text,false,''::text), ('stripe:refund'::text,12,'payment_intent'::text,'text'::text,false,''::text), ('stripe:refund'::text,13,'payment_method'::text,'text'::text,false,''::text), ('stripe:refund'::text,14,'pending_reason'::text,'text'::text,false,''::text), ('stripe:refund'::text,15,'reason'::text,'text'::text,false,''::text), ('stripe:refund'::text,16,'receipt_number'::text,'text'::text,false,''::text), ('stripe:refund'::text,17,'source_transfer_reversal'::text,'text'::text,false,''::text), ('stripe:refund'::text,18,'status'::text,'text'::text,false,''::text), ('stripe:refund'::text,19,'transfer_reversal'::text,'text'::text,false,''::text), ('stripe:refund'::text,20,'amount'::text,'integer'::text,false,''::text), ('stripe:refund'::text,21,'created'::text,'integer'::text,false,''::text), ('stripe:refund'::text,22,'destination_details'::text,'object'::text,false,''::text), ('stripe:refund'::text,23,'metadata'::text,'object'::text,false,''::text), ('stripe:refund'::text,24,'next_action'::text,'object'::text,false,''::text), ('stripe:refund'::text,25,'presentment_details'::text,'object'::text,false,''::text), ('stripe:review'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:review'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:review'::text,3,'billing_zip'::text,'text'::text,false,''::text), ('stripe:review'::text,4,'charge'::text,'text'::text,false,''::text), ('stripe:review'::text,5,'closed_reason'::text,'text'::text,false,''::text), ('stripe:review'::text,6,'ip_address'::text,'text'::text,false,''::text), ('stripe:review'::text,7,'opened_reason'::text,'text'::text,false,''::text), ('stripe:review'::text,8,'payment_intent'::text,'text'::text,false,''::text), ('stripe:review'::text,9,'reason'::text,'text'::text,false,''::text), ('stripe:review'::text,10,'created'::text,'integer'::text,false,''::text), ('stripe:review'::text,11,'livemode'::text,'boolean'::text,false,''::text), ('stripe:review'::text,12,'open'::text,'boolean'::text,false,''::text), ('stripe:review'::text,13,'ip_address_location'::text,'object'::text,false,''::text), ('stripe:review'::text,14,'session'::text,'object'::text,false,''::text), ('stripe:setup_intent'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:setup_intent'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,3,'application'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,4,'cancellation_reason'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,5,'client_secret'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,6,'customer'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,7,'customer_account'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,8,'description'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,9,'latest_attempt'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,10,'mandate'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,11,'on_behalf_of'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,12,'payment_method'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,13,'single_use_mandate'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,14,'status'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,15,'usage'::text,'text'::text,false,''::text), ('stripe:setup_intent'::text,16,'created'::text,'integer'::text,false,''::text), ('stripe:setup_intent'::text,17,'attach_to_self'::text,'boolean'::text,false,''::text), ('stripe:setup_intent'::text,18,'livemode'::text,'boolean'::text,false,''::text), ('stripe:setup_intent'::text,19,'automatic_payment_methods'::text,'object'::text,false,''::text), ('stripe:setup_intent'::text,20,'last_setup_error'::text,'object'::text,false,''::text), ('stripe:setup_intent'::text,21,'managed_payments'::text,'object'::text,false,''::text), ('stripe:setup_intent'::text,22,'metadata'::text,'object'::text,false,''::text), ('stripe:setup_intent'::text,23,'next_action'::text,'object'::text,false,''::text), ('stripe:setup_intent'::text,24,'payment_method_configuration_details'::text,'object'::text,false,''::text), ('stripe:setup_intent'::text,25,'payment_method_options'::text,'object'::text,false,''::text), ('stripe:setup_intent'::text,26,'allowed_payment_method_types'::text,'array'::text,false,''::text), ('stripe:setup_intent'::text,27,'excluded_payment_method_types'::text,'array'::text,false,''::text), ('stripe:setup_intent'::text,28,'flow_directions'::text,'array'::text,false,''::text), ('stripe:setup_intent'::text,29,'payment_method_types'::text,'array'::text,false,''::text), ('stripe:shipping_rate'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:shipping_rate'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:shipping_rate'::text,3,'display_name'::text,'text'::text,false,''::text), ('stripe:shipping_rate'::text,4,'tax_behavior'::text,'text'::text,false,''::text), ('stripe:shipping_rate'::text,5,'tax_code'::text,'text'::text,false,''::text), ('stripe:shipping_rate'::text,6,'type'::text,'text'::text,false,''::text), ('stripe:shipping_rate'::text,7,'created'::text,'integer'::text,false,''::text), ('stripe:shipping_rate'::text,8,'active'::text,'boolean'::text,false,''::text), ('stripe:shipping_rate'::text,9,'livemode'::text,'boolean'::text,false,''::text), ('stripe:shipping_rate'::text,10,'delivery_estimate'::text,'object'::text,false,''::text), ('stripe:shipping_rate'::text,11,'fixed_amount'::text,'object'::text,false,''::text), ('stripe:shipping_rate'::text,12,'metadata'::text,'object'::text,false,''::text), ('stripe:subscription'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:subscription'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:subscription'::text,3,'application'::text,'text'::text,false,''::text), ('stripe:subscription'::text,4,'collection_method'::text,'text'::text,false,''::text), ('stripe:subscription'::text,5,'currency'::text,'text'::text,false,''::text), ('stripe:subscription'::text,6,'customer'::text,'text'::text,false,''::text), ('stripe:subscription'::text,7,'customer_account'::text,'text'::text,false,''::text), ('stripe:subscription'::text,8,'default_payment_method'::text,'text'::text,false,''::text), ('stripe:subscription'::text,9,'default_source'::text,'text'::text,false,''::text), ('stripe:subscription'::text,10,'description'::text,'text'::text,false,''::text), ('stripe:subscription'::text,11,'latest_invoice'::text,'text'::text,false,''::text), ('stripe:subscription'::text,12,'on_behalf_of'::text,'text'::text,false,''::text), ('stripe:subscription'::text,13,'pending_setup_intent'::text,'text'::text,false,''::text), ('stripe:subscription'::text,14,'schedule'::text,'text'::text,false,''::text), ('stripe:subscription'::text,15,'status'::text,'text'::text,false,''::text), ('stripe:subscription'::text,16,'test_clock'::text,'text'::text,false,''::text), ('stripe:subscription'::text,17,'billing_cycle_anchor'::text,'integer'::text,false,''::text), ('stripe:subscription'::text,18,'cancel_at'::text,'integer'::text,false,''::text), ('stripe:subscription'::text,19,'canceled_at'::text,'integer'::text,false,''::text), ('stripe:subscription'::text,20,'created'::text,'integer'::text,false,''::text), ('stripe:subscription'::text,21,'days_until_due'::text,'integer'::text,false,''::text), ('stripe:subscription'::text,22,'ended_at'::text,'integer'::text,false,''::text), ('stripe:subscription'::text,23,'next_pending_invoice_item_invoice'::text,'integer'::text,false,''::text), ('stripe:subscription'::text,24,'start_date'::text,'integer'::text,false,''::text), ('stripe:subscription'::text,25,'trial_end'::text,'integer'::text,false,''::text), ('stripe:subscription'::text,26,'trial_start'::text,'integer'::text,false,''::text), ('stripe:subscription'::text,27,'application_fee_percent'::text,'number'::text,false,''::text), ('stripe:subscription'::text,28,'cancel_at_period_end'::text,'boolean'::text,false,''::text), ('stripe:subscription'::text,29,'livemode'::text,'boolean'::text,false,''::text), ('stripe:subscription'::text,30,'automatic_tax'::text,'object'::text,false,''::text), ('stripe:subscription'::text,31,'billing_cycle_anchor_config'::text,'object'::text,false,''::text), ('stripe:subscription'::text,32,'billing_mode'::text,'object'::text,false,''::text), ('stripe:subscription'::text,33,'billing_thresholds'::text,'object'::text,false,''::text), ('stripe:subscription'::text,34,'cancellation_details'::text,'object'::text,false,''::text), ('stripe:subscription'::text,35,'invoice_settings'::text,'object'::text,false,''::text), ('stripe:subscription'::text,36,'items'::text,'object'::text,false,''::text), ('stripe:subscription'::text,37,'managed_payments'::text,'object'::text,false,''::text), ('stripe:subscription'::text,38,'metadata'::text,'object'::text,false,''::text), ('stripe:subscription'::text,39,'pause_collection'::text,'object'::text,false,''::text), ('stripe:subscription'::text,40,'payment_settings'::text,'object'::text,false,''::text), ('stripe:subscription'::text,41,'pending_invoice_item_interval'::text,'object'::text,false,''::text), ('stripe:subscription'::text,42,'pending_update'::text,'object'::text,false,''::text), ('stripe:subscription'::text,43,'presentment_details'::text,'object'::text,false,''::text), ('stripe:subscription'::text,44,'status_details'::text,'object'::text,false,''::text), ('stripe:subscription'::text,45,'transfer_data'::text,'object'::text,false,''::text), ('stripe:subscription'::text,46,'trial_settings'::text,'object'::text,false,''::text), ('stripe:subscription'::text,47,'billing_schedules'::text,'array'::text,false,''::text), ('stripe:subscription'::text,48,'default_tax_rates'::text,'array'::text,false,''::text), ('stripe:subscription'::text,49,'discounts'::text,'array'::text,false,''::text), ('stripe:subscription_item'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:subscription_item'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:subscription_item'::text,3,'subscription'::text,'text'::text,false,''::text), ('stripe:subscription_item'::text,4,'billed_until'::text,'integer'::text,false,''::text), ('stripe:subscription_item'::text,5,'created'::text,'integer'::text,false,''::text), ('stripe:subscription_item'::text,6,'current_period_end'::text,'integer'::text,false,''::text), ('stripe:subscription_item'::text,7,'current_period_start'::text,'integer'::text,false,''::text), ('stripe:subscription_item'::text,8,'quantity'::text,'integer'::text,false,''::text), ('stripe:subscription_item'::text,9,'billing_thresholds'::text,'object'::text,false,''::text), ('stripe:subscription_item'::text,10,'current_trial'::text,'object'::text,false,''::text), ('stripe:subscription_item'::text,11,'metadata'::text,'object'::text,false,''::text), ('stripe:subscription_item'::text,12,'plan'::text,'object'::text,false,''::text), ('stripe:subscription_item'::text,13,'price'::text,'object'::text,false,''::text), ('stripe:subscription_item'::text,14,'discounts'::text,'array'::text,false,''::text), ('stripe:subscription_item'::text,15,'tax_rates'::text,'array'::text,false,''::text), ('stripe:subscription_schedule'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:subscription_schedule'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:subscription_schedule'::text,3,'application'::text,'text'::text,false,''::text), ('stripe:subscription_schedule'::text,4,'customer'::text,'text'::text,false,''::text), ('stripe:subscription_schedule'::text,5,'customer_account'::text,'text'::text,false,''::text), ('stripe:subscription_schedule'::text,6,'end_behavior'::text,'text'::text,false,''::text), ('stripe:subscription_schedule'::text,7,'released_subscription'::text,'text'::text,false,''::text), ('stripe:subscription_schedule'::text,8,'status'::text,'text'::text,false,''::text), ('stripe:subscription_schedule'::text,9,'subscription'::text,'text'::text,false,''::text), ('stripe:subscription_schedule'::text,10,'test_clock'::text,'text'::text,false,''::text), ('stripe:subscription_schedule'::text,11,'canceled_at'::text,'integer'::text,false,''::text), ('stripe:subscription_schedule'::text,12,'completed_at'::text,'integer'::text,false,''::text), ('stripe:subscription_schedule'::text,13,'created'::text,'integer'::text,false,''::text), ('stripe:subscription_schedule'::text,14,'released_at'::text,'integer'::text,false,''::text), ('stripe:subscription_schedule'::text,15,'livemode'::text,'boolean'::text,false,''::text), ('stripe:subscription_schedule'::text,16,'billing_mode'::text,'object'::text,false,''::text), ('stripe:subscription_schedule'::text,17,'current_phase'::text,'object'::text,false,''::text), ('stripe:subscription_schedule'::text,18,'default_settings'::text,'object'::text,false,''::text), ('stripe:subscription_schedule'::text,19,'metadata'::text,'object'::text,false,''::text), ('stripe:subscription_schedule'::text,20,'pause_schedules'::text,'array'::text,false,''::text), ('stripe:subscription_schedule'::text,21,'phases'::text,'array'::text,false,''::text), ('stripe:tax_id'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:tax_id'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:tax_id'::text,3,'country'::text,'text'::text,false,''::text), ('stripe:tax_id'::text,4,'customer'::text,'text'::text,false,''::text), ('stripe:tax_id'::text,5,'customer_account'::text,'text'::text,false,''::text), ('stripe:tax_id'::text,6,'type'::text,'text'::text,false,''::text), ('stripe:tax_id'::text,7,'value'::text,'text'::text,false,''::text), ('stripe:tax_id'::text,8,'created'::text,'integer'::text,false,''::text), ('stripe:tax_id'::text,9,'livemode'::text,'boolean'::text,false,''::text), ('stripe:tax_id'::text,10,'owner'::text,'object'::text,false,''::text), ('stripe:tax_id'::text,11,'verification'::text,'object'::text,false,''::text), ('stripe:tax_rate'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:tax_rate'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:tax_rate'::text,3,'country'::text,'text'::text,false,''::text), ('stripe:tax_rate'::text,4,'description'::text,'text'::text,false,''::text), ('stripe:tax_rate'::text,5,'display_name'::text,'text'::text,false,''::text), ('stripe:tax_rate'::text,6,'jurisdiction'::text,'text'::text,false,''::text), ('stripe:tax_rate'::text,7,'jurisdiction_level'::text,'text'::text,false,''::text), ('stripe:tax_rate'::text,8,'rate_type'::text,'text'::text,false,''::text), ('stripe:tax_rate'::text,9,'state'::text,'text'::text,false,''::text), ('stripe:tax_rate'::text,10,'tax_type'::text,'text'::text,false,''::text), ('stripe:tax_rate'::text,11,'created'::text,'integer'::text,false,''::text), ('stripe:tax_rate'::text,12,'effective_percentage'::text,'number'::text,false,''::text), ('stripe:tax_rate'::text,13,'percentage'::text,'number'::text,false,''::text), ('stripe:tax_rate'::text,14,'active'::text,'boolean'::text,false,''::text), ('stripe:tax_rate'::text,15,'inclusive'::text,'boolean'::text,false,''::text), ('stripe:tax_rate'::text,16,'livemode'::text,'boolean'::text,false,''::text), ('stripe:tax_rate'::text,17,'flat_amount'::text,'object'::text,false,''::text), ('stripe:tax_rate'::text,18,'metadata'::text,'object'::text,false,''::text), ('stripe:tax_registration'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:tax_registration'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:tax_registration'::text,3,'country'::text,'text'::text,false,''::text), ('stripe:tax_registration'::text,4,'status'::text,'text'::text,false,''::text), ('stripe:tax_registration'::text,5,'active_from'::text,'integer'::text,false,''::text), ('stripe:tax_registration'::text,6,'created'::text,'integer'::text,false,''::text), ('stripe:tax_registration'::text,7,'expires_at'::text,'integer'::text,false,''::text), ('stripe:tax_registration'::text,8,'livemode'::text,'boolean'::text,false,''::text), ('stripe:tax_registration'::text,9,'country_options'::text,'object'::text,false,''::text), ('stripe:topup'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:topup'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:topup'::text,3,'balance_transaction'::text,'text'::text,false,''::text), ('stripe:topup'::text,4,'currency'::text,'text'::text,false,''::text), ('stripe:topup'::text,5,'description'::text,'text'::text,false,''::text), ('stripe:topup'::text,6,'failure_code'::text,'text'::text,false,''::text), ('stripe:topup'::text,7,'failure_message'::text,'text'::text,false,''::text), ('stripe:topup'::text,8,'initiated_by'::text,'text'::text,false,''::text), ('stripe:topup'::text,9,'payment_method'::text,'text'::text,false,''::text), ('stripe:topup'::text,10,'statement_descriptor'::text,'text'::text,false,''::text), ('stripe:topup'::text,11,'status'::text,'text'::text,false,''::text), ('stripe:topup'::text,12,'transfer_group'::text,'text'::text,false,''::text), ('stripe:topup'::text,13,'amount'::text,'integer'::text,false,''::text), ('stripe:topup'::text,14,'created'::text,'integer'::text,false,''::text), ('stripe:topup'::text,15,'expected_availability_date'::text,'integer'::text,false,''::text), ('stripe:topup'::text,16,'livemode'::text,'boolean'::text,false,''::text), ('stripe:topup'::text,17,'metadata'::text,'object'::text,false,''::text), ('stripe:topup'::text,18,'payment_method_options'::text,'object'::text,false,''::text), ('stripe:topup'::text,19,'source'::text,'object'::text,false,''::text), ('stripe:transfer'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:transfer'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:transfer'::text,3,'balance_transaction'::text,'text'::text,false,''::text), ('stripe:transfer'::text,4,'currency'::text,'text'::text,false,''::text), ('stripe:transfer'::text,5,'description'::text,'text'::text,false,''::text), ('stripe:transfer'::text,6,'destination'::text,'text'::text,false,''::text), ('stripe:transfer'::text,7,'destination_payment'::text,'text'::text,false,''::text), ('stripe:transfer'::text,8,'source_transaction'::text,'text'::text,false,''::text), ('stripe:transfer'::text,9,'source_type'::text,'text'::text,false,''::text), ('stripe:transfer'::text,10,'transfer_group'::text,'text'::text,false,''::text), ('stripe:transfer'::text,11,'amount'::text,'integer'::text,false,''::text), ('stripe:transfer'::text,12,'amount_reversed'::text,'integer'::text,false,''::text), ('stripe:transfer'::text,13,'created'::text,'integer'::text,false,''::text), ('stripe:transfer'::text,14,'livemode'::text,'boolean'::text,false,''::text), ('stripe:transfer'::text,15,'reversed'::text,'boolean'::text,false,''::text), ('stripe:transfer'::text,16,'metadata'::text,'object'::text,false,''::text), ('stripe:transfer'::text,17,'reversals'::text,'object'::text,false,''::text), ('stripe:treasury_financial_account'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:treasury_financial_account'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:treasury_financial_account'::text,3,'country'::text,'text'::text,false,''::text), ('stripe:treasury_financial_account'::text,4,'nickname'::text,'text'::text,false,''::text), ('stripe:treasury_financial_account'::text,5,'status'::text,'text'::text,false,''::text), ('stripe:treasury_financial_account'::text,6,'created'::text,'integer'::text,false,''::text), ('stripe:treasury_financial_account'::text,7,'is_default'::text,'boolean'::text,false,''::text), ('stripe:treasury_financial_account'::text,8,'livemode'::text,'boolean'::text,false,''::text), ('stripe:treasury_financial_account'::text,9,'balance'::text,'object'::text,false,''::text), ('stripe:treasury_financial_account'::text,10,'features'::text,'object'::text,false,''::text), ('stripe:treasury_financial_account'::text,11,'metadata'::text,'object'::text,false,''::text), ('stripe:treasury_financial_account'::text,12,'platform_restrictions'::text,'object'::text,false,''::text), ('stripe:treasury_financial_account'::text,13,'status_details'::text,'object'::text,false,''::text), ('stripe:treasury_financial_account'::text,14,'active_features'::text,'array'::text,false,''::text), ('stripe:treasury_financial_account'::text,15,'financial_addresses'::text,'array'::text,false,''::text), ('stripe:treasury_financial_account'::text,16,'pending_features'::text,'array'::text,false,''::text), ('stripe:treasury_financial_account'::text,17,'restricted_features'::text,'array'::text,false,''::text), ('stripe:treasury_financial_account'::text,18,'supported_currencies'::text,'array'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:treasury_inbound_transfer'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,3,'currency'::text,'text'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,4,'description'::text,'text'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,5,'financial_account'::text,'text'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,6,'hosted_regulatory_receipt_url'::text,'text'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,7,'origin_payment_method'::text,'text'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,8,'statement_descriptor'::text,'text'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,9,'status'::text,'text'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,10,'transaction'::text,'text'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,11,'amount'::text,'integer'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,12,'created'::text,'integer'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,13,'cancelable'::text,'boolean'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,14,'livemode'::text,'boolean'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,15,'returned'::text,'boolean'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,16,'failure_details'::text,'object'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,17,'linked_flows'::text,'object'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,18,'metadata'::text,'object'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,19,'origin_payment_method_details'::text,'object'::text,false,''::text), ('stripe:treasury_inbound_transfer'::text,20,'status_transitions'::text,'object'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:treasury_outbound_payment'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,3,'currency'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,4,'customer'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,5,'description'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,6,'destination_payment_method'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,7,'financial_account'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,8,'hosted_regulatory_receipt_url'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,9,'statement_descriptor'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,10,'status'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,11,'transaction'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,12,'amount'::text,'integer'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,13,'created'::text,'integer'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,14,'expected_arrival_date'::text,'integer'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,15,'cancelable'::text,'boolean'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,16,'livemode'::text,'boolean'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,17,'destination_payment_method_details'::text,'object'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,18,'end_user_details'::text,'object'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,19,'metadata'::text,'object'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,20,'returned_details'::text,'object'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,21,'status_transitions'::text,'object'::text,false,''::text), ('stripe:treasury_outbound_payment'::text,22,'tracking_details'::text,'object'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:treasury_outbound_transfer'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,3,'currency'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,4,'description'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,5,'destination_payment_method'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,6,'financial_account'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,7,'hosted_regulatory_receipt_url'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,8,'statement_descriptor'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,9,'status'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,10,'transaction'::text,'text'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,11,'amount'::text,'integer'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,12,'created'::text,'integer'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,13,'expected_arrival_date'::text,'integer'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,14,'cancelable'::text,'boolean'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,15,'livemode'::text,'boolean'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,16,'destination_payment_method_details'::text,'object'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,17,'metadata'::text,'object'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,18,'returned_details'::text,'object'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,19,'status_transitions'::text,'object'::text,false,''::text), ('stripe:treasury_outbound_transfer'::text,20,'tracking_details'::text,'object'::text,false,''::text), ('stripe:treasury_received_credit'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:treasury_received_credit'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:treasury_received_credit'::text,3,'currency'::text,'text'::text,false,''::text), ('stripe:treasury_received_credit'::text,4,'description'::text,'text'::text,false,''::text), ('stripe:treasury_received_credit'::text,5,'failure_code'::text,'text'::text,false,''::text), ('stripe:treasury_received_credit'::text,6,'financial_account'::text,'text'::text,false,''::text), ('stripe:treasury_received_credit'::text,7,'hosted_regulatory_receipt_url'::text,'text'::text,false,''::text), ('stripe:treasury_received_credit'::text,8,'network'::text,'text'::text,false,''::text), ('stripe:treasury_received_credit'::text,9,'status'::text,'text'::text,false,''::text), ('stripe:treasury_received_credit'::text,10,'transaction'::text,'text'::text,false,''::text), ('stripe:treasury_received_credit'::text,11,'amount'::text,'integer'::text,false,''::text), ('stripe:treasury_received_credit'::text,12,'created'::text,'integer'::text,false,''::text), ('stripe:treasury_received_credit'::text,13,'livemode'::text,'boolean'::text,false,''::text), ('stripe:treasury_received_credit'::text,14,'initiating_payment_method_details'::text,'object'::text,false,''::text), ('stripe:treasury_received_credit'::text,15,'linked_flows'::text,'object'::text,false,''::text), ('stripe:treasury_received_credit'::text,16,'reversal_details'::text,'object'::text,false,''::text), ('stripe:treasury_received_debit'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:treasury_received_debit'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:treasury_received_debit'::text,3,'currency'::text,'text'::text,false,''::text), ('stripe:treasury_received_debit'::text,4,'description'::text,'text'::text,false,''::text), ('stripe:treasury_received_debit'::text,5,'failure_code'::text,'text'::text,false,''::text), ('stripe:treasury_received_debit'::text,6,'financial_account'::text,'text'::text,false,''::text), ('stripe:treasury_received_debit'::text,7,'hosted_regulatory_receipt_url'::text,'text'::text,false,''::text), ('stripe:treasury_received_debit'::text,8,'network'::text,'text'::text,false,''::text), ('stripe:treasury_received_debit'::text,9,'status'::text,'text'::text,false,''::text), ('stripe:treasury_received_debit'::text,10,'transaction'::text,'text'::text,false,''::text), ('stripe:treasury_received_debit'::text,11,'amount'::text,'integer'::text,false,''::text), ('stripe:treasury_received_debit'::text,12,'created'::text,'integer'::text,false,''::text), ('stripe:treasury_received_debit'::text,13,'livemode'::text,'boolean'::text,false,''::text), ('stripe:treasury_received_debit'::text,14,'initiating_payment_method_details'::text,'object'::text,false,''::text), ('stripe:treasury_received_debit'::text,15,'linked_flows'::text,'object'::text,false,''::text), ('stripe:treasury_received_debit'::text,16,'reversal_details'::text,'object'::text,false,''::text), ('stripe:treasury_transaction'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:treasury_transaction'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:treasury_transaction'::text,3,'currency'::text,'text'::text,false,''::text), ('stripe:treasury_transaction'::text,4,'description'::text,'text'::text,false,''::text), ('stripe:treasury_transaction'::text,5,'financial_account'::text,'text'::text,false,''::text), ('stripe:treasury_transaction'::text,6,'flow'::text,'text'::text,false,''::text), ('stripe:treasury_transaction'::text,7,'flow_type'::text,'text'::text,false,''::text), ('stripe:treasury_transaction'::text,8,'status'::text,'text'::text,false,''::text), ('stripe:treasury_transaction'::text,9,'amount'::text,'integer'::text,false,''::text), ('stripe:treasury_transaction'::text,10,'created'::text,'integer'::text,false,''::text), ('stripe:treasury_transaction'::text,11,'livemode'::text,'boolean'::text,false,''::text), ('stripe:treasury_transaction'::text,12,'balance_impact'::text,'object'::text,false,''::text), ('stripe:treasury_transaction'::text,13,'entries'::text,'object'::text,false,''::text), ('stripe:treasury_transaction'::text,14,'flow_details'::text,'object'::text,false,''::text), ('stripe:treasury_transaction'::text,15,'status_transitions'::text,'object'::text,false,''::text), ('stripe:webhook_endpoint'::text,1,'id'::text,'text'::text,true,''::text), ('stripe:webhook_endpoint'::text,2,'object'::text,'text'::text,false,''::text), ('stripe:webhook_endpoint'::text,3,'api_version'::text,'text'::text,false,''::text), ('stripe:webhook_endpoint'::text,4,'application'::text,'text'::text,false,''::text), ('stripe:webhook_endpoint'::text,5,'description'::text,'text'::text,false,''::text), ('stripe:webhook_endpoint'::text,6,'secret'::text,'text'::text,false,''::text), ('stripe:webhook_endpoint'::text,7,'status'::text,'text'::text,false,''::text), ('stripe:webhook_endpoint'::text,8,'url'::text,'text'::text,false,''::text), ('stripe:webhook_endpoint'::text,9,'created'::text,'integer'::text,false,''::text), ('stripe:webhook_endpoint'::text,10,'livemode'::text,'boolean'::text,false,''::text), ('stripe:webhook_endpoint'::text,11,'metadata'::text,'object'::text,false,''::text), ('stripe:webhook_endpoint'::text,12,'enabled_events'::text,'array'::text,false,''::text), ('zendesk:group'::text,1,'id'::text,'integer'::text,true,''::text), ('zendesk:group'::text,2,'name'::text,'text'::text,false,''::text), ('zendesk:group'::text,3,'deleted'::text,'boolean'::text,false,''::text), ('zendesk:group'::text,4,'created_at'::text,'time'::text,false,''::text), ('zendesk:group'::text,5,'updated_at'::text,'time'::text,false,''::text), ('zendesk:group_membership'::text,1,'id'::text,'integer'::text,true,''::text), ('zendesk:group_membership'::text,2,'user_id'::text,'integer'::text,false,''::text), ('zendesk:group_membership'::text,3,'group_id'::text,'integer'::text,false,''::text), ('zendesk:group_membership'::text,4,'created_at'::text,'time'::text,false,''::text), ('zendesk:group_membership'::text,5,'updated_at'::text,'time'::text,false,''::text), ('zendesk:macro'::text,1,'id'::text,'integer'::text,true,''::text), ('zendesk:macro'::text,2,'title'::text,'text'::text,false,''::text), ('zendesk:macro'::text,3,'active'::text,'boolean'::text,false,''::text), ('zendesk:macro'::text,4,'actions'::text,'array'::text,false,''::text), ('zendesk:macro'::text,5,'created_at'::text,'time'::text,false,''::text), ('zendesk:macro'::text,6,'updated_at'::text,'time'::text,false,''::text), ('zendesk:organization'::text,1,'id'::text,'integer'::text,true,''::text), ('zendesk:organization'::text,2,'name'::text,'text'::text,false,''::text), ('zendesk:organization'::text,3,'external_id'::text,'text'::text,false,''::text), ('zendesk:organization'::text,4,'domain_names'::text,'array'::text,false,''::text), ('zendesk:organization'::text,5,'created_at'::text,'time'::text,false,''::text), ('zendesk:organization'::text,6,'updated_at'::text,'time'::text,false,''::text), ('zendesk:organization_membership'::text,1,'id'::text,'integer'::text,true,''::text), ('zendesk:organization_membership'::text,2,'user_id'::text,'integer'::text,false,''::text), ('zendesk:organization_membership'::text,3,'organization_id'::text,'integer'::text,false,''::text), ('zendesk:organization_membership'::text,4,'created_at'::text,'time'::text,false,''::text), ('zendesk:organization_membership'::text,5,'updated_at'::text,'time'::text,false,''::text), ('zendesk:ticket'::text,1,'id'::text,'integer'::text,true,''::text), ('zendesk:ticket'::text,2,'subject'::text,'text'::text,false,''::text), ('zendesk:ticket'::text,3,'status'::text,'text'::text,false,''::text), ('zendesk:ticket'::text,4,'priority'::text,'text'::text,false,''::text), ('zendesk:ticket'::text,5,'requester_id'::text,'integer'::text,false,''::text), ('zendesk:ticket'::text,6,'organization_id'::text,'integer'::text,false,''::text), ('zendesk:ticket'::text,7,'custom_fields'::text,'array'::text,false,''::text), ('zendesk:ticket'::text,8,'created_at'::text,'time'::text,false,''::text), ('zendesk:ticket'::text,9,'updated_at'::text,'time'::text,false,''::text), ('zendesk:ticket_comment'::text,1,'id'::text,'integer'::text,true,''::text), ('zendesk:ticket_comment'::text,2,'body'::text,'text'::text,false,''::text), ('zendesk:ticket_comment'::text,3,'author_id'::text,'integer'::text,false,''::text), ('zendesk:ticket_comment'::text,4,'public'::text,'boolean'::text,false,''::text), ('zendesk:ticket_comment'::text,5,'created_at'::text,'time'::text,false,''::text), ('zendesk:ticket_field'::text,1,'id'::text,'integer'::text,true,''::text), ('zendesk:ticket_field'::text,2,'type'::text,'text'::text,false,''::text), ('zendesk:ticket_field'::text,3,'title'::text,'text'::text,false,''::text), ('zendesk:ticket_field'::text,4,'active'::text,'boolean'::text,false,''::text), ('zendesk:ticket_field'::text,5,'created_at'::text,'time'::text,false,''::text), ('zendesk:ticket_field'::text,6,'updated_at'::text,'time'::text,false,''::text), ('zendesk:user'::text,1,'id'::text,'integer'::text,true,''::text), ('zendesk:user'::text,2,'name'::text,'text'::text,false,''::text), ('zendesk:user'::text,3,'email'::text,'text'::text,false,''::text), ('zendesk:user'::text,4,'role'::text,'text'::text,false,''::text), ('zendesk:user'::text,5,'active'::text,'boolean'::text,false,''::text), ('zendesk:user'::text,6,'created_at'::text,'time'::text,false,''::text), ('zendesk:user'::text,7,'updated_at'::text,'time'::text,false,''::text)) v(collection_id, place, name, type, primary_key, description);
-- columns: collection_id text, place integer, name text, type text, primary_key boolean, description text
comment on view sluice_internal._builtin_fields is 'The fields of those collections, as far as they are known without asking an account.';

create view sluice_internal._builtin_providers as
 SELECT provider,
    free_form,
    describes
   FROM ( VALUES ('airtable'::text,false,false), ('github'::text,false,false), ('hubspot'::text,false,true), ('intercom'::text,false,false), ('jira'::text,false,false), ('linear'::text,false,false), ('notion'::text,false,false), ('push'::text,true,false), ('salesforce'::text,false,true), ('shopify'::text,false,false), ('stripe'::text,false,false), ('zendesk'::text,false,false)) v(provider, free_form, describes);
-- columns: provider text, free_form boolean, describes boolean
comment on view sluice_internal._builtin_providers is 'The providers that come with this release; describes: accounts differ, so the account is asked for its collections.';

create view sluice_internal._document_collections as
 SELECT d.provider,
    (d.provider || ':'::text) || c.key AS collection_id,
    COALESCE(c.value ->> 'description'::text, ''::text) AS description,
    ARRAY( SELECT k.kind
           FROM unnest(ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text]) WITH ORDINALITY k(kind, place)
          WHERE jsonb_typeof(c.value -> k.kind) = 'object'::text
          ORDER BY k.place) AS mutations,
    ARRAY( SELECT m.name
           FROM jsonb_array_elements_text(
                CASE
                    WHEN jsonb_typeof(c.value #> '{upsert,match_on}'::text[]) = 'array'::text THEN c.value #> '{upsert,match_on}'::text[]
                    ELSE '[]'::jsonb
                END) WITH ORDINALITY m(name, place)
          ORDER BY m.place) AS match_on,
    c.value::text ~~ '%{if\_match}%'::text AS if_match,
        CASE
            WHEN jsonb_typeof(c.value -> 'fields'::text) = 'object'::text THEN c.value -> 'fields'::text
            ELSE '{}'::jsonb
        END AS fields
   FROM sluice_internal.provider_documents d
     CROSS JOIN LATERAL jsonb_each(
        CASE
            WHEN jsonb_typeof(d.document -> 'collections'::text) = 'object'::text THEN d.document -> 'collections'::text
            ELSE '{}'::jsonb
        END) c(key, value);
-- columns: provider text, collection_id text, description text, mutations text[], match_on text[], if_match boolean, fields jsonb
comment on view sluice_internal._document_collections is 'The collections of the providers that users describe, out of their documents.';

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

create view sluice_internal._open_providers as
 SELECT provider,
    form
   FROM ( VALUES ('hubspot'::text,'hubspot:([0-9]{1,3}-[0-9]{1,15}|p[0-9]{0,15}_[a-z0-9_]{1,100}|[a-z_]{1,40})'::text), ('salesforce'::text,'salesforce:[a-z][a-z0-9_]{0,79}'::text)) v(provider, form);
-- columns: provider text, form text
comment on view sluice_internal._open_providers is 'The providers whose accounts have collections of their own, and the form of those names, as a regular expression.';

-- ---------------- Functions

CREATE OR REPLACE FUNCTION sluice.collection_refresh(credential_id text)
 RETURNS sluice.descriptions
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_description sluice.descriptions;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform sluice_internal._description_ask(collection_refresh.credential_id);
    select d.* into v_description
    from sluice.descriptions as d
    where d.credential_id = collection_refresh.credential_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL104',
            message = format('credential "%s" does not exist', left(coalesce(collection_refresh.credential_id, 'null'), 200)),
            hint = 'List them with: select credential_id, provider from sluice.credentials';
    end if;
    return v_description;
end
$function$;
comment on function sluice.collection_refresh(text) is 'Has the account behind a credential asked again for its collections and their fields; a poller does it once this commits. Answers where that stands. credential_collections and credential_fields have what is known. Errors: SL002, SL104.';

CREATE OR REPLACE FUNCTION sluice.consumer_ack(consumer_id text, ack_tokens text[], strict boolean DEFAULT false)
 RETURNS TABLE(accepted integer, rejected text[])
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
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
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
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
 SECURITY DEFINER
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
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
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
    v_consumer sluice_internal.consumers;
    v_open boolean;
    v_lanes int;
    v_lane int;
    v_one int;
    v_state record;
    v_hit record;
    v_secret bigint;
    v_step_no bigint;
    v_leased_until timestamptz;
    v_taken int;
    v_need int;
    v_count int;
    v_next int;
    v_first int;
    v_batch_lane int;
    v_enough int;
    v_ready int[];
    v_locked int[];
    v_done int[];
    v_bytes bigint;
    v_known text;
    v_due boolean := false;
begin
    -- Three times cheaper than the usual way: this session found lately that this consumer has read everything and has nothing out, and
    -- nobody has written since. What is wrong with the call is said below.
    if current_setting('sluice.idle', true) = consumer_next.consumer_id and consumer_next.batch_size between 1 and 1000
        and (consumer_next.ack_tokens is null or consumer_next.ack_tokens = '{}')
        and current_setting('transaction_isolation') = 'read committed'
    then
        if exists (
            select
            from sluice_internal.consumers as c
            cross join sluice_internal.ingests_ingest_no_seq as q
            where
                c.consumer_id = consumer_next.consumer_id collate "C" and sluice_internal._authorized('consumer')
                and starts_with(
                    current_setting('sluice.idle_' || c.consumer_no, true), concat(c.xmin, ':', q.last_value + q.is_called::int, ':')
                )
        ) then
            return;
        end if;
        perform set_config('sluice.idle', '', false);
    end if;
    v_consumer := sluice_internal._authorize_consumer(consumer_next.consumer_id, 'consumer');
    v_lanes := v_consumer.lanes;
    -- Inside an explicit transaction the lanes stay locked for as long as it lasts, so it takes a share of them only.
    -- Drivers that send parameters apart from the statement cannot be told from one; they may set pgsluice.autocommit.
    v_open := (statement_timestamp() <> transaction_timestamp() or pg_current_xact_id_if_assigned() is not null)
        and coalesce(current_setting('pgsluice.autocommit', true), '') <> 'on';
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
    v_known := current_setting('sluice.idle_' || v_consumer.consumer_no, true);
    if v_known <> '' then
        if sluice_internal._idle_note(v_consumer, v_known) then
            return;
        end if;
    end if;
    if v_consumer.max_ack_pending is not null then
        return query
        select m.* from sluice_internal._next_bounded(v_consumer, v_lanes, consumer_next.batch_size, v_open) as m;
        if not found and random() < 0.25 then
            perform sluice_internal._idle_note(v_consumer, null);
        end if;
        return;
    end if;
    v_lane := floor(random() * v_lanes);
    v_first := v_lane;

    if v_consumer.filter is null and consumer_next.batch_size > 1 then
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
    -- Several times cheaper than what follows: one message, where one is wanted, from a lane drawn by lot or from the first that has
    -- something; or where no more is there, in the only lane that has something.
    if v_consumer.filter is null and v_batch_lane is null then
        v_one := case when consumer_next.batch_size = 1 then v_lane end;
        loop
            if v_one is not null then
                -- Read without the lock, in one statement. Whoever came first since has written the step that would be written here: then
                -- it is not, and the general way looks again.
                select
                    coalesce(st.step_no, 0) + 1 as step_no,
                    coalesce(st.open_steps, '{}') as open_steps,
                    coalesce(st.replay_idx, 0) as replay_idx,
                    coalesce(st.skipped, 0) as skipped,
                    st.next_due,
                    e.updated_idx, e.record_no, e.first, r.*, y.external_id, y.metadata,
                    case
                        when consumer_next.batch_size > 1 then exists (
                            select
                            from sluice_internal.positions as n
                            where n.stream_no = v_consumer.stream_no and n.lane = v_one and n.updated_idx > e.updated_idx
                        )
                        else false
                    end as more
                into v_hit
                from (select) as one
                left join lateral (
                    select t.step_no, t.cursor_idx, t.replay_idx, t.skipped, t.next_due, t.parked_record_nos, t.open_steps
                    from sluice_internal.consumer_steps as t
                    where t.consumer_no = v_consumer.consumer_no and t.lane = v_one
                    order by t.step_no desc
                    limit 1
                ) as st on true
                cross join lateral (
                    select p.updated_idx, p.record_no, p.first
                    from sluice_internal.positions as p
                    where
                        p.stream_no = v_consumer.stream_no and p.lane = v_one
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
                                s.consumer_no = v_consumer.consumer_no and s.lane = v_one and s.due_at <= clock_timestamp()
                                and s.step_no = any(st.open_steps)
                        )
                    end
                limit 1;
                if found and not v_hit.more and (v_hit.open_steps = '{}' or (v_hit.first and v_hit.updated_idx > v_hit.replay_idx))
                    and pg_try_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, v_one))
                    and pg_try_advisory_xact_lock_shared(sluice_internal._lock_key(4, v_consumer.consumer_no, 0))
                then
                    v_secret := sluice_internal._random_bits();
                    v_leased_until := clock_timestamp() + v_consumer.ack_wait;
                    v_step_no := v_hit.step_no;
                    if sluice_internal._steps_due(v_step_no, v_hit.open_steps) then
                        v_hit.open_steps := sluice_internal._steps_open(v_consumer.consumer_no, v_one, v_hit.open_steps);
                    end if;
                    insert into sluice_internal.consumer_steps (
                        consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect,
                        data_bytes, secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
                    )
                    select
                        v_consumer.consumer_no, v_one, v_step_no, v_hit.updated_idx, v_hit.open_steps || v_step_no,
                        least(case when v_hit.open_steps <> '{}' then v_hit.next_due end, v_leased_until), '{}', '{}', false,
                        coalesce(v_hit.bytes, 0), v_secret, v_leased_until, array[v_hit.record_no], array[v_hit.updated_idx],
                        v_hit.replay_idx, v_hit.skipped
                    where exists (select from sluice_internal.consumers as c where c.consumer_no = v_consumer.consumer_no)
                    on conflict do nothing;
                    if found then
                        return next row(
                            sluice_internal._ack_token(v_one, v_step_no, 1, v_secret), v_hit.sync_id, v_hit.collection_id,
                            v_hit.upstream_id, v_hit.updated_idx, v_hit.upstream_created_at, v_hit.upstream_updated_at, v_hit.deleted, 1,
                            v_hit.external_id, v_hit.metadata, v_hit.data
                        );
                        if v_step_no % 64 = 0 then
                            perform sluice_internal._lane_trim(v_consumer.consumer_no, v_one, v_step_no, v_hit.open_steps || v_step_no);
                        end if;
                        return;
                    end if;
                end if;
            end if;
            exit when v_ready is not null;
            v_ready := sluice_internal._lanes_ready(v_consumer, v_lanes, v_lane, least(consumer_next.batch_size, v_lanes));
            if v_ready is null then
                -- now and then: in vain while a message is out
                if random() < 0.25 then
                    perform sluice_internal._idle_note(v_consumer, null);
                end if;
                return;
            end if;
            exit when cardinality(v_ready) > 1 or v_ready[1] = v_one;
            v_one := v_ready[1];
        end loop;
    end if;
    v_taken := 0;
    v_enough := 0;
    v_locked := '{}';
    v_done := '{}';
    v_bytes := 33554432;
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
            coalesce(st.open_steps, '{}') as open_steps
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
            if sluice_internal._steps_due(v_step_no, v_state.open_steps) then
                v_state.open_steps := sluice_internal._steps_open(v_consumer.consumer_no, v_lane, v_state.open_steps);
            end if;
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
        v_first := v_lane;
        v_due := v_taken = 0;
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
    if v_consumer.filter is null and not v_due then
        v_need := consumer_next.batch_size - v_taken;
        if v_ready is null then
            v_ready := sluice_internal._lanes_ready(v_consumer, v_lanes, v_lane, least(v_need, v_lanes));
            if v_ready is null then
                return;
            end if;
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
                -- these were all that had something: what has come since is for the next call
                if not v_open and cardinality(v_ready) < least(v_need, v_lanes) then
                    return;
                end if;
                v_done := v_done || v_locked;
                select v_bytes - sum(st.data_bytes) into v_bytes
                from unnest(v_locked) as l (lane)
                cross join lateral sluice_internal._lane_state(v_consumer.consumer_no, l.lane, 0) as st;
            else
                v_first := v_locked[1];
            end if;
        end if;
    end if;
    return query
    select m.*
    from sluice_internal._next_lanes(
        v_consumer, v_lanes, v_first, v_done, consumer_next.batch_size,
        consumer_next.batch_size - v_taken, v_bytes, v_open, null, 9223372036854775807
    ) as m;
    if not found and v_taken = 0 and v_consumer.filter is not null and random() < 0.25 then
        perform sluice_internal._idle_note(v_consumer, null);
    end if;
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
 SECURITY DEFINER
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
        select v.lane, v.record_no, v.updated_idx, v.deliver_count, v.due_at
        from lane as l
        inner join sluice_internal._live_messages as v
            on v.consumer_no = v_consumer.consumer_no and v.lane = l.lane and v.step_no = any(l.open_steps)
    ),
    due as (
        -- what is due again, or was passed while its record was in flight, in its newest version
        select r.record_no, r.updated_idx, case when r.updated_idx = d.updated_idx then d.deliver_count + 1 else 1 end as deliver_count
        from (
            select
                v.record_no,
                v.updated_idx,
                case
                    -- a seek back has come by while it was in flight: it begins anew
                    when exists (
                        select
                        from lane as l
                        cross join lateral unnest(l.parked_record_nos, l.parked_idxs) as k (record_no, updated_idx)
                        where l.lane = v.lane and k.record_no = v.record_no and k.updated_idx = v.updated_idx
                    ) then 0
                    else v.deliver_count
                end as deliver_count
            from live as v
            where v.due_at <= v_now
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
    -- by lane: a look through all that is in flight, for each entry, would take a second with 100,000
    held as materialized (
        select h.lane, array_agg(h.record_no) as record_nos
        from (
            select v.lane, v.record_no from live as v where v.due_at > v_now
            union all
            select (d.record_no % v_lanes)::smallint as lane, d.record_no from due as d
        ) as h
        group by h.lane
    ),
    fresh as (
        select p.record_no, p.updated_idx, 1 as deliver_count
        from (
            select n.lane, n.cursor_idx, coalesce(h.record_nos, '{}') as record_nos
            from lane as n
            left join held as h on h.lane = n.lane
        ) as l
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
            where r.record_no <> all(l.record_nos)
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
                case
                    when r.data is null then 0
                    when pg_column_compression(r.data) is null then pg_column_size(r.data)
                    else octet_length(r.data::text)
                end
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
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
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
    -- As whoever writes records does: who noted that nothing is left (_idle_note) looks again, and notes nothing before this commits.
    if v_record_nos is not null then
        lock table sluice.records in row exclusive mode;
        perform
            nextval(format('sluice_internal.position_%s', v_consumer.stream_no)::regclass),
            nextval('sluice_internal.ingests_ingest_no_seq');
    end if;
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
    v_digest bytea := sha256(convert_to((
        jsonb_build_array(mutation_run.kind, mutation_run.collection_id, mutation_run.data, mutation_run.match_on)
        || case when mutation_run.if_match is null then '[]' else jsonb_build_array(mutation_run.if_match) end
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
        mutation_id, stream_no, sync_id, collection_id, kind, match_on, idempotency_key, request_digest, if_match
    )
    values (
        v_id, v_sync.stream_no, v_sync.sync_id, mutation_run.collection_id, mutation_run.kind, mutation_run.match_on,
        mutation_run.idempotency_key, v_digest, mutation_run.if_match
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
        insert into sluice_internal.mutation_items (mutation_no, item_no, sync_id, collection_id, upstream_id, data, match_value)
        select
            v_no,
            d.ordinality,
            v_sync.sync_id,
            mutation_run.collection_id,
            case when mutation_run.kind in ('update', 'delete') then d.item ->> 'upstream_id' end,
            case mutation_run.kind when 'delete' then null when 'update' then d.item -> 'data' else d.item end,
            (d.item #> string_to_array(mutation_run.match_on, '.'))::text
        from jsonb_array_elements(mutation_run.data) with ordinality as d (item, ordinality);
        perform pg_notify('sluice_mutations', '');
    end if;
    select m.* into v_mutation from sluice.mutations as m where m.mutation_id = v_id collate "C";
    return v_mutation;
end
$function$;
comment on function sluice.mutation_run(text,text,text,jsonb,text,text,text) is 'Asks a vendor to write, in the caller''s transaction: a poller sends it once this commits. data is an array: create, the vendor''s object; update, {upstream_id, data}; delete, {upstream_id}; upsert, the vendor''s object, found by its field match_on (a.b: the field b of the object a). if_match: the version that the one object must still have. With an idempotency_key (kept for 30 days, per sync) the same request again answers the same mutation, another one SL112. Answers the mutation; mutation_result has what became of each item. Errors: SL001, SL004, SL102, SL106, SL112.';

CREATE OR REPLACE FUNCTION sluice.oauth_app_delete(oauth_app_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_credential_id text;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform from sluice_internal.oauth_apps as a where a.oauth_app_id = oauth_app_delete.oauth_app_id collate "C" for update;
    if not found then
        raise exception using
            errcode = 'SL175',
            message = format('OAuth app "%s" does not exist', left(coalesce(oauth_app_delete.oauth_app_id, 'null'), 200)),
            hint = 'List them with: select oauth_app_id, provider from sluice.oauth_apps';
    end if;
    select c.credential_id into v_credential_id
    from sluice_internal.credentials as c
    where c.oauth_app_id = oauth_app_delete.oauth_app_id collate "C"
    limit 1;
    if found then
        raise exception using
            errcode = 'SL111',
            message = format('OAuth app "%s" is used by credential "%s"', oauth_app_delete.oauth_app_id, v_credential_id),
            hint = 'Its tokens could not be renewed any more: delete its credentials first.';
    end if;
    delete from sluice_internal.oauth_apps as a where a.oauth_app_id = oauth_app_delete.oauth_app_id collate "C";
end
$function$;
comment on function sluice.oauth_app_delete(text) is 'Deletes an OAuth app that no credential was obtained through; consents that are under way end with it. Locks its row. Errors: SL111, SL175.';

CREATE OR REPLACE FUNCTION sluice.oauth_app_update(oauth_app_id text, client_id text DEFAULT NULL::text, name text DEFAULT NULL::text, base_url text DEFAULT NULL::text, scopes text[] DEFAULT NULL::text[], redirect_urls text[] DEFAULT NULL::text[], metadata jsonb DEFAULT NULL::jsonb)
 RETURNS sluice.oauth_apps
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_app sluice.oauth_apps;
begin
    perform sluice_internal._authorize(null, 'admin');
    if octet_length(oauth_app_update.client_id) not between 1 and 1000 then
        raise exception using
            errcode = 'SL001', message = 'client_id must have 1 to 1000 bytes', hint = 'It is shown at the vendor, with the app.';
    end if;
    if jsonb_typeof(oauth_app_update.metadata) <> 'object' then
        raise exception using errcode = 'SL001', message = 'metadata must be a JSON object', hint = 'For example {"tenant": 42}.';
    end if;
    perform sluice_internal._check_redirect_urls(oauth_app_update.redirect_urls);
    update sluice_internal.oauth_apps as a
    set
        client_id = coalesce(oauth_app_update.client_id, a.client_id),
        name = nullif(coalesce(oauth_app_update.name, a.name), ''),
        base_url = nullif(coalesce(oauth_app_update.base_url, a.base_url), ''),
        scopes = coalesce(oauth_app_update.scopes, a.scopes),
        redirect_urls = coalesce(oauth_app_update.redirect_urls, a.redirect_urls),
        metadata = coalesce(oauth_app_update.metadata, a.metadata),
        updated_at = clock_timestamp()
    where a.oauth_app_id = oauth_app_update.oauth_app_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL175',
            message = format('OAuth app "%s" does not exist', left(coalesce(oauth_app_update.oauth_app_id, 'null'), 200)),
            hint = 'List them with: select oauth_app_id, provider from sluice.oauth_apps';
    end if;
    select a.* into v_app from sluice.oauth_apps as a where a.oauth_app_id = oauth_app_update.oauth_app_id collate "C";
    return v_app;
end
$function$;
comment on function sluice.oauth_app_update(text,text,text,text,text[],text[],jsonb) is 'Changes an OAuth app and answers it; what is null stays, and an empty text or list or {} takes a setting away. Its client secret is sealed by the application: pgsluice oauth-app update, PATCH /v1/oauth-apps/{id}. Locks its row. Errors: SL001, SL175.';

CREATE OR REPLACE FUNCTION sluice.provider_create(provider text, document jsonb, source text DEFAULT NULL::text, replace boolean DEFAULT false, readdress boolean DEFAULT false)
 RETURNS sluice.providers
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_missing text;
    v_former jsonb;
    v_place text;
    v_secret text;
    v_row sluice.providers;
begin
    perform sluice_internal._authorize(null, 'admin');
    if provider_create.provider is null or provider_create.provider !~ '^[a-z][a-z0-9_]{0,39}$'
        or jsonb_typeof(provider_create.document -> 'collections') is distinct from 'object'
        or provider_create.document ->> 'name' is distinct from provider_create.provider
    then
        raise exception using
            errcode = 'SL150',
            message = 'this is no document of that provider',
            detail = 'its name must be the provider''s, in small letters, digits and _, and collections an object',
            hint = 'pgsluice provider check FILE names everything that is wrong with one.';
    end if;
    if exists (select from sluice_internal._builtin_providers as b where b.provider = provider_create.provider) then
        raise exception using
            errcode = 'SL110',
            message = format('the provider "%s" comes with this release', provider_create.provider),
            hint = 'Choose another name for the document.';
    end if;
    select d.document into v_former
    from sluice_internal.provider_documents as d
    where d.provider = provider_create.provider collate "C"
    for update;
    if found and not coalesce(provider_create.replace, false) then
        raise exception using
            errcode = 'SL110',
            message = format('the provider "%s" exists', provider_create.provider),
            hint = 'Say replace to store this document in the place of the other.';
    end if;
    select format('sync "%s" reads %s', y.sync_id, u.id) into v_missing
    from sluice_internal.syncs as y
    cross join lateral unnest(y.collection_ids) as u (id)
    where
        y.provider = provider_create.provider
        and not provider_create.document -> 'collections' ? substr(u.id, length(provider_create.provider) + 2)
    limit 1;
    if v_missing is not null then
        raise exception using
            errcode = 'SL111',
            message = format('the new document lacks a collection: %s', v_missing),
            hint = 'Keep the collection, or take it out of the sync first.';
    end if;
    -- Whoever may store documents need not know the secrets: a host of their own would tell them.
    if v_former is not null and not coalesce(provider_create.readdress, false) then
        v_secret := sluice_internal._provider_secret(provider_create.provider);
        select min(n.place) into v_place
        from sluice_internal._document_places(provider_create.document) as n (place)
        where n.place not in (select o.place from sluice_internal._document_places(v_former) as o (place));
        if v_secret is not null and v_place is not null then
            raise exception using
                errcode = 'SL111',
                message = format('the new document would send the secret of %s to another place: %s', v_secret, left(v_place, 300)),
                hint = 'Nothing was changed. Give the document another name, delete the credentials and apps first, or, if you may decide'
                || ' that: pgsluice provider add --replace --readdress';
        end if;
    end if;
    insert into sluice_internal.provider_documents as d (provider, document, source)
    values (provider_create.provider, provider_create.document, provider_create.source)
    on conflict (provider) do update
    set document = excluded.document, source = excluded.source, updated_at = clock_timestamp();
    -- What accounts said was said of the document before it.
    delete from sluice_internal.described_collections as k
    using sluice_internal.credentials as c
    where c.provider = provider_create.provider and k.credential_id = c.credential_id collate "C";
    perform sluice_internal._description_ask(c.credential_id)
    from sluice_internal.credentials as c
    where c.provider = provider_create.provider;
    select p.* into v_row from sluice.providers as p where p.provider = provider_create.provider;
    return v_row;
end
$function$;
comment on function sluice.provider_create(text,jsonb,text,boolean,boolean) is 'Stores a provider of your own: any REST or GraphQL API, described by a document (docs/how-to/rest.md), with its text as source. With replace it takes the place of an earlier one, from each sync''s next turn on; while there are credentials or OAuth apps of it, one that sends secrets elsewhere than the earlier one is refused, unless readdress says so. Check it before: pgsluice provider check. Locks the provider''s row. Errors: SL110, SL111, SL150.';

CREATE OR REPLACE FUNCTION sluice.provider_delete(provider text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_user text;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform from sluice_internal.provider_documents as d where d.provider = provider_delete.provider collate "C" for update;
    if not found then
        raise exception using
            errcode = 'SL105',
            message = format('there is no provider "%s" of your own', left(coalesce(provider_delete.provider, 'null'), 200)),
            hint = 'What comes with this release cannot be deleted.';
    end if;
    select coalesce(
        (select format('sync "%s"', y.sync_id) from sluice_internal.syncs as y where y.provider = provider_delete.provider limit 1),
        -- A document of that name to come would get it.
        sluice_internal._provider_secret(provider_delete.provider)
    ) into v_user;
    if v_user is not null then
        raise exception using
            errcode = 'SL111',
            message = format('the provider "%s" is used by %s', provider_delete.provider, v_user),
            hint = 'Delete its syncs, credentials and OAuth apps first.';
    end if;
    delete from sluice_internal.provider_documents as d where d.provider = provider_delete.provider collate "C";
end
$function$;
comment on function sluice.provider_delete(text) is 'Deletes a provider of your own that no sync, no credential and no OAuth app uses. Locks its row. Errors: SL105, SL111.';

CREATE OR REPLACE FUNCTION sluice.provider_info(provider text)
 RETURNS sluice.providers
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_row sluice.providers;
begin
    select p.* into v_row from sluice.providers as p where p.provider = provider_info.provider;
    if not found then
        raise exception using
            errcode = 'SL105',
            message = format('provider "%s" does not exist', left(coalesce(provider_info.provider, 'null'), 200)),
            hint = format('There are: %s.', (select string_agg(p.provider, ', ' order by p.provider) from sluice.providers as p));
    end if;
    return v_row;
end
$function$;
comment on function sluice.provider_info(text) is 'A provider. Its collections are in provider_collections and provider_fields, the document of one''s own in provider_documents. Errors: SL105.';

CREATE OR REPLACE FUNCTION sluice.quarantine_purge(sync_id text DEFAULT NULL::text, collection_id text DEFAULT NULL::text, upstream_id text DEFAULT NULL::text, quarantine_id bigint DEFAULT NULL::bigint)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_count int;
begin
    perform sluice_internal._authorize(null, 'admin');
    if coalesce(quarantine_purge.sync_id, quarantine_purge.quarantine_id::text) is null then
        raise exception using
            errcode = 'SL001',
            message = 'name the sync whose quarantine is to be emptied, or one entry',
            hint = 'For example: select quarantine_purge(''acme''). Nothing was removed.';
    end if;
    delete from sluice_internal.quarantine as q
    where
        (quarantine_purge.sync_id is null or q.sync_id = quarantine_purge.sync_id collate "C")
        and (quarantine_purge.collection_id is null or q.collection_id = quarantine_purge.collection_id collate "C")
        and (quarantine_purge.upstream_id is null or q.upstream_id = quarantine_purge.upstream_id collate "C")
        and (quarantine_purge.quarantine_id is null or q.quarantine_id = quarantine_purge.quarantine_id);
    get diagnostics v_count = row_count;
    return v_count;
end
$function$;
comment on function sluice.quarantine_purge(text,text,text,bigint) is 'Removes what is in quarantine for good, and answers how many: of a sync, of one of its collections or objects, or one entry. Errors: SL001, SL002.';

CREATE OR REPLACE FUNCTION sluice.quarantine_retry(sync_id text DEFAULT NULL::text, collection_id text DEFAULT NULL::text, upstream_id text DEFAULT NULL::text, quarantine_id bigint DEFAULT NULL::bigint)
 RETURNS TABLE(stored integer, refused integer, wanted integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_item sluice_internal.quarantine;
    v_reason text;
    v_done record;
    v_wanted text[] := '{}';
begin
    perform sluice_internal._authorize(null, 'admin');
    stored := 0;
    refused := 0;
    for v_item in
        select q.*
        from sluice_internal.quarantine as q
        inner join sluice_internal.syncs as y on y.sync_id = q.sync_id
        where
            y.deleting_since is null
            and (quarantine_retry.sync_id is null or q.sync_id = quarantine_retry.sync_id collate "C")
            and (quarantine_retry.collection_id is null or q.collection_id = quarantine_retry.collection_id collate "C")
            and (quarantine_retry.upstream_id is null or q.upstream_id = quarantine_retry.upstream_id collate "C")
            and (quarantine_retry.quarantine_id is null or q.quarantine_id = quarantine_retry.quarantine_id)
        order by q.sync_id, q.collection_id, q.upstream_id, q.quarantine_id
        limit 1000
        for update of q skip locked
    loop
        v_reason := sluice_internal._quarantine_refusal(v_item.raw);
        if v_item.upstream_id is null then
            v_reason := coalesce(v_reason, 'it has no id');
        end if;
        if v_reason is null then
            -- as read when it was kept: what was read since then is newer
            v_done := sluice_internal._record_store(
                v_item.sync_id, v_item.collection_id,
                jsonb_build_array(jsonb_build_object(
                    'upstream_id', v_item.upstream_id, 'data', convert_from(v_item.raw, 'UTF8')::jsonb
                )),
                v_item.created_at
            );
            stored := stored + 1;
            delete from sluice_internal.quarantine as q where q.quarantine_id = v_item.quarantine_id;
        else
            refused := refused + 1;
            update sluice_internal.quarantine as q
            set reason = v_reason
            where q.quarantine_id = v_item.quarantine_id and v_item.upstream_id is not null;
        end if;
        if v_item.upstream_id is not null then
            insert into sluice_internal.wanted_objects (sync_id, collection_id, upstream_id)
            select v_item.sync_id, v_item.collection_id, v_item.upstream_id
            from sluice_internal.sync_runs as r
            where r.sync_id = v_item.sync_id
            on conflict do nothing;
            if found then
                v_wanted := v_wanted || v_item.sync_id;
            end if;
        end if;
    end loop;
    wanted := cardinality(v_wanted);
    if wanted > 0 then
        update sluice_internal.sync_runs as r
        set next_attempt_at = clock_timestamp()
        where r.sync_id in (select distinct u.id from unnest(v_wanted) as u (id)) and r.status <> 'rate_limited';
        perform pg_notify('sluice_poller', '');
    end if;
    return next;
end
$function$;
comment on function sluice.quarantine_retry(text,text,text,bigint) is 'Tries again to store what is in quarantine, up to 1,000 objects a call: all, or those of a sync, a collection, an object, or one entry. Answers how many were stored, and have left the quarantine, how many still cannot be, and how many objects the next turn of their sync fetches once more (every one that has an id, where there is a vendor to ask). Locks the entries (skips locked ones) and the records. Errors: SL002.';

CREATE OR REPLACE FUNCTION sluice.record_erase(sync_id text, collection_id text, upstream_id text)
 RETURNS TABLE(records integer, quarantined integer, mutation_items integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs := sluice_internal._authorize_sync(record_erase.sync_id, 'admin');
    v_no bigint;
begin
    if octet_length(coalesce(record_erase.upstream_id, '')) not between 1 and 200
        or octet_length(coalesce(record_erase.collection_id, '')) not between 3 and 200
    then
        raise exception using
            errcode = 'SL001',
            message = 'collection_id and upstream_id must name an object',
            hint = 'For example record_erase(''acme'', ''stripe:customer'', ''cus_42''). It need not be known yet.';
    end if;
    perform sluice_internal._hold_sync(v_sync.sync_id);
    insert into sluice_internal.erasures (sync_id, digest)
    values (v_sync.sync_id, sluice_internal._erasure_digest(v_sync.sync_id, record_erase.collection_id, record_erase.upstream_id))
    on conflict do nothing;
    update sluice_internal.syncs as y
    set erasures = y.erasures + 1
    where y.sync_id = v_sync.sync_id
    returning y.* into v_sync;
    -- The key is locked before it is looked at: this waits for whoever writes the object now, and whoever comes later looks at erasures.
    insert into sluice.records as r (sync_id, collection_id, upstream_id, updated_idx, deleted, stream_id)
    select v_sync.sync_id, record_erase.collection_id, record_erase.upstream_id, 0, true, s.stream_id
    from sluice_internal.streams as s
    where s.stream_no = v_sync.stream_no
    on conflict do nothing
    returning r.record_no into v_no;
    records := 0;
    if v_no is not null then
        delete from sluice.records as r where r.record_no = v_no;
    else
        select r.record_no into v_no
        from sluice.records as r
        where
            r.sync_id = v_sync.sync_id
            and r.collection_id = record_erase.collection_id collate "C"
            and r.upstream_id = record_erase.upstream_id collate "C"
        for update;
        records := sluice_internal._records_forget(v_sync.stream_no, array[v_no]);
        if v_sync.moving_from is not null then
            perform sluice_internal._records_forget(v_sync.moving_from, array[v_no]);
        end if;
    end if;
    delete from sluice_internal.quarantine as q
    where
        q.sync_id = v_sync.sync_id
        and q.collection_id = record_erase.collection_id collate "C"
        and q.upstream_id = record_erase.upstream_id collate "C";
    get diagnostics quarantined = row_count;
    delete from sluice_internal.wanted_objects as o
    where
        o.sync_id = v_sync.sync_id
        and o.collection_id = record_erase.collection_id collate "C"
        and o.upstream_id = record_erase.upstream_id collate "C";
    mutation_items := sluice_internal._mutation_erase(v_sync.sync_id, record_erase.collection_id, record_erase.upstream_id);
    return next;
end
$function$;
comment on function sluice.record_erase(text,text,text) is 'Wipes what is known of one upstream object, without a word to consumers: its record, its quarantine, the data and ids in mutations of it (a queued one is cancelled), its dead letters. What remains is a digest with a key that this database keeps and nobody may read; by it the object is refused from now on, silently (ingest counts it as refused), wherever it comes from. A limit: whoever has the whole database has the key too and can try ids; backups, the write-ahead log, and what consumers copied, are not touched; objects that hold a copy of it are others. Waits for whoever writes the object just now. Locks the sync and the record. Errors: SL001, SL102, SL165.';

CREATE OR REPLACE FUNCTION sluice.record_ingest(sync_id text, collection_id text, records jsonb)
 RETURNS TABLE(new integer, changed integer, unchanged integer, refused integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs := sluice_internal._authorize_sync(record_ingest.sync_id, 'admin');
    v_refusal text;
    v_item jsonb;
    v_verdict text;
    v_done record;
begin
    -- Most calls bring something for a collection of the kind that a sync without a list takes, or for one on its list.
    if (case
        when record_ingest.collection_id is null or octet_length(record_ingest.collection_id) > 200 then false
        when v_sync.collection_ids = '{}' then record_ingest.collection_id ~ '^push:.'
        else record_ingest.collection_id = any(v_sync.collection_ids)
    end) then
        null;
    else
        perform sluice_internal._ingest_refusal(v_sync, record_ingest.collection_id);
    end if;
    if jsonb_typeof(record_ingest.records) is distinct from 'array' then
        raise exception using
            errcode = 'SL001',
            message = 'records must be a JSON array',
            hint = 'Each element is {"upstream_id": …, "data": {…}}, optionally with upstream_created_at, upstream_updated_at, deleted.';
    end if;
    -- One object: a path of its own, several times cheaper.
    if jsonb_array_length(record_ingest.records) = 1 and v_sync.moving_from is null and v_sync.erasures = 0
        and current_setting('transaction_isolation') = 'read committed'
    then
        v_item := record_ingest.records -> 0;
        if sluice_internal._record_usual(v_item) then
            v_verdict := sluice_internal._record_write_one(v_sync, record_ingest.collection_id, v_item, null);
            if v_verdict is not null then
                new := (v_verdict = 'new')::int;
                changed := (v_verdict = 'changed')::int;
                unchanged := (v_verdict = 'unchanged')::int;
                refused := 0;
                return next;
                if v_verdict <> 'unchanged' and random() < 0.01 then
                    perform sluice_internal._fold_counts(), sluice_internal._ingest_tidy(400);
                end if;
                return;
            end if;
        end if;
    end if;
    v_refusal := sluice_internal._records_refusal(record_ingest.records);
    if v_refusal is not null then
        raise exception using
            errcode = 'SL001',
            message = v_refusal,
            hint = 'Nothing was written. An element is {"upstream_id", "data", "upstream_created_at", "upstream_updated_at", "deleted"}.';
    end if;
    v_done := sluice_internal._record_store(v_sync.sync_id, record_ingest.collection_id, record_ingest.records, null);
    new := v_done.new;
    changed := v_done.changed;
    unchanged := v_done.unchanged;
    refused := v_done.refused;
    return next;
    -- Without pollers somebody has to fold the counters now and then.
    if random() < 0.01 then
        perform sluice_internal._fold_counts();
    end if;
    -- At least twice as many entries of the log are looked at as are replaced.
    if random() < changed / 2000.0 then
        perform sluice_internal._ingest_tidy(4000);
    end if;
end
$function$;
comment on function sluice.record_ingest(text,text,jsonb) is 'Writes objects into a sync''s collection, in the caller''s transaction. records: an array of {upstream_id, data, upstream_created_at?, upstream_updated_at?, deleted?}. Answers how many were new, changed, unchanged (equal as jsonb: no message) and refused (older than what is stored, of the version that was deleted, or erased). Locks the written records. Errors: SL001, SL102, SL106, SL165.';

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
    insert into sluice_internal.stream_trims (stream_no) values (v_stream_no);
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
    if not found then
        raise exception using
            errcode = 'SL101',
            message = format('stream "%s" does not exist', v_stream.stream_id),
            hint = 'It was deleted just now.';
    end if;
    select count(*) into v_syncs
    from sluice_internal.syncs as y
    where v_stream.stream_no in (y.stream_no, y.moving_from);
    select count(*) into v_consumers from sluice_internal.consumers as c where c.stream_no = v_stream.stream_no;
    if v_syncs + v_consumers > 0 then
        raise exception using
            errcode = 'SL111',
            message = format('stream "%s" still has %s syncs and %s consumers', v_stream.stream_id, v_syncs, v_consumers),
            hint = 'Delete those first.';
    end if;
    -- asked for while their sync was on its way to another stream
    update sluice_internal.mutations as m
    set stream_no = y.stream_no
    from sluice_internal.syncs as y
    where m.stream_no = v_stream.stream_no and y.sync_id = m.sync_id;
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

CREATE OR REPLACE FUNCTION sluice.stream_prune(stream_id text, older_than interval, force boolean DEFAULT false)
 RETURNS TABLE(removed integer, held integer, held_by text, more boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(stream_prune.stream_id, ''), 'admin');
    v_most constant int := 5000;
    v_at timestamptz;
    v_until bigint;
    v_after bigint := 0;
    v_chosen bigint[];
    v_held bigint[];
    v_by text;
begin
    if stream_prune.older_than between interval '0' and interval '1000 years' then
        v_at := clock_timestamp() - stream_prune.older_than;
    else
        raise exception using
            errcode = 'SL001',
            message = 'older_than must be an age, such as 30 days',
            hint = 'Tombstones that were committed earlier than that are removed; 0 means any age.';
    end if;
    -- The place before the first that was written since; null: nothing was, all is older.
    v_until := least(
        (
            select t.idx
            from sluice_internal.stream_times as t
            where t.stream_no = v_stream.stream_no and t.at > v_at
            order by t.at
            limit 1
        ),
        (
            select min(i.updated_idxs[1]) - 1
            from sluice_internal.ingests as i
            where i.stream_no = v_stream.stream_no and i.created_at > v_at
        )
    );
    if stream_prune.older_than = interval '0' then
        v_until := null;
    end if;
    removed := 0;
    held := 0;
    loop
        select array_agg(c.record_no) into v_chosen
        from (
            select r.record_no
            from sluice.records as r
            where
                r.stream_id = v_stream.stream_id and r.deleted and r.record_no > v_after
                and (r.updated_idx <= v_until or v_until is null)
            order by r.record_no
            limit v_most
            for update skip locked
        ) as c;
        exit when v_chosen is null;
        v_after := v_chosen[cardinality(v_chosen)];
        if not coalesce(stream_prune.force, false) then
            select array_agg(h.record_no), min(h.consumer_id) into v_held, v_by
            from (
                select t.record_no, t.consumer_id
                from sluice_internal._records_held(v_stream.stream_no, v_chosen) as t
                union
                select d.record_no, c.consumer_id
                from sluice_internal.consumers as c
                inner join sluice_internal.dead_letters as d on d.consumer_no = c.consumer_no and d.record_no = any(v_chosen)
                where c.stream_no = v_stream.stream_no
            ) as h;
            held_by := coalesce(held_by, v_by);
            held := held + coalesce((select count(distinct u.no) from unnest(v_held) as u (no)), 0);
            v_chosen := array(select unnest(v_chosen) except select unnest(v_held));
        end if;
        removed := removed + sluice_internal._records_forget(v_stream.stream_no, v_chosen);
        more := removed >= v_most;
        exit when more;
    end loop;
    more := coalesce(more, false);
    return next;
end
$function$;
comment on function sluice.stream_prune(text,interval,boolean) is 'Removes tombstones of a stream that were committed longer ago than older_than, about 5,000 a call: more says that a further call has work. One that a consumer has not settled yet, or that is a dead letter, stays and counts as held; held_by is such a consumer. With force it goes all the same, and that consumer never gets it. Locks the tombstones (skips locked ones). Errors: SL001, SL101.';

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
    v_collection_ids text[] := sluice_internal._distinct_ids(coalesce(sync_create.collection_ids, '{}'));
    v_sync sluice.syncs;
begin
    perform sluice_internal._hold_stream(v_stream);
    perform sluice_internal._check_sync(
        sync_create.provider, v_collection_ids, sync_create.credential_id, sync_create.metadata, sync_create.sync_frequency
    );
    perform sluice_internal._check_rate_limit(sync_create.rate_limit);
    perform sluice_internal._check_max_age(sync_create.provider, sync_create.max_age_days);
    insert into sluice_internal.syncs as y (
        sync_id, stream_no, provider, name, collection_ids, credential_id, metadata, external_id, sync_frequency, rate_limit, max_age_days
    )
    values (
        v_sync_id, v_stream.stream_no, sync_create.provider, sync_create.name, v_collection_ids, sync_create.credential_id,
        coalesce(sync_create.metadata, '{}'), sync_create.external_id, sync_create.sync_frequency,
        sync_create.rate_limit, sync_create.max_age_days
    )
    on conflict do nothing;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the sync id "%s" is taken', v_sync_id),
            hint = case
                when exists (
                    select from sluice_internal.sync_work as w where w.sync_id = v_sync_id collate "C" and w.kind = 'delete'
                ) then format('Its sync is being deleted. To carry that on: select * from sync_tidy(%L)', v_sync_id)
                else 'Choose another id, or leave it out to have one generated.'
            end;
    end if;
    if sync_create.provider <> 'push' then
        insert into sluice_internal.sync_runs (sync_id) values (v_sync_id);
        perform pg_notify('sluice_poller', '');
    end if;
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_sync_id collate "C";
    return v_sync;
end
$function$;
comment on function sluice.sync_create(text,text,text,text,text[],text,jsonb,jsonb,text,integer,interval) is 'Connects a stream to one account of a provider and answers the sync; a poller starts on it at once. With provider push, and no credential, record_ingest feeds it. sync_frequency: the pause between two readings; null means continuous. rate_limit: {allowed_requests, interval in seconds, max_concurrent_requests}, 0 means no limit of that kind; kept over all pollers. max_age_days: objects created earlier than so many days ago are neither read nor kept; null: everything. Errors: SL001, SL101, SL104, SL105, SL106, SL110.';

CREATE OR REPLACE FUNCTION sluice.sync_delete(sync_id text, emit boolean DEFAULT false)
 RETURNS sluice.syncs
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(sync_delete.sync_id, 'admin', true);
    v_sync sluice.syncs;
    v_cancelled bigint[];
    v_emit boolean := coalesce(sync_delete.emit, false);
begin
    -- After a page that is being committed, and before any other.
    perform sluice_internal._hold_sync(v_known.sync_id, true);
    update sluice_internal.syncs as y
    set deleting_since = coalesce(y.deleting_since, clock_timestamp())
    where y.sync_id = v_known.sync_id;
    delete from sluice_internal.sync_runs as r where r.sync_id = v_known.sync_id;
    perform sluice_internal._unsubscription_ask(v_known.sync_id);
    with cancelled as (
        update sluice_internal.mutation_items as i
        set status = 'cancelled', finished_at = clock_timestamp()
        where i.sync_id = v_known.sync_id and i.status = 'queued'
        returning i.mutation_no
    )
    select array_agg(distinct c.mutation_no) into v_cancelled from cancelled as c;
    perform sluice_internal._mutation_close(u.no) from unnest(v_cancelled) as u (no);
    insert into sluice_internal.sync_work as w (sync_id, kind, emit, phase)
    values (v_known.sync_id, 'delete', v_emit, case when v_emit then 'tombstones' else 'records' end)
    on conflict (sync_id) do update set
        kind = excluded.kind,
        emit = excluded.emit,
        collection_ids = null,
        phase = excluded.phase,
        after_collection_id = '',
        after_upstream_id = '',
        writers = case when w.kind = 'delete' then w.writers end,
        marked_by = case when w.kind = 'delete' then w.marked_by else excluded.marked_by end,
        records = case when w.kind = 'delete' then w.records else 0 end,
        waits_for = null,
        next_at = excluded.next_at
    where (w.kind, w.emit) is distinct from (excluded.kind, excluded.emit);
    perform pg_notify('sluice_poller', '');
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_known.sync_id;
    return v_sync;
end
$function$;
comment on function sluice.sync_delete(text,boolean) is 'Ends a sync, and answers it: once this commits nothing is read, written or ingested any more (queued mutations are cancelled); a subscription that pollers made at the vendor they remove there. Its records go piece by piece, by the pollers or by sync_tidy, across any crash: silently, or with emit first as tombstones, which consumers get and which stay until every consumer of the stream has settled them. Until that is finished the sync has the status deleting and its id is not free; sync_delete once more without emit waits for no consumer. Locks the sync. Errors: SL002, SL102.';

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

CREATE OR REPLACE FUNCTION sluice.sync_move(sync_id text, stream_id text)
 RETURNS sluice.syncs
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(sync_move.sync_id, 'admin');
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(sync_move.stream_id, ''), 'admin');
    v_sync sluice.syncs;
begin
    perform sluice_internal._hold_stream(v_stream);
    perform sluice_internal._hold_sync(v_known.sync_id);
    select y.* into v_known from sluice_internal.syncs as y where y.sync_id = v_known.sync_id for no key update;
    if v_known.stream_no <> v_stream.stream_no then
        perform sluice_internal._check_idle(v_known.sync_id);
        update sluice_internal.syncs as y
        set stream_no = v_stream.stream_no, moving_from = y.stream_no
        where y.sync_id = v_known.sync_id;
        insert into sluice_internal.sync_work (sync_id, kind, phase) values (v_known.sync_id, 'move', 'records');
        perform sluice_internal._notice(v_known.sync_id, 'moved');
        perform pg_notify('sluice_poller', '');
    end if;
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_known.sync_id;
    return v_sync;
end
$function$;
comment on function sluice.sync_move(text,text) is 'Takes a sync to another stream, and answers it: what is ingested from now on goes there; the records that are there follow piece by piece, by the pollers or by sync_tidy. In the new stream they get new positions, so its consumers get each of them once; those of the old stream get them no longer, and what they hold of them they may settle. Reading goes on meanwhile. Locks the sync. Errors: SL101, SL102, SL165, SL166.';

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

CREATE OR REPLACE FUNCTION sluice.sync_restart(sync_id text, collection_ids text[] DEFAULT NULL::text[])
 RETURNS sluice.syncs
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(sync_restart.sync_id, 'admin');
    v_unknown text;
    v_sync sluice.syncs;
begin
    if v_known.provider = 'push' then
        raise exception using
            errcode = 'SL001',
            message = format('sync "%s" is fed by you: there is nothing to read again', v_known.sync_id),
            hint = 'Ingest the objects again; what is unchanged stays silent.';
    end if;
    perform sluice_internal._hold_sync(v_known.sync_id);
    select u.id into v_unknown
    from unnest(sync_restart.collection_ids) as u (id)
    where u.id is null or not u.id = any(v_known.collection_ids)
    limit 1;
    if found then
        raise exception using
            errcode = 'SL106',
            message = format('sync "%s" has no collection "%s"', v_known.sync_id, left(coalesce(v_unknown, 'null'), 200)),
            hint = format('It has: %s.', array_to_string(v_known.collection_ids, ', '));
    end if;
    if sync_restart.collection_ids is null then
        delete from sluice_internal.sync_feeds as f where f.sync_id = v_known.sync_id;
    else
        -- Their backfills alone: a feed of changes goes on, and a sweep waits for its next pass.
        delete from sluice_internal.sync_feeds as f
        where
            f.sync_id = v_known.sync_id
            and (f.kind in ('backfill', 'part') or f.kind is null)
            and (split_part(f.feed, '/', 1) = any(sync_restart.collection_ids) or f.collection_ids && sync_restart.collection_ids);
    end if;
    perform sluice_internal._lease_end(v_known.sync_id);
    update sluice_internal.sync_runs as r
    set
        attempt = 0,
        status = case when r.status in ('error', 'rate_limited') then r.status else 'pending' end,
        backfill_completed_at = null
    where r.sync_id = v_known.sync_id;
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_known.sync_id;
    return v_sync;
end
$function$;
comment on function sluice.sync_restart(text,text[]) is 'Reads everything once more, or some collections, from the start, and answers the sync; what is unchanged stays silent. A page that is under way is dropped. Records are not touched before they are read again. Locks the sync. Errors: SL001, SL102, SL106, SL165.';

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
    perform sluice_internal._hold_sync(v_checked.sync_id);
    update sluice_internal.syncs as y set paused = false where y.sync_id = v_checked.sync_id and y.paused <> false;
    update sluice_internal.sync_runs as r set next_attempt_at = clock_timestamp() where r.sync_id = v_checked.sync_id;
    update sluice_internal.sync_feeds as f set next_attempt_at = null where f.sync_id = v_checked.sync_id and f.error is not null;
    perform pg_notify('sluice_poller', '');
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_checked.sync_id;
    return v_sync;
end
$function$;
comment on function sluice.sync_resume(text) is 'Lets a paused sync go on at once, from where it stopped. Errors: SL102.';

CREATE OR REPLACE FUNCTION sluice.sync_tidy(sync_id text DEFAULT NULL::text)
 RETURNS SETOF sluice.sync_progress
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_work sluice_internal.sync_work;
begin
    perform sluice_internal._authorize(null, 'admin');
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception using
            errcode = 'SL003',
            message = format('sync_tidy needs READ COMMITTED, not %s', upper(current_setting('transaction_isolation'))),
            hint = 'A fixed snapshot would not show what others have written. Begin with: begin isolation level read committed.';
    end if;
    for v_work in
        select w.*
        from sluice_internal.sync_work as w
        where sync_tidy.sync_id is null or w.sync_id = sync_tidy.sync_id collate "C"
        order by w.next_at
        limit 10
        for update skip locked
    loop
        return query select t.* from sluice_internal._work_step(v_work, 5000) as t;
    end loop;
end
$function$;
comment on function sluice.sync_tidy(text) is 'Goes on with what sync_delete, sync_move and dropped collections have left to do, up to 5,000 records of a sync a call; pollers do it by themselves. One row for each sync that has such work: delete, drop or move, how many records are done so far, whether that was all, and if not what it waits for. No row: nothing to do, or another session is at it. Locks that work (skips locked ones) and those records. Errors: SL003.';

CREATE OR REPLACE FUNCTION sluice.sync_update(sync_id text, name text DEFAULT NULL::text, collection_ids text[] DEFAULT NULL::text[], rate_limit jsonb DEFAULT NULL::jsonb, metadata jsonb DEFAULT NULL::jsonb, external_id text DEFAULT NULL::text, max_age_days integer DEFAULT NULL::integer, sync_frequency interval DEFAULT NULL::interval, credential_id text DEFAULT NULL::text, drop_records boolean DEFAULT false)
 RETURNS sluice.syncs
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_old sluice_internal.syncs := sluice_internal._authorize_sync(sync_update.sync_id, 'admin');
    v_new sluice_internal.syncs;
    v_sync sluice.syncs;
begin
    perform sluice_internal._hold_sync(v_old.sync_id);
    select y.* into v_old from sluice_internal.syncs as y where y.sync_id = v_old.sync_id for no key update;
    v_new := v_old;
    v_new.name := nullif(coalesce(sync_update.name, v_old.name), '');
    v_new.collection_ids := coalesce(sluice_internal._distinct_ids(sync_update.collection_ids), v_old.collection_ids);
    v_new.rate_limit := nullif(coalesce(sync_update.rate_limit, v_old.rate_limit), '{}');
    v_new.metadata := coalesce(sync_update.metadata, v_old.metadata);
    v_new.external_id := nullif(coalesce(sync_update.external_id, v_old.external_id), '');
    v_new.max_age_days := nullif(coalesce(sync_update.max_age_days, v_old.max_age_days), 0);
    v_new.sync_frequency := nullif(coalesce(sync_update.sync_frequency, v_old.sync_frequency), '0');
    v_new.credential_id := coalesce(sync_update.credential_id, v_old.credential_id);
    perform sluice_internal._check_sync(
        v_new.provider, v_new.collection_ids, v_new.credential_id, v_new.metadata, v_new.sync_frequency
    );
    perform sluice_internal._check_rate_limit(v_new.rate_limit);
    perform sluice_internal._check_max_age(v_new.provider, v_new.max_age_days);
    update sluice_internal.syncs as y
    set
        name = v_new.name,
        collection_ids = v_new.collection_ids,
        rate_limit = v_new.rate_limit,
        metadata = v_new.metadata,
        external_id = v_new.external_id,
        max_age_days = v_new.max_age_days,
        sync_frequency = v_new.sync_frequency,
        credential_id = v_new.credential_id
    where y.sync_id = v_old.sync_id;
    perform sluice_internal._sync_changed(v_old, v_new, coalesce(sync_update.drop_records, false));
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_old.sync_id;
    return v_sync;
end
$function$;
comment on function sluice.sync_update(text,text,text[],jsonb,jsonb,text,integer,interval,text,boolean) is 'Changes a sync and answers it; what is null stays. Taken away are: name and external_id by an empty text, rate_limit by {}, max_age_days by 0, sync_frequency by 0 (continuous); metadata {} empties it. collection_ids is the whole new list: an added collection is read in full beside the others; of a dropped one the reading ends and its records stay, unless drop_records: then they are removed without a word to consumers (sync_tidy). credential_id: another credential of the same provider and account, with which the sync goes on at once. A larger max_age_days, or none, reads everything once more. Locks the sync. Errors: SL001, SL102, SL104, SL106, SL165, SL166.';

CREATE OR REPLACE FUNCTION sluice.sync_webhook_delete(sync_id text)
 RETURNS sluice.sync_webhooks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(sync_webhook_delete.sync_id, 'admin');
    v_webhook sluice.sync_webhooks;
begin
    perform sluice_internal._unsubscription_ask(v_known.sync_id);
    update sluice_internal.webhooks as w
    set
        enabled = false, subscribe_at = null, subscribed_at = null, address = null, poller_id = null, epoch = w.epoch + 1,
        error = null, error_since = null,
        sealed = null, key_version = null, former_sealed = null, former_key_version = null, former_until = null
    where w.sync_id = v_known.sync_id;
    select w.* into v_webhook from sluice.sync_webhooks as w where w.sync_id = v_known.sync_id;
    return v_webhook;
end
$function$;
comment on function sluice.sync_webhook_delete(text) is 'Switches a sync''s webhooks off and forgets their secrets: whatever comes is refused from now on, and polling goes on. What pollers subscribed to at the vendor they remove there; an endpoint that was made by hand is to be deleted by hand. Locks the sync''s entry in webhooks. Errors: SL102, SL165.';

CREATE OR REPLACE FUNCTION sluice.sync_webhook_info(sync_id text)
 RETURNS sluice.sync_webhooks
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_checked sluice_internal.syncs := sluice_internal._authorize_sync(sync_webhook_info.sync_id, 'reader');
    v_webhook sluice.sync_webhooks;
begin
    select w.* into v_webhook from sluice.sync_webhooks as w where w.sync_id = v_checked.sync_id;
    return v_webhook;
end
$function$;
comment on function sluice.sync_webhook_info(text) is 'What a sync''s vendor sends by itself: subscription, secrets (how many), counts. Errors: SL102.';

CREATE OR REPLACE FUNCTION sluice.sync_webhook_subscribe(sync_id text)
 RETURNS sluice.sync_webhooks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(sync_webhook_subscribe.sync_id, 'admin');
    v_webhook sluice.sync_webhooks;
begin
    if v_known.provider = 'push' then
        raise exception using
            errcode = 'SL180',
            message = format('sync "%s" has no vendor who could send anything', v_known.sync_id),
            hint = 'Whatever feeds it calls record_ingest.';
    end if;
    -- One that is being removed just now is waited for by whoever subscribes.
    delete from sluice_internal.unsubscriptions as u
    where u.sync_id = v_known.sync_id and u.poller_id is null and u.credential_id is not distinct from v_known.credential_id;
    insert into sluice_internal.webhooks as w (sync_id, enabled, subscribe_at)
    values (v_known.sync_id, true, clock_timestamp())
    on conflict (sync_id) do update set enabled = true, subscribe_at = clock_timestamp(), attempt = 0;
    perform pg_notify('sluice_subscriptions', '');
    select w.* into v_webhook from sluice.sync_webhooks as w where w.sync_id = v_known.sync_id;
    return v_webhook;
end
$function$;
comment on function sluice.sync_webhook_subscribe(text) is 'Switches a sync''s webhooks on: a poller asks the vendor now, and again every few hours, to send word of changes to this installation''s public address. Locks the sync''s entry in webhooks. Errors: SL102, SL165, SL180.';

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
    if token_create.expires_at > '9999-12-31 23:59:59.999999+00' then
        raise exception using
            errcode = 'SL001', message = 'expires_at is after the year 9999', hint = 'Leave it out for a token without end.';
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

CREATE OR REPLACE FUNCTION sluice.view_create(collection_id text, stream_id text DEFAULT NULL::text, sync_id text DEFAULT NULL::text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_view sluice_internal.typed_views;
    v_name text;
begin
    perform sluice_internal._authorize(view_create.stream_id, 'admin');
    if view_create.sync_id is not null then
        perform sluice_internal._authorize_sync(view_create.sync_id, 'admin');
    end if;
    perform pg_advisory_xact_lock(sluice_internal._lock_key(12, 0, 0));
    select v.* into v_view
    from sluice_internal.typed_views as v
    where
        v.collection_id = view_create.collection_id collate "C"
        and v.stream_id is not distinct from view_create.stream_id collate "C"
        and v.sync_id is not distinct from view_create.sync_id collate "C";
    if not found then
        if not sluice_internal._collection_known(view_create.collection_id) then
            raise exception using
                errcode = 'SL106',
                message = format('there is no collection "%s"', left(coalesce(view_create.collection_id, 'null'), 200)),
                hint = 'List what there is with: select collection_id from sluice.collections';
        end if;
        v_name := trim(both '_' from lower(regexp_replace(
            concat_ws('_', view_create.collection_id, view_create.stream_id, view_create.sync_id), '[^a-zA-Z0-9]+', '_', 'g'
        )));
        v_name := sluice_internal._view_column(case when v_name ~ '^[a-z]' then v_name else 'v_' || v_name end, (
            select coalesce(array_agg(n.name), '{}')
            from (
                select c.relname::text as name from pg_class as c where c.relnamespace = 'sluice_views'::regnamespace
                union all
                select t.typname::text from pg_type as t where t.typnamespace = 'sluice_views'::regnamespace
                union all
                select v.view_name from sluice_internal.typed_views as v
            ) as n
        ));
        insert into sluice_internal.typed_views as v (view_name, collection_id, stream_id, sync_id)
        values (v_name, view_create.collection_id, view_create.stream_id, view_create.sync_id)
        returning v.* into v_view;
    end if;
    perform sluice_internal._view_infer(v_view);
    perform sluice_internal._view_make(v_view);
    return 'sluice_views.' || v_view.view_name;
end
$function$;
comment on function sluice.view_create(text,text,text) is 'Makes a typed view of a collection in the schema sluice_views, of one stream or one sync where that is given, with a column for each field that a sample of the data has or the provider names; answers its name. Called again it adds columns for what is new, and changes and drops none: a field whose values no longer fit its column gets a second one, named after the type. What does not fit a column reads as null there, never as an error; data has everything. The view can be written to: insert, update and delete are mutations. Errors: SL002, SL101, SL102, SL106, SL171.';

CREATE OR REPLACE FUNCTION sluice.view_delete(view_name text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_view sluice_internal.typed_views := sluice_internal._authorize_view(view_delete.view_name, 'admin');
    v_detail text;
begin
    perform pg_advisory_xact_lock(sluice_internal._lock_key(12, 0, 0));
    delete from sluice_internal.typed_views as v where v.view_name = v_view.view_name;
    if exists (
        select from pg_class as c
        where c.relnamespace = 'sluice_views'::regnamespace and c.relname = v_view.view_name and c.relkind = 'v'
    ) then
        execute format('drop view sluice_views.%I', v_view.view_name);
    end if;
exception when dependent_objects_still_exist then
    get stacked diagnostics v_detail = pg_exception_detail;
    raise exception using
        errcode = 'SL111',
        message = format('something stands on sluice_views.%I', v_view.view_name),
        detail = v_detail,
        hint = 'Drop that first.';
end
$function$;
comment on function sluice.view_delete(text) is 'Drops a typed view, named with or without its schema; never what stands on it: then SL111. The records stay. Errors: SL002, SL111, SL170.';

CREATE OR REPLACE FUNCTION sluice.view_info(view_name text)
 RETURNS sluice.views
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_typed sluice_internal.typed_views := sluice_internal._authorize_view(view_info.view_name, 'reader');
    v_view sluice.views;
begin
    select v.* into v_view from sluice.views as v where v.view_name = 'sluice_views.' || v_typed.view_name;
    return v_view;
end
$function$;
comment on function sluice.view_info(text) is 'A typed view, named with or without its schema; view_fields has its columns. Errors: SL002, SL170.';

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
comment on function sluice_internal._authorize_consumer(text,text) is 'The gate for what belongs to a consumer: SL002 or SL103, or the consumer. Runs under its caller''s settings.';

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

CREATE OR REPLACE FUNCTION sluice_internal._authorize_sync(sync_id text, "right" text, deleting boolean DEFAULT false)
 RETURNS sluice_internal.syncs
 LANGUAGE plpgsql
 STABLE
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
    if v_sync.deleting_since is not null and _authorize_sync."right" <> 'reader' and not _authorize_sync.deleting then
        raise exception using
            errcode = 'SL165',
            message = format('sync "%s" is being deleted', v_sync.sync_id),
            hint = format('Its id is free once that is finished. To carry it on: select * from sync_tidy(%L)', v_sync.sync_id);
    end if;
    return v_sync;
end
$function$;
comment on function sluice_internal._authorize_sync(text,text,boolean) is 'The gate for what belongs to a sync: SL002 or SL102, or the sync; SL165 if it is being deleted, unless that is asked for (deleting) or nothing is to be changed. Runs under its caller''s settings.';

CREATE OR REPLACE FUNCTION sluice_internal._authorize_view(view_name text, "right" text)
 RETURNS sluice_internal.typed_views
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_view sluice_internal.typed_views;
begin
    perform sluice_internal._authorize(null, _authorize_view."right");
    select v.* into v_view
    from sluice_internal.typed_views as v
    where v.view_name = regexp_replace(_authorize_view.view_name, '^sluice_views\.', '') collate "C";
    if not found then
        raise exception using
            errcode = 'SL170',
            message = format('there is no typed view "%s"', left(_authorize_view.view_name, 200)),
            hint = 'List them with: select view_name, collection_id from sluice.views';
    end if;
    return v_view;
end
$function$;
comment on function sluice_internal._authorize_view(text,text) is 'The gate for a typed view, named with or without its schema: SL002 or SL170, or the view.';

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

CREATE OR REPLACE FUNCTION sluice_internal._check_app_address(oauth_app_id text, base_url text, former_app_id text DEFAULT NULL::text, former_base_url text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_own text;
begin
    if _check_app_address.oauth_app_id is null or _check_app_address.base_url is null
        or (_check_app_address.oauth_app_id = _check_app_address.former_app_id
            and _check_app_address.base_url = _check_app_address.former_base_url)
    then
        return;
    end if;
    select a.base_url into v_own from sluice_internal.oauth_apps as a where a.oauth_app_id = _check_app_address.oauth_app_id collate "C";
    if rtrim(_check_app_address.base_url, '/') is distinct from rtrim(v_own, '/') then
        raise exception using
            errcode = 'SL001',
            message = format(
                'the client secret of OAuth app "%s" would be sent to %s, which is no address of the app',
                _check_app_address.oauth_app_id, left(_check_app_address.base_url, 200)
            ),
            hint = 'Leave base_url out, or give the app this base_url, along with its client secret.';
    end if;
end
$function$;
comment on function sluice_internal._check_app_address(text,text,text,text) is 'Raises SL001 for a credential that would have the client secret of an app sent to an address which whoever gave that secret did not name; what was stored before (former_…) may stay, since vendors answer with addresses, too.';

CREATE OR REPLACE FUNCTION sluice_internal._check_base_url(base_url text, former text)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
begin
    if _check_base_url.base_url <> coalesce(_check_base_url.former, '') and _check_base_url.base_url <> '' then
        raise exception using
            errcode = 'SL001',
            message = format('another base_url needs the secret along with it: %s', left(_check_base_url.base_url, 200)),
            hint = 'Nothing was changed. A stored secret is sent to no address that whoever knows it did not name: give it once more.';
    end if;
end
$function$;
comment on function sluice_internal._check_base_url(text,text) is 'Raises SL001 where a secret that stays would be sent to another address than before. Runs under its caller''s settings.';

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

CREATE OR REPLACE FUNCTION sluice_internal._check_idle(sync_id text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_kind text;
begin
    select w.kind into v_kind from sluice_internal.sync_work as w where w.sync_id = _check_idle.sync_id;
    if found then
        raise exception using
            errcode = 'SL166',
            message = format(
                case v_kind
                    when 'move' then 'sync "%s" is still on its way to its stream'
                    else 'sync "%s" still loses the records of collections that were dropped'
                end,
                _check_idle.sync_id
            ),
            hint = format('Pollers carry that on, and so does: select * from sync_tidy(%L). Then try again.', _check_idle.sync_id);
    end if;
end
$function$;
comment on function sluice_internal._check_idle(text) is 'Raises SL166 while records of the sync are being moved or removed.';

CREATE OR REPLACE FUNCTION sluice_internal._check_matching(kind text, collection_id text, data jsonb, match_on text, if_match text, known_match_on text[], knows_if_match boolean)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_fields text := array_to_string(_check_matching.known_match_on, ', ');
begin
    if _check_matching.match_on is not null and coalesce(v_fields, '') = '' then
        raise exception using
            errcode = 'SL004',
            message = format('%s does not support match_on', _check_matching.collection_id),
            hint = 'Name the object by its upstream_id, with update.';
    end if;
    if (_check_matching.kind = 'upsert') <> (_check_matching.match_on is not null) then
        raise exception using
            errcode = 'SL001',
            message = case
                when _check_matching.kind = 'upsert' then 'upsert needs match_on: the field by which the object is found'
                else format('match_on is for upsert, not for %s', _check_matching.kind)
            end,
            hint = format('%s can match on: %s.', _check_matching.collection_id, coalesce(nullif(v_fields, ''), 'nothing'));
    end if;
    if _check_matching.match_on is not null and not _check_matching.match_on = any(_check_matching.known_match_on) then
        raise exception using
            errcode = 'SL001',
            message = format('%s cannot match on "%s"', _check_matching.collection_id, left(_check_matching.match_on, 200)),
            hint = format('It can match on: %s.', v_fields);
    end if;
    if _check_matching.if_match is null then
        return;
    end if;
    if not coalesce(_check_matching.knows_if_match, false) then
        raise exception using
            errcode = 'SL004',
            message = format('%s does not support if_match', _check_matching.collection_id),
            hint = 'Leave it out: the write then meets whatever version is there.';
    end if;
    if _check_matching.kind not in ('update', 'delete') or jsonb_typeof(_check_matching.data) is distinct from 'array'
        or jsonb_array_length(_check_matching.data) <> 1
    then
        raise exception using
            errcode = 'SL001',
            message = 'if_match is for the update or the deletion of one object',
            hint = 'Send one item a call: each object has a version of its own.';
    end if;
end
$function$;
comment on function sluice_internal._check_matching(text,text,jsonb,text,text,text[],boolean) is 'Raises SL001 or SL004 for a match_on or an if_match that the collection or the kind of mutation does not take.';

CREATE OR REPLACE FUNCTION sluice_internal._check_max_age(provider text, max_age_days integer)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    if _check_max_age.max_age_days not between 1 and 36500 then
        raise exception using
            errcode = 'SL001',
            message = format('max_age_days must be 1 to 36500, not %s', _check_max_age.max_age_days),
            hint = 'Leave it out: everything is read and kept.';
    end if;
    if _check_max_age.max_age_days is not null and _check_max_age.provider = 'push' then
        raise exception using
            errcode = 'SL001',
            message = 'max_age_days does not go with the provider push',
            hint = 'Leave it out: what is kept is up to whoever pushes.';
    end if;
end
$function$;
comment on function sluice_internal._check_max_age(text,integer) is 'Raises SL001 for a max_age_days that a sync of that provider cannot have.';

CREATE OR REPLACE FUNCTION sluice_internal._check_mutation(sync sluice_internal.syncs, kind text, collection_id text, data jsonb, match_on text, if_match text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_kinds text[];
    v_match_on text[];
    v_if_match boolean;
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
    select w.mutations, w.matches, w.if_match into v_kinds, v_match_on, v_if_match
    from sluice_internal._collection_writes(sync, _check_mutation.collection_id, _check_mutation.match_on) as w;
    if _check_mutation.kind is null or _check_mutation.kind not in ('create', 'update', 'delete', 'upsert') then
        raise exception using
            errcode = 'SL001',
            message = format('kind must be create, update, delete or upsert, not %s', left(coalesce(_check_mutation.kind, 'null'), 200)),
            hint = format('%s can: %s.', _check_mutation.collection_id, coalesce(nullif(array_to_string(v_kinds, ', '), ''), 'nothing'));
    end if;
    if not _check_mutation.kind = any(v_kinds) then
        raise exception using
            errcode = 'SL004',
            message = format('%s does not support %s', _check_mutation.collection_id, _check_mutation.kind),
            hint = format('%s can: %s.', _check_mutation.collection_id, coalesce(nullif(array_to_string(v_kinds, ', '), ''), 'nothing'));
    end if;
    perform sluice_internal._check_matching(
        _check_mutation.kind, _check_mutation.collection_id, _check_mutation.data, _check_mutation.match_on, _check_mutation.if_match,
        v_match_on, v_if_match
    );
    if jsonb_typeof(_check_mutation.data) is distinct from 'array' or jsonb_array_length(_check_mutation.data) not between 1 and 1000 then
        raise exception using
            errcode = 'SL001',
            message = 'data must be a JSON array of 1 to 1000 items',
            hint = 'create and upsert: the vendor''s objects; update: {"upstream_id": …, "data": {…}}; delete: {"upstream_id": …}.';
    end if;
    select format('data[%s]: %s', d.ordinality - 1, p.problem) into v_problem
    from jsonb_array_elements(_check_mutation.data) with ordinality as d (item, ordinality)
    cross join lateral (
        select case
            when jsonb_typeof(d.item) <> 'object' then 'is not an object'
            when _check_mutation.kind = 'upsert'
                and coalesce(jsonb_typeof(d.item #> string_to_array(_check_mutation.match_on, '.')), 'null') not in ('string', 'number')
                then format('lacks %s, by which the object is to be found: a string or a number', _check_mutation.match_on)
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

CREATE OR REPLACE FUNCTION sluice_internal._check_oauth_app(oauth_app_id text, provider text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_provider text;
begin
    if _check_oauth_app.oauth_app_id is null then
        return;
    end if;
    select a.provider into v_provider
    from sluice_internal.oauth_apps as a
    where a.oauth_app_id = _check_oauth_app.oauth_app_id collate "C"
    for key share;
    if not found then
        raise exception using
            errcode = 'SL175',
            message = format('OAuth app "%s" does not exist', left(_check_oauth_app.oauth_app_id, 200)),
            hint = 'List them with: select oauth_app_id, provider from sluice.oauth_apps';
    end if;
    if v_provider <> _check_oauth_app.provider then
        raise exception using
            errcode = 'SL001',
            message = format(
                'OAuth app "%s" is one of %s, not of %s', left(_check_oauth_app.oauth_app_id, 200), v_provider, _check_oauth_app.provider
            ),
            hint = 'Name an app of the credential''s provider.';
    end if;
end
$function$;
comment on function sluice_internal._check_oauth_app(text,text) is 'Raises SL175 for an OAuth app that does not exist, SL001 for one of another provider; null is none. Locks it against deletion.';

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

CREATE OR REPLACE FUNCTION sluice_internal._check_redirect_urls(redirect_urls text[])
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_wrong text;
begin
    select u.url into v_wrong
    from unnest(_check_redirect_urls.redirect_urls) as u (url)
    -- an address to be compared as a whole: no login, no fragment, no pattern
    where u.url is null or u.url !~* '^https?://[^/?#@[:space:]*]+([/?][^#[:space:]*]*)?$' or octet_length(u.url) > 2000
    limit 1;
    if found then
        raise exception using
            errcode = 'SL001',
            message = format('redirect_urls: "%s" is no address that a browser may be sent to', left(v_wrong, 200)),
            hint = 'Whole addresses, each as it will be named: https://app.example.com/connected; no login, no fragment, no *.';
    end if;
end
$function$;
comment on function sluice_internal._check_redirect_urls(text[]) is 'Raises SL001 for what is no whole http(s) address.';

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
    -- Against a provider_delete of this moment.
    perform from sluice_internal.provider_documents as d where d.provider = _check_sync.provider collate "C" for key share;
    select u.id into v_collection_id
    from unnest(_check_sync.collection_ids) as u (id)
    where
        u.id is null or case _check_sync.provider
            when 'push' then u.id !~ '^push:.' or octet_length(u.id) > 200
            else u.id not in (
                select c.collection_id from sluice.provider_collections as c where c.provider = _check_sync.provider
                union all
                select d.collection_id
                from sluice_internal.described_collections as d
                where d.credential_id = _check_sync.credential_id collate "C"
            ) and not sluice_internal._collection_open(_check_sync.provider, u.id)
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
    if _check_sync.provider <> 'push' and _check_sync.credential_id is null then
        raise exception using
            errcode = 'SL001',
            message = format('a sync of %s needs a credential', _check_sync.provider),
            hint = 'Give credential_id; make one with: pgsluice credential create';
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

CREATE OR REPLACE FUNCTION sluice_internal._collection_known(collection_id text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ((EXISTS (SELECT FROM sluice.provider_collections c WHERE (c.collection_id = _collection_known.collection_id))) OR (EXISTS (SELECT FROM sluice_internal.described_collections d WHERE (d.collection_id = (_collection_known.collection_id COLLATE "C")))) OR sluice_internal._collection_open(NULL::text, collection_id) OR (EXISTS (SELECT FROM sluice_internal.syncs y WHERE (_collection_known.collection_id = ANY (y.collection_ids)))) OR (EXISTS (SELECT FROM sluice_internal.record_counts n WHERE (n.collection_id = (_collection_known.collection_id COLLATE "C")))) OR (EXISTS (SELECT FROM sluice_internal.ingests i WHERE (_collection_known.collection_id = ANY (i.collection_ids)))));
comment on function sluice_internal._collection_known(text) is 'Whether any provider, account or sync has a collection of that name.';

CREATE OR REPLACE FUNCTION sluice_internal._collection_open(provider text, collection_id text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN (EXISTS (SELECT FROM sluice_internal._open_providers o WHERE ((o.provider = COALESCE(_collection_open.provider, o.provider)) AND (_collection_open.collection_id ~ (('^('::text || o.form) || ')$'::text)) AND (octet_length(_collection_open.collection_id) <= 200))));
comment on function sluice_internal._collection_open(text,text) is 'Whether an account of that provider (null: of any) may have a collection of that name, though nobody has seen one yet: it has the form of one.';

CREATE OR REPLACE FUNCTION sluice_internal._collection_writes(sync sluice_internal.syncs, collection_id text, match_on text, OUT mutations text[], OUT matches text[], OUT if_match boolean)
 RETURNS record
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT k.mutations,
     k.matches,
     k.if_match
    FROM ( SELECT 1 AS place,
             d.mutations,
             d.match_on AS matches,
             d.if_match
            FROM sluice_internal.described_collections d
           WHERE ((d.credential_id = ((_collection_writes.sync).credential_id COLLATE "C")) AND (d.collection_id = (_collection_writes.collection_id COLLATE "C")))
         UNION ALL
          SELECT 2,
             c.mutations,
                 CASE
                     WHEN sluice_internal._collection_open(c.provider, c.collection_id) THEN ARRAY[_collection_writes.match_on]
                     ELSE c.match_on
                 END AS match_on,
             c.if_match
            FROM sluice.provider_collections c
           WHERE ((c.provider = (_collection_writes.sync).provider) AND (c.collection_id = _collection_writes.collection_id))
         UNION ALL
          SELECT 3,
             ARRAY['create'::text, 'update'::text, 'upsert'::text, 'delete'::text] AS "array",
             ARRAY[_collection_writes.match_on] AS "array",
             true
           WHERE sluice_internal._collection_open((_collection_writes.sync).provider, _collection_writes.collection_id)) k
   ORDER BY k.place
  LIMIT 1;
END;
comment on function sluice_internal._collection_writes(sluice_internal.syncs,text,text) is 'What can be written to a collection of a sync, and what an upsert may match on. Of a collection that nobody described yet everything, and then the vendor says no.';

CREATE OR REPLACE FUNCTION sluice_internal._consumer_due(consumer_id text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 SECURITY DEFINER
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

CREATE OR REPLACE FUNCTION sluice_internal._credential_change(credential_id text, name text DEFAULT NULL::text, base_url text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, account text DEFAULT NULL::text, oauth_app_id text DEFAULT NULL::text, scopes text[] DEFAULT NULL::text[])
 RETURNS sluice.credentials
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_old sluice_internal.credentials;
    v_credential sluice.credentials;
begin
    perform sluice_internal._authorize(null, 'admin');
    select c.* into v_old
    from sluice_internal.credentials as c
    where c.credential_id = _credential_change.credential_id collate "C"
    for no key update;
    if not found then
        raise exception using
            errcode = 'SL104',
            message = format('credential "%s" does not exist', left(_credential_change.credential_id, 200)),
            hint = 'List the credentials with: select credential_id, provider from sluice.credentials';
    end if;
    perform sluice_internal._check_base_url(_credential_change.base_url, v_old.base_url);
    perform sluice_internal._check_oauth_app(nullif(_credential_change.oauth_app_id, ''), v_old.provider);
    perform sluice_internal._check_app_address(
        nullif(coalesce(_credential_change.oauth_app_id, v_old.oauth_app_id), ''),
        nullif(coalesce(_credential_change.base_url, v_old.base_url), ''),
        v_old.oauth_app_id,
        v_old.base_url
    );
    if exists (
        select from sluice_internal.credentials as c
        where
            c.provider = v_old.provider and c.account = _credential_change.account collate "C" and c.credential_id <> v_old.credential_id
    ) then
        raise exception using
            errcode = 'SL110',
            message = format('the account "%s" has a credential already', left(_credential_change.account, 200)),
            hint = 'An account has one credential: use that one.';
    end if;
    update sluice_internal.credentials as c
    set
        name = nullif(coalesce(_credential_change.name, c.name), ''),
        base_url = nullif(coalesce(_credential_change.base_url, c.base_url), ''),
        metadata = coalesce(_credential_change.metadata, c.metadata),
        account = coalesce(_credential_change.account, c.account),
        oauth_app_id = nullif(coalesce(_credential_change.oauth_app_id, c.oauth_app_id), ''),
        scopes = nullif(coalesce(_credential_change.scopes, c.scopes), '{}'),
        updated_at = clock_timestamp()
    where c.credential_id = v_old.credential_id;
    perform sluice_internal._credential_mend(array[v_old.credential_id]);
    select c.* into v_credential from sluice.credentials as c where c.credential_id = v_old.credential_id;
    return v_credential;
end
$function$;
comment on function sluice_internal._credential_change(text,text,text,jsonb,text,text,text[]) is 'Changes a credential and leaves its secret; what is null stays, an empty text or list takes a setting away. Another base_url needs a secret: _credential_replace. Locks it. Errors: SL001, SL104, SL110, SL175.';

CREATE OR REPLACE FUNCTION sluice_internal._credential_known(provider text, account text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    return (
        select c.credential_id from sluice_internal.credentials as c
        where c.provider = _credential_known.provider and c.account = _credential_known.account collate "C"
    );
end
$function$;
comment on function sluice_internal._credential_known(text,text) is 'The id of the credential of that account, null if there is none: a secret is sealed for its id, before it is stored.';

CREATE OR REPLACE FUNCTION sluice_internal._credential_mend(credential_ids text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    update sluice_internal.sync_runs as r
    set next_attempt_at = clock_timestamp()
    from sluice_internal.syncs as y
    where y.sync_id = r.sync_id and y.credential_id = any(_credential_mend.credential_ids);
    update sluice_internal.sync_feeds as f
    set next_attempt_at = null
    from sluice_internal.syncs as y
    where y.sync_id = f.sync_id and y.credential_id = any(_credential_mend.credential_ids) and f.error is not null;
    delete from sluice_internal.credential_renewals as r
    where r.credential_id = any(_credential_mend.credential_ids) and r.error is not null;
    update sluice_internal.mutation_items as i
    set next_attempt_at = clock_timestamp()
    from sluice_internal.syncs as y
    where y.sync_id = i.sync_id and y.credential_id = any(_credential_mend.credential_ids) and i.status = 'queued';
    perform pg_notify('sluice_poller', '');
    perform pg_notify('sluice_mutations', '');
end
$function$;
comment on function sluice_internal._credential_mend(text[]) is 'What waits for these credentials is tried again at once, and a refused renewal is forgotten: they have a new secret, or their app has.';

CREATE OR REPLACE FUNCTION sluice_internal._credential_put(credential_id text, provider text, kind text, name text, sealed bytea, key_version integer, base_url text, metadata jsonb, account text DEFAULT NULL::text, expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone, oauth_app_id text DEFAULT NULL::text, scopes text[] DEFAULT NULL::text[])
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
    -- Against a provider_delete of this moment.
    perform from sluice_internal.provider_documents as d where d.provider = _credential_put.provider collate "C" for key share;
    if not exists (select from sluice.providers as p where p.provider = _credential_put.provider) then
        raise exception using
            errcode = 'SL105',
            message = format('provider "%s" does not exist', left(_credential_put.provider, 200)),
            hint = format('There are: %s.', (select string_agg(p.provider, ', ' order by p.provider) from sluice.providers as p));
    end if;
    if jsonb_typeof(coalesce(_credential_put.metadata, '{}')) <> 'object' then
        raise exception using errcode = 'SL001', message = 'metadata must be a JSON object', hint = 'For example {"tenant": 42}.';
    end if;
    perform sluice_internal._check_oauth_app(_credential_put.oauth_app_id, _credential_put.provider);
    perform sluice_internal._check_app_address(_credential_put.oauth_app_id, _credential_put.base_url);
    insert into sluice_internal.credentials as c (
        credential_id, provider, kind, name, sealed, key_version, base_url, metadata, account, expires_at, renew_at, oauth_app_id, scopes
    )
    values (
        _credential_put.credential_id, _credential_put.provider, _credential_put.kind, _credential_put.name,
        _credential_put.sealed, _credential_put.key_version, _credential_put.base_url, coalesce(_credential_put.metadata, '{}'),
        _credential_put.account, _credential_put.expires_at, _credential_put.expires_at - interval '1 minute',
        _credential_put.oauth_app_id, _credential_put.scopes
    )
    on conflict do nothing;
    if not found and exists (
        select from sluice_internal.credentials as c
        where c.provider = _credential_put.provider and c.account = _credential_put.account collate "C"
    ) then
        raise exception using
            errcode = 'SL110',
            message = format('the account "%s" has a credential already', left(_credential_put.account, 200)),
            hint = 'Leave the id out, or give that one''s: importing it again updates it.';
    end if;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the credential id "%s" is taken', _credential_put.credential_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    perform sluice_internal._description_ask(_credential_put.credential_id);
    select c.* into v_credential from sluice.credentials as c where c.credential_id = _credential_put.credential_id collate "C";
    return v_credential;
end
$function$;
comment on function sluice_internal._credential_put(text,text,text,text,bytea,integer,text,jsonb,text,timestamp with time zone,text,text[]) is 'Stores a credential whose secret the application has sealed. account: the vendor''s, where it is known; it has one credential. oauth_app_id: the app that it was obtained through, which renews its tokens. Errors: SL001, SL105, SL110, SL175.';

CREATE OR REPLACE FUNCTION sluice_internal._credential_replace(credential_id text, kind text, sealed bytea, key_version integer, base_url text, account text DEFAULT NULL::text, expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone, name text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, oauth_app_id text DEFAULT NULL::text, scopes text[] DEFAULT NULL::text[], held_version bigint DEFAULT NULL::bigint)
 RETURNS sluice.credentials
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_credential sluice.credentials;
    v_old sluice_internal.credentials;
begin
    perform sluice_internal._authorize(null, 'admin');
    select c.* into v_old
    from sluice_internal.credentials as c
    where c.credential_id = _credential_replace.credential_id collate "C"
    for no key update;
    if not found then
        raise exception using
            errcode = 'SL104',
            message = format('credential "%s" does not exist', left(_credential_replace.credential_id, 200)),
            hint = 'List the credentials with: select credential_id, provider from sluice.credentials';
    end if;
    if v_old.version <> _credential_replace.held_version then
        raise exception using
            errcode = 'SL179',
            message = format('credential "%s" got another secret meanwhile', left(_credential_replace.credential_id, 200)),
            hint = 'Nothing was changed: look at it, and try again.';
    end if;
    if _credential_replace.held_version is not null then
        perform sluice_internal._check_base_url(_credential_replace.base_url, v_old.base_url);
    end if;
    perform sluice_internal._check_oauth_app(nullif(_credential_replace.oauth_app_id, ''), v_old.provider);
    perform sluice_internal._check_app_address(
        nullif(coalesce(_credential_replace.oauth_app_id, v_old.oauth_app_id), ''),
        nullif(coalesce(_credential_replace.base_url, v_old.base_url), ''),
        v_old.oauth_app_id,
        v_old.base_url
    );
    update sluice_internal.credentials as c
    set
        kind = _credential_replace.kind,
        sealed = _credential_replace.sealed,
        key_version = _credential_replace.key_version,
        base_url = nullif(coalesce(_credential_replace.base_url, c.base_url), ''),
        account = coalesce(_credential_replace.account, c.account),
        name = nullif(coalesce(_credential_replace.name, c.name), ''),
        metadata = coalesce(_credential_replace.metadata, c.metadata),
        oauth_app_id = nullif(coalesce(_credential_replace.oauth_app_id, c.oauth_app_id), ''),
        scopes = nullif(coalesce(_credential_replace.scopes, c.scopes), '{}'),
        version = c.version + 1,
        expires_at = _credential_replace.expires_at,
        renew_at = _credential_replace.expires_at - interval '1 minute',
        updated_at = clock_timestamp()
    where c.credential_id = v_old.credential_id;
    delete from sluice_internal.credential_renewals as r where r.credential_id = _credential_replace.credential_id collate "C";
    perform sluice_internal._credential_mend(array[_credential_replace.credential_id]);
    perform sluice_internal._subscription_lose(
        v_old.credential_id, case when v_old.account <> _credential_replace.account then v_old.account end
    );
    perform sluice_internal._description_ask(_credential_replace.credential_id);
    select c.* into v_credential
    from sluice.credentials as c
    where c.credential_id = _credential_replace.credential_id collate "C";
    return v_credential;
end
$function$;
comment on function sluice_internal._credential_replace(text,text,bytea,integer,text,text,timestamp with time zone,text,jsonb,text,text[],bigint) is 'Gives a credential a new sealed secret (base_url, account, name, metadata, oauth_app_id and scopes null: as before, empty: none; held_version: the version that the new secret was made from); its syncs are tried again at once, and go on from where they are. Locks it. Errors: SL001, SL104, SL175, SL179.';

CREATE OR REPLACE FUNCTION sluice_internal._credential_reseal(credential_id text, version bigint, old_key_version integer, sealed bytea, key_version integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    update sluice_internal.credentials as k
    set sealed = _credential_reseal.sealed, key_version = _credential_reseal.key_version
    where
        k.credential_id = _credential_reseal.credential_id collate "C"
        and k.version = _credential_reseal.version and k.key_version = _credential_reseal.old_key_version;
    return found;
end
$function$;
comment on function sluice_internal._credential_reseal(text,bigint,integer,bytea,integer) is 'Stores the same secret sealed with another master key; false, and nothing done, if it changed meanwhile.';

CREATE OR REPLACE FUNCTION sluice_internal._credential_sealed(credential_id text)
 RETURNS TABLE(sealed bytea, key_version integer, kind text, provider text, base_url text, version bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT c.sealed,
     c.key_version,
     c.kind,
     c.provider,
     c.base_url,
     c.version
    FROM sluice_internal.credentials c
   WHERE (c.credential_id = (_credential_sealed.credential_id COLLATE "C"));
END;
comment on function sluice_internal._credential_sealed(text) is 'A sealed secret, for the process that holds the master key.';

CREATE OR REPLACE FUNCTION sluice_internal._description_ask(credential_id text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    insert into sluice_internal.descriptions as d (credential_id)
    select c.credential_id
    from sluice_internal.credentials as c
    inner join sluice.providers as p on p.provider = c.provider and p.describes
    where c.credential_id = _description_ask.credential_id collate "C"
    on conflict on constraint descriptions_pkey do update
    set requested_at = clock_timestamp(), next_attempt_at = clock_timestamp(), attempt = 0, error = null;
    if found then
        perform pg_notify('sluice_descriptions', '');
    end if;
end
$function$;
comment on function sluice_internal._description_ask(text) is 'Lets a poller ask the account what collections it has, once this commits; nothing where they are the same for everybody.';

CREATE OR REPLACE FUNCTION sluice_internal._description_claim(poller_id text, busy_providers text[] DEFAULT NULL::text[])
 RETURNS TABLE(credential_id text, epoch bigint, provider text, kind text, sealed bytea, key_version integer, base_url text, attempt integer, next_in interval, credential_version bigint, credential_renew_at timestamp with time zone, clock timestamp with time zone, oauth_app_id text, client_id text, client_sealed bytea, client_key_version integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_id text;
begin
    perform sluice_internal._authorize(null, 'poller');
    -- Without a lock first: mostly there is nothing.
    if not exists (
        select from sluice_internal.descriptions as d where d.next_attempt_at is not null
    ) then
        return;
    end if;
    select d.credential_id into v_id
    from sluice_internal.descriptions as d
    where
        d.next_attempt_at <= clock_timestamp()
        and (
            _description_claim.busy_providers is null
            or exists (
                select from sluice_internal.credentials as c
                where c.credential_id = d.credential_id and c.provider <> all(_description_claim.busy_providers collate "C")
            )
        )
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = d.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        )
    order by d.next_attempt_at
    limit 1
    for update skip locked;
    if not found then
        return query
        select null::text, null::bigint, null::text, null::text, null::bytea, null::int, null::text, null::int,
            greatest(min(d.next_attempt_at) - clock_timestamp(), interval '2 seconds'),
            null::bigint, null::timestamptz, clock_timestamp(), null::text, null::text, null::bytea, null::int
        from sluice_internal.descriptions as d
        having min(d.next_attempt_at) is not null;
        return;
    end if;
    return query
    with taken as (
        update sluice_internal.descriptions as d
        set poller_id = _description_claim.poller_id, epoch = d.epoch + 1, attempt = d.attempt + 1
        where d.credential_id = v_id
        returning d.credential_id, d.epoch, d.attempt
    )
    select t.credential_id, t.epoch, c.provider, c.kind, c.sealed, c.key_version, c.base_url, t.attempt, null::interval,
        c.version, c.renew_at, clock_timestamp(), a.oauth_app_id, a.client_id, a.sealed, a.key_version
    from taken as t
    inner join sluice_internal.credentials as c on c.credential_id = t.credential_id
    left join sluice_internal.oauth_apps as a on a.oauth_app_id = c.oauth_app_id;
end
$function$;
comment on function sluice_internal._description_claim(text,text[]) is 'Takes an account that is to be asked for its collections, none of busy_providers; one row without it, and when the next one is due, where none is due now; no row where none is planned. Locks its row of descriptions (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._description_end(credential_id text, poller_id text, epoch bigint, collections jsonb, error jsonb, retry_in interval)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.descriptions as d
    set
        poller_id = null,
        error = _description_end.error,
        described_at = case when _description_end.error is null then clock_timestamp() else d.described_at end,
        -- asked for again meanwhile: then once more
        next_attempt_at = case
            when d.attempt = 0 then d.next_attempt_at
            when _description_end.error is not null then clock_timestamp() + _description_end.retry_in
        end
    where
        d.credential_id = _description_end.credential_id collate "C"
        and d.poller_id = _description_end.poller_id collate "C" and d.epoch = _description_end.epoch;
    if not found then
        return false;
    end if;
    if _description_end.error is null then
        delete from sluice_internal.described_collections as c where c.credential_id = _description_end.credential_id collate "C";
        insert into sluice_internal.described_collections (
            credential_id, collection_id, description, mutations, match_on, if_match, fields
        )
        select
            _description_end.credential_id,
            c.collection_id,
            c.description,
            coalesce(c.mutations, '{}'),
            coalesce(c.match_on, '{}'),
            coalesce(c.if_match, false),
            coalesce(c.fields, '[]')
        from jsonb_to_recordset(_description_end.collections) as c (
            collection_id text, description text, mutations text[], match_on text[], if_match boolean, fields jsonb
        )
        where octet_length(c.collection_id) between 1 and 200
        on conflict do nothing;
    end if;
    return true;
end
$function$;
comment on function sluice_internal._description_end(text,text,bigint,jsonb,jsonb,interval) is 'Stores what an account said it has, in place of what it said before, or the error and when it is asked again (retry_in null: not by itself). False if another poller has taken over.';

CREATE OR REPLACE FUNCTION sluice_internal._distinct_ids(ids text[])
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN CASE WHEN (ids IS NOT NULL) THEN ARRAY(SELECT u.id FROM unnest(_distinct_ids.ids) WITH ORDINALITY u(id, place) GROUP BY u.id ORDER BY (min(u.place))) ELSE NULL::text[] END;
comment on function sluice_internal._distinct_ids(text[]) is 'Each id once, where it stands first; null of null.';

CREATE OR REPLACE FUNCTION sluice_internal._document_places(document jsonb)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    with recursive walk (path, value) as (
        select ''::text, _document_places.document
        union all
        select ltrim(w.path || '.' || m.name, '.'), m.value
        from walk as w
        cross join lateral (
            select e.key as name, e.value
            from jsonb_each(case when jsonb_typeof(w.value) = 'object' then w.value else '{}' end) as e
            union all
            select '[]' as name, e.value
            from jsonb_array_elements(case when jsonb_typeof(w.value) = 'array' then w.value else '[]' end) as e (value)
        ) as m
    ),
    texts as (
        select
            w.path,
            w.value #>> '{}' as said,
            substring(w.value #>> '{}' from '^\s*[A-Za-z][A-Za-z0-9+.-]*://[^/?#\\]*') as origin
        from walk as w
        where jsonb_typeof(w.value) = 'string' and w.path !~ '(^|\.)(description|hint|title)$'
    )
    select distinct t.path || ': ' || p.place
    from texts as t
    cross join lateral (
        select t.origin as place
        where t.origin is not null
        union all
        -- where a value of the credential, or of the app, is put into a request; and a whole address that is made of something else
        select t.said
        where
            substr(t.said, length(coalesce(t.origin, '')) + 1) ~ '\{[^{}]*(credential|client)\.'
            or (t.origin is null and t.path ~ '(^|\.)base_url$')
    ) as p;
$function$;
comment on function sluice_internal._document_places(jsonb) is 'Where a provider document sends secrets: the hosts that it names, and the places in requests that values of a credential or of an OAuth app are put into, each with its path in the document.';

CREATE OR REPLACE FUNCTION sluice_internal._erased_among(sync_id text, collection_id text, records jsonb)
 RETURNS integer[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_places int[];
begin
    with erased as (
        update sluice_internal.erasures as e
        set refused = e.refused + 1
        from (
            select sluice_internal._erasure_digest(
                _erased_among.sync_id, coalesce(i.value ->> 'collection_id', _erased_among.collection_id), i.value ->> 'upstream_id'
            ) as digest, array_agg(i.ordinality::int) as places
            from jsonb_array_elements(_erased_among.records) with ordinality as i (value, ordinality)
            group by 1
            order by 1
        ) as g
        where e.sync_id = _erased_among.sync_id and e.digest = g.digest
        returning g.places
    )
    select array_agg(p.place) into v_places
    from erased as e
    cross join lateral unnest(e.places) as p (place);
    return coalesce(v_places, '{}');
end
$function$;
comment on function sluice_internal._erased_among(text,text,jsonb) is 'Which of these records (their places from 1 on) are of objects that were erased; counts that they came. Locks their erasures.';

CREATE OR REPLACE FUNCTION sluice_internal._erasure_digest(sync_id text, collection_id text, upstream_id text)
 RETURNS bytea
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_key bytea := (select e.key from sluice_internal.erasure_key as e);
    v_text text := jsonb_build_array(_erasure_digest.sync_id, _erasure_digest.collection_id, _erasure_digest.upstream_id)::text;
begin
    -- Hashed twice with the key, so that nothing can be put behind the text.
    return sha256(v_key || sha256(v_key || convert_to(v_text, 'UTF8')));
end
$function$;
comment on function sluice_internal._erasure_digest(text,text,text) is 'The keyed digest by which an erased object is known again. Whoever has the whole database has the key too, and can try ids.';

CREATE OR REPLACE FUNCTION sluice_internal._feed_fail(sync_id text, poller_id text, epoch bigint, feed text, error jsonb, retry_in interval, cursor jsonb DEFAULT NULL::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_whole text := split_part(_feed_fail.feed, '/', 1);
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_feed_fail.sync_id, _feed_fail.poller_id, _feed_fail.epoch);
    -- A vendor that is down for a moment is no news of one collection.
    if _feed_fail.error ->> 'code' in ('SL202', 'SL203', 'SL207') and not exists (
        select from sluice_internal.sync_feeds as f
        where f.sync_id = v_run.sync_id and f.feed = _feed_fail.feed collate "C" and f.error ->> 'code' in ('SL202', 'SL203', 'SL207')
    ) then
        perform sluice_internal._notice(v_run.sync_id, 'collection_broken', _feed_fail.error, v_whole);
    end if;
    insert into sluice_internal.sync_feeds as f (sync_id, feed, cursor_state, done, error, error_since, attempt, next_attempt_at)
    values (
        v_run.sync_id, _feed_fail.feed, _feed_fail.cursor, false, _feed_fail.error, clock_timestamp(), 1,
        clock_timestamp() + _feed_fail.retry_in
    )
    on conflict (sync_id, feed) do update set
        error = excluded.error,
        error_since = coalesce(f.error_since, excluded.error_since),
        attempt = f.attempt + 1,
        next_attempt_at = excluded.next_attempt_at,
        cursor_state = coalesce(excluded.cursor_state, f.cursor_state);
    -- The pass of a sweep that failed concludes nothing, and the next one begins at its start. A vendor that is down for a moment
    -- only makes it longer.
    if _feed_fail.error ->> 'code' is distinct from 'SL205' and exists (
        select from sluice_internal.sync_feeds as w
        where w.sync_id = v_run.sync_id and w.feed = v_whole collate "C" and w.kind = 'sweep'
    ) then
        perform sluice_internal._feeds_restart(v_run.sync_id, array[v_whole]);
        update sluice_internal.sync_feeds as w
        set
            error = _feed_fail.error,
            error_since = coalesce(w.error_since, clock_timestamp()),
            next_attempt_at = clock_timestamp() + _feed_fail.retry_in
        where w.sync_id = v_run.sync_id and w.feed = v_whole collate "C";
    end if;
end
$function$;
comment on function sluice_internal._feed_fail(text,text,bigint,text,jsonb,interval,jsonb) is 'One feed of a sync cannot be read now: keeps the reason {code, message, details, hint} and leaves it out until retry_in has passed; the others are read all the same. cursor: where it is to go on, null: where it is. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._feeds_declare(sync_id text, poller_id text, epoch bigint, feeds jsonb)
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
    v_run := sluice_internal._lease_check(_feeds_declare.sync_id, _feeds_declare.poller_id, _feeds_declare.epoch);
    delete from sluice_internal.sync_feeds as f
    where
        f.sync_id = v_run.sync_id
        and split_part(f.feed, '/', 1) not in (
            select d.feed from jsonb_to_recordset(_feeds_declare.feeds) as d (feed text)
        );
    insert into sluice_internal.sync_feeds as f (sync_id, feed, kind, collection_ids, every, next_attempt_at, done)
    select
        v_run.sync_id, d.feed, d.kind, d.collection_ids, d.every * interval '1 second',
        -- a sweep beside a backfill has nothing to find yet
        case
            when d.kind = 'sweep' and exists (
                select
                from jsonb_to_recordset(_feeds_declare.feeds) as b (kind text, collection_ids text[])
                where b.kind = 'backfill' and b.collection_ids && d.collection_ids
            ) then clock_timestamp() + d.every * interval '1 second'
        end,
        false
    from jsonb_to_recordset(_feeds_declare.feeds) as d (feed text, kind text, collection_ids text[], every float8)
    on conflict (sync_id, feed) do update set
        kind = excluded.kind,
        collection_ids = excluded.collection_ids,
        every = excluded.every,
        completed_at = case when f.kind is null and f.done then coalesce(f.completed_at, f.updated_at) else f.completed_at end;
    update sluice_internal.sync_feeds as p
    set collection_ids = w.collection_ids
    from sluice_internal.sync_feeds as w
    where
        p.sync_id = v_run.sync_id and p.kind = 'part'
        and w.sync_id = p.sync_id and w.feed = split_part(p.feed, '/', 1)
        and p.collection_ids <> w.collection_ids;
end
$function$;
comment on function sluice_internal._feeds_declare(text,text,bigint,jsonb) is 'What the provider reads for this sync: [{feed, kind, collection_ids, every (seconds)}]. Rows of other feeds (of collections that were dropped) go; new ones are there from now on, unread. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._feeds_forget(sync_id text, collection_ids text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    -- with their parts; what also speaks of others is declared anew by the next turn
    delete from sluice_internal.sync_feeds as f
    where
        f.sync_id = _feeds_forget.sync_id
        and (split_part(f.feed, '/', 1) = any(_feeds_forget.collection_ids) or (
            f.collection_ids <> '{}' and f.collection_ids <@ _feeds_forget.collection_ids
        ));
    delete from sluice_internal.wanted_objects as o
    where o.sync_id = _feeds_forget.sync_id and o.collection_id = any(_feeds_forget.collection_ids);
end
$function$;
comment on function sluice_internal._feeds_forget(text,text[]) is 'Forgets how far these collections of a sync have been read.';

CREATE OR REPLACE FUNCTION sluice_internal._feeds_restart(sync_id text, feeds text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    delete from sluice_internal.sync_feeds as f
    where
        f.sync_id = _feeds_restart.sync_id collate "C"
        and f.feed like '%/%'
        and (_feeds_restart.feeds is null or split_part(f.feed, '/', 1) = any(_feeds_restart.feeds));
    update sluice_internal.sync_feeds as f
    set
        cursor_state = null, done = false, next_attempt_at = null, pass_from = null, conclusion = null, total = null, read_records = 0,
        started_at = null, updated_at = clock_timestamp()
    where
        f.sync_id = _feeds_restart.sync_id collate "C"
        and (_feeds_restart.feeds is null or f.feed = any(_feeds_restart.feeds));
end
$function$;
comment on function sluice_internal._feeds_restart(text,text[]) is 'Lets these feeds of a sync (null: all) be read again from their start; a pass of a sweep that was under way concludes nothing. The caller holds the lease or has ended it (_lease_end).';

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
declare
    -- Rows that were removed stay in the index while somebody holds an old snapshot: usually the walk begins where the last one of this
    -- session ended. What was committed late is found now and then.
    v_floor text := current_setting('sluice.folded', true);
    v_after bigint := 0;
    v_last bigint;
begin
    if not pg_try_advisory_xact_lock(sluice_internal._lock_key(3, 0, 0)) then
        return;
    end if;
    if v_floor ~ '^[0-9]{1,18}$' and random() > 0.05 then
        v_after := v_floor::bigint - 100;
    end if;
    with folded as (
        delete from sluice_internal.ingests as i
        where i.ingest_no in (
            select n.ingest_no
            from (
                select o.ingest_no, o.created_at
                from sluice_internal.ingests as o
                where o.ingest_no > v_after
                order by o.ingest_no
                limit 2000
            ) as n
            -- for a while they tell what was committed when
            where n.created_at < clock_timestamp() - interval '10 seconds'
        )
        returning i.ingest_no, i.stream_no, i.sync_id, i.collection_ids, i.firsts, i.updated_idxs[1] as first_idx, i.created_at
    ),
    timed as (
        insert into sluice_internal.stream_times as t (stream_no, at, idx)
        select f.stream_no, min(f.created_at), min(f.first_idx) - 1
        from folded as f
        group by f.stream_no, date_trunc('second', f.created_at)
        order by 1, 2
        on conflict do nothing
    ),
    removed as (
        delete from sluice_internal.count_deltas as d
        where d.delta_no in (select o.delta_no from sluice_internal.count_deltas as o order by o.delta_no limit 2000)
        returning d.sync_id, d.collection_id, d.records, d.changes, d.stream_no
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
        union all
        select r.sync_id, r.collection_id, r.records, r.changes
        from removed as r
    ),
    entries as (
        insert into sluice_internal.stream_trims as t (stream_no, kept, replaced)
        select n.stream_no, sum(n.kept), sum(n.replaced)
        from (
            select
                f.stream_no,
                cardinality(array_positions(f.firsts, true)) as kept,
                cardinality(array_positions(f.firsts, false)) as replaced
            from folded as f
            union all
            select r.stream_no, r.records, -r.records
            from removed as r
            where r.stream_no is not null
        ) as n
        group by n.stream_no
        order by n.stream_no
        on conflict (stream_no) do update set
            kept = t.kept + excluded.kept,
            replaced = t.replaced + excluded.replaced
    ),
    stored as (
        insert into sluice_internal.record_counts as t (sync_id, collection_id, records, changes)
        select n.sync_id, n.collection_id, sum(n.records), sum(n.changes)
        from counted as n
        group by 1, 2
        order by 1, 2
        on conflict (sync_id, collection_id) do update set
            records = t.records + excluded.records,
            changes = t.changes + excluded.changes
    )
    select max(f.ingest_no) into v_last from folded as f;
    if v_last is not null then
        perform set_config('sluice.folded', v_last::text, false);
    end if;
end
$function$;
comment on function sluice_internal._fold_counts() is 'Adds up to 2,000 rows of ingests, and of count_deltas, to record_counts and stream_trims, and about one a second to stream_times, and removes them; those of the last ten seconds stay. Locks the folding (tried, never waited for) and those rows.';

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

CREATE OR REPLACE FUNCTION sluice_internal._hold_sync(sync_id text, deleting boolean DEFAULT false)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    -- One change at a time: each would order work on the records that the others, who looked first, do not know of.
    perform pg_advisory_xact_lock(sluice_internal._lock_key(8, hashtextextended(_hold_sync.sync_id, 0) & 34359738367, 0));
    -- Always in this order: the work on its records, its run, and then the sync itself.
    perform from sluice_internal.sync_work as w where w.sync_id = _hold_sync.sync_id for update;
    perform from sluice_internal.sync_runs as r where r.sync_id = _hold_sync.sync_id for update;
    perform sluice_internal._authorize_sync(_hold_sync.sync_id, 'admin', _hold_sync.deleting);
end
$function$;
comment on function sluice_internal._hold_sync(text,boolean) is 'Before a sync is changed: no page is committed meanwhile, and nobody else changes it. Locks the work on its records and its run; SL102 if it was deleted first, SL165 if it is being deleted, unless that is asked for (deleting).';

CREATE OR REPLACE FUNCTION sluice_internal._idle_note(consumer sluice_internal.consumers, known text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_setting text := 'sluice.idle_' || consumer.consumer_no;
    v_version text;
    v_ingest_no bigint;
    v_last_idx text;
    v_idle boolean;
begin
    -- In this order: a writer draws the number of its record before that of its note.
    select c.xmin::text, q.last_value + q.is_called::int into v_version, v_ingest_no
    from sluice_internal.consumers as c
    cross join sluice_internal.ingests_ingest_no_seq as q
    where c.consumer_no = consumer.consumer_no;
    if v_ingest_no::text = split_part(_idle_note.known, ':', 2) then
        v_last_idx := split_part(_idle_note.known, ':', 3);
    else
        execute format('select concat(q.last_value, q.is_called) from sluice_internal.position_%s as q', consumer.stream_no)
        into v_last_idx;
    end if;
    if _idle_note.known is not null then
        v_idle := _idle_note.known = concat_ws(':', v_version, split_part(_idle_note.known, ':', 2), v_last_idx);
    elsif pg_current_xact_id_if_assigned() is not null or sluice_internal._writers() <> '{}' then
        v_idle := false;
    else
        -- Whoever drew one of these numbers has ended: what they committed is seen from here on.
        v_idle := not exists (
            select
            from (select g.i::smallint as lane from generate_series(0, consumer.lanes - 1) as g (i) offset 0) as l
            left join lateral (
                select st.cursor_idx, st.open_steps, st.parked_record_nos
                from sluice_internal.consumer_steps as st
                where st.consumer_no = consumer.consumer_no and st.lane = l.lane
                order by st.step_no desc
                limit 1
            ) as st on true
            where
                exists (
                    select
                    from sluice_internal.positions as p
                    where
                        p.stream_no = consumer.stream_no and p.lane = l.lane
                        and p.updated_idx > coalesce(st.cursor_idx, consumer.start_idx)
                    offset 0
                )
                or st.parked_record_nos <> '{}'
                or case
                    when coalesce(st.open_steps, '{}') = '{}' then false
                    else exists (
                        select
                        from sluice_internal._live_messages as m
                        where
                            m.consumer_no = consumer.consumer_no and m.lane = l.lane
                            and m.step_no = any(sluice_internal._steps_open(consumer.consumer_no, l.lane, st.open_steps))
                        offset 0
                    )
                end
        );
    end if;
    perform
        set_config('sluice.idle', case when v_idle then consumer.consumer_id else '' end, false),
        set_config(v_setting, case when v_idle then concat_ws(':', v_version, v_ingest_no, v_last_idx) else '' end, false);
    return v_idle;
end
$function$;
comment on function sluice_internal._idle_note(sluice_internal.consumers,text) is 'Whether the consumer has read everything and has nothing out, noted for the session as long as that is so: the version of the consumer''s row, the last number of any note of an ingest, and that of the stream. Whatever brings messages back writes the row, or draws both numbers as who writes records does. Given the note of an earlier call, only whether it holds for this stream, whatever others were written to; else it looks, unless somebody writes just now or this transaction wrote, which may be undone. Locks nothing, takes no transaction id.';

CREATE OR REPLACE FUNCTION sluice_internal._ingest_refusal(sync sluice_internal.syncs, collection_id text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    if coalesce(_ingest_refusal.collection_id, '') !~ '^[a-z0-9_-]+:.+$' or octet_length(_ingest_refusal.collection_id) > 200 then
        raise exception using
            errcode = 'SL001',
            message = format('"%s" is not a collection id', left(_ingest_refusal.collection_id, 200)),
            hint = 'A collection is named provider:object, for example stripe:customer or push:order.';
    end if;
    if not coalesce(
        case
            when sync.collection_ids <> '{}' then _ingest_refusal.collection_id = any(sync.collection_ids)
            else _ingest_refusal.collection_id like 'push:%'
        end,
        false
    ) then
        raise exception using
            errcode = 'SL106',
            message = format('sync "%s" has no collection "%s"', sync.sync_id, left(_ingest_refusal.collection_id, 200)),
            hint = coalesce(
                'It has: ' || nullif(array_to_string(sync.collection_ids, ', '), '') || '.',
                'It takes any that is named push:object, for example push:order.'
            );
    end if;
end
$function$;
comment on function sluice_internal._ingest_refusal(sluice_internal.syncs,text) is 'Raises what is wrong with a collection id given to record_ingest, if anything is: SL001 if it is none, SL106 if the sync does not have it.';

CREATE OR REPLACE FUNCTION sluice_internal._ingest_tidy(most integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    if not exists (
        select from sluice_internal.pollers as p where p.heartbeat_at > clock_timestamp() - interval '10 seconds'
    ) then
        perform sluice_internal._positions_trim(_ingest_tidy.most), sluice_internal._times_trim(_ingest_tidy.most);
    end if;
end
$function$;
comment on function sluice_internal._ingest_tidy(integer) is 'What pollers do by themselves, and somebody has to do where there are none: trims the log of positions and its times, looking at up to most rows. Locks what that locks.';

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
            -- so that the index is not walked from the lane's first step
            and v.step_no >= (select min(o.step_no) from unnest(_lane_busy.open_steps) as o (step_no))
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
            case when r.updated_idx = d.updated_idx and not k.again then d.deliver_count + 1 else 1 end as next_count,
            case
                -- gone; or changed, and its new entry lies ahead: that one will bring it, once
                when r.record_no is null or r.updated_idx > state.cursor_idx then 'drop'
                when d.step_no is null and r.updated_idx <> d.updated_idx then 'drop'
                when not sluice_internal._filter_matches(consumer, r.sync_id, r.collection_id, r.data) then 'skip'
                when r.updated_idx = d.updated_idx and consumer.max_deliver > 0 and d.deliver_count >= consumer.max_deliver and not k.again
                    then 'dead'
                else 'deliver'
            end as fate
        from due as d
        left join lateral (select o.* from sluice.records as o where o.record_no = d.record_no offset 0) as r on true
        -- The same version parked while it was in flight: a seek back has come by, and it begins anew.
        cross join lateral (
            select exists (select from parked as p where p.record_no = d.record_no and p.updated_idx = d.updated_idx) as again
        ) as k
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
comment on function sluice_internal._lane_state(integer,integer,bigint) is 'The newest step of a consumer in a lane, or step 0 before the first. Volatile, so that it sees what was committed before the lane was locked. Runs under its caller''s settings.';

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
        v_open := sluice_internal._steps_open(consumer.consumer_no, state.lane, state.open_steps);
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
declare
    -- What was removed stays in the index while somebody holds an old snapshot, and would be walked over each time. So usually only
    -- the last steps are looked at; what was open for longer is found now and then.
    v_first bigint := case when random() < 0.05 then 0 else _lane_trim.step_no - 200 end;
begin
    with settled as materialized (
        select st.step_no
        from sluice_internal.consumer_steps as st
        where
            st.consumer_no = _lane_trim.consumer_no and st.lane = _lane_trim.lane
            and st.step_no >= v_first
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
            -- from where to where, so that the index is not walked from the lane's first step
            and st.step_no >= (select min(d.step_no) from settled as d) and st.step_no <= (select max(d.step_no) from settled as d)
            and st.step_no = any(array(select d.step_no from settled as d))
    )
    delete from sluice_internal.consumer_settlements as s
    where
        s.consumer_no = _lane_trim.consumer_no and s.lane = _lane_trim.lane
        and s.step_no >= (select min(d.step_no) from settled as d) and s.step_no <= (select max(d.step_no) from settled as d)
        and s.step_no = any(array(select d.step_no from settled as d));
end
$function$;
comment on function sluice_internal._lane_trim(integer,integer,bigint,bigint[]) is 'Removes steps before step_no whose messages are all settled. Called every 64 steps, under the lane''s lock; skips what an acknowledgement has locked.';

CREATE OR REPLACE FUNCTION sluice_internal._lanes_ready(consumer sluice_internal.consumers, lanes integer, first_lane integer, max_lanes integer)
 RETURNS integer[]
 LANGUAGE plpgsql
 STABLE
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
comment on function sluice_internal._lanes_ready(sluice_internal.consumers,integer,integer,integer) is 'The lanes, from first_lane on, in which the consumer may find something: a new entry, an expired or nacked message, or an entry whose record is free again. Reads only: no lock, no transaction id. Null if there are none. Runs under its caller''s settings.';

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

CREATE OR REPLACE FUNCTION sluice_internal._lease_end(sync_id text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    update sluice_internal.sync_runs as r
    set epoch = r.epoch + 1, poller_id = null, next_attempt_at = clock_timestamp()
    where r.sync_id = _lease_end.sync_id collate "C";
    update sluice_internal.sync_feeds as f
    set next_attempt_at = null
    where f.sync_id = _lease_end.sync_id collate "C" and f.error is not null;
    perform pg_notify('sluice_poller', '');
end
$function$;
comment on function sluice_internal._lease_end(text) is 'Takes a sync from the poller that holds it, so that no page that was read under the old settings or the old cursors can be committed; it is claimed anew at once, and feeds that failed are tried. Locks the run.';

CREATE OR REPLACE FUNCTION sluice_internal._leases_compact(least_bytes bigint DEFAULT 33554432)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '50ms'
AS $function$
#variable_conflict use_column
declare
    v_bytes bigint := pg_total_relation_size('sluice_internal.consumer_steps')
        + pg_total_relation_size('sluice_internal.consumer_settlements');
    v_live bigint;
    v_holders text[];
    v_steps text[];
    v_settlements text[];
begin
    perform sluice_internal._authorize(null, 'poller');
    if v_bytes < _leases_compact.least_bytes or not pg_try_advisory_xact_lock(sluice_internal._lock_key(15, 0, 0)) then
        return false;
    end if;
    select coalesce(sum(l.bytes), 0) into v_live
    from (
        select pg_column_size(st.*) + 64 as bytes from sluice_internal.consumer_steps as st
        union all
        select pg_column_size(s.*) + 64 from sluice_internal.consumer_settlements as s
    ) as l;
    if v_live * 4 > v_bytes or v_live > 67108864 then
        return false;
    end if;
    -- Whoever waits for the lock below holds up all others that come after it: so it is not asked for while a transaction is there that
    -- had it before and has it still, a worker's or a dump's.
    for v_round in 1..2 loop
        v_holders := array(
            select l.virtualtransaction
            from pg_locks as l
            where
                l.locktype = 'relation' and l.granted and l.pid <> pg_backend_pid()
                and l.database = (select d.oid from pg_database as d where d.datname = current_database())
                and l.relation in ('sluice_internal.consumer_steps'::regclass, 'sluice_internal.consumer_settlements'::regclass)
                and (v_round = 1 or l.virtualtransaction = any(v_holders))
        );
        exit when v_holders = '{}';
        if v_round = 2 then
            return false;
        end if;
        perform pg_sleep(0.03);
    end loop;
    begin
        lock table sluice_internal.consumer_steps, sluice_internal.consumer_settlements in access exclusive mode;
    exception
        when lock_not_available or deadlock_detected then
            return false;
    end;
    v_steps := array(select st::text from sluice_internal.consumer_steps as st);
    v_settlements := array(select s::text from sluice_internal.consumer_settlements as s);
    truncate sluice_internal.consumer_steps, sluice_internal.consumer_settlements;
    insert into sluice_internal.consumer_steps
    select (w.kept).*
    from (select u.line::sluice_internal.consumer_steps as kept from unnest(v_steps) as u (line) offset 0) as w;
    insert into sluice_internal.consumer_settlements
    select (w.kept).*
    from (select u.line::sluice_internal.consumer_settlements as kept from unnest(v_settlements) as u (line) offset 0) as w;
    return true;
end
$function$;
comment on function sluice_internal._leases_compact(bigint) is 'Writes leases and settlements anew if they take least_bytes or more (default 32 MB), indexes included, and are mostly removed rows: what vacuum cannot give back while somebody holds an old snapshot. True if it did. Locks both tables, for the time of some thousand rows, if that takes no more than 50 ms and no transaction has them for longer than 30 ms; otherwise nothing happens. A snapshot older than this sees no leases.';

CREATE OR REPLACE FUNCTION sluice_internal._lock_key(kind integer, number bigint, lane integer)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (((((5321)::bigint << 48) | ((kind)::bigint << 44)) | (number << 9)) | (lane)::bigint);
comment on function sluice_internal._lock_key(integer,bigint,integer) is 'The key of an advisory lock. Kind 1: a stream''s commit order (number: stream_no); 2: a consumer''s lane (consumer_no, lane); 3: the folding of counters and the trimming of streams; 4: a consumer''s existence (consumer_no); 5: a stream''s watchers (stream_no); 6: calls of a bounded consumer (consumer_no); 7: what a transaction took of one (consumer_no and how many); 8: changes of a sync (a hash of its id); 9: claims of mutations; 14: the folding of webhooks; 15: the compaction of leases. Inlined, so it pins no search path. Lock order: lanes, leases, records, then the streams of the transaction by number, at commit.';

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

CREATE OR REPLACE FUNCTION sluice_internal._mutation_behind(mutation_no bigint, item_no integer, status text, sync_id text, collection_id text, upstream_id text, match_value text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
    -- An unknown one holds up the next. Numbers are given out before the commit: one with a lower number may come while a higher one is
    -- under way, waits for that, and does not keep it from being taken over.
    return exists (
        select
        from (
            select i.mutation_no, i.item_no, i.status
            from sluice_internal.mutation_items as i
            where
                i.sync_id = _mutation_behind.sync_id collate "C"
                and i.collection_id = _mutation_behind.collection_id collate "C"
                and i.upstream_id = _mutation_behind.upstream_id collate "C"
                and i.status in ('queued', 'sending', 'unknown')
            union all
            select i.mutation_no, i.item_no, i.status
            from sluice_internal.mutation_items as i
            where
                i.sync_id = _mutation_behind.sync_id collate "C"
                and i.collection_id = _mutation_behind.collection_id collate "C"
                and md5(i.match_value) = md5(_mutation_behind.match_value)
                and i.match_value is not null
                and i.status in ('queued', 'sending', 'unknown')
        ) as e
        where case
            when (e.mutation_no, e.item_no) < (_mutation_behind.mutation_no, _mutation_behind.item_no)
                then _mutation_behind.status = 'queued' or e.status <> 'queued'
            else _mutation_behind.status = 'queued' and e.status <> 'queued'
        end
    );
end
$function$;
comment on function sluice_internal._mutation_behind(bigint,integer,text,text,text,text,text) is 'Whether another write to the same object has to end before this one is sent: writes to one object run in order. Runs under its caller''s settings.';

CREATE OR REPLACE FUNCTION sluice_internal._mutation_claim(poller_id text, max_items integer, only_sync_id text DEFAULT NULL::text, only_collection_id text DEFAULT NULL::text, only_kind text DEFAULT NULL::text, busy_sync_ids text[] DEFAULT NULL::text[], busy_providers text[] DEFAULT NULL::text[])
 RETURNS TABLE(mutation_no bigint, item_no integer, epoch integer, sync_id text, collection_id text, kind text, upstream_id text, data jsonb, vendor_key text, attempt integer, first_sent_at timestamp with time zone, provider text, credential_id text, sealed bytea, key_version integer, credential_kind text, base_url text, clock timestamp with time zone, sent_before boolean, match_on text, if_match text, credential_version bigint, credential_renew_at timestamp with time zone, oauth_app_id text, client_id text, client_sealed bytea, client_key_version integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_now timestamptz := clock_timestamp();
    v_living text[];
    v_front int := 100;
    v_sync_ids text[];
    v_mutation_nos bigint[] := '{}';
    v_item_nos int[] := '{}';
    v_looked int;
begin
    perform sluice_internal._authorize(null, 'poller');
    -- One at a time: what another claim takes now does not show yet, and a write to the same object that commits now would go beside it.
    perform pg_advisory_xact_lock(sluice_internal._lock_key(9, 0, 0));
    v_living := array(
        select p.poller_id from sluice_internal.pollers as p where p.heartbeat_at > clock_timestamp() - interval '10 seconds'
    );
    -- Those of the dead: there are no more than pollers had under way.
    select coalesce(array_agg(d.mutation_no), '{}'), coalesce(array_agg(d.item_no), '{}') into v_mutation_nos, v_item_nos
    from (
        select i.mutation_no, i.item_no
        from sluice_internal.mutation_items as i
        inner join sluice_internal.syncs as y on y.sync_id = i.sync_id
        inner join sluice_internal.mutations as m on m.mutation_no = i.mutation_no
        where
            i.status = 'sending' and i.poller_id <> all(v_living)
            and not y.paused and y.deleting_since is null
            and (_mutation_claim.busy_sync_ids is null or i.sync_id <> all(_mutation_claim.busy_sync_ids collate "C"))
            and (_mutation_claim.busy_providers is null or y.provider <> all(_mutation_claim.busy_providers collate "C"))
            and (
                _mutation_claim.only_sync_id is null
                or (
                    i.sync_id = _mutation_claim.only_sync_id collate "C"
                    and i.collection_id = _mutation_claim.only_collection_id collate "C"
                    and m.kind = _mutation_claim.only_kind
                )
            )
            and not sluice_internal._mutation_behind(
                i.mutation_no, i.item_no, i.status, i.sync_id, i.collection_id, i.upstream_id, i.match_value
            )
        order by i.next_attempt_at, i.mutation_no, i.item_no
        limit _mutation_claim.max_items
    ) as d;
    if _mutation_claim.only_sync_id is null then
        -- The syncs that stand in front of the queue: those of all the queue are looked for only where these may not have enough.
        select coalesce(array_agg(distinct f.sync_id), '{}'), count(*) into v_sync_ids, v_looked
        from (
            select i.sync_id
            from sluice_internal.mutation_items as i
            where i.status = 'queued' and i.next_attempt_at <= v_now
            order by i.next_attempt_at, i.mutation_no, i.item_no
            limit v_front
        ) as f;
    else
        v_sync_ids := array[_mutation_claim.only_sync_id];
        v_looked := 0;
    end if;
    while cardinality(v_mutation_nos) < _mutation_claim.max_items and v_sync_ids <> '{}' loop
        select v_mutation_nos || array_agg(c.mutation_no), v_item_nos || array_agg(c.item_no) into v_mutation_nos, v_item_nos
        from (
            select q.mutation_no, q.item_no
            from unnest(v_sync_ids) as w (sync_id)
            inner join sluice_internal.syncs as y on y.sync_id = w.sync_id collate "C"
            cross join lateral (
                select coalesce((y.rate_limit -> 'max_concurrent_requests')::int, 0) as places
                offset 0
            ) as l
            cross join lateral (
                -- No more of a sync than may be under way: they would hold up the writes of others. More for a request that has a first
                -- item takes no place of its own.
                select case
                    when _mutation_claim.only_sync_id is not null or l.places = 0 then _mutation_claim.max_items
                    else least(
                        _mutation_claim.max_items,
                        l.places - (
                            select count(*)
                            from (
                                select from sluice_internal.mutation_items as b
                                where b.sync_id = y.sync_id and b.status = 'sending'
                                limit l.places
                            ) as s
                        )
                    )
                end::int as places
                offset 0
            ) as r
            cross join lateral sluice_internal._mutation_front(
                y.sync_id, v_now, r.places, _mutation_claim.only_collection_id, _mutation_claim.only_kind
            ) as q
            where
                not y.paused and y.deleting_since is null
                and (_mutation_claim.busy_sync_ids is null or y.sync_id <> all(_mutation_claim.busy_sync_ids collate "C"))
                and (_mutation_claim.busy_providers is null or y.provider <> all(_mutation_claim.busy_providers collate "C"))
            order by q.next_attempt_at, q.mutation_no, q.item_no
            limit _mutation_claim.max_items - cardinality(v_mutation_nos)
        ) as c;
        exit when v_looked < v_front or cardinality(v_mutation_nos) >= _mutation_claim.max_items;
        v_looked := 0;
        -- all others, each found by one step in the index
        v_sync_ids := array(
            with recursive waiting as (
                select min(i.sync_id) as sync_id from sluice_internal.mutation_items as i where i.status = 'queued'
                union all
                select (
                    select min(i.sync_id) from sluice_internal.mutation_items as i where i.status = 'queued' and i.sync_id > w.sync_id
                )
                from waiting as w
                where w.sync_id is not null
            )
            select w.sync_id from waiting as w where w.sync_id <> all(v_sync_ids)
        );
    end loop;
    return query
    with open as materialized (
        select i.mutation_no, i.item_no, i.first_sent_at is not null as sent_before
        from unnest(v_mutation_nos, v_item_nos) as c (mutation_no, item_no)
        inner join sluice_internal.mutation_items as i on i.mutation_no = c.mutation_no and i.item_no = c.item_no
        -- looked at again: it may have been cancelled, or put back by a poller that was thought dead
        where
            i.next_attempt_at <= clock_timestamp()
            and (i.status = 'queued' or (i.status = 'sending' and i.poller_id <> all(v_living)))
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
        c.sent_before,
        m.match_on,
        m.if_match,
        k.version,
        k.renew_at,
        a.oauth_app_id,
        a.client_id,
        a.sealed,
        a.key_version
    from claimed as c
    inner join sluice_internal.mutations as m on m.mutation_no = c.mutation_no
    inner join sluice_internal.syncs as y on y.sync_id = c.sync_id
    left join sluice_internal.credentials as k on k.credential_id = y.credential_id
    left join sluice_internal.oauth_apps as a on a.oauth_app_id = k.oauth_app_id
    order by c.mutation_no, c.item_no;
end
$function$;
comment on function sluice_internal._mutation_claim(text,integer,text,text,text,text[],text[]) is 'Takes up to max_items items to send, oldest first, writes to one object in order, also those of a poller that died while sending (sent_before is then true, and first_sent_at says since when). only_…: more of that sync, collection and kind, for the same request. busy_…: nothing of these, whose share of what the poller sends at once is used up. Locks claims, which wait for each other, and the items (skips locked ones).';

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
        perform sluice_internal._record_store(
            v_item.sync_id, v_item.collection_id, _mutation_complete.records, _mutation_complete.read_from
        );
    end if;
    -- Looked at after the record was written: an erasure of it was waited for, or waits.
    if v_item.upstream_id is not null
        and exists (select from sluice_internal.syncs as y where y.sync_id = v_item.sync_id and y.erasures > 0)
        and sluice_internal._erased_among(
            v_item.sync_id, v_item.collection_id, jsonb_build_array(jsonb_build_object('upstream_id', v_item.upstream_id))
        ) <> '{}'
    then
        perform sluice_internal._mutation_erase(v_item.sync_id, v_item.collection_id, v_item.upstream_id);
    end if;
    perform sluice_internal._mutation_close(v_item.mutation_no);
    return true;
end
$function$;
comment on function sluice_internal._mutation_complete(bigint,integer,text,integer,text,text,jsonb,timestamp with time zone,jsonb) is 'Ends an item (succeeded, failed, unknown) and writes the object that the vendor answered into records, in one transaction; if that object was erased, nothing is kept of it; false, and nothing done, if the item was taken over. Locks the item, then its mutation.';

CREATE OR REPLACE FUNCTION sluice_internal._mutation_erase(sync_id text, collection_id text, upstream_id text)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_error constant jsonb := '{"code": "SL004", "message": "the object was erased", "details": null, "hint": null}';
    v_nos bigint[];
begin
    with wiped as (
        update sluice_internal.mutation_items as i
        set
            data = null,
            upstream_id = null,
            match_value = null,
            error = case when i.status in ('failed', 'unknown', 'sending') then v_error end,
            status = case i.status when 'queued' then 'cancelled' when 'sending' then 'unknown' else i.status end,
            poller_id = null,
            finished_at = coalesce(i.finished_at, clock_timestamp())
        where
            i.mutation_no in (
                select m.mutation_no
                from sluice_internal.mutations as m
                where m.sync_id = _mutation_erase.sync_id collate "C" and m.collection_id = _mutation_erase.collection_id collate "C"
            )
            and i.upstream_id = _mutation_erase.upstream_id collate "C"
        returning i.mutation_no
    )
    select array_agg(w.mutation_no) into v_nos from wiped as w;
    -- of what was asked for: a digest without a key
    update sluice_internal.mutations as m
    set request_digest = sha256(convert_to(gen_random_uuid()::text, 'UTF8'))
    where m.mutation_no = any(v_nos);
    perform sluice_internal._mutation_close(u.no) from (select distinct t.no from unnest(v_nos) as t (no)) as u;
    return coalesce(cardinality(v_nos), 0);
end
$function$;
comment on function sluice_internal._mutation_erase(text,text,text) is 'Wipes data, id and error of the mutation items of one object; what was queued is cancelled, what is just being sent ends as unknown. How many. Locks them and their mutations.';

CREATE OR REPLACE FUNCTION sluice_internal._mutation_front(sync_id text, due_at timestamp with time zone, max_items integer, only_collection_id text, only_kind text)
 RETURNS TABLE(mutation_no bigint, item_no integer, next_attempt_at timestamp with time zone)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
    v_near int := case when _mutation_front.only_kind is null then 100 else 1000 end;
    v_mutation_nos bigint[];
    v_item_nos int[];
    v_times timestamptz[];
begin
    if _mutation_front.max_items <= 0 then
        return;
    end if;
    select coalesce(array_agg(f.mutation_no), '{}'), array_agg(f.item_no), array_agg(f.next_attempt_at)
    into v_mutation_nos, v_item_nos, v_times
    from (
        select n.mutation_no, n.item_no, n.next_attempt_at
        from (
            select
                i.mutation_no, i.item_no, i.next_attempt_at, i.status, i.sync_id, i.collection_id, i.upstream_id, i.match_value
            from sluice_internal.mutation_items as i
            where
                i.sync_id = _mutation_front.sync_id collate "C" and i.status = 'queued'
                and i.next_attempt_at <= _mutation_front.due_at
            order by i.next_attempt_at, i.mutation_no, i.item_no
            limit v_near
        ) as n
        where
            (
                _mutation_front.only_kind is null
                or (
                    n.collection_id = _mutation_front.only_collection_id collate "C"
                    and _mutation_front.only_kind = (
                        select m.kind from sluice_internal.mutations as m where m.mutation_no = n.mutation_no
                    )
                )
            )
            and not sluice_internal._mutation_behind(
                n.mutation_no, n.item_no, n.status, n.sync_id, n.collection_id, n.upstream_id, n.match_value
            )
        order by n.next_attempt_at, n.mutation_no, n.item_no
        limit _mutation_front.max_items
    ) as f;
    if _mutation_front.only_kind is null and cardinality(v_mutation_nos) < _mutation_front.max_items and exists (
        select from sluice_internal.mutation_items as i
        where
            i.sync_id = _mutation_front.sync_id collate "C" and i.status = 'queued'
            and i.next_attempt_at <= _mutation_front.due_at
        offset v_near
    ) then
        -- Many stand behind others, for the most part to the same object, of which the first alone is looked at: 2 us each instead of 50.
        select array_agg(f.mutation_no), array_agg(f.item_no), array_agg(f.next_attempt_at)
        into v_mutation_nos, v_item_nos, v_times
        from (
            select n.mutation_no, n.item_no, n.next_attempt_at
            from (
                select i.*
                from (
                    select min(array[q.mutation_no, q.item_no]) as first
                    from sluice_internal.mutation_items as q
                    where q.sync_id = _mutation_front.sync_id collate "C" and q.status = 'queued'
                    group by
                        q.collection_id, q.upstream_id, q.match_value,
                        case when q.upstream_id is null and q.match_value is null then array[q.mutation_no, q.item_no] end
                ) as h
                inner join sluice_internal.mutation_items as i on i.mutation_no = h.first[1] and i.item_no = h.first[2]
                where i.next_attempt_at <= _mutation_front.due_at
                order by i.next_attempt_at, i.mutation_no, i.item_no
                offset 0
            ) as n
            where not sluice_internal._mutation_behind(
                n.mutation_no, n.item_no, n.status, n.sync_id, n.collection_id, n.upstream_id, n.match_value
            )
            limit _mutation_front.max_items
        ) as f;
    end if;
    return query
    select f.mutation_no, f.item_no, f.next_attempt_at
    from unnest(v_mutation_nos, v_item_nos, v_times) as f (mutation_no, item_no, next_attempt_at);
end
$function$;
comment on function sluice_internal._mutation_front(text,timestamp with time zone,integer,text,text) is 'Up to max_items queued writes of a sync, oldest first, that are due at due_at and stand behind no other to the same object. only_…: of that collection and kind, for the same request, among the first thousand. Runs under its caller''s settings.';

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

CREATE OR REPLACE FUNCTION sluice_internal._mutation_seen(mutation_id text, consumer_ids text[])
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
#variable_conflict use_column
declare
    v_mutation sluice_internal.mutations := sluice_internal._authorize_mutation(_mutation_seen.mutation_id, 'mutator');
    v_consumer sluice_internal.consumers;
    v_unknown text;
begin
    select u.consumer_id into v_unknown
    from unnest(_mutation_seen.consumer_ids) as u (consumer_id)
    where not exists (
        select from sluice_internal.consumers as c
        where c.consumer_id = u.consumer_id collate "C" and c.stream_no = v_mutation.stream_no
    )
    limit 1;
    if found then
        raise exception using
            errcode = 'SL103',
            message = format('consumer "%s" does not exist in the stream of this sync', left(v_unknown, 200)),
            hint = 'Name consumers of the stream that the sync writes into.';
    end if;
    for v_consumer in
        select c.* from sluice_internal.consumers as c where c.consumer_id = any(_mutation_seen.consumer_ids collate "C")
    loop
        if exists (
            select
            from sluice_internal.mutation_items as i
            inner join sluice.records as r
                on r.sync_id = i.sync_id and r.collection_id = i.collection_id and r.upstream_id = i.upstream_id
            cross join lateral (
                select st.cursor_idx, st.open_steps, st.parked_record_nos
                from sluice_internal._lane_state(
                    v_consumer.consumer_no, (r.record_no % v_consumer.lanes)::int, v_consumer.start_idx
                ) as st
                offset 0
            ) as s
            where
                i.mutation_no = v_mutation.mutation_no and i.status = 'succeeded'
                and sluice_internal._filter_matches(v_consumer, r.sync_id, r.collection_id, r.data)
                and (
                    r.updated_idx > coalesce(s.cursor_idx, r.updated_idx)
                    or r.record_no = any(s.parked_record_nos)
                    or exists (
                        select from sluice_internal._live_messages as v
                        where
                            v.consumer_no = v_consumer.consumer_no and v.lane = r.record_no % v_consumer.lanes
                            and v.step_no = any(s.open_steps) and v.record_no = r.record_no
                    )
                    or exists (
                        select from sluice_internal.dead_letters as d
                        where d.consumer_no = v_consumer.consumer_no and d.record_no = r.record_no and d.updated_idx = r.updated_idx
                    )
                )
        ) then
            return false;
        end if;
    end loop;
    return true;
end
$function$;
comment on function sluice_internal._mutation_seen(text,text[]) is 'Whether each of these consumers has acknowledged the objects that a mutation wrote, in the state they have now, or does not want them. Errors: SL103, SL108.';

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
    v_new_first boolean;
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
            -- One time in four what is new in a lane goes first: a message that is given back at once, again and again, would hold up the
            -- rest of its lane for ever. A stream of one lane keeps its order.
            v_new_first := v_round = 1 and lanes > 1 and not v_strict and random() < 0.25;
            if not v_new_first then
                v_done := v_done || v_lane;
            end if;
            continue when not pg_try_advisory_xact_lock(sluice_internal._lock_key(2, consumer.consumer_no, v_lane));
            if not v_held then
                perform sluice_internal._hold_consumer(consumer);
                v_held := true;
            end if;
            v_before := v_need;
            v_state := sluice_internal._lane_state(consumer.consumer_no, v_lane, consumer.start_idx);
            if not v_new_first and (v_state.open_steps <> '{}' or v_state.parked_record_nos <> '{}') then
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
comment on function sluice_internal._next_lanes(sluice_internal.consumers,integer,integer,integer[],integer,integer,bigint,boolean,integer,bigint) is 'What consumer_next does lane by lane, from first_lane on, but for done_lanes: what is due again, then what is new (sometimes the other way round), max_rows and max_bytes of a batch of batch_size; if is_open from at most half of the lanes; no more fresh ones than max_pending allows, null without bound, and none behind last_idx. Locks lanes (tried, never waited for).';

CREATE OR REPLACE FUNCTION sluice_internal._notice(sync_id text, kind text, error jsonb DEFAULT NULL::jsonb, collection_id text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    insert into sluice_internal.notices (sync_id, kind, error, collection_id)
    values (_notice.sync_id, _notice.kind, _notice.error, _notice.collection_id);
    perform pg_notify('sluice_notices', _notice.sync_id);
end
$function$;
comment on function sluice_internal._notice(text,text,jsonb,text) is 'Leaves a notice: a row in notices, and word on the channel sluice_notices (its text is the sync_id) when this commits.';

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
AS $function$
declare
    v_sequence regclass := 'sluice_internal.position_' || new.stream_no;
    v_count int := cardinality(new.updated_idxs);
begin
    -- In conditions, which cost less than statements.
    if current_setting('sluice.touched_streams', true) is distinct from new.stream_no::text then
        perform sluice_internal._lock_touched(new.stream_no);
    elsif pg_advisory_xact_lock(sluice_internal._lock_key(1, new.stream_no, 0)) is null then
        null;
    end if;
    -- The numbers drawn at ingest stand if they are one run and nobody drew a later one: then whoever committed before has
    -- lower ones, and whoever commits after will find that theirs are not the last. Otherwise new ones are drawn here,
    -- under the lock.
    if new.updated_idxs[v_count] <> pg_sequence_last_value(v_sequence)
        or new.updated_idxs[v_count] - new.updated_idxs[1] + 1 <> v_count
    then
        perform sluice_internal._renumber(new.stream_no, new.record_nos, new.updated_idxs, new.firsts);
    elsif v_count = 1 then
        insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
        select new.stream_no, new.record_nos[1] % s.lanes, new.firsts[1], new.updated_idxs[1], new.record_nos[1]
        from sluice_internal.streams as s
        where s.stream_no = new.stream_no;
    else
        insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
        select new.stream_no, n.record_no % s.lanes, n.first, n.updated_idx, n.record_no
        from sluice_internal.streams as s
        cross join rows from (unnest(new.record_nos), unnest(new.updated_idxs), unnest(new.firsts)) as n (record_no, updated_idx, first)
        where s.stream_no = new.stream_no;
    end if;
    -- At most one NOTIFY a transaction, and only while somebody waits: it serialises commits of the whole server.
    if not pg_try_advisory_xact_lock(sluice_internal._lock_key(5, new.stream_no, 0)) then
        perform pg_notify('sluice_streams', s.stream_id) from sluice_internal.streams as s where s.stream_no = new.stream_no;
    end if;
    return null;
end
$function$;
comment on function sluice_internal._number_ingest() is 'At commit: puts what the transaction wrote into the stream''s order. Locks the commit order of every stream that the transaction touched, until the commit is done: whoever has read up to n never finds a new row at or below n later.';

CREATE OR REPLACE FUNCTION sluice_internal._oauth_app_put(oauth_app_id text, provider text, client_id text, sealed bytea, key_version integer, name text DEFAULT NULL::text, base_url text DEFAULT NULL::text, scopes text[] DEFAULT NULL::text[], redirect_urls text[] DEFAULT NULL::text[], metadata jsonb DEFAULT NULL::jsonb)
 RETURNS sluice.oauth_apps
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_app sluice.oauth_apps;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform sluice_internal._check_id('oauth_app_id', _oauth_app_put.oauth_app_id);
    -- Against a provider_delete of this moment.
    perform from sluice_internal.provider_documents as d where d.provider = _oauth_app_put.provider collate "C" for key share;
    if not exists (select from sluice.providers as p where p.provider = _oauth_app_put.provider) then
        raise exception using
            errcode = 'SL105',
            message = format('provider "%s" does not exist', left(_oauth_app_put.provider, 200)),
            hint = format('There are: %s.', (select string_agg(p.provider, ', ' order by p.provider) from sluice.providers as p));
    end if;
    if coalesce(octet_length(_oauth_app_put.client_id), 0) not between 1 and 1000 then
        raise exception using
            errcode = 'SL001', message = 'client_id must have 1 to 1000 bytes', hint = 'It is shown at the vendor, with the app.';
    end if;
    if jsonb_typeof(coalesce(_oauth_app_put.metadata, '{}')) <> 'object' then
        raise exception using errcode = 'SL001', message = 'metadata must be a JSON object', hint = 'For example {"tenant": 42}.';
    end if;
    perform sluice_internal._check_redirect_urls(_oauth_app_put.redirect_urls);
    insert into sluice_internal.oauth_apps as a (
        oauth_app_id, provider, client_id, sealed, key_version, name, base_url, scopes, redirect_urls, metadata
    )
    values (
        _oauth_app_put.oauth_app_id, _oauth_app_put.provider, _oauth_app_put.client_id, _oauth_app_put.sealed, _oauth_app_put.key_version,
        _oauth_app_put.name, _oauth_app_put.base_url, coalesce(_oauth_app_put.scopes, '{}'), coalesce(_oauth_app_put.redirect_urls, '{}'),
        coalesce(_oauth_app_put.metadata, '{}')
    )
    on conflict do nothing;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the oauth app id "%s" is taken', _oauth_app_put.oauth_app_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    select a.* into v_app from sluice.oauth_apps as a where a.oauth_app_id = _oauth_app_put.oauth_app_id collate "C";
    return v_app;
end
$function$;
comment on function sluice_internal._oauth_app_put(text,text,text,bytea,integer,text,text,text[],text[],jsonb) is 'Stores an OAuth app whose client secret the application has sealed. Errors: SL001, SL105, SL110.';

CREATE OR REPLACE FUNCTION sluice_internal._oauth_app_reseal(oauth_app_id text, version bigint, old_key_version integer, sealed bytea, key_version integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    update sluice_internal.oauth_apps as a
    set sealed = _oauth_app_reseal.sealed, key_version = _oauth_app_reseal.key_version
    where
        a.oauth_app_id = _oauth_app_reseal.oauth_app_id collate "C"
        and a.version = _oauth_app_reseal.version and a.key_version = _oauth_app_reseal.old_key_version;
    return found;
end
$function$;
comment on function sluice_internal._oauth_app_reseal(text,bigint,integer,bytea,integer) is 'Stores the same client secret sealed with another master key; false, and nothing done, if it changed meanwhile.';

CREATE OR REPLACE FUNCTION sluice_internal._oauth_app_sealed(oauth_app_id text)
 RETURNS TABLE(sealed bytea, key_version integer, version bigint)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    return query
    select a.sealed, a.key_version, a.version
    from sluice_internal.oauth_apps as a
    where a.oauth_app_id = _oauth_app_sealed.oauth_app_id collate "C";
end
$function$;
comment on function sluice_internal._oauth_app_sealed(text) is 'A sealed client secret, for the process that holds the master key.';

CREATE OR REPLACE FUNCTION sluice_internal._oauth_app_secret(oauth_app_id text, sealed bytea, key_version integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    update sluice_internal.oauth_apps as a
    set
        sealed = _oauth_app_secret.sealed,
        key_version = _oauth_app_secret.key_version,
        version = a.version + 1,
        updated_at = clock_timestamp()
    where a.oauth_app_id = _oauth_app_secret.oauth_app_id collate "C";
    if found then
        perform sluice_internal._credential_mend(array(
            select c.credential_id from sluice_internal.credentials as c where c.oauth_app_id = _oauth_app_secret.oauth_app_id collate "C"
        ));
    end if;
end
$function$;
comment on function sluice_internal._oauth_app_secret(text,bytea,integer) is 'Gives an OAuth app a new sealed client secret; what waits for its credentials is tried again at once. Locks its row.';

CREATE OR REPLACE FUNCTION sluice_internal._page_commit(sync_id text, poller_id text, epoch bigint, feed text, cursor jsonb, done boolean, records jsonb, quarantine jsonb, read_from timestamp with time zone, facts jsonb DEFAULT '{}'::jsonb)
 RETURNS TABLE(new integer, changed integer, unchanged integer, refused integer, refetch jsonb, clock timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    select c.*
    from sluice_internal._pages_commit(
        _page_commit.sync_id,
        _page_commit.poller_id,
        _page_commit.epoch,
        jsonb_build_array(
            jsonb_build_object(
                'feed', _page_commit.feed, 'cursor', _page_commit.cursor, 'done', _page_commit.done,
                'read_from', _page_commit.read_from, 'facts', _page_commit.facts, 'records', jsonb_array_length(_page_commit.records)
            )
        ),
        _page_commit.records,
        _page_commit.quarantine,
        _page_commit.read_from
    ) as c;
end
$function$;
comment on function sluice_internal._page_commit(text,text,bigint,text,jsonb,boolean,jsonb,jsonb,timestamp with time zone,jsonb) is 'Writes one page and moves the feed''s cursor, in one transaction and only under the lease. records as in _record_write; quarantine: [{collection_id, upstream_id, raw (base64), reason}]. facts, each of which may be left out: more, first (a reading from the start begins with this page), last (false: a piece of a page, the cursor stays), wait (seconds until the feed is asked again), total, parts [{name, cursor}], restart [feeds to be read again]. refetch: the objects whose reads overlap and differ; if there are any, the cursor stays until a later call brings them. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._page_note(sync_id text, feed text, clear boolean, records jsonb, quarantine jsonb, read_from timestamp with time zone, facts jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_whole text := split_part(_page_note.feed, '/', 1);
begin
    if (_page_note.facts ->> 'first')::boolean and _page_note.feed = v_whole then
        update sluice_internal.sync_feeds as f
        set pass_no = f.pass_no + 1, pass_from = _page_note.read_from, conclusion = null
        where f.sync_id = _page_note.sync_id collate "C" and f.feed = _page_note.feed collate "C" and f.kind = 'sweep';
    end if;
    if exists (
        select from sluice_internal.sync_feeds as f where f.sync_id = _page_note.sync_id collate "C" and f.pass_from is not null
    ) then
        perform sluice_internal._sweep_saw(_page_note.sync_id, v_whole, _page_note.records, _page_note.quarantine);
    end if;
    if not _page_note.clear then
        return;
    end if;
    if _page_note.facts ? 'restart' then
        perform sluice_internal._feeds_restart(
            _page_note.sync_id, array(
                select r.feed from jsonb_array_elements_text(_page_note.facts -> 'restart') as r (feed) where r.feed <> v_whole
            )
        );
    end if;
    if _page_note.facts ? 'parts' then
        insert into sluice_internal.sync_feeds as f (sync_id, feed, kind, collection_ids, cursor_state, done)
        select w.sync_id, w.feed || '/' || p.name, 'part', w.collection_ids, p.cursor, false
        from sluice_internal.sync_feeds as w
        cross join jsonb_to_recordset(_page_note.facts -> 'parts') as p (name text, cursor jsonb)
        where w.sync_id = _page_note.sync_id collate "C" and w.feed = _page_note.feed collate "C"
        on conflict (sync_id, feed) do update set
            cursor_state = excluded.cursor_state, done = false, read_records = 0, started_at = null, next_attempt_at = null;
    end if;
    -- the last of its parts ends the feed
    if _page_note.feed <> v_whole then
        update sluice_internal.sync_feeds as w
        set done = true, completed_at = coalesce(w.completed_at, clock_timestamp()), updated_at = clock_timestamp()
        where
            w.sync_id = _page_note.sync_id collate "C"
            and w.feed = v_whole collate "C"
            and not exists (
                select from sluice_internal.sync_feeds as p
                where p.sync_id = w.sync_id and p.feed like replace(replace(w.feed, '_', '\_'), '%', '\%') || '/%' and not p.done
            );
    end if;
    update sluice_internal.sync_feeds as f
    set
        conclusion = case when f.pass_from is not null then array[null, null]::text[] end,
        completed_at = coalesce(f.completed_at, clock_timestamp()),
        cursor_state = null,
        next_attempt_at = f.started_at + coalesce(f.every, interval '1 day')
    where
        f.sync_id = _page_note.sync_id collate "C"
        and f.feed = v_whole collate "C"
        and f.kind = 'sweep'
        and f.done
        and f.conclusion is null;
end
$function$;
comment on function sluice_internal._page_note(text,text,boolean,jsonb,jsonb,timestamp with time zone,jsonb) is 'What a page is beside its records: the begin or the end of a sweep''s pass, feeds to be read again, parts of a backfill and their end.';

CREATE OR REPLACE FUNCTION sluice_internal._pages_commit(sync_id text, poller_id text, epoch bigint, pages jsonb, records jsonb, quarantine jsonb, read_from timestamp with time zone)
 RETURNS TABLE(new integer, changed integer, unchanged integer, refused integer, refetch jsonb, clock timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_unclear text[] := '{}';
    v_page record;
    v_now timestamptz;
    v_alone boolean := jsonb_array_length(_pages_commit.pages) = 1;
    v_sweeps boolean;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_pages_commit.sync_id, _pages_commit.poller_id, _pages_commit.epoch);
    if _pages_commit.records = '[]' then
        new := 0;
        changed := 0;
        unchanged := 0;
        refused := 0;
        refetch := '[]';
    else
        select w.new, w.changed, w.unchanged, w.refused, coalesce(w.unclear, '[]')
        into new, changed, unchanged, refused, refetch
        from sluice_internal._record_store(v_run.sync_id, null, _pages_commit.records, _pages_commit.read_from) as w;
    end if;

    if _pages_commit.quarantine <> '[]'
        or exists (select from sluice_internal.quarantine as k where k.sync_id = v_run.sync_id)
        or exists (select from sluice_internal.wanted_objects as o where o.sync_id = v_run.sync_id)
    then
        perform sluice_internal._pages_settle(v_run.sync_id, _pages_commit.records, _pages_commit.quarantine, _pages_commit.read_from);
    end if;

    -- What has to be fetched again must not be behind the cursor: a crash before it is fetched would lose it.
    if refetch <> '[]' then
        v_unclear := array(
            select distinct p.feed
            from (
                select
                    a.feed,
                    sum(a.records) over (order by a.place) - a.records as first_place,
                    sum(a.records) over (order by a.place) as last_place
                from rows from (jsonb_to_recordset(_pages_commit.pages) as (feed text, records int)) with ordinality
                    as a (feed, records, place)
            ) as p
            inner join jsonb_array_elements(_pages_commit.records) with ordinality as e (value, place)
                on e.place > p.first_place and e.place <= p.last_place
            inner join jsonb_to_recordset(refetch) as u (collection_id text, upstream_id text)
                on u.collection_id = e.value ->> 'collection_id' and u.upstream_id = e.value ->> 'upstream_id'
        );
    end if;

    perform sluice_internal._notice(v_run.sync_id, 'collection_recovered', null, split_part(f.feed, '/', 1))
    from jsonb_to_recordset(_pages_commit.pages) as p (feed text)
    inner join sluice_internal.sync_feeds as f on f.sync_id = v_run.sync_id and f.feed = p.feed collate "C"
    where f.error ->> 'code' in ('SL202', 'SL203', 'SL207');
    v_now := clock_timestamp();
    v_sweeps := exists (select from sluice_internal.sync_feeds as f where f.sync_id = v_run.sync_id and f.kind = 'sweep');
    for v_page in
        select
            i.*,
            split_part(i.feed, '/', 1) as whole,
            coalesce((i.facts ->> 'first')::boolean, false) as first,
            coalesce((i.facts ->> 'last')::boolean, true) and i.feed <> all(v_unclear) as clear,
            sum(i.records) over (order by i.place) as behind
        from rows from (
            jsonb_to_recordset(_pages_commit.pages) as (
                feed text, "cursor" jsonb, done boolean, read_from timestamptz, facts jsonb, records int
            )
        ) with ordinality as i (feed, "cursor", done, read_from, facts, records, place)
        order by i.place
    loop
        insert into sluice_internal.sync_feeds as f (
            sync_id, feed, cursor_state, done, pages, records, read_records, started_at, last_success_at, total, next_attempt_at
        )
        values (
            v_run.sync_id, v_page.feed, case when v_page.clear then v_page."cursor" end, v_page.clear and v_page.done,
            v_page.clear::int, v_page.records, v_page.records, v_now, v_now, (v_page.facts ->> 'total')::bigint,
            case when v_page.clear then v_now + (v_page.facts ->> 'wait')::float8 * interval '1 second' end
        )
        on conflict (sync_id, feed) do update set
            cursor_state = case when v_page.clear then excluded.cursor_state else f.cursor_state end,
            done = case when v_page.clear then excluded.done else f.done end,
            pages = f.pages + excluded.pages,
            records = f.records + excluded.records,
            read_records = excluded.records + case when v_page.first then 0 else f.read_records end,
            started_at = case when v_page.first then excluded.started_at else coalesce(f.started_at, excluded.started_at) end,
            total = coalesce(excluded.total, f.total),
            error = null,
            error_since = null,
            attempt = 0,
            next_attempt_at = case when v_page.clear or f.error is not null then excluded.next_attempt_at else f.next_attempt_at end,
            last_success_at = excluded.last_success_at,
            completed_at = coalesce(
                f.completed_at,
                case
                    when v_page.clear and (excluded.done or (f.kind = 'changes' and not (v_page.facts ->> 'more')::boolean))
                        and f.kind is distinct from 'sweep'
                        then excluded.last_success_at
                end
            ),
            updated_at = excluded.last_success_at;
        if v_sweeps or v_page.facts ?| '{restart,parts}' or (v_page.done and v_page.feed <> v_page.whole) then
            perform sluice_internal._page_note(
                v_run.sync_id,
                v_page.feed,
                v_page.clear,
                case when v_alone then _pages_commit.records else (
                    select coalesce(jsonb_agg(e.value order by e.place), '[]')
                    from jsonb_array_elements(_pages_commit.records) with ordinality as e (value, place)
                    where e.place > v_page.behind - v_page.records and e.place <= v_page.behind
                ) end,
                _pages_commit.quarantine,
                v_page.read_from,
                v_page.facts
            );
        end if;
    end loop;
    perform sluice_internal._run_succeeded(v_run, false);
    clock := clock_timestamp();
    return next;
end
$function$;
comment on function sluice_internal._pages_commit(text,text,bigint,jsonb,jsonb,jsonb,timestamp with time zone) is 'Writes pages of different feeds and moves their cursors, in one transaction and only under the lease. pages: [{feed, cursor, done, read_from, facts, records}], records being how many of the array belong to the page, in that order; read_from beside them is the earliest of all. Several pages bring no quarantine and restart nothing. The other arguments and facts as in _page_commit. refetch: the objects whose reads overlap and differ; the cursor of each page that has one of them stays until a later call brings it. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._pages_settle(sync_id text, records jsonb, quarantine jsonb, read_from timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_came jsonb := coalesce(_pages_settle.quarantine, '[]') || coalesce(_pages_settle.records, '[]');
begin
    delete from sluice_internal.quarantine as q
    using jsonb_to_recordset(v_came) as i (collection_id text, upstream_id text, raw text)
    where
        q.sync_id = _pages_settle.sync_id collate "C"
        and q.collection_id = i.collection_id collate "C"
        and (q.upstream_id = i.upstream_id collate "C" or (i.upstream_id is null and q.raw = decode(i.raw, 'base64')));
    if _pages_settle.quarantine <> '[]' then
        perform sluice_internal._quarantine_put(_pages_settle.sync_id, _pages_settle.quarantine);
    end if;
    delete from sluice_internal.wanted_objects as o
    using jsonb_to_recordset(v_came) as i (collection_id text, upstream_id text)
    where
        o.sync_id = _pages_settle.sync_id collate "C"
        and o.collection_id = i.collection_id collate "C" and o.upstream_id = i.upstream_id collate "C"
        -- word of it that came after it was asked for is about something newer
        and o.held is null and o.since < _pages_settle.read_from;
end
$function$;
comment on function sluice_internal._pages_settle(text,jsonb,jsonb,timestamp with time zone) is 'What came with a page is in quarantine no more, unless it came unreadable, and is wanted no more, unless there was word of it since it was asked for.';

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
    perform sluice_internal._webhooks_fold();
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
    delete from sluice_internal.rate_holds as h where h.poller_id = _poller_stop.poller_id collate "C";
    -- Put back: first_sent_at stays, so that the next attempt knows that the vendor may have done it.
    update sluice_internal.mutation_items as i
    set status = 'queued', poller_id = null
    where i.status = 'sending' and i.poller_id = _poller_stop.poller_id collate "C";
    if found then
        perform pg_notify('sluice_mutations', '');
    end if;
    delete from sluice_internal.pollers as p where p.poller_id = _poller_stop.poller_id collate "C";
    perform pg_notify('sluice_poller', '');
end
$function$;
comment on function sluice_internal._poller_stop(text) is 'A poller ends: its syncs, writes and places among requests are free at once, and the others are woken.';

CREATE OR REPLACE FUNCTION sluice_internal._positions_trim(most integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_trim record;
    v_done record;
begin
    -- The lock of the folding, which counts into the same rows: neither waits for the other.
    if current_setting('transaction_isolation') <> 'read committed'
        or not pg_try_advisory_xact_lock(sluice_internal._lock_key(3, 0, 0))
    then
        return false;
    end if;
    select t.*, s.stream_no is null as gone into v_trim
    from sluice_internal.stream_trims as t
    left join lateral (select x.stream_no from sluice_internal.streams as x where x.stream_no = t.stream_no offset 0) as s on true
    where t.lane is not null or s.stream_no is null or t.replaced >= greatest(10000, t.kept)
    order by t.lane is null, t.replaced desc
    limit 1;
    if not found then
        return false;
    end if;
    -- One statement: an entry and its record by one snapshot. Whoever reads by an older one still sees both as they were.
    with seen as materialized (
        select p.ctid, p.lane, p.updated_idx, p.record_no
        from sluice_internal.positions as p
        where
            p.stream_no = v_trim.stream_no
            and (p.lane, p.updated_idx) > (coalesce(v_trim.lane, 0::smallint), coalesce(v_trim.after_idx, 0))
        order by p.lane, p.updated_idx
        limit _positions_trim.most
    ),
    dead as materialized (
        select s.ctid
        from seen as s
        where
            not exists (
                select from sluice.records as r where r.record_no = s.record_no and r.updated_idx = s.updated_idx offset 0
            )
            -- The newest of a lane stays: it tells how far the stream is.
            and (
                v_trim.gone
                or exists (
                    select
                    from sluice_internal.positions as n
                    where n.stream_no = v_trim.stream_no and n.lane = s.lane and n.updated_idx > s.updated_idx
                    offset 0
                )
            )
    ),
    removed as (
        delete from sluice_internal.positions as p
        where p.ctid = any(array(select d.ctid from dead as d))
    )
    select
        (select count(*) from seen) as seen,
        (select count(*) from dead) as removed,
        l.lane,
        l.updated_idx
    into v_done
    from (select) as one
    left join lateral (select s.lane, s.updated_idx from seen as s order by s.lane desc, s.updated_idx desc limit 1) as l on true;
    if v_done.seen = _positions_trim.most then
        update sluice_internal.stream_trims as t
        set
            lane = v_done.lane,
            after_idx = v_done.updated_idx,
            pass_kept = coalesce(t.pass_kept, 0) + v_done.seen - v_done.removed,
            -- what is replaced from now on is for the next pass
            replaced = case when t.lane is null then 0 else t.replaced end
        where t.stream_no = v_trim.stream_no;
    elsif v_trim.gone then
        delete from sluice_internal.stream_times as t where t.stream_no = v_trim.stream_no;
        delete from sluice_internal.stream_trims as t where t.stream_no = v_trim.stream_no;
    else
        update sluice_internal.stream_trims as t
        set
            lane = null,
            after_idx = null,
            pass_kept = null,
            kept = coalesce(t.pass_kept, 0) + v_done.seen - v_done.removed,
            replaced = case when t.lane is null then 0 else t.replaced end
        where t.stream_no = v_trim.stream_no;
    end if;
    return true;
end
$function$;
comment on function sluice_internal._positions_trim(integer) is 'Removes entries of a stream''s log that no record carries any more, looking at up to most of them; false if no stream has that many: as many as are current, and 10,000 at least, or any of a stream that is deleted. Readers miss nothing: they step over such entries. Locks the folding of counters (tried, never waited for) and those rows.';

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

CREATE OR REPLACE FUNCTION sluice_internal._provider_document(provider text)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    select d.document::text
    from sluice_internal.provider_documents as d
    where d.provider = _provider_document.provider collate "C";
$function$;
comment on function sluice_internal._provider_document(text) is 'The document of a provider of the user''s own, as JSON text; null if there is none.';

CREATE OR REPLACE FUNCTION sluice_internal._provider_secret(provider text)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    select coalesce(
        (
            select format('credential "%s"', c.credential_id)
            from sluice_internal.credentials as c
            where c.provider = _provider_secret.provider
            limit 1
        ),
        (
            select format('OAuth app "%s"', a.oauth_app_id)
            from sluice_internal.oauth_apps as a
            where a.provider = _provider_secret.provider
            limit 1
        )
    );
$function$;
comment on function sluice_internal._provider_secret(text) is 'A credential or an OAuth app of the provider, in words: a secret that its document says where to send. Null if there is none.';

CREATE OR REPLACE FUNCTION sluice_internal._quarantine_put(sync_id text, quarantine jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_erased int[] := '{}';
begin
    if exists (select from sluice_internal.syncs as y where y.sync_id = _quarantine_put.sync_id collate "C" and y.erasures > 0) then
        v_erased := sluice_internal._erased_among(_quarantine_put.sync_id, null, _quarantine_put.quarantine);
    end if;
    insert into sluice_internal.quarantine (sync_id, collection_id, upstream_id, raw, reason)
    select
        _quarantine_put.sync_id, i.value ->> 'collection_id', i.value ->> 'upstream_id', decode(i.value ->> 'raw', 'base64'),
        i.value ->> 'reason'
    from jsonb_array_elements(_quarantine_put.quarantine) with ordinality as i (value, place)
    where i.place <> all(v_erased);
end
$function$;
comment on function sluice_internal._quarantine_put(text,jsonb) is 'Keeps what cannot be stored, unless its object was erased. quarantine as in _page_commit. Only under the sync''s lease: an erasure waits for it.';

CREATE OR REPLACE FUNCTION sluice_internal._quarantine_refusal(raw bytea)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    if jsonb_typeof(convert_from(_quarantine_refusal.raw, 'UTF8')::jsonb) <> 'object' then
        return 'it is JSON, but not an object';
    end if;
    return null;
exception
    when data_exception or program_limit_exceeded or statement_too_complex or character_not_in_repertoire then
        return sqlerrm;
end
$function$;
comment on function sluice_internal._quarantine_refusal(bytea) is 'Why these bytes cannot be stored as a record''s data; null if they can.';

CREATE OR REPLACE FUNCTION sluice_internal._random_bits()
 RETURNS bigint
 LANGUAGE sql
 PARALLEL SAFE
RETURN ((('x'::text || OVERLAY((gen_random_uuid())::text PLACING ''::text FROM 9 FOR 20)))::bit(64))::bigint;
comment on function sluice_internal._random_bits() is '64 bits from the server''s strong random source. Inlined, so it pins no search path.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_draw(scope text, name text, seconds double precision, amount double precision, moment timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    update sluice_internal.rate_windows as r
    set (ends, amounts) = (
        select d.ends, d.amounts
        from sluice_internal._rate_drawn(
            r.ends, r.amounts, _rate_draw.seconds, _rate_draw.amount, _rate_draw.moment, clock_timestamp()
        ) as d
    )
    where r.scope = _rate_draw.scope and r.name = _rate_draw.name;
end
$function$;
comment on function sluice_internal._rate_draw(text,text,double precision,double precision,timestamp with time zone) is 'Notes that so much was drawn from a window at that moment (negative: given back, since it was not used), and forgets what no longer counts.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_drawn(ends timestamp with time zone[], amounts double precision[], seconds double precision, amount double precision, moment timestamp with time zone, now timestamp with time zone)
 RETURNS TABLE(ends timestamp with time zone[], amounts double precision[])
 LANGUAGE sql
 STABLE
AS $function$
    -- Slots of a 64th of the window: the row stays small, whatever the rate.
    select coalesce(array_agg(s.slot_end order by s.slot_end), '{}'), coalesce(array_agg(s.amount order by s.slot_end), '{}')
    from (
        select p.slot_end, greatest(sum(p.amount), 0) as amount
        from (
            select u.slot_end, u.amount
            from unnest(_rate_drawn.ends, _rate_drawn.amounts) as u (slot_end, amount)
            where extract(epoch from _rate_drawn.now - u.slot_end) < _rate_drawn.seconds * 1.1 + 0.001
            union all
            select
                to_timestamp((floor(extract(epoch from _rate_drawn.moment)::double precision * 64 / _rate_drawn.seconds) + 1)
                    * _rate_drawn.seconds / 64),
                _rate_drawn.amount
        ) as p (slot_end, amount)
        group by p.slot_end
    ) as s
    where s.amount > 0
$function$;
comment on function sluice_internal._rate_drawn(timestamp with time zone[],double precision[],double precision,double precision,timestamp with time zone,timestamp with time zone) is 'What a window holds once so much was drawn from it at that moment, without what no longer counts now. Inlined.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_free(taken sluice_internal.rate_windows, allowed double precision, seconds double precision, cost double precision, moment timestamp with time zone, OUT free double precision, OUT wait double precision)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    -- as in _rate_left
    v_counts double precision := _rate_free.seconds + 2 * least(1.0, _rate_free.seconds / 20);
    v_given_back double precision := 0;
    v_part record;
begin
    free := _rate_free.allowed;
    wait := 0;
    if taken.amounts = '{}' then
        return;
    end if;
    select l.units into free
    from sluice_internal._rate_left(taken, _rate_free.allowed, _rate_free.seconds, _rate_free.moment) as l;
    if free + 1e-9 >= _rate_free.cost then
        return;
    end if;
    wait := _rate_free.seconds;
    for v_part in
        select
            u.amount,
            extract(epoch from u.slot_end - _rate_free.moment)::double precision
            + v_counts as counts_for
        from unnest(taken.ends, taken.amounts) as u (slot_end, amount)
        order by u.slot_end
    loop
        continue when v_part.counts_for <= 0;
        v_given_back := v_given_back + v_part.amount;
        if free + v_given_back + 1e-9 >= _rate_free.cost then
            wait := v_part.counts_for;
            return;
        end if;
    end loop;
end
$function$;
comment on function sluice_internal._rate_free(sluice_internal.rate_windows,double precision,double precision,double precision,timestamp with time zone) is 'What is left of a window that allows so much in any so many seconds, and how many seconds until cost is.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_hold(sync_id text, poller_id text, hold_id uuid, most integer, writes boolean)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_scope text := 'sync:' || _rate_hold.sync_id;
    v_writes_wait_until timestamptz;
    v_held int;
begin
    insert into sluice_internal.rate_windows (scope, name, sync_id)
    values (v_scope, 'concurrent', _rate_hold.sync_id)
    on conflict do nothing;
    -- The lock first: the count below must see what others hold.
    select r.writes_wait_until into v_writes_wait_until
    from sluice_internal.rate_windows as r
    where r.scope = v_scope and r.name = 'concurrent'
    for update;
    delete from sluice_internal.rate_holds as h
    where
        h.sync_id = _rate_hold.sync_id collate "C"
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = h.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        );
    select count(*) into v_held from sluice_internal.rate_holds as h where h.sync_id = _rate_hold.sync_id collate "C";
    if v_held >= _rate_hold.most or (not _rate_hold.writes and v_writes_wait_until > clock_timestamp()) then
        if _rate_hold.writes then
            -- Reads stand back for as long as a write keeps asking.
            update sluice_internal.rate_windows as r
            set writes_wait_until = clock_timestamp() + interval '1 second'
            where r.scope = v_scope and r.name = 'concurrent';
        end if;
        return false;
    end if;
    if _rate_hold.writes and v_writes_wait_until is not null then
        update sluice_internal.rate_windows as r set writes_wait_until = null where r.scope = v_scope and r.name = 'concurrent';
    end if;
    insert into sluice_internal.rate_holds (hold_id, sync_id, poller_id)
    values (_rate_hold.hold_id, _rate_hold.sync_id, _rate_hold.poller_id);
    return true;
end
$function$;
comment on function sluice_internal._rate_hold(text,text,uuid,integer,boolean) is 'One more request of a sync under way, if fewer than most are; false if not. What a poller held that was silent for 10 s is free. Locks the sync''s row in rate_windows.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_left(taken sluice_internal.rate_windows, allowed double precision, seconds double precision, moment timestamp with time zone)
 RETURNS TABLE(units double precision)
 LANGUAGE sql
 STABLE
AS $function$
    -- What a slot holds may have been sent until a grant drawn at its end was over, and be on its way for a moment more. It counts for the
    -- whole window after that.
    select _rate_left.allowed - coalesce(sum(u.amount), 0)
    from unnest(taken.ends, taken.amounts) as u (slot_end, amount)
    where
        extract(epoch from u.slot_end - _rate_left.moment)::double precision
        + _rate_left.seconds + 2 * least(1.0, _rate_left.seconds / 20) > 0
$function$;
comment on function sluice_internal._rate_left(sluice_internal.rate_windows,double precision,double precision,timestamp with time zone) is 'What is left of a window that allows so much in any so many seconds. Inlined.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_limits(sync sluice_internal.syncs, limits jsonb, cost double precision)
 RETURNS TABLE(scope text, name text, sync_id text, credential_id text, allowed double precision, seconds double precision, unit double precision)
 LANGUAGE sql
 STABLE
AS $function$
    select w.scope, w.name, w.sync_id, w.credential_id, w.allowed, w.seconds, w.unit
    from (
        select
            'sync:' || sync.sync_id,
            'requests',
            sync.sync_id,
            null::text,
            (sync.rate_limit -> 'allowed_requests')::double precision,
            (sync.rate_limit -> 'interval')::double precision,
            1::double precision
        union all
        select
            coalesce('credential:' || sync.credential_id, 'sync:' || sync.sync_id),
            'budget:' || l.name,
            case when sync.credential_id is null then sync.sync_id end,
            sync.credential_id,
            l.allowed,
            l.seconds,
            least(_rate_limits.cost, l.allowed)
        from jsonb_to_recordset(coalesce(_rate_limits.limits, '[]')) as l (name text, allowed double precision, seconds double precision)
    ) as w (scope, name, sync_id, credential_id, allowed, seconds, unit)
    where w.allowed > 0 and w.seconds > 0
    -- everybody locks them in this order
    order by w.scope collate "C", w.name collate "C"
$function$;
comment on function sluice_internal._rate_limits(sluice_internal.syncs,jsonb,double precision) is 'The windows that a request of a sync draws from: its own rate_limit, and those that the vendor allows the credential (limits: [{name, allowed, seconds}]). Inlined.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_release(hold_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    delete from sluice_internal.rate_holds as h where h.hold_id = _rate_release.hold_id;
end
$function$;
comment on function sluice_internal._rate_release(uuid) is 'A request of a sync with max_concurrent_requests is answered: its place is free.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_said(scope text, cost double precision, most integer, writes boolean, OUT granted integer, OUT wait double precision)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_said sluice_internal.rate_signals;
    v_left double precision;
begin
    granted := _rate_said.most;
    wait := 0;
    select s.* into v_said from sluice_internal.rate_signals as s where s.scope = _rate_said.scope;
    if not found then
        return;
    end if;
    if v_said.quiet_until > clock_timestamp() then
        granted := 0;
        wait := extract(epoch from v_said.quiet_until - clock_timestamp());
        return;
    end if;
    if v_said.remaining is null or (v_said.restore_rate is null and coalesce(v_said.resets_at <= clock_timestamp(), true)) then
        return;
    end if;
    select s.* into v_said from sluice_internal.rate_signals as s where s.scope = _rate_said.scope for update;
    -- The last place is a write's.
    v_left := v_said.remaining - case when _rate_said.writes then 0 else 1 end
        + coalesce(v_said.restore_rate * extract(epoch from clock_timestamp() - v_said.said_at)::double precision, 0);
    granted := least(_rate_said.most, floor(greatest(v_left, 0) / greatest(_rate_said.cost, 1e-9) + 1e-9)::bigint)::int;
    if granted > 0 then
        update sluice_internal.rate_signals as s
        set remaining = s.remaining - granted * _rate_said.cost
        where s.scope = _rate_said.scope;
    elsif v_said.restore_rate > 0 then
        wait := (_rate_said.cost - v_left) / v_said.restore_rate;
    else
        wait := extract(epoch from v_said.resets_at - clock_timestamp());
    end if;
end
$function$;
comment on function sluice_internal._rate_said(text,double precision,integer,boolean) is 'How many requests of that cost, at most so many, what the vendor last said leaves room for, and how many seconds until one. Takes them from what it said. Locks that row.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_signal(sync_id text, wait double precision, remaining double precision, resets_in double precision, restore_rate double precision, credential_id text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs;
    v_now timestamptz := clock_timestamp();
    -- Whatever a vendor asks for: an hour at most.
    v_quiet timestamptz := v_now + make_interval(secs => least(greatest(_rate_signal.wait, 0), 3600));
    v_resets timestamptz := v_now + make_interval(secs => least(greatest(_rate_signal.resets_in, 0), 86400));
begin
    perform sluice_internal._authorize(null, 'poller');
    select y.* into v_sync from sluice_internal.syncs as y where y.sync_id = _rate_signal.sync_id collate "C";
    if not found then
        select c.credential_id into v_sync.credential_id
        from sluice_internal.credentials as c
        where c.credential_id = _rate_signal.credential_id collate "C";
        if not found then
            return;
        end if;
    end if;
    insert into sluice_internal.rate_signals as s (
        scope, sync_id, credential_id, quiet_until, remaining, resets_at, restore_rate, said_at
    )
    values (
        coalesce('credential:' || v_sync.credential_id, 'sync:' || v_sync.sync_id),
        case when v_sync.credential_id is null then v_sync.sync_id end,
        v_sync.credential_id,
        v_quiet,
        _rate_signal.remaining,
        v_resets,
        _rate_signal.restore_rate,
        v_now
    )
    on conflict (scope) do update set
        quiet_until = greatest(s.quiet_until, excluded.quiet_until),
        -- Of one window the lowest number is the newest: what was drawn since is not in an older reply.
        remaining = case
            when excluded.remaining is null then s.remaining
            when excluded.restore_rate is null and s.resets_at > v_now and excluded.resets_at < s.resets_at + interval '2 seconds'
                then least(s.remaining, excluded.remaining)
            else excluded.remaining
        end,
        resets_at = case when excluded.remaining is null then s.resets_at else excluded.resets_at end,
        restore_rate = case when excluded.remaining is null then s.restore_rate else excluded.restore_rate end,
        said_at = case when excluded.remaining is null then s.said_at else excluded.said_at end;
end
$function$;
comment on function sluice_internal._rate_signal(text,double precision,double precision,double precision,double precision,text) is 'What a vendor said of its budget, for all syncs of the credential (of the sync, or where there is none the named one): wait seconds of silence (an hour at most), what remains until it resets in so many seconds or is refilled by restore_rate a second. Locks one row of rate_signals.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_take(sync_id text, poller_id text, limits jsonb, wanted integer, cost double precision, writes boolean, hold_id uuid, unused integer DEFAULT 0, unused_from timestamp with time zone DEFAULT NULL::timestamp with time zone, credential_id text DEFAULT NULL::text)
 RETURNS TABLE(granted integer, wait double precision, lasts double precision, held boolean, drawn_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs;
    v_most int;
    v_window record;
    v_taken sluice_internal.rate_windows;
    v_free record;
    v_said record;
    v_scopes text[] := '{}';
    v_names text[] := '{}';
    v_seconds double precision[] := '{}';
    v_units double precision[] := '{}';
begin
    perform sluice_internal._authorize(null, 'poller');
    granted := greatest(_rate_take.wanted, 1);
    wait := 0;
    lasts := 1;
    held := false;
    drawn_at := clock_timestamp();
    select y.* into v_sync from sluice_internal.syncs as y where y.sync_id = _rate_take.sync_id collate "C";
    if not found then
        -- no sync, but the account itself is asked something
        select c.credential_id into v_sync.credential_id
        from sluice_internal.credentials as c
        where c.credential_id = _rate_take.credential_id collate "C";
        if not found then
            granted := 0;
            wait := 1;
            return next;
            return;
        end if;
    end if;
    v_most := (v_sync.rate_limit -> 'max_concurrent_requests')::int;
    if v_most > 0 then
        held := sluice_internal._rate_hold(v_sync.sync_id, _rate_take.poller_id, _rate_take.hold_id, v_most, _rate_take.writes);
        granted := held::int;
        wait := case when held then 0 else 0.1 end;
    end if;
    for v_window in select l.* from sluice_internal._rate_limits(v_sync, _rate_take.limits, _rate_take.cost) as l loop
        select r.* into v_taken
        from sluice_internal.rate_windows as r
        where r.scope = v_window.scope and r.name = v_window.name
        for update;
        if not found then
            insert into sluice_internal.rate_windows (scope, name, sync_id, credential_id)
            values (v_window.scope, v_window.name, v_window.sync_id, v_window.credential_id)
            on conflict do nothing;
            select r.* into v_taken
            from sluice_internal.rate_windows as r
            where r.scope = v_window.scope and r.name = v_window.name
            for update;
        end if;
        if _rate_take.unused > 0 then
            perform sluice_internal._rate_draw(
                v_window.scope, v_window.name, v_window.seconds, -_rate_take.unused::double precision, _rate_take.unused_from
            );
            select r.* into v_taken from sluice_internal.rate_windows as r where r.scope = v_window.scope and r.name = v_window.name;
        end if;
        -- A tenth of it, one request at least, is for writes alone.
        select f.free, f.wait into v_free
        from sluice_internal._rate_free(
            v_taken,
            v_window.allowed - case
                when _rate_take.writes then 0
                else least(greatest(v_window.unit, floor(v_window.allowed / 10)), v_window.allowed - v_window.unit)
            end,
            v_window.seconds,
            v_window.unit,
            clock_timestamp()
        ) as f;
        -- A grant is what the rate allows in its lifetime, one request at least.
        granted := least(
            granted,
            floor(v_free.free / v_window.unit + 1e-9),
            greatest(floor(v_window.allowed * least(1, v_window.seconds / 20) / v_window.seconds / v_window.unit), 1)
        );
        wait := greatest(wait, v_free.wait);
        v_scopes := v_scopes || v_window.scope;
        v_names := v_names || v_window.name;
        v_seconds := v_seconds || v_window.seconds;
        v_units := v_units || v_window.unit;
        lasts := least(lasts, v_window.seconds / 20);
    end loop;
    granted := greatest(granted, 0);
    if granted > 0 then
        select s.granted, s.wait into v_said
        from sluice_internal._rate_said(
            coalesce('credential:' || v_sync.credential_id, 'sync:' || v_sync.sync_id), _rate_take.cost, granted, _rate_take.writes
        ) as s;
        granted := v_said.granted;
        wait := greatest(wait, v_said.wait);
    end if;
    if granted = 0 then
        if held then
            delete from sluice_internal.rate_holds as h where h.hold_id = _rate_take.hold_id;
            held := false;
        end if;
        wait := greatest(wait, 0.02);
    else
        wait := 0;
        drawn_at := clock_timestamp();
        perform sluice_internal._rate_draw(w.scope, w.name, w.seconds, granted * w.unit, drawn_at)
        from unnest(v_scopes, v_names, v_seconds, v_units) as w (scope, name, seconds, unit);
    end if;
    return next;
end
$function$;
comment on function sluice_internal._rate_take(text,text,jsonb,integer,double precision,boolean,uuid,integer,timestamp with time zone,text) is 'A grant for requests of a sync (credential_id, where there is none: of the account itself): up to wanted of that cost, to be sent within lasts seconds of the call; none: ask again after wait seconds. limits: [{name, allowed, seconds}], what the vendor allows the credential. unused of an earlier grant, drawn at unused_from, come back. held: hold_id is taken until _rate_release. Locks rows of rate_windows (concurrent first, then by scope and name) and of rate_signals. Outside a transaction only.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_take_many(poller_id text, asked jsonb)
 RETURNS TABLE(granted integer, wait double precision, lasts double precision, held boolean, drawn_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_ask record;
    v_grant record;
    v_hold_id uuid;
    v_grants jsonb := '{}';
begin
    perform sluice_internal._authorize(null, 'poller');
    for v_ask in
        select a.*
        from rows from (
            jsonb_to_recordset(_rate_take_many.asked) as (
                sync_id text, credential_id text, limits jsonb, wanted int, unused int, unused_from timestamptz
            )
        ) with ordinality as a (sync_id, credential_id, limits, wanted, unused, unused_from, place)
        -- everybody locks in this order
        order by a.credential_id collate "C" nulls last, a.sync_id collate "C"
    loop
        v_hold_id := gen_random_uuid();
        select t.* into v_grant
        from sluice_internal._rate_take(
            v_ask.sync_id, _rate_take_many.poller_id, v_ask.limits, v_ask.wanted, 1, false, v_hold_id, v_ask.unused, v_ask.unused_from,
            v_ask.credential_id
        ) as t;
        -- Set this very moment: the reading under the old settings is over, and gives no place back.
        if v_grant.held then
            delete from sluice_internal.rate_holds as h where h.hold_id = v_hold_id;
            v_grant.held := false;
        end if;
        v_grants := v_grants || jsonb_build_object(v_ask.place, to_jsonb(v_grant));
    end loop;
    return query
    select g.*
    from generate_series(1, jsonb_array_length(_rate_take_many.asked)) as n (place)
    cross join lateral jsonb_to_record(v_grants -> n.place::text) as g (
        granted int, wait double precision, lasts double precision, held boolean, drawn_at timestamptz
    )
    order by n.place;
end
$function$;
comment on function sluice_internal._rate_take_many(text,jsonb) is '_rate_take for reads of several syncs without max_concurrent_requests, one row for each of asked [{sync_id, credential_id, limits, wanted, unused, unused_from}] in its order. Locks their rows of rate_windows and rate_signals, by credential and sync.';

CREATE OR REPLACE FUNCTION sluice_internal._rate_take_usual(asked jsonb)
 RETURNS TABLE(place integer, granted integer, lasts double precision, drawn_at timestamp with time zone)
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
#variable_conflict use_column
declare
    -- Before any lock: what is granted now is drawn now.
    v_now timestamptz := clock_timestamp();
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    with wanted as materialized (
        select a.place, greatest(a.wanted, 1) as wanted, a.limits, y as sync
        from rows from (
            jsonb_to_recordset(_rate_take_usual.asked) as (sync_id text, limits jsonb, wanted int, unused int)
        ) with ordinality as a (sync_id, limits, wanted, unused, place)
        inner join sluice_internal.syncs as y on y.sync_id = a.sync_id collate "C"
        where
            coalesce(a.unused, 0) = 0
            and coalesce((y.rate_limit -> 'max_concurrent_requests')::int, 0) = 0
            -- nothing that the vendor said holds its requests back
            and not exists (
                select
                from sluice_internal.rate_signals as s
                where
                    s.scope = coalesce('credential:' || y.credential_id, 'sync:' || y.sync_id)
                    and (
                        s.quiet_until > v_now
                        or (s.remaining is not null and (s.restore_rate is not null or s.resets_at > v_now))
                    )
            )
    ),
    windows as materialized (
        select k.place, l.scope, l.name, l.allowed, l.seconds, l.unit, count(*) over (partition by l.scope, l.name) as askers
        from wanted as k
        cross join lateral sluice_internal._rate_limits(k.sync, k.limits, 1) as l
    ),
    held as materialized (
        select w.*, r as taken
        from windows as w
        inner join sluice_internal.rate_windows as r
            on r.scope = w.scope collate "C" and r.name = w.name collate "C"
        where w.askers = 1
        -- in one transaction with others: nobody waits for anybody here
        for update of r skip locked
    ),
    free as materialized (
        select
            h.*,
            least(
                floor(l.units / h.unit + 1e-9),
                -- A grant is what the rate allows in its lifetime, one request at least.
                greatest(floor(h.allowed * least(1, h.seconds / 20) / h.seconds / h.unit), 1)
            ) as requests
        from held as h
        -- A tenth of it, one request at least, is for writes alone.
        cross join lateral sluice_internal._rate_left(
            h.taken, h.allowed - least(greatest(h.unit, floor(h.allowed / 10)), h.allowed - h.unit), h.seconds, v_now
        ) as l
    ),
    grants as materialized (
        select k.place, least(k.wanted, min(f.requests))::int as granted, least(1, min(f.seconds) / 20) as lasts
        from wanted as k
        left join free as f on f.place = k.place
        group by k.place, k.wanted
        having
            coalesce(min(f.requests), 1) >= 1
            and count(f.place) = (select count(*) from windows as w where w.place = k.place)
    ),
    drawn as (
        update sluice_internal.rate_windows as r
        set (ends, amounts) = (
            select d.ends, d.amounts
            from sluice_internal._rate_drawn(
                (f.taken).ends, (f.taken).amounts, f.seconds, g.granted * f.unit, v_now, v_now
            ) as d
        )
        from free as f
        inner join grants as g on g.place = f.place
        where r.scope = f.scope collate "C" and r.name = f.name collate "C"
    )
    select g.place::int, g.granted, g.lasts, v_now
    from grants as g;
end
$function$;
comment on function sluice_internal._rate_take_usual(jsonb) is '_rate_take_many, as far as it is the usual case: windows with room that nobody else of the same call draws from or has locked, no places, nothing given back, and a vendor that said nothing that still counts. Answers those by their place in asked, from 1; the others take _rate_take_many. Locks their rows of rate_windows (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._record_recheck(sync sluice_internal.syncs, sync_id text, collection_id text, records jsonb, wrote_in integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_erased int[];
    v_nos bigint[];
begin
    perform sluice_internal._authorize_sync(_record_recheck.sync_id, r.right)
    from (values ('reader')) as r ("right")
    where sync.sync_id is null;
    if sync.deleting_since is not null then
        raise exception using
            errcode = 'SL165',
            message = format('sync "%s" is being deleted', sync.sync_id),
            hint = 'Nothing was written. Its id is free once that is finished.';
    end if;
    if _record_recheck.collection_id is not null and sync.collection_ids <> '{}'
        and not _record_recheck.collection_id = any(sync.collection_ids)
    then
        raise exception using
            errcode = 'SL106',
            message = format('sync "%s" has no collection "%s" any more', sync.sync_id, _record_recheck.collection_id),
            hint = 'Nothing was written. It was dropped just now.';
    end if;
    perform sluice_internal._records_follow(sync.sync_id, sync.stream_no, _record_recheck.collection_id, _record_recheck.records);
    if _record_recheck.wrote_in <> sync.stream_no then
        perform sluice_internal._records_number(
            sync.sync_id, sync.stream_no, _record_recheck.collection_id, _record_recheck.records, _record_recheck.wrote_in
        );
    end if;
    if sync.erasures > 0 then
        v_erased := sluice_internal._erased_among(sync.sync_id, _record_recheck.collection_id, _record_recheck.records);
        select array_agg(r.record_no) into v_nos
        from unnest(v_erased) as p (place)
        cross join lateral (select _record_recheck.records -> (p.place - 1) as value) as e
        inner join sluice.records as r
            on r.sync_id = sync.sync_id
            and r.collection_id = coalesce(e.value ->> 'collection_id', _record_recheck.collection_id) collate "C"
            and r.upstream_id = (e.value ->> 'upstream_id') collate "C";
        perform sluice_internal._records_forget(sync.stream_no, v_nos);
    end if;
end
$function$;
comment on function sluice_internal._record_recheck(sluice_internal.syncs,text,text,jsonb,integer) is 'After a write into the stream wrote_in, under the locks of its records, if the sync was changed meanwhile: takes the records to the sync''s stream and takes back what was erased, or raises SL102, SL106 or SL165.';

CREATE OR REPLACE FUNCTION sluice_internal._record_store(sync_id text, collection_id text, records jsonb, read_from timestamp with time zone, OUT new integer, OUT changed integer, OUT unchanged integer, OUT refused integer, OUT unclear jsonb)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
    v_before sluice_internal.syncs;
    v_after sluice_internal.syncs;
    v_erased int[];
    v_done record;
begin
    -- A fixed snapshot would not show below what was changed meanwhile; this waits for it, or ends here (40001).
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        perform from sluice_internal.syncs as y where y.sync_id = _record_store.sync_id collate "C" for share;
    end if;
    select y.* into v_before from sluice_internal.syncs as y where y.sync_id = _record_store.sync_id collate "C";
    refused := 0;
    if v_before.moving_from is not null then
        perform sluice_internal._records_follow(v_before.sync_id, v_before.stream_no, _record_store.collection_id, _record_store.records);
    end if;
    if v_before.erasures > 0 then
        v_erased := sluice_internal._erased_among(v_before.sync_id, _record_store.collection_id, _record_store.records);
        if v_erased <> '{}' then
            refused := cardinality(v_erased);
            records := (
                select coalesce(jsonb_agg(e.value order by e.ordinality), '[]')
                from jsonb_array_elements(_record_store.records) with ordinality as e (value, ordinality)
                where e.ordinality <> all(v_erased)
            );
        end if;
    end if;
    v_done := sluice_internal._record_write(
        v_before.stream_no, _record_store.sync_id, _record_store.collection_id, _record_store.records, _record_store.read_from
    );
    new := v_done.new;
    changed := v_done.changed;
    unchanged := v_done.unchanged;
    refused := refused + v_done.refused;
    unclear := v_done.unclear;
    -- What was ordered while this wrote: whoever ordered it looks for open writers, or waits for the record, and finds this transaction
    -- there unless it had committed before this statement began.
    select y.* into v_after from sluice_internal.syncs as y where y.sync_id = _record_store.sync_id collate "C";
    if v_after.stream_no is distinct from v_before.stream_no
        or v_after.moving_from is distinct from v_before.moving_from
        or v_after.deleting_since is not null
        or v_after.erasures <> v_before.erasures
        or v_after.collection_ids <> v_before.collection_ids
    then
        perform sluice_internal._record_recheck(
            v_after, _record_store.sync_id, _record_store.collection_id, _record_store.records, v_before.stream_no
        );
    end if;
end
$function$;
comment on function sluice_internal._record_store(text,text,jsonb,timestamp with time zone) is '_record_write for a sync as it is: not what was erased (counted as refused), into the stream where the sync is now, and nothing that came to an end meanwhile. Errors: SL102, SL106, SL165. Runs under its caller''s settings.';

CREATE OR REPLACE FUNCTION sluice_internal._record_usual(value jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (jsonb_typeof(value) <> 'object'::text) THEN false WHEN ((value - '{upstream_id,data,upstream_created_at,upstream_updated_at}'::text[]) <> '{}'::jsonb) THEN false ELSE ((jsonb_typeof((value -> 'upstream_id'::text)) = 'string'::text) AND ((octet_length((value ->> 'upstream_id'::text)) >= 1) AND (octet_length((value ->> 'upstream_id'::text)) <= 200)) AND (jsonb_typeof((value -> 'data'::text)) <> 'null'::text) AND COALESCE(((value ->> 'upstream_created_at'::text) ~ sluice_internal._certain_time()), true) AND COALESCE(((value ->> 'upstream_updated_at'::text) ~ sluice_internal._certain_time()), true)) END;
comment on function sluice_internal._record_usual(jsonb) is 'Whether an element given to record_ingest is like most: certainly in order, which takes no closer look; null or false if that is not certain. Days up to 28 are in every month. Inlined, so it pins no search path.';

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
    v_is_first boolean := coalesce(current_setting('sluice.touched_streams', true), '') = '';
    -- A session that says that it commits at once may hold the stream's commit lock while it writes. A transaction that has written before
    -- is not believed; the two times do not tell, since they differ for each statement whose parameters come apart from it.
    v_is_alone boolean := coalesce(current_setting('pgsluice.autocommit', true), '') = 'on' and pg_current_xact_id_if_assigned() is null;
    v_timeout text;
    v_waits text;
    v_known int;
    v_same int;
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
    if v_items > 1 then
        -- compressed or out of line, it would be opened for each object
        records := _record_write.records #> '{}';
        -- As the first and the last are, the others are, too, usually.
        select count(r.verdict), count(*) filter (where r.verdict = 'unchanged') into v_known, v_same
        from (values (_record_write.records -> 0), (_record_write.records -> -1)) as e (value)
        left join lateral (
            select sluice_internal._verdict(
                o.upstream_updated_at, o.read_from, o.read_until, o.deleted, o.data,
                (e.value ->> 'upstream_updated_at')::timestamptz, _record_write.read_from, v_read_until,
                coalesce((e.value ->> 'deleted')::boolean, false), nullif(e.value -> 'data', 'null')
            ) as verdict
            from sluice.records as o
            where
                o.sync_id = _record_write.sync_id collate "C"
                and o.collection_id = coalesce(e.value ->> 'collection_id', _record_write.collection_id) collate "C"
                and o.upstream_id = (e.value ->> 'upstream_id') collate "C"
            offset 0
        ) as r on true;
        if v_same = 2 then
            select count(*) into v_same
            from jsonb_array_elements(_record_write.records) as e (value)
            cross join lateral (
                select sluice_internal._verdict(
                    o.upstream_updated_at, o.read_from, o.read_until, o.deleted, o.data,
                    (e.value ->> 'upstream_updated_at')::timestamptz, _record_write.read_from, v_read_until,
                    coalesce((e.value ->> 'deleted')::boolean, false), nullif(e.value -> 'data', 'null')
                ) as verdict
                from sluice.records as o
                where
                    o.sync_id = _record_write.sync_id collate "C"
                    and o.collection_id = coalesce(e.value ->> 'collection_id', _record_write.collection_id) collate "C"
                    and o.upstream_id = (e.value ->> 'upstream_id') collate "C"
                offset 0
            ) as r
            where r.verdict = 'unchanged';
            if v_same = v_items then
                unchanged := v_items;
                return;
            end if;
        elsif v_known = 0 and v_is_first then
            -- All new: a plain insert, which costs less than one that knows what to do about a conflict. Once a transaction,
            -- since many subtransactions in one make the snapshots of others dear.
            begin
                if v_is_alone then
                    -- The numbers drawn under the commit lock stand. Who holds it must not wait for a record: others may hold that
                    -- until their commit, for which they need the lock.
                    if pg_advisory_xact_lock(sluice_internal._lock_key(1, _record_write.stream_no, 0)) is null then
                        null;
                    end if;
                    v_timeout := current_setting('lock_timeout');
                    v_waits := set_config('lock_timeout', '5ms', true);
                end if;
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
                    returning r.collection_id, r.record_no, r.updated_idx
                )
                insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
                select
                    _record_write.stream_no,
                    _record_write.sync_id,
                    case
                        when min(w.collection_id) = max(w.collection_id) then array[min(w.collection_id)]
                        else array_agg(w.collection_id)
                    end,
                    array_agg(w.record_no),
                    array_agg(w.updated_idx),
                    array_fill(true, array[count(*)::int])
                from (select * from written order by updated_idx offset 0) as w
                having count(*) > 0
                returning cardinality(firsts) into new;
                if v_is_alone then
                    v_timeout := set_config('lock_timeout', v_timeout, true);
                end if;
                return;
            exception when unique_violation or lock_not_available then
                -- somebody was or is there, or an object stands in the call twice: nothing was written, no lock is held
                new := 0;
            end;
        end if;
    end if;
    if v_items > 1 and v_items = (
        -- an object may stand in the call twice: then not here
        select count(*)
        from (
            select
            from jsonb_array_elements(_record_write.records) as e (value)
            group by e.value ->> 'collection_id', e.value ->> 'upstream_id'
        ) as g
    ) then
        if v_known = 0 then
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

CREATE OR REPLACE FUNCTION sluice_internal._record_write_one(sync sluice_internal.syncs, collection_id text, item jsonb, read_from timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
    v_upstream_id text := item ->> 'upstream_id';
    v_data jsonb := nullif(item -> 'data', 'null');
    v_created_at timestamptz := item ->> 'upstream_created_at';
    v_updated_at timestamptz := item ->> 'upstream_updated_at';
    v_deleted boolean := coalesce((item ->> 'deleted')::boolean, false);
    v_read_until timestamptz := case when _record_write_one.read_from is not null then clock_timestamp() end;
    v_touched text := current_setting('sluice.touched_streams', true);
    v_verdict text;
    v_done record;
    v_same boolean;
begin
    select sluice_internal._verdict(
        o.upstream_updated_at, o.read_from, o.read_until, o.deleted, o.data,
        v_updated_at, _record_write_one.read_from, v_read_until, v_deleted, v_data
    )
    into v_verdict
    from sluice.records as o
    where
        o.sync_id = sync.sync_id
        and o.collection_id = _record_write_one.collection_id collate "C"
        and o.upstream_id = v_upstream_id collate "C";
    if found and v_verdict <> 'changed' then
        return case when v_verdict = 'unchanged' then v_verdict end;
    end if;
    if v_touched is null or v_touched = '' then
        v_touched := set_config('sluice.touched_streams', sync.stream_no::text, true);
    elsif v_touched <> sync.stream_no::text then
        perform sluice_internal._touch_stream(sync.stream_no);
    end if;
    if v_verdict is null then
        insert into sluice.records as r (
            sync_id, collection_id, upstream_id, updated_idx, upstream_created_at, upstream_updated_at, deleted, data,
            stream_id, read_from, read_until
        )
        select
            sync.sync_id, _record_write_one.collection_id, v_upstream_id, nextval(('sluice_internal.position_' || s.stream_no)::regclass),
            v_created_at, v_updated_at, v_deleted, v_data, s.stream_id, _record_write_one.read_from, v_read_until
        from sluice_internal.streams as s
        where s.stream_no = sync.stream_no
        on conflict on constraint records_key do nothing
        returning r.record_no, r.updated_idx into v_done;
    else
        -- The verdict is asked again under the row's lock: another writer may have come first.
        update sluice.records as r set
            updated_idx = nextval(('sluice_internal.position_' || sync.stream_no)::regclass),
            upstream_created_at = coalesce(v_created_at, r.upstream_created_at),
            upstream_updated_at = greatest(v_updated_at, r.upstream_updated_at),
            deleted = v_deleted,
            data = coalesce(v_data, r.data),
            read_from = _record_write_one.read_from,
            read_until = v_read_until
        where
            r.sync_id = sync.sync_id
            and r.collection_id = _record_write_one.collection_id collate "C"
            and r.upstream_id = v_upstream_id collate "C"
            and sluice_internal._verdict(
                r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                v_updated_at, _record_write_one.read_from, v_read_until, v_deleted, v_data
            ) = 'changed'
        returning r.record_no, r.updated_idx into v_done;
    end if;
    if not found then
        return null;
    end if;
    -- In the statement of the note, which begins when the record is locked: is the sync still what it was?
    with noted as (
        insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
        values (
            sync.stream_no, sync.sync_id, array[_record_write_one.collection_id],
            array[v_done.record_no], array[v_done.updated_idx], array[v_verdict is null]
        )
    )
    select true into v_same
    from sluice_internal.syncs as y
    where
        y.sync_id = sync.sync_id and y.stream_no = sync.stream_no and y.moving_from is null and y.deleting_since is null
        and y.erasures = 0 and y.collection_ids = sync.collection_ids;
    if not found then
        perform sluice_internal._record_recheck(
            (select y from sluice_internal.syncs as y where y.sync_id = sync.sync_id),
            sync.sync_id, _record_write_one.collection_id, jsonb_build_array(item), sync.stream_no
        );
    end if;
    return coalesce(v_verdict, 'new');
end
$function$;
comment on function sluice_internal._record_write_one(sluice_internal.syncs,text,jsonb,timestamp with time zone) is '_record_store for one object of a sync that is not being moved and had nothing erased, shorter: answers new, changed or unchanged; null, with nothing written, if it is anything else, which the general way has to look at. Runs under its caller''s settings. Locks the record.';

CREATE OR REPLACE FUNCTION sluice_internal._records_follow(sync_id text, stream_no integer, collection_id text, records jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_nos bigint[];
begin
    select array_agg(c.record_no) into v_nos
    from (
        select r.record_no
        from sluice.records as r
        inner join (
            select distinct
                coalesce(e.value ->> 'collection_id', _records_follow.collection_id) as collection_id,
                e.value ->> 'upstream_id' as upstream_id
            from jsonb_array_elements(_records_follow.records) as e (value)
        ) as i on i.collection_id = r.collection_id collate "C" and i.upstream_id = r.upstream_id collate "C"
        where
            r.sync_id = _records_follow.sync_id collate "C"
            and r.stream_id <> (select s.stream_id from sluice_internal.streams as s where s.stream_no = _records_follow.stream_no)
        order by r.collection_id, r.upstream_id
        for update of r
    ) as c;
    if v_nos is not null then
        perform sluice_internal._records_move(_records_follow.sync_id, _records_follow.stream_no, v_nos);
    end if;
end
$function$;
comment on function sluice_internal._records_follow(text,integer,text,jsonb) is 'Moves those of these records that are still in another stream than their sync: whoever writes one takes it along. Locks them, in key order.';

CREATE OR REPLACE FUNCTION sluice_internal._records_forget(stream_no integer, record_nos bigint[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_count int;
begin
    with gone as (
        delete from sluice.records as r
        where r.record_no = any(_records_forget.record_nos)
        returning r.sync_id, r.collection_id
    ),
    counted as (
        insert into sluice_internal.count_deltas (sync_id, collection_id, records, changes, stream_no)
        select g.sync_id, g.collection_id, -count(*), 0, _records_forget.stream_no
        from gone as g
        group by g.sync_id, g.collection_id
    )
    select count(*) into v_count from gone as g;
    delete from sluice_internal.dead_letters as d
    using sluice_internal.consumers as c
    where
        c.stream_no = _records_forget.stream_no
        and d.consumer_no = c.consumer_no
        and d.record_no = any(_records_forget.record_nos);
    return v_count;
end
$function$;
comment on function sluice_internal._records_forget(integer,bigint[]) is 'Removes records of a stream, with their dead letters, and takes them off the counters; how many. The caller has locked them.';

CREATE OR REPLACE FUNCTION sluice_internal._records_held(stream_no integer, record_nos bigint[])
 RETURNS TABLE(record_no bigint, consumer_id text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
    return query
    with lane as materialized (
        select
            c.consumer_id,
            c.consumer_no,
            l.lane,
            coalesce(st.cursor_idx, c.start_idx, 0) as cursor_idx,
            st.open_steps,
            st.parked_record_nos
        from sluice_internal.consumers as c
        cross join lateral generate_series(0, c.lanes - 1) as l (lane)
        left join lateral (
            select t.cursor_idx, t.open_steps, t.parked_record_nos
            from sluice_internal.consumer_steps as t
            where t.consumer_no = c.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st on true
        where c.stream_no = _records_held.stream_no
    ),
    -- delivered and not settled, or waiting behind such a one
    flight as materialized (
        select v.record_no, l.consumer_id
        from lane as l
        inner join sluice_internal._live_messages as v
            on v.consumer_no = l.consumer_no and v.lane = l.lane and v.step_no = any(l.open_steps)
        union all
        select p.record_no, l.consumer_id
        from lane as l
        cross join lateral unnest(l.parked_record_nos) as p (record_no)
    )
    select h.record_no, min(h.consumer_id)
    from (
        select r.record_no, l.consumer_id
        from unnest(_records_held.record_nos) as u (record_no)
        inner join sluice.records as r on r.record_no = u.record_no
        inner join sluice_internal.streams as s on s.stream_no = _records_held.stream_no and s.stream_id = r.stream_id
        inner join lane as l on l.lane = r.record_no % s.lanes and r.updated_idx > l.cursor_idx
        union all
        select f.record_no, f.consumer_id
        from flight as f
        where f.record_no = any(_records_held.record_nos)
    ) as h
    group by h.record_no;
end
$function$;
comment on function sluice_internal._records_held(integer,bigint[]) is 'Which of these records of a stream some consumer has not settled yet in their newest version, and one of those consumers.';

CREATE OR REPLACE FUNCTION sluice_internal._records_move(sync_id text, stream_no integer, record_nos bigint[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_sequence regclass := format('sluice_internal.position_%s', _records_move.stream_no)::regclass;
    v_stream_id text;
    v_count int;
begin
    select s.stream_id into v_stream_id from sluice_internal.streams as s where s.stream_no = _records_move.stream_no;
    perform sluice_internal._touch_stream(_records_move.stream_no);
    delete from sluice_internal.dead_letters as d
    using sluice_internal.consumers as c
    where d.consumer_no = c.consumer_no and c.stream_no <> _records_move.stream_no and d.record_no = any(_records_move.record_nos);
    -- A new record_no: whatever the old stream knows of the record, its positions, leases and all, is about one that is gone. The key
    -- stays, and so does what refers to it.
    with moved as (
        update sluice.records as r
        set record_no = default, stream_id = v_stream_id, updated_idx = nextval(v_sequence)
        where r.record_no = any(_records_move.record_nos)
        returning r.record_no, r.updated_idx, r.collection_id
    ),
    noted as (
        insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
        select
            _records_move.stream_no,
            _records_move.sync_id,
            case
                when min(m.collection_id) = max(m.collection_id) then array[min(m.collection_id)]
                else array_agg(m.collection_id order by m.updated_idx)
            end,
            array_agg(m.record_no order by m.updated_idx),
            array_agg(m.updated_idx order by m.updated_idx),
            array_agg(true order by m.updated_idx)
        from moved as m
        having count(*) > 0
    ),
    -- they are first in their new stream, but not new: the counters of the sync do not see them
    counted as (
        insert into sluice_internal.count_deltas (sync_id, collection_id, records, changes, stream_no)
        select
            _records_move.sync_id, m.collection_id, -count(*), -count(*),
            (select y.moving_from from sluice_internal.syncs as y where y.sync_id = _records_move.sync_id)
        from moved as m
        group by m.collection_id
    )
    select count(*) into v_count from moved as m;
    return v_count;
end
$function$;
comment on function sluice_internal._records_move(text,integer,bigint[]) is 'Puts records of a sync, which the caller has locked, into another stream; how many. They get new positions there, decided at commit as for any ingest.';

CREATE OR REPLACE FUNCTION sluice_internal._records_number(sync_id text, stream_no integer, collection_id text, records jsonb, wrote_in integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_sequence regclass := format('sluice_internal.position_%s', _records_number.stream_no)::regclass;
begin
    perform sluice_internal._touch_stream(_records_number.stream_no);
    with numbered as (
        update sluice.records as r
        set updated_idx = nextval(v_sequence)
        from (
            select distinct
                coalesce(e.value ->> 'collection_id', _records_number.collection_id) as collection_id,
                e.value ->> 'upstream_id' as upstream_id
            from jsonb_array_elements(_records_number.records) as e (value)
        ) as i
        where
            r.sync_id = _records_number.sync_id collate "C"
            and r.collection_id = i.collection_id collate "C"
            and r.upstream_id = i.upstream_id collate "C"
            and exists (
                select
                from sluice_internal.ingests as n
                where
                    n.stream_no = _records_number.wrote_in
                    and r.record_no = any(n.record_nos)
                    and r.updated_idx = any(n.updated_idxs)
            )
        returning r.record_no, r.updated_idx, r.collection_id
    ),
    noted as (
        insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
        select
            _records_number.stream_no,
            _records_number.sync_id,
            array_agg(m.collection_id order by m.updated_idx),
            array_agg(m.record_no order by m.updated_idx),
            array_agg(m.updated_idx order by m.updated_idx),
            array_agg(false order by m.updated_idx)
        from numbered as m
        having count(*) > 0
    )
    -- the note in the other stream counts the change
    insert into sluice_internal.count_deltas (sync_id, collection_id, records, changes)
    select _records_number.sync_id, m.collection_id, 0, -count(*)
    from numbered as m
    group by m.collection_id;
end
$function$;
comment on function sluice_internal._records_number(text,integer,text,jsonb,integer) is 'Numbers those of these records anew that stand in the stream already, and were written just now with numbers of the stream wrote_in, which their sync has left meanwhile. The caller holds their locks.';

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
                when sluice_internal._record_usual(e.value) then null
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

CREATE OR REPLACE FUNCTION sluice_internal._records_tombstone(sync_id text, stream_no integer, record_nos bigint[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_sequence regclass := format('sluice_internal.position_%s', _records_tombstone.stream_no)::regclass;
    v_count int;
begin
    perform sluice_internal._touch_stream(_records_tombstone.stream_no);
    with written as (
        update sluice.records as r
        set deleted = true, updated_idx = nextval(v_sequence), read_from = null, read_until = null
        from sluice_internal.streams as s
        where
            r.record_no = any(_records_tombstone.record_nos)
            and s.stream_no = _records_tombstone.stream_no
            and r.stream_id = s.stream_id
        returning r.record_no, r.updated_idx, r.collection_id
    ),
    noted as (
        insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
        select
            _records_tombstone.stream_no,
            _records_tombstone.sync_id,
            case
                when min(w.collection_id) = max(w.collection_id) then array[min(w.collection_id)]
                else array_agg(w.collection_id order by w.updated_idx)
            end,
            array_agg(w.record_no order by w.updated_idx),
            array_agg(w.updated_idx order by w.updated_idx),
            array_agg(false order by w.updated_idx)
        from written as w
        having count(*) > 0
    )
    select count(*) into v_count from written as w;
    return v_count;
end
$function$;
comment on function sluice_internal._records_tombstone(text,integer,bigint[]) is 'Makes tombstones of those of these records, which the caller has locked, that are in this stream; how many.';

CREATE OR REPLACE FUNCTION sluice_internal._records_trim(sync_id text, poller_id text, epoch bigint, max_records integer DEFAULT 1000, OUT more boolean, OUT removed integer)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_oldest timestamptz;
    v_looked int;
    v_until text[];
    v_old bigint[];
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_records_trim.sync_id, _records_trim.poller_id, _records_trim.epoch);
    select clock_timestamp() - make_interval(days => y.max_age_days) into v_oldest
    from sluice_internal.syncs as y
    where y.sync_id = v_run.sync_id;
    removed := 0;
    more := v_oldest is not null
        and (v_run.trim_place is not null or coalesce(v_run.trim_from < clock_timestamp() - interval '1 hour', true));
    if not more then
        return;
    end if;
    select
        count(*),
        (array_agg(array[k.collection_id, k.upstream_id] order by k.collection_id desc, k.upstream_id desc))[1:1],
        array_agg(k.record_no) filter (where k.upstream_created_at < v_oldest)
    into v_looked, v_until, v_old
    from (
        select r.collection_id, r.upstream_id, r.record_no, r.upstream_created_at
        from sluice.records as r
        where
            r.sync_id = v_run.sync_id
            and (r.collection_id, r.upstream_id) > (coalesce(v_run.trim_place[1], ''), coalesce(v_run.trim_place[2], ''))
        order by r.collection_id, r.upstream_id
        limit _records_trim.max_records
    ) as k;
    if v_old is not null then
        with locked as materialized (
            select r.record_no
            from sluice.records as r
            where r.record_no = any(v_old) and r.upstream_created_at < v_oldest
            order by r.collection_id, r.upstream_id
            for update
        ),
        gone as (
            delete from sluice.records as r
            using locked as l
            where r.record_no = l.record_no
            returning r.sync_id, r.collection_id
        ),
        counted as (
            insert into sluice_internal.record_counts as t (sync_id, collection_id, records, changes)
            select g.sync_id, g.collection_id, -count(*), 0
            from gone as g
            group by 1, 2
            order by 1, 2
            on conflict (sync_id, collection_id) do update set records = t.records + excluded.records
        )
        select count(*) into removed from gone;
    end if;
    more := v_looked >= _records_trim.max_records;
    update sluice_internal.sync_runs as r
    set
        trim_from = case when v_run.trim_place is null then clock_timestamp() else r.trim_from end,
        trim_place = case when more then array[v_until[1][1], v_until[1][2]] end
    where r.sync_id = v_run.sync_id;
end
$function$;
comment on function sluice_internal._records_trim(text,text,bigint,integer) is 'The next step of a walk over a sync''s records, once an hour: looks at up to max_records of them and removes, without a word to consumers, those that were created more than max_age_days ago. more: call again. Locks the removed ones, in key order. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._renewal_claim(credential_id text, poller_id text, held_version bigint, renew boolean)
 RETURNS TABLE(state text, version bigint, kind text, sealed bytea, key_version integer, base_url text, expires_at timestamp with time zone, renew_at timestamp with time zone, error jsonb, clock timestamp with time zone, oauth_app_id text, client_id text, client_sealed bytea, client_key_version integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.credentials;
    v_renewal sluice_internal.credential_renewals;
    v_state text;
    v_app sluice_internal.oauth_apps;
begin
    perform sluice_internal._authorize(null, 'poller');
    select k.* into v_known
    from sluice_internal.credentials as k
    where k.credential_id = _renewal_claim.credential_id collate "C"
    for no key update;
    if not found then
        return;
    end if;
    select r.* into v_renewal from sluice_internal.credential_renewals as r where r.credential_id = v_known.credential_id;
    v_state := case
        when v_known.version <> _renewal_claim.held_version then 'newer'
        when not _renewal_claim.renew then 'same'
        when v_renewal.version = v_known.version and v_renewal.failed_at > clock_timestamp() - interval '1 minute' then 'refused'
        -- Longer than a vendor has to answer: whoever asked it may be alive, and only have lost the database.
        when v_renewal.version = v_known.version and v_renewal.begun_at > clock_timestamp() - interval '40 seconds'
            and v_renewal.error is null then 'busy'
        when v_renewal.version = v_known.version and v_renewal.begun_at > clock_timestamp() - interval '3 minutes' and exists (
            select from sluice_internal.pollers as p
            where p.poller_id = v_renewal.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        ) then 'busy'
        else 'yours'
    end;
    if v_state = 'yours' then
        insert into sluice_internal.credential_renewals as r (credential_id, version, poller_id)
        values (v_known.credential_id, v_known.version, _renewal_claim.poller_id)
        on conflict (credential_id) do update set
            version = excluded.version, poller_id = excluded.poller_id, begun_at = clock_timestamp(), error = null, failed_at = null;
    end if;
    select a.* into v_app from sluice_internal.oauth_apps as a where a.oauth_app_id = v_known.oauth_app_id;
    return query select
        v_state,
        v_known.version,
        v_known.kind,
        v_known.sealed,
        v_known.key_version,
        v_known.base_url,
        v_known.expires_at,
        v_known.renew_at,
        v_renewal.error,
        clock_timestamp(),
        v_app.oauth_app_id,
        v_app.client_id,
        v_app.sealed,
        v_app.key_version;
end
$function$;
comment on function sluice_internal._renewal_claim(text,text,bigint,boolean) is 'A poller holds held_version of a secret and wants another: newer (the answer has it), refused (the vendor refused to renew it within the last minute: error), busy (a poller renews it: one that lives, or that began so lately that its answer may still come), yours (this poller is to renew it), same (renew was not wanted). No row: no such credential. Locks the credential.';

CREATE OR REPLACE FUNCTION sluice_internal._renewal_end(credential_id text, poller_id text, version bigint, error jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    if _renewal_end.error is null then
        delete from sluice_internal.credential_renewals as r
        where
            r.credential_id = _renewal_end.credential_id collate "C" and r.version = _renewal_end.version
            and r.poller_id = _renewal_end.poller_id collate "C";
    else
        update sluice_internal.credential_renewals as r
        set poller_id = null, error = _renewal_end.error, failed_at = clock_timestamp()
        where
            r.credential_id = _renewal_end.credential_id collate "C" and r.version = _renewal_end.version
            and r.poller_id = _renewal_end.poller_id collate "C";
    end if;
end
$function$;
comment on function sluice_internal._renewal_end(text,text,bigint,jsonb) is 'A renewal brought nothing: error is what the vendor refused it with, for everybody who holds that version; null: the next one may try.';

CREATE OR REPLACE FUNCTION sluice_internal._renewal_store(credential_id text, version bigint, sealed bytea, key_version integer, expires_in interval, base_url text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_version bigint;
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.credentials as k
    set
        sealed = _renewal_store.sealed,
        key_version = _renewal_store.key_version,
        base_url = coalesce(_renewal_store.base_url, k.base_url),
        version = k.version + 1,
        expires_at = clock_timestamp() + _renewal_store.expires_in,
        renew_at = clock_timestamp() + _renewal_store.expires_in - least(interval '1 minute', _renewal_store.expires_in / 5),
        updated_at = clock_timestamp()
    -- Whoever was taken for dead may bring the only pair that the vendor still takes. A secret that a person stored meanwhile stays.
    where k.credential_id = _renewal_store.credential_id collate "C" and k.version = _renewal_store.version
    returning k.version into v_version;
    if found then
        delete from sluice_internal.credential_renewals as r where r.credential_id = _renewal_store.credential_id collate "C";
    end if;
    return v_version;
end
$function$;
comment on function sluice_internal._renewal_store(text,bigint,bytea,integer,interval,text) is 'Stores what a vendor answered to the renewal of that version of a secret, in one step; answers the new version, null if another secret was stored meanwhile. Locks the credential.';

CREATE OR REPLACE FUNCTION sluice_internal._renumber(stream_no integer, record_nos bigint[], updated_idxs bigint[], firsts boolean[])
 RETURNS void
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
    v_sequence regclass := 'sluice_internal.position_' || _renumber.stream_no;
    v_lanes int := (select s.lanes from sluice_internal.streams as s where s.stream_no = _renumber.stream_no);
begin
    with renumbered as (
        update sluice.records as r
        set updated_idx = n.next_idx
        from (
            select u.record_no, u.updated_idx, u.first, nextval(v_sequence) as next_idx
            from unnest(_renumber.record_nos, _renumber.updated_idxs, _renumber.firsts) as u (record_no, updated_idx, first)
            offset 0
        ) as n
        -- written again in this transaction: the later write has its own number
        where r.record_no = n.record_no and r.updated_idx = n.updated_idx
        returning r.record_no, r.updated_idx, n.first
    )
    insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
    select _renumber.stream_no, n.record_no % v_lanes, n.first, n.updated_idx, n.record_no
    from renumbered as n;
end
$function$;
comment on function sluice_internal._renumber(integer,bigint[],bigint[],boolean[]) is 'Numbers records anew, in the order in which they were written, and puts them into their lanes. Under the stream''s commit lock.';

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
        left join sluice_internal.sync_feeds as f
            on f.sync_id = y.sync_id
            and (
                f.feed = u.collection_id
                or (u.collection_id = any(f.collection_ids) and f.kind not in ('part', 'sweep'))
                -- a sweep that is all there is of a collection
                or (u.collection_id = any(f.collection_ids) and f.kind = 'sweep' and not exists (
                    select from sluice_internal.sync_feeds as o
                    where o.sync_id = y.sync_id and u.collection_id = any(o.collection_ids) and o.kind not in ('part', 'sweep')
                ))
            )
        where y.sync_id = run.sync_id and not coalesce(f.completed_at is not null or (f.done and f.kind is null), false)
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
        perform sluice_internal._notice(run.sync_id, 'recovered');
    end if;
end
$function$;
comment on function sluice_internal._run_succeeded(sluice_internal.sync_runs,boolean) is 'After a page, or (finished) a whole turn: the sync is backfilling or active; a turn ends an error, with a notice that it recovered.';

CREATE OR REPLACE FUNCTION sluice_internal._sequences_lift()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_lifted int := 0;
    v_at record;
    v_known bigint;
begin
    for v_at in
        select a.attname, a.attrelid::regclass as of_table, pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) as name
        from pg_attribute as a
        inner join pg_class as r on r.oid = a.attrelid
        where
            a.attidentity <> '' and r.relkind = 'r' and r.relnamespace in ('sluice'::regnamespace, 'sluice_internal'::regnamespace)
        order by a.attrelid
    loop
        execute format('select max(%I) from %s', v_at.attname, v_at.of_table) into v_known;
        if coalesce(pg_sequence_last_value(v_at.name::regclass), 0) < v_known then
            perform setval(v_at.name::regclass, v_known);
            v_lifted := v_lifted + 1;
        end if;
    end loop;
    for v_at in
        select
            s.stream_no,
            format('sluice_internal.position_%s', s.stream_no) as name,
            greatest(
                (
                    select max(p.updated_idx)
                    from generate_series(0, s.lanes - 1) as l (lane)
                    cross join lateral (
                        select e.updated_idx
                        from sluice_internal.positions as e
                        where e.stream_no = s.stream_no and e.lane = l.lane
                        order by e.updated_idx desc
                        limit 1
                    ) as p
                ),
                (
                    select max(greatest(c.start_idx, t.cursor_idx, t.replay_idx))
                    from sluice_internal.consumers as c
                    left join sluice_internal.consumer_steps as t on t.consumer_no = c.consumer_no
                    where c.stream_no = s.stream_no
                ),
                (select max(t.idx) from sluice_internal.stream_times as t where t.stream_no = s.stream_no)
            ) as known
        from sluice_internal.streams as s
        order by s.stream_no
    loop
        if to_regclass(v_at.name) is null then
            execute format('create sequence %s as bigint', v_at.name);
        end if;
        if coalesce(pg_sequence_last_value(v_at.name::regclass), 0) < v_at.known then
            perform setval(v_at.name::regclass, v_at.known);
            v_lifted := v_lifted + 1;
        end if;
    end loop;
    return v_lifted;
end
$function$;
comment on function sluice_internal._sequences_lift() is 'After logical replication, which takes rows along but no sequences: none gives out again what is in a table, or what a consumer has read past. How many were behind. For migrate, before anybody writes.';

CREATE OR REPLACE FUNCTION sluice_internal._settle(consumer sluice_internal.consumers, ack_tokens text[], kind "char", delay interval, reason text, OUT accepted integer, OUT rejected text[])
 RETURNS record
 LANGUAGE plpgsql
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
        if v_next <= v_last then
            v_others := v_tokens[v_next : v_last];
        end if;
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
comment on function sluice_internal._settle(sluice_internal.consumers,text[],"char",interval,text) is 'Acknowledges (a), gives back (n, after delay), leases for longer (e, for delay) or gives up (d, with a reason) the messages that the tokens name; answers how many, and the tokens that named none: redelivered since, settled before, forged, another consumer''s. Locks the leases (skips locked ones). Runs under its caller''s settings.';

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
comment on function sluice_internal._settle_leases(sluice_internal.consumers,text[]) is 'Acknowledges whole leases, many at once, their tokens in the order in which they were handed out; answers for how many messages, and the tokens that belong to none. Locks the leases (skips locked ones). Runs under its caller''s settings.';

CREATE OR REPLACE FUNCTION sluice_internal._signin_answer(state_digest bytea, browser_digest bytea, answer bytea, answer_key_version integer, refusal jsonb DEFAULT NULL::jsonb)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_signin sluice_internal.oauth_signins;
    v_wrong text;
begin
    perform sluice_internal._authorize(null, 'server');
    -- Digests are compared, so how long a comparison takes says nothing of the state itself.
    select s.* into v_signin from sluice_internal.oauth_signins as s where s.state_digest = _signin_answer.state_digest for update;
    v_wrong := case
        when not found then 'its state is not one that was given out here'
        when v_signin.answered_at is not null or v_signin.finished_at is not null then 'it was used before'
        when v_signin.begun_at < clock_timestamp() - interval '10 minutes' then 'it is older than 10 minutes'
        when v_signin.browser_digest is distinct from _signin_answer.browser_digest then 'it was begun in another browser'
    end;
    if v_wrong is not null then
        raise exception using
            errcode = 'SL177',
            message = format('this answer to a sign-in does not count: %s', v_wrong),
            hint = 'Nothing was changed. Go back to where you came from, and begin again.';
    end if;
    if _signin_answer.refusal is not null then
        update sluice_internal.oauth_signins as s
        set answered_at = clock_timestamp(), finished_at = clock_timestamp(), error = _signin_answer.refusal, verifier = null
        where s.signin_id = v_signin.signin_id;
        return v_signin.signin_id;
    end if;
    update sluice_internal.oauth_signins as s
    set answered_at = clock_timestamp(), answer = _signin_answer.answer, answer_key_version = _signin_answer.answer_key_version
    where s.signin_id = v_signin.signin_id;
    perform pg_notify('sluice_signins', '');
    return v_signin.signin_id;
end
$function$;
comment on function sluice_internal._signin_answer(bytea,bytea,bytea,integer,jsonb) is 'The vendor''s answer came, for the only time, in the browser that began: a poller is to turn it into a credential; with refusal the consent has ended. Locks the consent. Errors: SL177.';

CREATE OR REPLACE FUNCTION sluice_internal._signin_begin(start_token text, state_digest bytea, browser_digest bytea, redirect_uri text, verifier bytea, verifier_key_version integer)
 RETURNS TABLE(provider text, document jsonb, kind text, client_id text, base_url text, scopes text[], "values" jsonb)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_signin sluice_internal.oauth_signins;
begin
    perform sluice_internal._authorize(null, 'server');
    -- one statement decides: of two browsers that come at once one finds begun_at set
    update sluice_internal.oauth_signins as s
    set
        begun_at = clock_timestamp(),
        state_digest = _signin_begin.state_digest,
        browser_digest = _signin_begin.browser_digest,
        redirect_uri = _signin_begin.redirect_uri,
        verifier = _signin_begin.verifier,
        verifier_key_version = _signin_begin.verifier_key_version
    where
        s.signin_id = encode(sha256(convert_to(_signin_begin.start_token, 'UTF8')), 'hex')
        and s.begun_at is null
        and s.created_at > clock_timestamp() - interval '5 minutes'
    returning s.* into v_signin;
    if not found then
        raise exception using
            errcode = 'SL177',
            message = 'this address was used before, or is older than 5 minutes',
            hint = 'Go back to where you came from, and begin again.';
    end if;
    return query
    select a.provider, d.document, v_signin.kind, a.client_id, a.base_url, v_signin.scopes, v_signin."values"
    from sluice_internal.oauth_apps as a
    left join sluice_internal.provider_documents as d on d.provider = a.provider
    where a.oauth_app_id = v_signin.oauth_app_id;
end
$function$;
comment on function sluice_internal._signin_begin(text,bytea,bytea,text,bytea,integer) is 'A browser opened a start address, for the only time: keeps digests of the state that goes to the vendor and of the browser''s cookie, and the sealed verifier. Locks the consent. Errors: SL177.';

CREATE OR REPLACE FUNCTION sluice_internal._signin_claim(poller_id text)
 RETURNS TABLE(signin_id text, bound_to text, provider text, kind text, oauth_app_id text, client_id text, client_sealed bytea, client_key_version integer, base_url text, redirect_uri text, scopes text[], "values" jsonb, verifier bytea, verifier_key_version integer, answer bytea, answer_key_version integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_signin sluice_internal.oauth_signins;
begin
    perform sluice_internal._authorize(null, 'poller');
    -- Without a lock first: mostly there is nothing.
    if not exists (select from sluice_internal.oauth_signins as s where s.answered_at is not null and s.finished_at is null) then
        return;
    end if;
    -- A code does not live long, and nobody waits for it any more.
    perform sluice_internal._signin_ended(s.signin_id, null, jsonb_build_object(
        'code', 'SL177', 'message', 'no poller took the sign-in up in time', 'details', null,
        'hint', 'see that one runs (pgsluice up, pgsluice poll), and sign in again'
    ))
    from sluice_internal.oauth_signins as s
    where s.answered_at < clock_timestamp() - interval '5 minutes' and s.finished_at is null;
    select s.* into v_signin
    from sluice_internal.oauth_signins as s
    where
        s.answered_at is not null and s.finished_at is null
        -- whoever asked the vendor may be alive, and only have lost the database: a code is not shown twice
        and (s.taken_at is null or s.taken_at < clock_timestamp() - interval '40 seconds')
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = s.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        )
    order by s.answered_at
    limit 1
    for update skip locked;
    if not found then
        return;
    end if;
    update sluice_internal.oauth_signins as s
    set poller_id = _signin_claim.poller_id, taken_at = clock_timestamp()
    where s.signin_id = v_signin.signin_id;
    return query
    select
        v_signin.signin_id, encode(v_signin.state_digest, 'hex'), a.provider, v_signin.kind, a.oauth_app_id, a.client_id, a.sealed,
        a.key_version, a.base_url, v_signin.redirect_uri, v_signin.scopes, v_signin."values", v_signin.verifier,
        v_signin.verifier_key_version, v_signin.answer, v_signin.answer_key_version
    from sluice_internal.oauth_apps as a
    where a.oauth_app_id = v_signin.oauth_app_id;
end
$function$;
comment on function sluice_internal._signin_claim(text) is 'Takes a consent that the vendor answered and that no living poller has, nor one that took it so lately that its answer may still come; no row where there is none. bound_to: what its sealed values are bound to. Ends those that waited for 5 minutes. Locks the consent (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._signin_credential(provider text, account text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return coalesce(
        (
            select c.credential_id from sluice_internal.credentials as c
            where c.provider = _signin_credential.provider and c.account = _signin_credential.account collate "C"
        ),
        gen_random_uuid()::text
    );
end
$function$;
comment on function sluice_internal._signin_credential(text,text) is 'The id under which the credential of that account is to be sealed: that of the one it has, or a new one.';

CREATE OR REPLACE FUNCTION sluice_internal._signin_ended(signin_id text, credential_id text, error jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    update sluice_internal.oauth_signins as s
    set
        finished_at = clock_timestamp(), credential_id = _signin_ended.credential_id, error = _signin_ended.error, poller_id = null,
        verifier = null, answer = null
    where s.signin_id = _signin_ended.signin_id collate "C" and s.finished_at is null;
    perform pg_notify('sluice_signin_done', _signin_ended.signin_id);
end
$function$;
comment on function sluice_internal._signin_ended(text,text,jsonb) is 'A consent has led to a credential, or to an error; its secrets are forgotten, and whoever waits is told.';

CREATE OR REPLACE FUNCTION sluice_internal._signin_fail(poller_id text, signin_id text, error jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    perform sluice_internal._signin_ended(s.signin_id, null, _signin_fail.error)
    from sluice_internal.oauth_signins as s
    where s.signin_id = _signin_fail.signin_id collate "C" and s.poller_id = _signin_fail.poller_id collate "C";
end
$function$;
comment on function sluice_internal._signin_fail(text,text,jsonb) is 'A consent came to nothing, and why ({code, message, details, hint}); nothing is done if another poller has it.';

CREATE OR REPLACE FUNCTION sluice_internal._signin_open(oauth_app_id text, kind text, redirect_url text DEFAULT NULL::text, state text DEFAULT NULL::text, scopes text[] DEFAULT NULL::text[], vendor_values jsonb DEFAULT NULL::jsonb, name text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb)
 RETURNS TABLE(signin_id text, start_token text, expires_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_app sluice_internal.oauth_apps;
    -- 366 random bits, of which the digest keeps 256
    v_token text := encode(sha256(
        uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
    ), 'hex');
begin
    perform sluice_internal._authorize(null, 'admin');
    select a.* into v_app from sluice_internal.oauth_apps as a where a.oauth_app_id = _signin_open.oauth_app_id collate "C" for key share;
    if not found then
        raise exception using
            errcode = 'SL175',
            message = format('OAuth app "%s" does not exist', left(_signin_open.oauth_app_id, 200)),
            hint = 'List them with: select oauth_app_id, provider from sluice.oauth_apps';
    end if;
    if _signin_open.redirect_url is not null and _signin_open.redirect_url <> all(v_app.redirect_urls) then
        raise exception using
            errcode = 'SL176',
            message = format('redirect_url "%s" is not allowed for this OAuth app', left(_signin_open.redirect_url, 200)),
            hint = 'Add it to redirect_urls of the OAuth app, letter for letter: else anybody could lead your users elsewhere.';
    end if;
    if octet_length(_signin_open.state) > 5120 then
        raise exception using
            errcode = 'SL001', message = 'state must have at most 5120 bytes', hint = 'Send a key, and keep the rest with you.';
    end if;
    delete from sluice_internal.oauth_signins as s where s.created_at < clock_timestamp() - interval '1 day';
    return query
    insert into sluice_internal.oauth_signins as s (
        signin_id, oauth_app_id, kind, redirect_url, state, scopes, "values", name, metadata
    )
    values (
        encode(sha256(convert_to(v_token, 'UTF8')), 'hex'), v_app.oauth_app_id, _signin_open.kind, _signin_open.redirect_url,
        _signin_open.state, coalesce(nullif(_signin_open.scopes, '{}'), v_app.scopes), coalesce(_signin_open.vendor_values, '{}'),
        _signin_open.name, _signin_open.metadata
    )
    returning s.signin_id, v_token, s.created_at + interval '5 minutes';
end
$function$;
comment on function sluice_internal._signin_open(text,text,text,text,text[],jsonb,text,jsonb) is 'A consent is to be asked for: answers what stands in its start address, good once within 5 minutes. Without redirect_url the browser stays here. Errors: SL001, SL175, SL176.';

CREATE OR REPLACE FUNCTION sluice_internal._signin_result(signin_id text)
 RETURNS TABLE(finished boolean, credential_id text, error jsonb, redirect_url text, state text, answered boolean)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    if not sluice_internal._authorized('server') then
        perform sluice_internal._authorize(null, 'admin');
    end if;
    return query
    select s.finished_at is not null, s.credential_id, s.error, s.redirect_url, s.state, s.answered_at is not null
    from sluice_internal.oauth_signins as s
    where s.signin_id = _signin_result.signin_id collate "C";
end
$function$;
comment on function sluice_internal._signin_result(text) is 'What became of a consent, and where its browser is to go; no row: it is forgotten.';

CREATE OR REPLACE FUNCTION sluice_internal._signin_store(signin_id text, credential_id text, sealed bytea, key_version integer, base_url text, account text, expires_in interval, scopes text[])
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_signin sluice_internal.oauth_signins;
    v_provider text;
    v_expires timestamptz := clock_timestamp() + _signin_store.expires_in;
    v_renew timestamptz := v_expires - least(interval '1 minute', _signin_store.expires_in / 5);
begin
    perform sluice_internal._authorize(null, 'poller');
    select s.* into v_signin from sluice_internal.oauth_signins as s where s.signin_id = _signin_store.signin_id collate "C" for update;
    if not found or v_signin.finished_at is not null then
        return true;
    end if;
    select a.provider into v_provider from sluice_internal.oauth_apps as a where a.oauth_app_id = v_signin.oauth_app_id;
    -- The account got a credential of another id meanwhile, or lost it: the secret is bound to an id, so it is sealed anew.
    insert into sluice_internal.credentials as c (
        credential_id, provider, kind, name, sealed, key_version, base_url, metadata, account, expires_at, renew_at, oauth_app_id, scopes
    )
    values (
        _signin_store.credential_id, v_provider, v_signin.kind, v_signin.name, _signin_store.sealed, _signin_store.key_version,
        _signin_store.base_url, coalesce(v_signin.metadata, '{}'), _signin_store.account, v_expires, v_renew, v_signin.oauth_app_id,
        _signin_store.scopes
    )
    on conflict do nothing;
    if not found then
        update sluice_internal.credentials as c
        set
            kind = v_signin.kind,
            sealed = _signin_store.sealed,
            key_version = _signin_store.key_version,
            -- Not what somebody had named before: this secret is theirs who signed in.
            base_url = _signin_store.base_url,
            name = coalesce(v_signin.name, c.name),
            metadata = coalesce(v_signin.metadata, c.metadata),
            oauth_app_id = v_signin.oauth_app_id,
            scopes = coalesce(_signin_store.scopes, c.scopes),
            version = c.version + 1,
            expires_at = v_expires,
            renew_at = v_renew,
            updated_at = clock_timestamp()
        where
            c.credential_id = _signin_store.credential_id collate "C" and c.provider = v_provider
            and c.account = _signin_store.account collate "C";
        if not found then
            return false;
        end if;
        delete from sluice_internal.credential_renewals as r where r.credential_id = _signin_store.credential_id collate "C";
        perform sluice_internal._credential_mend(array[_signin_store.credential_id]);
    end if;
    perform sluice_internal._description_ask(_signin_store.credential_id);
    perform sluice_internal._signin_ended(v_signin.signin_id, _signin_store.credential_id, null);
    return true;
end
$function$;
comment on function sluice_internal._signin_store(text,text,bytea,integer,text,text,interval,text[]) is 'A consent has led to this secret: stores it as the account''s credential, and an account that has one keeps it, with the new secret, its syncs due at once. False, and nothing done, if the account''s credential has another id by now. Locks the consent, then the credential.';

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
comment on function sluice_internal._start_of(integer,text,text) is 'The updated_idx after which a consumer delivers, for an updated_idx (the first to be delivered), a time (everything committed since) or an age. Times more than ten seconds past are known to the second, those of more than a day to the minute, so that a moment before it comes too. SL001.';

CREATE OR REPLACE FUNCTION sluice_internal._steps_due(step_no bigint, open_steps bigint[])
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (COALESCE(cardinality(open_steps), 0) = 0) THEN false WHEN (cardinality(open_steps) > 32) THEN ((step_no & (15)::bigint) = 0) WHEN (cardinality(open_steps) < 8) THEN ((step_no & (3)::bigint) = 0) ELSE true END;
comment on function sluice_internal._steps_due(bigint,bigint[]) is 'Whether the list of a lane''s open leases is put in order at this step: with many of them, or few, not at every one, and an empty one never. Inlined, so it pins no search path.';

CREATE OR REPLACE FUNCTION sluice_internal._steps_open(consumer_no integer, lane integer, open_steps bigint[])
 RETURNS bigint[]
 LANGUAGE plpgsql
AS $function$
begin
    return array(
        select u.step_no
        from unnest(_steps_open.open_steps) as u (step_no)
        where not exists (
            select
            from sluice_internal.consumer_settlements as s
            where
                s.consumer_no = _steps_open.consumer_no and s.lane = _steps_open.lane
                and s.step_no = u.step_no and s.ordinal = 0 and s.kind not in ('n', 'e')
        )
        order by u.step_no
    );
end
$function$;
comment on function sluice_internal._steps_open(integer,integer,bigint[]) is 'Of these leases of a lane, those that nobody has acknowledged as a whole or given up. The caller holds the lane''s lock. Runs under its caller''s settings.';

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

CREATE OR REPLACE FUNCTION sluice_internal._streams_tidy()
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    perform sluice_internal._authorize(null, 'poller');
    return sluice_internal._positions_trim(5000) or sluice_internal._times_trim(5000);
end
$function$;
comment on function sluice_internal._streams_tidy() is 'A piece of what streams have to be rid of: _positions_trim or _times_trim, of up to 5,000 rows; false if there is nothing to do. Locks what those lock.';

CREATE OR REPLACE FUNCTION sluice_internal._subscription_claim(poller_id text, busy_providers text[] DEFAULT NULL::text[])
 RETURNS TABLE(sync_id text, epoch bigint, provider text, collection_ids text[], credential_id text, kind text, sealed bytea, key_version integer, base_url text, credential_version bigint, credential_renew_at timestamp with time zone, clock timestamp with time zone, has_secret boolean, tag text, attempt integer, oauth_app_id text, client_id text, client_sealed bytea, client_key_version integer, next_in interval)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_id text;
    v_next timestamptz;
begin
    perform sluice_internal._authorize(null, 'poller');
    -- Without a lock first: mostly there is nothing.
    select min(w.subscribe_at) into v_next from sluice_internal.webhooks as w where w.subscribe_at is not null;
    if v_next is null then
        return;
    end if;
    select w.sync_id into v_id
    from sluice_internal.webhooks as w
    inner join sluice_internal.syncs as y on y.sync_id = w.sync_id
    where
        w.subscribe_at <= clock_timestamp()
        and not y.paused and y.deleting_since is null
        and (_subscription_claim.busy_providers is null or y.provider <> all(_subscription_claim.busy_providers collate "C"))
        and not exists (
            select from sluice_internal.unsubscriptions as u
            -- One with another credential is of another account, as far as that is known: it is not waited for where that takes long.
            where u.sync_id = w.sync_id
                and (u.credential_id is not distinct from y.credential_id or u.since > clock_timestamp() - interval '5 minutes')
        )
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = w.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        )
    order by w.subscribe_at
    limit 1
    for update of w skip locked;
    if not found then
        next_in := greatest(v_next - clock_timestamp(), interval '5 seconds');
        return next;
        return;
    end if;
    return query
    with taken as (
        update sluice_internal.webhooks as w
        set
            poller_id = _subscription_claim.poller_id,
            epoch = w.epoch + 1,
            attempt = w.attempt + 1,
            -- without a secret the vendor has to make one: at an address that it does not know yet
            tag = case when w.sealed is null then left(replace(gen_random_uuid()::text, '-', ''), 8) else w.tag end
        where w.sync_id = v_id
        returning w.*
    )
    select
        t.sync_id, t.epoch, y.provider, y.collection_ids, y.credential_id, k.kind, k.sealed, k.key_version, k.base_url, k.version,
        k.renew_at, clock_timestamp(), t.sealed is not null, t.tag, t.attempt, a.oauth_app_id, a.client_id, a.sealed,
        a.key_version, null::interval
    from taken as t
    inner join sluice_internal.syncs as y on y.sync_id = t.sync_id
    left join sluice_internal.credentials as k on k.credential_id = y.credential_id
    left join sluice_internal.oauth_apps as a on a.oauth_app_id = k.oauth_app_id;
end
$function$;
comment on function sluice_internal._subscription_claim(text,text[]) is 'Takes a sync whose subscription at its vendor is to be looked at, none of busy_providers; one row without it, and when the next one is due, where none is due now; no row where none is planned. tag: stands in the address. Locks its entry in webhooks (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._subscription_end(sync_id text, poller_id text, epoch bigint, again_in interval, address text DEFAULT NULL::text, error jsonb DEFAULT NULL::jsonb, notices text[] DEFAULT '{}'::text[])
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.webhooks;
    v_words text;
begin
    perform sluice_internal._authorize(null, 'poller');
    select w.* into v_known
    from sluice_internal.webhooks as w
    where
        w.sync_id = _subscription_end.sync_id collate "C"
        and w.poller_id = _subscription_end.poller_id collate "C" and w.epoch = _subscription_end.epoch
    for no key update;
    if not found then
        return false;
    end if;
    update sluice_internal.webhooks as w
    set
        poller_id = null,
        address = coalesce(_subscription_end.address, w.address),
        subscribed_at = case when _subscription_end.error is null then clock_timestamp() else w.subscribed_at end,
        error = _subscription_end.error,
        error_since = case when _subscription_end.error is not null then coalesce(w.error_since, clock_timestamp()) end,
        attempt = case when _subscription_end.error is null then 0 else w.attempt end,
        -- asked for again meanwhile: then once more
        subscribe_at = case
            when w.attempt = 0 then w.subscribe_at
            when w.enabled then clock_timestamp() + _subscription_end.again_in
        end
    where w.sync_id = v_known.sync_id;
    if _subscription_end.error is not null and v_known.error is null then
        perform sluice_internal._notice(v_known.sync_id, 'webhooks_broken', _subscription_end.error);
    elsif _subscription_end.error is null and v_known.error is not null then
        perform sluice_internal._notice(v_known.sync_id, 'webhooks_recovered');
    end if;
    foreach v_words in array _subscription_end.notices loop
        perform sluice_internal._notice(
            v_known.sync_id, 'webhooks_renewed', jsonb_build_object('code', null, 'message', v_words, 'details', null, 'hint', null)
        );
    end loop;
    return true;
end
$function$;
comment on function sluice_internal._subscription_end(text,text,bigint,interval,text,jsonb,text[]) is 'The subscription is as it should be (error null), or why not; it is looked at once more in again_in. Notices: what the vendor had dropped; when it breaks, and when it recovers. False if another poller has taken over. Locks the entry in webhooks.';

CREATE OR REPLACE FUNCTION sluice_internal._subscription_known(sync_id text, poller_id text, epoch bigint)
 RETURNS TABLE(sealed bytea, key_version integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    select w.sealed, w.key_version
    from sluice_internal.webhooks as w
    where
        w.sync_id = _subscription_known.sync_id collate "C"
        and w.poller_id = _subscription_known.poller_id collate "C" and w.epoch = _subscription_known.epoch
        and w.sealed is not null;
end
$function$;
comment on function sluice_internal._subscription_known(text,text,bigint) is 'The secret that a sync''s deliveries are signed with so far, for the poller that looks after its subscription; no row where there is none, or another poller has taken over.';

CREATE OR REPLACE FUNCTION sluice_internal._subscription_lose(credential_id text, former_account text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_left record;
begin
    for v_left in
        select w.sync_id, w.address
        from sluice_internal.webhooks as w
        inner join sluice_internal.syncs as y on y.sync_id = w.sync_id
        where y.credential_id = _subscription_lose.credential_id and w.enabled
        order by w.sync_id
    loop
        if _subscription_lose.former_account is null then
            update sluice_internal.webhooks as w set subscribe_at = clock_timestamp(), attempt = 0 where w.sync_id = v_left.sync_id;
            continue;
        end if;
        perform sluice_internal._subscription_move(v_left.sync_id, null);
        if v_left.address is not null then
            perform sluice_internal._notice(v_left.sync_id, 'webhooks_left', jsonb_build_object(
                'code', null,
                'message', format(
                    'the webhook subscription of the account %s is left behind at the vendor: its secret was replaced',
                    _subscription_lose.former_account
                ),
                'details', null,
                'hint', format('delete it there; it sends to %s', v_left.address)
            ));
        end if;
    end loop;
    perform pg_notify('sluice_subscriptions', '');
end
$function$;
comment on function sluice_internal._subscription_lose(text,text) is 'A credential has another secret: subscriptions of its syncs are looked at now. former_account: the one that it opened, where it opens another one now; a notice of each sync says what is left behind there, and it is subscribed to anew. Locks their entries in webhooks.';

CREATE OR REPLACE FUNCTION sluice_internal._subscription_move(sync_id text, credential_id text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_webhook sluice_internal.webhooks;
begin
    select w.* into v_webhook
    from sluice_internal.webhooks as w
    where w.sync_id = _subscription_move.sync_id and w.enabled
    for no key update;
    if not found then
        return;
    end if;
    if _subscription_move.credential_id is not null then
        perform sluice_internal._unsubscription_put(v_webhook, _subscription_move.credential_id);
    end if;
    -- Back again, before anything was removed.
    delete from sluice_internal.unsubscriptions as u
    using sluice_internal.syncs as y
    where y.sync_id = _subscription_move.sync_id and u.sync_id = y.sync_id and u.credential_id = y.credential_id and u.poller_id is null;
    -- What the former account signs is believed no more.
    update sluice_internal.webhooks as w
    set
        subscribe_at = clock_timestamp(), subscribed_at = null, address = null, attempt = 0, poller_id = null, epoch = w.epoch + 1,
        error = null, error_since = null,
        sealed = null, key_version = null, former_sealed = null, former_key_version = null, former_until = null
    where w.sync_id = _subscription_move.sync_id;
    perform pg_notify('sluice_subscriptions', '');
end
$function$;
comment on function sluice_internal._subscription_move(text,text) is 'A sync is of another account now. What pollers subscribed to for it is made anew, and with the credential named here, the former one, they remove what is left behind (null: its secret is gone). Nothing, where no poller subscribes. Locks the sync''s entry in webhooks.';

CREATE OR REPLACE FUNCTION sluice_internal._subscription_secret(sync_id text, poller_id text, epoch bigint, sealed bytea, key_version integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    perform
    from sluice_internal.webhooks as w
    where
        w.sync_id = _subscription_secret.sync_id collate "C"
        and w.poller_id = _subscription_secret.poller_id collate "C" and w.epoch = _subscription_secret.epoch
    for no key update;
    if not found then
        return false;
    end if;
    perform sluice_internal._webhook_secret(_subscription_secret.sync_id, _subscription_secret.sealed, _subscription_secret.key_version);
    return true;
end
$function$;
comment on function sluice_internal._subscription_secret(text,text,bigint,bytea,integer) is 'Stores a secret that the vendor shows only when a subscription is made. False if another poller has taken over, or the webhooks were switched off. Locks the entry in webhooks.';

CREATE OR REPLACE FUNCTION sluice_internal._sweep_conclude(sync_id text, poller_id text, epoch bigint, feed text, max_records integer DEFAULT 1000, max_doubtful integer DEFAULT 0, OUT more boolean, OUT deleted integer, OUT clock timestamp with time zone, OUT doubtful jsonb)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_feed sluice_internal.sync_feeds;
    v_oldest timestamptz;
    v_collection_id text;
    v_looked int;
    v_until text;
    v_gone jsonb;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_sweep_conclude.sync_id, _sweep_conclude.poller_id, _sweep_conclude.epoch);
    select f.* into v_feed
    from sluice_internal.sync_feeds as f
    where f.sync_id = v_run.sync_id and f.feed = _sweep_conclude.feed collate "C";
    more := v_feed.conclusion is not null and v_feed.pass_from is not null;
    deleted := 0;
    clock := clock_timestamp();
    if not more then
        return;
    end if;
    v_collection_id := v_feed.conclusion[1];
    if v_feed.conclusion[2] is null then
        select min(c.collection_id collate "C") into v_collection_id
        from unnest(v_feed.collection_ids) as c (collection_id)
        where v_feed.conclusion[1] is null or c.collection_id > v_feed.conclusion[1] collate "C";
    end if;
    if v_collection_id is null then
        more := sluice_internal._sweep_forget(v_run.sync_id, v_feed.feed);
        return;
    end if;

    select clock_timestamp() - make_interval(days => y.max_age_days) into v_oldest
    from sluice_internal.syncs as y
    where y.sync_id = v_run.sync_id;
    -- Locked before they are written, so that one that is erased meanwhile does not come back as a tombstone.
    select count(*), max(k.upstream_id), jsonb_agg(
        jsonb_build_object('collection_id', v_collection_id, 'upstream_id', k.upstream_id, 'deleted', true) order by k.upstream_id
    ) filter (where k.gone)
    into v_looked, v_until, v_gone
    from (
        select
            r.upstream_id,
            not r.deleted
            -- written since the pass began, or pushed by somebody: the pass knows nothing of it
            and coalesce(r.read_until < v_feed.pass_from, false)
            and coalesce(r.upstream_created_at >= v_oldest, true)
            and not exists (
                select from sluice_internal.sweep_seen as s
                where
                    s.sync_id = v_feed.sync_id and s.feed = v_feed.feed and s.pass_no = v_feed.pass_no
                    and s.collection_id = v_collection_id collate "C" and s.upstream_id = r.upstream_id
            ) as gone
        from sluice.records as r
        where
            r.sync_id = v_run.sync_id
            and r.collection_id = v_collection_id collate "C"
            and r.upstream_id > coalesce(v_feed.conclusion[2], '') collate "C"
        order by r.upstream_id
        limit _sweep_conclude.max_records
        for no key update of r
    ) as k;
    -- A list that is cut by number passes over one now and then: a few are worth to be asked for.
    if jsonb_array_length(v_gone) <= _sweep_conclude.max_doubtful then
        doubtful := v_gone;
        return;
    end if;
    if v_gone is not null then
        -- As if it had been read from the beginning of the pass on: what somebody wrote in that time stands.
        select w.changed into deleted
        from sluice_internal._record_store(v_run.sync_id, null, v_gone, v_feed.pass_from) as w;
        -- A list may have passed over an object that is there. A later reading of that same version must bring it back.
        update sluice.records as r
        set upstream_updated_at = null
        from jsonb_to_recordset(v_gone) as g (upstream_id text)
        where
            r.sync_id = v_run.sync_id and r.collection_id = v_collection_id collate "C" and r.upstream_id = g.upstream_id collate "C"
            and r.deleted and r.read_from = v_feed.pass_from and r.upstream_updated_at is not null;
    end if;
    update sluice_internal.sync_feeds as f
    set conclusion = array[v_collection_id, case when v_looked >= _sweep_conclude.max_records then v_until end]
    where f.sync_id = v_run.sync_id and f.feed = v_feed.feed;
    clock := clock_timestamp();
end
$function$;
comment on function sluice_internal._sweep_conclude(text,text,bigint,text,integer,integer) is 'The next step of concluding a complete pass of a sweep: looks at up to max_records records and makes tombstones of those that were there before the pass and did not come up, those too old for the sync (max_age_days) aside; then removes what the pass noted. doubtful: instead of that, what would become a tombstone in this step, if it is no more than max_doubtful: the caller asks the vendor for each, commits the answers, and calls again. more: call again. A crash goes on where the last step was. Locks those records, in key order. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._sweep_forget(sync_id text, feed text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_removed int;
begin
    delete from sluice_internal.sweep_seen as s
    where s.ctid = any(array(
        select o.ctid
        from sluice_internal.sweep_seen as o
        where o.sync_id = _sweep_forget.sync_id collate "C" and o.feed = _sweep_forget.feed collate "C"
        limit 10000
    ));
    get diagnostics v_removed = row_count;
    if v_removed < 10000 then
        update sluice_internal.sync_feeds as f
        set pass_from = null, conclusion = null
        where f.sync_id = _sweep_forget.sync_id collate "C" and f.feed = _sweep_forget.feed collate "C";
        return false;
    end if;
    return true;
end
$function$;
comment on function sluice_internal._sweep_forget(text,text) is 'Removes what the passes of a sweep noted, 10,000 rows at a time, and ends the conclusion with the last; whether there is more.';

CREATE OR REPLACE FUNCTION sluice_internal._sweep_saw(sync_id text, feed text, records jsonb, quarantine jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    insert into sluice_internal.sweep_seen as s (sync_id, feed, pass_no, collection_id, upstream_id)
    select distinct f.sync_id, f.feed, f.pass_no, i.collection_id, i.upstream_id
    from sluice_internal.sync_feeds as f
    cross join jsonb_to_recordset(coalesce(_sweep_saw.records, '[]') || coalesce(_sweep_saw.quarantine, '[]')) as i (
        collection_id text, upstream_id text, deleted boolean
    )
    where
        f.sync_id = _sweep_saw.sync_id collate "C"
        and f.pass_from is not null
        and i.collection_id = any(f.collection_ids)
        and i.upstream_id is not null
        and not coalesce(i.deleted, false)
    on conflict do nothing;
    -- It may be any of those that are there: this pass cannot say what is gone.
    update sluice_internal.sync_feeds as f
    set pass_from = null
    where
        f.sync_id = _sweep_saw.sync_id collate "C"
        and f.feed = _sweep_saw.feed collate "C"
        and f.pass_from is not null
        and exists (
            select
            from jsonb_to_recordset(_sweep_saw.quarantine) as i (collection_id text, upstream_id text)
            where i.upstream_id is null and i.collection_id = any(f.collection_ids)
        );
    delete from sluice_internal.sweep_seen as s
    using (
        select o.sync_id, o.feed, o.pass_no, o.collection_id, o.upstream_id
        from sluice_internal.sync_feeds as f
        inner join sluice_internal.sweep_seen as o on o.sync_id = f.sync_id and o.feed = f.feed and o.pass_no < f.pass_no
        where f.sync_id = _sweep_saw.sync_id collate "C" and f.feed = _sweep_saw.feed collate "C"
        limit 2000
    ) as o
    where
        s.sync_id = o.sync_id and s.feed = o.feed and s.pass_no = o.pass_no
        and s.collection_id = o.collection_id and s.upstream_id = o.upstream_id;
end
$function$;
comment on function sluice_internal._sweep_saw(text,text,jsonb,jsonb) is 'Notes for the sweeps under way that these objects are there, whoever brought them; feed: the one that did. An object of a sweep without a readable id makes its pass conclude nothing. What earlier passes left is removed, 2,000 rows at a time.';

CREATE OR REPLACE FUNCTION sluice_internal._sync_changed(old sluice_internal.syncs, new sluice_internal.syncs, drop_records boolean)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_added text[] := array(select unnest(new.collection_ids) except select unnest(old.collection_ids));
    v_dropped text[] := array(select unnest(old.collection_ids) except select unnest(new.collection_ids));
begin
    if v_added <> '{}' and exists (
        select from sluice_internal.sync_work as w where w.sync_id = old.sync_id and w.collection_ids && v_added
    ) then
        perform sluice_internal._check_idle(old.sync_id);
    end if;
    if coalesce(new.max_age_days > old.max_age_days, old.max_age_days is not null and new.max_age_days is null) then
        delete from sluice_internal.sync_feeds as f where f.sync_id = old.sync_id;
        v_added := new.collection_ids;
    end if;
    if v_dropped <> '{}' then
        perform sluice_internal._feeds_forget(old.sync_id, v_dropped);
        if drop_records then
            perform sluice_internal._check_idle(old.sync_id);
            insert into sluice_internal.sync_work (sync_id, kind, collection_ids, phase) values (old.sync_id, 'drop', v_dropped, 'records');
        end if;
    end if;
    if v_added || v_dropped <> '{}' or new.credential_id is distinct from old.credential_id then
        update sluice_internal.webhooks as w
        set subscribe_at = clock_timestamp(), attempt = 0
        where w.sync_id = old.sync_id and w.enabled;
        if found then
            perform pg_notify('sluice_subscriptions', '');
        end if;
    end if;
    if new.credential_id is distinct from old.credential_id then
        perform sluice_internal._subscription_move(old.sync_id, old.credential_id);
    end if;
    if v_added || v_dropped <> '{}' or new.credential_id is distinct from old.credential_id
        or new.sync_frequency is distinct from old.sync_frequency or new.rate_limit is distinct from old.rate_limit
    then
        -- The turn at hand works on what was: it ends, and another begins.
        perform sluice_internal._lease_end(old.sync_id);
        update sluice_internal.sync_runs as r
        set
            attempt = 0,
            backfill_completed_at = case when v_added = '{}' then r.backfill_completed_at end,
            status = case when v_added <> '{}' and r.status = 'active' then 'backfilling' else r.status end
        where r.sync_id = old.sync_id;
    end if;
end
$function$;
comment on function sluice_internal._sync_changed(sluice_internal.syncs,sluice_internal.syncs,boolean) is 'What follows from changed settings: feeds of dropped collections go, added ones are read, the turn at hand ends. The caller holds the sync.';

CREATE OR REPLACE FUNCTION sluice_internal._sync_claim(poller_id text, max_syncs integer, ignore_schedule boolean DEFAULT false, only_sync_id text DEFAULT NULL::text, since timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS TABLE(sync_id text, epoch bigint, provider text, collection_ids text[], credential_id text, sealed bytea, key_version integer, kind text, base_url text, attempt integer, feeds jsonb, clock timestamp with time zone, max_age_days integer, max_concurrent_requests integer, due_at timestamp with time zone, credential_version bigint, credential_expires_at timestamp with time zone, credential_renew_at timestamp with time zone, wanted jsonb, oauth_app_id text, client_id text, client_sealed bytea, client_key_version integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_since timestamptz := coalesce(_sync_claim.since, '-infinity');
    v_until timestamptz;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_until := case when _sync_claim.ignore_schedule then 'infinity' else clock_timestamp() end;
    return query
    with due as (
        select r.sync_id, r.next_attempt_at
        from sluice_internal.sync_runs as r
        inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
        where
            r.next_attempt_at between v_since and v_until
            and (_sync_claim.only_sync_id is null or r.sync_id = _sync_claim.only_sync_id collate "C")
            and not y.paused
            -- "or" keeps this from becoming a join: that would not be looked at again for a row that another poller has claimed meanwhile
            and (
                r.poller_id is null
                or not exists (
                    select from sluice_internal.pollers as p
                    where
                        p.poller_id = r.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
                        and not (r.poller_id = _sync_claim.poller_id collate "C" and _sync_claim.only_sync_id is not null)
                )
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
            -- behind those that wait: who looks for the oldest does not step over all that are being worked on
            next_attempt_at = clock_timestamp(),
            status = case when r.status = 'pending' then 'backfilling' else r.status end
        from due as d
        where r.sync_id = d.sync_id
        returning r.sync_id, r.epoch, r.attempt, r.status, d.next_attempt_at as due_at
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
            select coalesce(
                jsonb_agg(
                    jsonb_build_object('feed', f.feed, 'cursor', f.cursor_state, 'done', f.done) || jsonb_strip_nulls(jsonb_build_object(
                        'kind', f.kind,
                        'collection_ids', nullif(f.collection_ids, '{}'),
                        'every', extract(epoch from f.every),
                        'wait', case
                            when f.error is null or not (_sync_claim.ignore_schedule or c.status = 'error')
                                then nullif(greatest(extract(epoch from f.next_attempt_at - clock_timestamp()), 0), 0)
                        end,
                        'error', f.error ->> 'code',
                        'attempt', nullif(f.attempt, 0),
                        'concluding', nullif(f.conclusion is not null, false)
                    ))
                    order by f.feed
                ),
                '[]'
            )
            from sluice_internal.sync_feeds as f
            where f.sync_id = c.sync_id
        ),
        clock_timestamp(),
        y.max_age_days,
        nullif(y.rate_limit ->> 'max_concurrent_requests', '0')::int,
        c.due_at,
        k.version,
        k.expires_at,
        k.renew_at,
        (
            select jsonb_agg(jsonb_build_object('collection_id', w.collection_id, 'upstream_id', w.upstream_id))
            from (
                select o.collection_id, o.upstream_id
                from sluice_internal.wanted_objects as o
                where o.sync_id = c.sync_id and o.next_at <= clock_timestamp()
                limit 1
            ) as w
        ),
        a.oauth_app_id,
        a.client_id,
        a.sealed,
        a.key_version
    from claimed as c
    inner join sluice_internal.syncs as y on y.sync_id = c.sync_id
    left join sluice_internal.credentials as k on k.credential_id = y.credential_id
    left join sluice_internal.oauth_apps as a on a.oauth_app_id = k.oauth_app_id;
end
$function$;
comment on function sluice_internal._sync_claim(text,integer,boolean,text,timestamp with time zone) is 'Takes up to max_syncs syncs that are due (or whatever their time, with ignore_schedule) and that no living poller holds, longest waiting first; with only_sync_id that one, also from itself, after a lost connection. Each claim raises the epoch, which ends the earlier lease. since: leaves out what fell due earlier, and so whatever an old snapshot keeps of it. feeds: [{feed, cursor, done}], and as far as there is something to say kind, collection_ids, every (seconds), wait (seconds until it is to be asked; nothing for what failed, if the sync as a whole failed or the schedule is ignored), error (its code), attempt, concluding. wanted: one of the objects to be fetched (_wanted_next has them all), null: there are none. client_…: of the OAuth app that the credential was obtained through. Locks the runs (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._sync_due(poller_id text, since timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS TABLE(due integer, next_in interval, held integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_now timestamptz := clock_timestamp();
    v_since timestamptz := coalesce(_sync_due.since, '-infinity');
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    select
        (
            select count(*)
            from (
                select
                from sluice_internal.sync_runs as r
                inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
                where
                    r.next_attempt_at between v_since and v_now
                    and not y.paused
                    and not exists (
                        select from sluice_internal.pollers as p
                        where p.poller_id = r.poller_id and p.heartbeat_at > v_now - interval '10 seconds'
                    )
                order by r.next_attempt_at desc
                limit 1000
            ) as w
        )::int,
        (
            select r.next_attempt_at
            from sluice_internal.sync_runs as r
            inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
            where r.next_attempt_at > v_now and not y.paused
            order by r.next_attempt_at
            limit 1
        ) - v_now,
        (
            select count(*)
            from sluice_internal.pollers as p
            inner join sluice_internal.sync_runs as r on r.poller_id = p.poller_id
            inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
            where
                p.heartbeat_at > v_now - interval '10 seconds'
                and p.poller_id <> _sync_due.poller_id collate "C"
                and not y.paused
        )::int;
end
$function$;
comment on function sluice_internal._sync_due(text,timestamp with time zone) is 'How many syncs wait for a poller now (of more than 1,000: 1,000), and how long until the next one does (null: none is planned), and how many other pollers hold. since: does not look at what fell due earlier, nor at what an old snapshot keeps of it.';

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
        perform sluice_internal._notice(v_run.sync_id, 'broken', _sync_fail.error);
    end if;
end
$function$;
comment on function sluice_internal._sync_fail(text,text,bigint,text,jsonb,interval) is 'The turn failed (status error or rate_limited): keeps the reason {code, message, details, hint}, gives the sync back until retry_in has passed, and leaves a notice when it breaks. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._sync_finish(sync_id text, poller_id text, epoch bigint, next_in interval, complete boolean DEFAULT true, pages jsonb DEFAULT '[]'::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_page record;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_sync_finish.sync_id, _sync_finish.poller_id, _sync_finish.epoch);
    for v_page in
        select p.*
        from jsonb_to_recordset(_sync_finish.pages) as p (feed text, "cursor" jsonb, read_from timestamptz, facts jsonb)
    loop
        -- The usual end of a turn: nothing came, and nothing was wrong before.
        update sluice_internal.sync_feeds as f
        set
            cursor_state = v_page."cursor",
            done = false,
            pages = f.pages + 1,
            next_attempt_at = null,
            last_success_at = clock_timestamp(),
            updated_at = clock_timestamp()
        where
            v_page.facts = '{"more": false}'
            and f.sync_id = v_run.sync_id
            and f.feed = v_page.feed collate "C"
            and f.kind = 'changes'
            and f.error is null
            and f.completed_at is not null;
        continue when found;
        perform sluice_internal._page_commit(
            _sync_finish.sync_id, _sync_finish.poller_id, _sync_finish.epoch, v_page.feed, v_page."cursor", false, '[]', '[]',
            v_page.read_from, v_page.facts
        );
        v_run := sluice_internal._lease_check(_sync_finish.sync_id, _sync_finish.poller_id, _sync_finish.epoch);
    end loop;
    perform sluice_internal._run_succeeded(v_run, true);
    update sluice_internal.sync_runs as r
    set
        poller_id = null,
        attempt = 0,
        told_at = null,
        last_success_at = case when _sync_finish.complete then clock_timestamp() else r.last_success_at end,
        next_attempt_at = least(
            clock_timestamp() + coalesce(
                (select y.sync_frequency from sluice_internal.syncs as y where y.sync_id = r.sync_id),
                _sync_finish.next_in
            ),
            -- what failed is tried again in its own time, and so is what is not ready; a sweep's next pass waits for the sync
            (
                select min(greatest(f.next_attempt_at, clock_timestamp()))
                from sluice_internal.sync_feeds as f
                where f.sync_id = r.sync_id and not f.done and f.next_attempt_at is not null
            ),
            -- word that came while it was read (what it was about may have been read before), and objects that wait for their next try
            (
                select greatest(least(r.told_at, min(o.next_at)), clock_timestamp())
                from sluice_internal.wanted_objects as o
                where o.sync_id = r.sync_id
                having least(r.told_at, min(o.next_at)) is not null
            )
        )
    where r.sync_id = v_run.sync_id;
end
$function$;
comment on function sluice_internal._sync_finish(text,text,bigint,interval,boolean,jsonb) is 'The sync is read as far as it can be now: gives it back until its sync_frequency (else next_in) has passed, or a feed that failed or was not ready is due. complete: all of it was read, nothing failed and nothing waits. pages: what was read last and had nothing in it, [{feed, cursor, read_from, facts}], each committed as by _page_commit. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._sync_finish_many(poller_id text, ended jsonb)
 RETURNS SETOF text
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
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    with held as materialized (
        select r.sync_id, e.next_in, e.pages
        from jsonb_to_recordset(_sync_finish_many.ended) as e (sync_id text, epoch bigint, next_in double precision, pages jsonb)
        inner join sluice_internal.sync_runs as r on r.sync_id = e.sync_id collate "C"
        where
            r.poller_id = _sync_finish_many.poller_id collate "C"
            and r.epoch = e.epoch
            and r.status = 'active'
            and r.backfill_completed_at is not null
            -- word that came just now: the row says so where this snapshot does not
            and r.told_at is null
            and not exists (select from sluice_internal.wanted_objects as o where o.sync_id = r.sync_id)
            and not exists (select from sluice_internal.syncs as y where y.sync_id = r.sync_id and y.paused)
            and not exists (
                select
                from jsonb_to_recordset(e.pages) as p (feed text, facts jsonb)
                left join sluice_internal.sync_feeds as f on f.sync_id = r.sync_id and f.feed = p.feed collate "C"
                where
                    p.facts <> '{"more": false}'
                    or f.kind is distinct from 'changes'
                    or f.error is not null
                    or f.completed_at is null
                    or f.next_attempt_at is not null
            )
        order by r.sync_id
        -- in one transaction with others: nobody waits for anybody here
        for update of r skip locked
    ),
    noted as (
        update sluice_internal.sync_feeds as f
        set
            cursor_state = p."cursor",
            done = false,
            pages = f.pages + 1,
            last_success_at = clock_timestamp(),
            updated_at = clock_timestamp()
        from held as h
        cross join lateral jsonb_to_recordset(h.pages) as p (feed text, "cursor" jsonb)
        where f.sync_id = h.sync_id and f.feed = p.feed collate "C"
    )
    update sluice_internal.sync_runs as r
    set
        poller_id = null,
        attempt = 0,
        last_success_at = clock_timestamp(),
        next_attempt_at = least(
            clock_timestamp() + coalesce(
                (select y.sync_frequency from sluice_internal.syncs as y where y.sync_id = r.sync_id), h.next_in * interval '1 second'
            ),
            (
                select min(greatest(f.next_attempt_at, clock_timestamp()))
                from sluice_internal.sync_feeds as f
                where f.sync_id = r.sync_id and not f.done and f.next_attempt_at is not null
            )
        )
    from held as h
    where r.sync_id = h.sync_id
    returning r.sync_id;
end
$function$;
comment on function sluice_internal._sync_finish_many(text,jsonb) is '_sync_finish for several syncs that were read completely, [{sync_id, epoch, next_in (seconds), pages}], as far as it is the usual end: an active sync, and pages of changes with nothing in them. Answers whose it was; the others, and whoever is locked, take _sync_finish.';

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

CREATE OR REPLACE FUNCTION sluice_internal._sync_tidy()
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_work sluice_internal.sync_work;
    v_problem text;
begin
    perform sluice_internal._authorize(null, 'poller');
    select w.* into v_work
    from sluice_internal.sync_work as w
    where w.next_at <= clock_timestamp()
    order by w.next_at
    limit 1
    for update skip locked;
    if not found then
        if random() < 0.01 then
            delete from sluice_internal.notices as n
            where
                n.notice_id in (select o.notice_id from sluice_internal.notices as o order by o.notice_id limit 1000)
                and n.created_at < clock_timestamp() - interval '90 days';
            delete from sluice_internal.mutations as m
            where
                m.mutation_no in (select o.mutation_no from sluice_internal.mutations as o order by o.mutation_no limit 2000)
                and m.finished_at < clock_timestamp() - interval '90 days'
                -- of these a person has still to say what became of them
                and not exists (
                    select from sluice_internal.mutation_items as i where i.mutation_no = m.mutation_no and i.status = 'unknown'
                );
        end if;
        return false;
    end if;
    begin
        perform sluice_internal._work_step(v_work, 2000);
    exception
        -- A foreign key or a trigger of the user's own, say: it must not keep the others from their turn.
        when others then
            get stacked diagnostics v_problem = message_text;
            update sluice_internal.sync_work as w
            set waits_for = left(v_problem, 500), next_at = clock_timestamp() + interval '1 minute'
            where w.sync_id = v_work.sync_id;
    end;
    return true;
end
$function$;
comment on function sluice_internal._sync_tidy() is 'One step of the work on records that waits longest (sync_delete, sync_move, dropped collections); false if none is due. What fails is tried again after a minute and says why. Notices older than 90 days go now and then, and so do mutations that ended as long ago, except unknown ones. Locks that work (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._take_many(consumer sluice_internal.consumers, taken_lanes integer[], max_rows integer, max_bytes bigint)
 RETURNS SETOF sluice.message
 LANGUAGE plpgsql
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
                when sluice_internal._steps_due(st.step_no, st.open_steps)
                    then sluice_internal._steps_open(consumer.consumer_no, l.lane, st.open_steps)
                else coalesce(st.open_steps, '{}')
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
            -- what a newer version replaced counts here, too
            limit greatest(max_rows, 10000 / consumer.lanes)
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
        where
            (select not bool_or(m.busy) and coalesce(sum(m.bytes), 0) <= max_bytes from entry as m)
            and exists (select from lane as p where p.place = 1)
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
comment on function sluice_internal._take_many(sluice_internal.consumers,integer[],integer,bigint) is 'Leases new messages of several lanes in one statement: up to max_rows, for a stream that is nearly read to its end and has a few in each lane. Takes nothing from a lane in which something is due or kept back, and nothing at all where that is the first one (or what is due would wait for as long as there is enough in the others), a record is in flight or the data might be more than max_bytes: the general way knows what to do. The caller holds the lanes'' locks; the plan is made under its settings. Runs under its caller''s settings.';

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
comment on function sluice_internal._time_of(integer,bigint) is 'About when an updated_idx was committed: to the second, recent ones more exactly, those of more than a day to the minute. Null if it is not known.';

CREATE OR REPLACE FUNCTION sluice_internal._time_pattern(kind text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE kind WHEN 'date'::text THEN ((('^'::text || '(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)'::text) || '|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)'::text) || '$'::text) WHEN 'timestamptz'::text THEN ((('^'::text || '(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)'::text) || '|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)'::text) || '[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)$'::text) ELSE NULL::text END;
comment on function sluice_internal._time_pattern(text) is 'A pattern of texts that can be cast to date, or with their zone to timestamptz, without ever failing: the 31st of April is none. Inlined, so it pins no search path.';

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
    -- In UTC it must have four digits of a year: clients cannot read others.
    if (given #>> '{}')::timestamptz between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00' then
        return null;
    end if;
    return 'is not between the years 1 and 9999';
exception
    when datetime_field_overflow or invalid_datetime_format or invalid_time_zone_displacement_value then
        return 'is a time that does not exist';
end
$function$;
comment on function sluice_internal._time_refusal(jsonb) is 'Why this JSON value is no time, in words that follow the name of its field; null if it is one, or null.';

CREATE OR REPLACE FUNCTION sluice_internal._times_trim(most integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
    v_until constant timestamptz := date_trunc('minute', clock_timestamp() - interval '1 day');
    v_stream_no int;
    v_after timestamptz;
    v_seen record;
begin
    if current_setting('transaction_isolation') <> 'read committed'
        or not pg_try_advisory_xact_lock(sluice_internal._lock_key(3, 0, 0))
    then
        return false;
    end if;
    select t.stream_no, t.times_until into v_stream_no, v_after
    from sluice_internal.stream_trims as t
    where t.times_until is null or t.times_until < v_until - interval '1 hour'
    limit 1;
    if not found then
        return false;
    end if;
    with seen as materialized (
        select t.at
        from sluice_internal.stream_times as t
        where t.stream_no = v_stream_no and t.at > coalesce(v_after, '-infinity') and t.at < v_until
        order by t.at
        limit _times_trim.most
    ),
    removed as (
        delete from sluice_internal.stream_times as t
        using seen as s
        where
            t.stream_no = v_stream_no
            and t.at = s.at
            and exists (
                select
                from sluice_internal.stream_times as e
                where e.stream_no = v_stream_no and e.at >= date_trunc('minute', s.at) and e.at < s.at
                offset 0
            )
    )
    select count(*) as times, max(s.at) as last into v_seen from seen as s;
    update sluice_internal.stream_trims as t
    set times_until = case when v_seen.times = _times_trim.most then v_seen.last else v_until end
    where t.stream_no = v_stream_no;
    return true;
end
$function$;
comment on function sluice_internal._times_trim(integer) is 'Of what tells when a stream''s positions were committed, leaves one a minute where it is older than a day, looking at up to most of them; false if no stream has an hour of that. Whoever asks for a time then gets a moment before it. Locks the folding of counters (tried, never waited for) and those rows.';

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
AS $function$
declare
    v_touched text := coalesce(current_setting('sluice.touched_streams', true), '');
begin
    if not (_touch_stream.stream_no::text = any(string_to_array(v_touched, ','))) then
        perform set_config('sluice.touched_streams', concat_ws(',', nullif(v_touched, ''), _touch_stream.stream_no::text), true);
    end if;
end
$function$;
comment on function sluice_internal._touch_stream(integer) is 'Notes that this transaction will need the stream''s commit lock, so that the commit can take all of them in sorted order. Runs under its caller''s settings.';

CREATE OR REPLACE FUNCTION sluice_internal._unsubscription_ask(sync_id text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_webhook sluice_internal.webhooks;
begin
    select w.* into v_webhook
    from sluice_internal.webhooks as w
    where w.sync_id = _unsubscription_ask.sync_id and w.enabled
    for no key update;
    if not found then
        return;
    end if;
    perform sluice_internal._unsubscription_put(v_webhook, y.credential_id)
    from sluice_internal.syncs as y
    where y.sync_id = v_webhook.sync_id;
    update sluice_internal.webhooks as w
    set enabled = false, subscribe_at = null, poller_id = null, epoch = w.epoch + 1
    where w.sync_id = v_webhook.sync_id;
    perform pg_notify('sluice_subscriptions', '');
end
$function$;
comment on function sluice_internal._unsubscription_ask(text) is 'A sync''s subscription is wanted no more: pollers remove it at the vendor, whatever becomes of the sync. Nothing, where none was asked for. Locks the sync''s entry in webhooks.';

CREATE OR REPLACE FUNCTION sluice_internal._unsubscription_claim(poller_id text, busy_providers text[] DEFAULT NULL::text[])
 RETURNS TABLE(unsubscription_no bigint, sync_id text, epoch bigint, provider text, address text, tag text, attempt integer, credential_id text, kind text, sealed bytea, key_version integer, base_url text, credential_version bigint, credential_renew_at timestamp with time zone, clock timestamp with time zone, oauth_app_id text, client_id text, client_sealed bytea, client_key_version integer, next_in interval)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_no bigint;
    v_next timestamptz;
begin
    perform sluice_internal._authorize(null, 'poller');
    -- Without a lock first: mostly there is nothing.
    select min(u.next_at) into v_next from sluice_internal.unsubscriptions as u;
    if v_next is null then
        return;
    end if;
    select u.unsubscription_no into v_no
    from sluice_internal.unsubscriptions as u
    where
        u.next_at <= clock_timestamp()
        and (_unsubscription_claim.busy_providers is null or u.provider <> all(_unsubscription_claim.busy_providers collate "C"))
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = u.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        )
    order by u.next_at
    limit 1
    for update of u skip locked;
    if not found then
        next_in := greatest(v_next - clock_timestamp(), interval '5 seconds');
        return next;
        return;
    end if;
    return query
    with taken as (
        update sluice_internal.unsubscriptions as u
        set poller_id = _unsubscription_claim.poller_id, epoch = u.epoch + 1, attempt = u.attempt + 1
        where u.unsubscription_no = v_no
        returning u.*
    )
    select
        t.unsubscription_no, t.sync_id, t.epoch, t.provider, t.address, t.tag, t.attempt, t.credential_id, k.kind, k.sealed,
        k.key_version, k.base_url, k.version, k.renew_at, clock_timestamp(), a.oauth_app_id, a.client_id, a.sealed, a.key_version,
        null::interval
    from taken as t
    left join sluice_internal.credentials as k on k.credential_id = t.credential_id
    left join sluice_internal.oauth_apps as a on a.oauth_app_id = k.oauth_app_id;
end
$function$;
comment on function sluice_internal._unsubscription_claim(text,text[]) is 'Takes a subscription that is to be removed at its vendor, none of busy_providers; one row without it, and when the next one is due, where none is due now; no row where there is none. Locks it (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._unsubscription_end(unsubscription_no bigint, poller_id text, epoch bigint, again_in interval DEFAULT NULL::interval, error jsonb DEFAULT NULL::jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.unsubscriptions;
    v_wanted boolean;
begin
    perform sluice_internal._authorize(null, 'poller');
    select u.* into v_known
    from sluice_internal.unsubscriptions as u
    where
        u.unsubscription_no = _unsubscription_end.unsubscription_no
        and u.poller_id = _unsubscription_end.poller_id collate "C" and u.epoch = _unsubscription_end.epoch
    for update;
    if not found then
        return false;
    end if;
    -- Switched on again meanwhile: whoever subscribes puts in order what is there. With another credential he does not see it.
    v_wanted := exists (
        select
        from sluice_internal.webhooks as w
        inner join sluice_internal.syncs as y on y.sync_id = w.sync_id
        where w.sync_id = v_known.sync_id and w.enabled and y.credential_id is not distinct from v_known.credential_id
    );
    if _unsubscription_end.again_in is not null and not v_wanted and v_known.since > clock_timestamp() - interval '1 day' then
        update sluice_internal.unsubscriptions as u
        set poller_id = null, next_at = clock_timestamp() + _unsubscription_end.again_in
        where u.unsubscription_no = v_known.unsubscription_no;
        return false;
    end if;
    delete from sluice_internal.unsubscriptions as u where u.unsubscription_no = v_known.unsubscription_no;
    if _unsubscription_end.error is null and not v_wanted then
        -- Both credentials may open the same account: then what is new there may be gone with it.
        update sluice_internal.webhooks as w
        set subscribe_at = clock_timestamp(), attempt = 0
        where w.sync_id = v_known.sync_id and w.enabled;
        perform pg_notify('sluice_subscriptions', '');
    end if;
    if _unsubscription_end.error is null or v_wanted then
        return false;
    end if;
    perform from sluice_internal.syncs as y where y.sync_id = v_known.sync_id for key share;
    if found then
        perform sluice_internal._notice(v_known.sync_id, 'webhooks_left', _unsubscription_end.error);
    end if;
    return true;
end
$function$;
comment on function sluice_internal._unsubscription_end(bigint,text,bigint,interval,jsonb) is 'A subscription is removed at its vendor (error null), or why not: it is tried again in again_in, for a day, and given up without it. True if it is given up; then the sync has a notice, if it is still there. Locks the entry in unsubscriptions.';

CREATE OR REPLACE FUNCTION sluice_internal._unsubscription_put(webhook sluice_internal.webhooks, credential_id text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    insert into sluice_internal.unsubscriptions (sync_id, provider, credential_id, address, tag, next_at)
    select
        y.sync_id, y.provider, _unsubscription_put.credential_id, webhook.address, webhook.tag,
        -- A poller is just looking after it, and may make one yet.
        clock_timestamp() + case when webhook.poller_id is null then interval '0' else interval '1 minute' end
    from sluice_internal.syncs as y
    where y.sync_id = webhook.sync_id;
end
$function$;
comment on function sluice_internal._unsubscription_put(sluice_internal.webhooks,text) is 'What pollers subscribed to for this entry of webhooks, which the caller has locked, is to be removed at the vendor with that credential.';

CREATE OR REPLACE FUNCTION sluice_internal._verdict(old_version timestamp with time zone, old_from timestamp with time zone, old_until timestamp with time zone, old_deleted boolean, old_data jsonb, new_version timestamp with time zone, new_from timestamp with time zone, new_until timestamp with time zone, new_deleted boolean, new_data jsonb)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (old_version > new_version) THEN 'refused'::text WHEN (old_deleted AND (NOT new_deleted) AND (old_version = new_version)) THEN 'refused'::text WHEN (COALESCE((old_version < new_version), false) OR (old_from IS NULL) OR (new_from IS NULL) OR (new_from > old_until)) THEN CASE WHEN ((old_deleted <> new_deleted) OR (NOT COALESCE((old_data = new_data), (new_data IS NULL)))) THEN 'changed'::text WHEN ((old_version < new_version) OR ((old_version IS NULL) AND (new_version IS NOT NULL))) THEN 'touched'::text ELSE 'unchanged'::text END WHEN ((old_deleted = new_deleted) AND COALESCE((old_data = new_data), (new_data IS NULL))) THEN 'unchanged'::text WHEN (new_until < old_from) THEN 'refused'::text ELSE 'unclear'::text END;
comment on function sluice_internal._verdict(timestamp with time zone,timestamp with time zone,timestamp with time zone,boolean,jsonb,timestamp with time zone,timestamp with time zone,timestamp with time zone,boolean,jsonb) is 'What an incoming state is to the stored one: changed, touched (only the version is newer), unchanged, refused (older), or unclear (two reads overlap and differ: fetch again). Versions decide; without them, or where they are equal, the intervals in which the states were read; without those, the order of commits. Inlined, so it pins no search path.';

CREATE OR REPLACE FUNCTION sluice_internal._view_changes(typed sluice_internal.typed_views, before jsonb, after jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_fixed text;
    v_data jsonb := coalesce(nullif(after -> 'data', 'null'), '{}');
    v_known jsonb := coalesce(nullif(before -> 'data', 'null'), '{}');
    v_changes jsonb;
    v_clash text;
begin
    if jsonb_typeof(v_data) <> 'object' then
        raise exception using errcode = 'SL001', message = 'data must be a JSON object', hint = 'Nothing was queued.';
    end if;
    select k.name into v_fixed
    from (
        select u.name
        from unnest('{sync_id,upstream_id,updated_idx,deleted,upstream_created_at,upstream_updated_at}'::text[]) as u (name)
        union all
        select f.column_name
        from sluice_internal.typed_view_fields as f
        inner join sluice.provider_fields as p on p.collection_id = typed.collection_id and p.name = f.field and p.primary_key
        where f.view_name = typed.view_name and before is not null
    ) as k (name)
    where
        after -> k.name is distinct from coalesce(before -> k.name, 'null')
        and (before is not null or k.name <> 'sync_id' and (k.name <> 'deleted' or after -> k.name = 'true'))
    limit 1;
    if found then
        raise exception using
            errcode = 'SL172',
            message = format('%I cannot be written', v_fixed),
            hint = 'It is the vendor''s to say. Leave it out; nothing was queued.';
    end if;
    with said as (
        select
            f.field,
            f.column_name,
            sluice_internal._view_value(f.column_name, f.kind, after -> f.column_name, v_known -> f.field) as value
        from sluice_internal.typed_view_fields as f
        where f.view_name = typed.view_name and after -> f.column_name is distinct from coalesce(before -> f.column_name, 'null')
        union all
        select d.key, 'data', d.value
        from jsonb_each(v_data) as d
        where d.value is distinct from v_known -> d.key
        union all
        -- what was taken out of data is unset
        select d.key, 'data', 'null'
        from jsonb_object_keys(v_known) as d (key)
        where not v_data ? d.key
    )
    select
        jsonb_object_agg(s.field, s.value),
        (
            select format('%I and %I', min(t.column_name), max(t.column_name))
            from said as t
            group by t.field
            having count(distinct t.value) > 1
            limit 1
        )
    into v_changes, v_clash
    from said as s;
    if v_clash is not null then
        raise exception using
            errcode = 'SL001',
            message = format('%s set one field to two values', v_clash),
            hint = 'They are the same field: set one of them. Nothing was queued.';
    end if;
    return coalesce(v_changes, '{}');
end
$function$;
comment on function sluice_internal._view_changes(sluice_internal.typed_views,jsonb,jsonb) is 'The fields that an update of a typed view''s row sets, or with before null an insert. SL172 for a column that cannot be written, SL001 for values that JSON does not have or that contradict each other.';

CREATE OR REPLACE FUNCTION sluice_internal._view_column(wanted text, taken text[])
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_suffix text := '';
    v_name text;
begin
    for v_number in 2 .. 10000 loop
        v_name := coalesce(nullif(_view_column.wanted, ''), '_');
        while octet_length(v_name) > 63 - octet_length(v_suffix) loop
            v_name := left(v_name, least(63, length(v_name) - 1));
        end loop;
        v_name := v_name || v_suffix;
        exit when v_name <> all (_view_column.taken);
        v_suffix := '_' || v_number;
    end loop;
    return v_name;
end
$function$;
comment on function sluice_internal._view_column(text,text[]) is 'A name of at most 63 bytes that is not taken: what was wanted, cut where it is too long, with _2 and so on where it is taken.';

CREATE OR REPLACE FUNCTION sluice_internal._view_expression(field text, kind text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
select case _view_expression.kind
    when 'text' then v.words
    when 'jsonb' then format('nullif(%s, %L)', v.json, 'null')
    when 'boolean' then format('case jsonb_typeof(%1$s) when %2$L then (%1$s)::boolean end', v.json, 'boolean')
    when 'numeric' then format('case jsonb_typeof(%1$s) when %2$L then (%1$s)::numeric end', v.json, 'number')
    when 'bigint' then format(
        'case jsonb_typeof(%1$s) when %2$L then case when (%1$s)::numeric between -9223372036854775808 and 9223372036854775807'
        || ' and (%1$s)::numeric %% 1 = 0 then (%1$s)::bigint end end',
        v.json, 'number'
    )
    when 'date' then format(
        'case when jsonb_typeof(%1$s) = %3$L and %2$s ~ %4$L then (%2$s)::date end',
        v.json, v.words, 'string', sluice_internal._time_pattern('date')
    )
    when 'timestamptz' then format(
        'case when jsonb_typeof(%1$s) = %3$L and %2$s ~ %4$L then (%2$s)::timestamptz end',
        v.json, v.words, 'string', sluice_internal._time_pattern('timestamptz')
    )
    else format(
        'case jsonb_typeof(%1$s) when %3$L then case when %2$s ~ %4$L then (%2$s)::timestamptz end'
        -- the years 1 to 9999
        || ' when %5$L then case when (%1$s)::numeric between -62135596800 and 253402300799'
        || ' then to_timestamp((%1$s)::double precision) end end',
        v.json, v.words, 'string', sluice_internal._time_pattern('timestamptz'), 'number'
    )
end
from (
    values (format('(r.data -> %L)', _view_expression.field), format('(r.data ->> %L)', _view_expression.field))
) as v (json, words)
$function$;
comment on function sluice_internal._view_expression(text,text) is 'The SQL of a typed view''s column: a field of r.data read as that kind. It answers null for what does not fit and never fails. Only of functions of PostgreSQL itself: a view outlives our releases.';

CREATE OR REPLACE FUNCTION sluice_internal._view_infer(typed sluice_internal.typed_views)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    -- 1,600 is the limit of PostgreSQL; the rest is for what all views have, now and later.
    v_most constant int := 1580;
    v_taken text[] := '{sync_id,upstream_id,updated_idx,deleted,upstream_created_at,upstream_updated_at,data}';
    v_place int;
    v_left_out int := 0;
    v_new record;
    v_name text;
begin
    select v_taken || coalesce(array_agg(f.column_name), '{}'), count(*) into v_taken, v_place
    from sluice_internal.typed_view_fields as f
    where f.view_name = typed.view_name;
    for v_new in
        with known as (
            select k.name, min(k.place) as place, min(k.kind) as kind
            from (
                select
                    f.name,
                    f.place,
                    case f.type
                        when 'text' then 'text'
                        when 'integer' then 'bigint'
                        when 'number' then 'numeric'
                        when 'boolean' then 'boolean'
                        when 'time' then 'time'
                        when 'date' then 'date'
                        else 'jsonb'
                    end as kind
                from (
                    select p.name, p.place, p.type
                    from sluice.provider_fields as p
                    where p.collection_id = typed.collection_id
                    union all
                    -- what accounts have of their own
                    select e.field ->> 'name', e.place::int, e.field ->> 'type'
                    from sluice_internal.described_collections as d
                    cross join lateral jsonb_array_elements(d.fields) with ordinality as e (field, place)
                    where d.collection_id = typed.collection_id collate "C"
                ) as f
            ) as k
            group by k.name
        ),
        found as (
            select
                coalesce(s.field, k.name) as field,
                k.place,
                coalesce(s.seen, 0) as seen,
                s.fits,
                case
                    when s.fits is null then k.kind
                    when k.kind = 'time' and 'unixtime' = any(s.fits) then 'unixtime'
                    when k.kind = any(s.fits) then k.kind
                    else s.fits[1]
                end as kind
            from sluice_internal._view_sample(typed.collection_id, typed.stream_id, typed.sync_id) as s
            full join known as k on k.name = s.field
        )
        select
            f.field,
            f.kind,
            exists (
                select from sluice_internal.typed_view_fields as t where t.view_name = typed.view_name and t.field = f.field collate "C"
            ) as again,
            row_number() over (order by f.place, f.seen desc, f.field collate "C") + v_place <= v_most as fits
        from found as f
        where not exists (
            select
            from sluice_internal.typed_view_fields as t
            where
                t.view_name = typed.view_name and t.field = f.field collate "C"
                -- as text and as JSON everything can be shown
                and (f.fits is null or t.kind in ('text', 'jsonb') or t.kind = any(f.fits))
        )
        order by f.place, f.field collate "C"
    loop
        if not v_new.fits then
            v_left_out := v_left_out + 1;
            continue;
        end if;
        v_name := sluice_internal._view_column(
            case when v_new.again then v_new.field || '_' || v_new.kind else v_new.field end, v_taken
        );
        v_place := v_place + 1;
        v_taken := v_taken || v_name;
        insert into sluice_internal.typed_view_fields (view_name, place, column_name, field, kind)
        values (typed.view_name, v_place, v_name, v_new.field, v_new.kind);
    end loop;
    update sluice_internal.typed_views as v
    set fields_left_out = v_left_out, refreshed_at = clock_timestamp()
    where v.view_name = typed.view_name;
end
$function$;
comment on function sluice_internal._view_infer(sluice_internal.typed_views) is 'Adds to a typed view''s columns what the data has and they do not show yet: a new field, or a known one whose values fit none of its columns. Nothing is ever taken away or changed.';

CREATE OR REPLACE FUNCTION sluice_internal._view_make(typed sluice_internal.typed_views)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_columns text;
    v_where text := format('r.collection_id = %L', typed.collection_id);
begin
    select string_agg(format(E',\n    %s as %I', sluice_internal._view_expression(f.field, f.kind), f.column_name), '' order by f.place)
    into v_columns
    from sluice_internal.typed_view_fields as f
    where f.view_name = typed.view_name;
    if typed.stream_id is not null then
        v_where := v_where || format(' and r.stream_id = %L', typed.stream_id);
    end if;
    if typed.sync_id is not null then
        v_where := v_where || format(' and r.sync_id = %L', typed.sync_id);
    end if;
    execute format('create or replace view sluice_views.%I with (security_invoker = true) as select', typed.view_name)
        || ' r.sync_id, r.upstream_id, r.updated_idx, r.deleted, r.upstream_created_at, r.upstream_updated_at, r.data'
        || coalesce(v_columns, '') || E'\nfrom sluice.records as r\nwhere ' || v_where;
    execute format(
        'comment on view sluice_views.%I is %L', typed.view_name, format('Records of %s, made by view_create.', typed.collection_id)
    );
    execute format(
        'create or replace trigger view_write instead of insert or update or delete on sluice_views.%I'
        ' for each row execute function sluice_internal._view_write()', typed.view_name
    );
    if to_regrole('sluice_reader') is not null then
        execute format('grant select on sluice_views.%I to sluice_reader', typed.view_name);
    end if;
    if to_regrole('sluice_mutator') is not null then
        execute format('grant insert, update, delete on sluice_views.%I to sluice_mutator', typed.view_name);
    end if;
exception when invalid_table_definition or wrong_object_type or insufficient_privilege then
    raise exception using
        errcode = 'SL171',
        message = format('sluice_views.%I is not what view_create made', typed.view_name),
        detail = sqlerrm,
        hint = 'Somebody changed it or made another object of that name: drop or rename that, then call view_create again.';
end
$function$;
comment on function sluice_internal._view_make(sluice_internal.typed_views) is 'Makes a typed view, or adds its new columns, with its trigger and rights. SL171 where somebody made something else of that name.';

CREATE OR REPLACE FUNCTION sluice_internal._view_sample(collection_id text, stream_id text, sync_id text)
 RETURNS TABLE(field text, seen bigint, fits text[])
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
with chosen as materialized (
    select y.sync_id
    from sluice_internal.syncs as y
    inner join sluice_internal.streams as s on s.stream_no = y.stream_no
    where
        s.stream_id = coalesce(_view_sample.stream_id, s.stream_id) and y.sync_id = coalesce(_view_sample.sync_id, y.sync_id)
        and exists (
            select from sluice.records as r
            where r.sync_id = y.sync_id and r.collection_id = _view_sample.collection_id
        )
    order by y.created_at desc
    limit 100
),
-- Every account has its say (accounts differ), and what came last.
sample as materialized (
    select r.record_no, r.data
    from chosen as c
    cross join lateral (
        select t.record_no, t.data
        from sluice.records as t
        where t.sync_id = c.sync_id and t.collection_id = _view_sample.collection_id
        limit 10000 / (select count(*) from chosen)
    ) as r
    union all
    select r.record_no, r.data
    from (select t.* from sluice.records as t order by t.record_no desc limit 5000) as r
    where r.collection_id = _view_sample.collection_id and r.sync_id in (select c.sync_id from chosen as c)
),
bounded as (
    select s.data, sum(pg_column_size(s.data)) over (order by s.record_no desc rows unbounded preceding) as bytes
    from sample as s
    where jsonb_typeof(s.data) = 'object'
),
entries as (
    select
        e.key,
        jsonb_typeof(e.value) as type,
        case when jsonb_typeof(e.value) = 'number' then e.value::numeric end as number,
        case when jsonb_typeof(e.value) = 'string' then left(e.value #>> '{}', 50) end as words
    from bounded as b
    cross join lateral jsonb_each(b.data) as e
    where b.bytes < 200 * 1024 * 1024
)
select
    e.key,
    count(*),
    array_remove(array[
        case when every(e.type = 'boolean') then 'boolean' end,
        case
            when every(coalesce(
                e.number between -9223372036854775808 and 9223372036854775807 and e.number % 1 = 0, false
            )) then 'bigint'
        end,
        case when every(e.number is not null) then 'numeric' end,
        case when every(coalesce(e.words ~ sluice_internal._time_pattern('timestamptz'), false)) then 'timestamptz' end,
        case when every(coalesce(e.words ~ sluice_internal._time_pattern('date'), false)) then 'date' end,
        case when every(e.words is not null) then 'text' end,
        'jsonb',
        case when every(coalesce(e.number between -62135596800 and 253402300799, false)) then 'unixtime' end,
        case
            when every(coalesce(
                e.number between -62135596800 and 253402300799 or e.words ~ sluice_internal._time_pattern('timestamptz'), false
            )) then 'time'
        end
    ], null)
from entries as e
where e.type <> 'null'
group by e.key
$function$;
comment on function sluice_internal._view_sample(text,text,text) is 'The fields of a bounded sample of records (of up to 100 syncs 10,000 in all, and the latest), how often each has a value, and the kinds that all its values fit, the closest first.';

CREATE OR REPLACE FUNCTION sluice_internal._view_value(column_name text, kind text, value jsonb, known jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    v_time timestamptz;
begin
    if _view_value.value = 'null' then
        return _view_value.value;
    end if;
    if _view_value.kind in ('bigint', 'numeric') and jsonb_typeof(_view_value.value) = 'number'
        or _view_value.kind in ('text', 'boolean', 'jsonb')
    then
        return _view_value.value;
    end if;
    if _view_value.value #>> '{}' !~ 'infinity|NaN|BC$' then
        if _view_value.kind = 'date' then
            return _view_value.value;
        end if;
        v_time := (_view_value.value #>> '{}')::timestamptz;
        if _view_value.kind = 'unixtime' or _view_value.kind = 'time' and jsonb_typeof(_view_value.known) = 'number' then
            return to_jsonb(trim_scale(extract(epoch from v_time)));
        end if;
        return to_jsonb(regexp_replace(
            to_char(v_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '\.?0*Z$', 'Z'
        ));
    end if;
    raise exception using
        errcode = 'SL001',
        message = format('%I cannot be %s: JSON has no such value', _view_value.column_name, _view_value.value #>> '{}'),
        hint = 'Nothing was queued.';
end
$function$;
comment on function sluice_internal._view_value(text,text,jsonb,jsonb) is 'What a typed view''s column was set to (as to_jsonb gives it) in the form that the vendor has it in: times as it gave them (known), or ISO 8601 in UTC. SL001 for what JSON does not have.';

CREATE OR REPLACE FUNCTION sluice_internal._view_write()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_view sluice_internal.typed_views;
    v_changes jsonb;
    v_sync_id text;
begin
    select v.* into v_view from sluice_internal.typed_views as v where v.view_name = tg_table_name;
    if not found then
        raise exception using
            errcode = 'SL170',
            message = format('%I is no typed view', tg_table_name),
            hint = 'It was renamed: give it its name back.';
    end if;
    if tg_op = 'DELETE' then
        perform sluice.mutation_run(
            'delete', old.sync_id, v_view.collection_id, jsonb_build_array(jsonb_build_object('upstream_id', old.upstream_id))
        );
        return old;
    end if;
    if tg_op = 'UPDATE' then
        v_changes := sluice_internal._view_changes(v_view, to_jsonb(old), to_jsonb(new));
        if v_changes <> '{}' then
            perform sluice.mutation_run(
                'update', old.sync_id, v_view.collection_id,
                jsonb_build_array(jsonb_build_object('upstream_id', old.upstream_id, 'data', v_changes))
            );
        end if;
        return new;
    end if;
    v_sync_id := coalesce(new.sync_id, v_view.sync_id);
    if v_sync_id is null or v_sync_id <> v_view.sync_id then
        raise exception using
            errcode = 'SL001',
            message = case
                when v_sync_id is null then 'sync_id is missing: which account is it for?'
                else format('this view is of sync "%s" alone', v_view.sync_id)
            end,
            hint = format('select sync_id from sluice.collections where collection_id = %L lists them.', v_view.collection_id);
    end if;
    v_changes := sluice_internal._view_changes(v_view, null, to_jsonb(new));
    perform sluice.mutation_run('create', v_sync_id, v_view.collection_id, jsonb_build_array(v_changes));
    return new;
end
$function$;
comment on function sluice_internal._view_write() is 'What insert, update and delete on a typed view do: each row is a mutation, queued in this transaction. An update sends the fields that changed, an insert those that are not null. mutation_run checks the caller''s right.';

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

CREATE OR REPLACE FUNCTION sluice_internal._wanted_commit(sync_id text, poller_id text, epoch bigint, records jsonb, quarantine jsonb, read_from timestamp with time zone, facts jsonb DEFAULT '{}'::jsonb)
 RETURNS TABLE(new integer, changed integer, unchanged integer, refused integer, refetch jsonb, clock timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_wanted_commit.sync_id, _wanted_commit.poller_id, _wanted_commit.epoch);
    select w.new, w.changed, w.unchanged, w.refused, coalesce(w.unclear, '[]')
    into new, changed, unchanged, refused, refetch
    from sluice_internal._record_store(v_run.sync_id, null, _wanted_commit.records, _wanted_commit.read_from) as w;
    delete from sluice_internal.quarantine as q
    using jsonb_to_recordset(_wanted_commit.quarantine || _wanted_commit.records) as i (collection_id text, upstream_id text)
    where
        q.sync_id = v_run.sync_id
        and q.collection_id = i.collection_id collate "C" and q.upstream_id = i.upstream_id collate "C";
    if _wanted_commit.quarantine <> '[]' then
        perform sluice_internal._quarantine_put(v_run.sync_id, _wanted_commit.quarantine);
    end if;
    if _wanted_commit.facts ? 'restart' then
        perform sluice_internal._feeds_restart(
            v_run.sync_id, array(select r.feed from jsonb_array_elements_text(_wanted_commit.facts -> 'restart') as r (feed))
        );
    end if;
    -- Last of all: whoever brings word of one of them waits for nothing that went before.
    delete from sluice_internal.wanted_objects as o
    using jsonb_to_recordset(coalesce(_wanted_commit.facts -> 'settled', '[]')) as i (collection_id text, upstream_id text)
    where
        o.sync_id = v_run.sync_id
        and o.collection_id = i.collection_id collate "C" and o.upstream_id = i.upstream_id collate "C"
        -- after this was read there was word of it again
        and o.taken_at is not null
        and not refetch @> jsonb_build_array(jsonb_build_object('collection_id', o.collection_id, 'upstream_id', o.upstream_id));
    clock := clock_timestamp();
    return next;
end
$function$;
comment on function sluice_internal._wanted_commit(text,text,bigint,jsonb,jsonb,timestamp with time zone,jsonb) is 'Writes objects that were wanted, in one transaction and only under the lease; no feed''s cursor moves. records and quarantine as in _page_commit. facts: settled [{collection_id, upstream_id}], which are wanted no more unless there was word of them meanwhile; restart [feeds to be read again]. refetch: the objects whose reads overlap and differ; they stay wanted. Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._wanted_next(sync_id text, poller_id text, epoch bigint, most integer DEFAULT 100)
 RETURNS TABLE(collection_id text, upstream_id text, held bytea, clock timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    if not exists (
        select from sluice_internal.wanted_objects as o
        where o.sync_id = _wanted_next.sync_id collate "C" and o.next_at <= clock_timestamp()
    ) then
        return;
    end if;
    return query
    with due as (
        select o.collection_id, o.upstream_id
        from sluice_internal.wanted_objects as o
        where
            o.sync_id = _wanted_next.sync_id collate "C" and o.next_at <= clock_timestamp()
            and exists (
                select from sluice_internal.sync_runs as r
                where
                    r.sync_id = _wanted_next.sync_id collate "C"
                    and r.poller_id = _wanted_next.poller_id collate "C" and r.epoch = _wanted_next.epoch
            )
        order by o.next_at, o.since
        limit _wanted_next.most
        for no key update skip locked
    )
    update sluice_internal.wanted_objects as o
    set taken_at = clock_timestamp()
    from due as d
    where
        o.sync_id = _wanted_next.sync_id collate "C" and o.collection_id = d.collection_id and o.upstream_id = d.upstream_id
    returning o.collection_id, o.upstream_id, o.held, clock_timestamp();
end
$function$;
comment on function sluice_internal._wanted_next(text,text,bigint,integer) is 'Objects that this poller is to fetch now, under its lease, those that wait longest first; word of them that comes from now on makes them wanted once more. Locks those notes (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._wanted_put(sync_id text, hints jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_count int;
begin
    insert into sluice_internal.wanted_objects as o (sync_id, collection_id, upstream_id, held, next_at)
    select distinct on (h.collection_id collate "C", h.upstream_id collate "C")
        _wanted_put.sync_id, h.collection_id, h.upstream_id, decode(h.held, 'base64'), '-infinity'
    from jsonb_to_recordset(_wanted_put.hints) as h (collection_id text, upstream_id text, held text)
    order by h.collection_id collate "C", h.upstream_id collate "C"
    on conflict on constraint wanted_objects_pkey do update
    set since = clock_timestamp(), held = excluded.held, attempt = 0, next_at = excluded.next_at, taken_at = null
    -- one that waits to be fetched will be: a flood of word of one object writes it once a turn
    where o.taken_at is not null or o.attempt > 0;
    get diagnostics v_count = row_count;
    return v_count;
end
$function$;
comment on function sluice_internal._wanted_put(text,jsonb) is 'Notes objects to be fetched: [{collection_id, upstream_id, held (base64)}]; answers how many were not waiting for it already. Locks those notes in the order of their keys.';

CREATE OR REPLACE FUNCTION sluice_internal._wanted_put_off(sync_id text, poller_id text, epoch bigint, objects jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_given_up int;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_wanted_put_off.sync_id, _wanted_put_off.poller_id, _wanted_put_off.epoch);
    update sluice_internal.wanted_objects as o
    set
        attempt = o.attempt + 1,
        next_at = clock_timestamp() + least(interval '5 seconds' * 2 ^ least(o.attempt, 10), interval '1 hour'),
        taken_at = null
    from jsonb_to_recordset(_wanted_put_off.objects) as i (collection_id text, upstream_id text)
    where
        o.sync_id = v_run.sync_id
        and o.collection_id = i.collection_id collate "C" and o.upstream_id = i.upstream_id collate "C" and o.taken_at is not null;
    -- A day of asking: what the vendor does not give by then is found by reading everything, if at all.
    delete from sluice_internal.wanted_objects as o where o.sync_id = v_run.sync_id and o.attempt >= 30;
    get diagnostics v_given_up = row_count;
    if v_given_up > 0 then
        insert into sluice_internal.webhook_deltas (sync_id, dropped) values (v_run.sync_id, v_given_up);
    end if;
    return v_given_up;
end
$function$;
comment on function sluice_internal._wanted_put_off(text,text,bigint,jsonb) is 'Wanted objects that cannot be fetched now: [{collection_id, upstream_id}]; they are tried again later and later, and given up after about a day (how many). Errors: SL130.';

CREATE OR REPLACE FUNCTION sluice_internal._webhook_ended(sync_id text, words text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    insert into sluice_internal.webhooks as w (sync_id) values (_webhook_ended.sync_id) on conflict do nothing;
    update sluice_internal.webhooks as w
    set ended_at = clock_timestamp()
    where w.sync_id = _webhook_ended.sync_id and (w.ended_at is null or w.ended_at < clock_timestamp() - interval '1 hour');
    if found then
        perform sluice_internal._notice(_webhook_ended.sync_id, 'webhook_ended', jsonb_build_object(
            'code', null,
            'message', left(_webhook_ended.words, 1000),
            'details', null,
            'hint', 'the vendor said so; it is being asked now, and if it refuses, the sync is in error'
        ));
    end if;
end
$function$;
comment on function sluice_internal._webhook_ended(text,text) is 'The vendor says that the access has ended: a notice, one an hour at most. Whether it is so the next turn of the sync finds out.';

CREATE OR REPLACE FUNCTION sluice_internal._webhook_open(sync_id text)
 RETURNS TABLE(sync_id text, provider text, document text, sealed bytea, key_version integer, former_sealed bytea, former_key_version integer, account text, credential_id text, credential_kind text, credential_sealed bytea, credential_key_version integer, oauth_app_id text, client_sealed bytea, client_key_version integer)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT y.sync_id,
     y.provider,
     ( SELECT (d.document)::text AS document
            FROM sluice_internal.provider_documents d
           WHERE (d.provider = y.provider)) AS document,
     w.sealed,
     w.key_version,
         CASE
             WHEN (w.former_until > clock_timestamp()) THEN w.former_sealed
             ELSE NULL::bytea
         END AS "case",
     w.former_key_version,
     k.account,
     k.credential_id,
     k.kind,
     k.sealed,
     k.key_version,
     a.oauth_app_id,
     a.sealed,
     a.key_version
    FROM (((sluice_internal.syncs y
      LEFT JOIN sluice_internal.webhooks w ON ((w.sync_id = y.sync_id)))
      LEFT JOIN sluice_internal.credentials k ON ((k.credential_id = y.credential_id)))
      LEFT JOIN sluice_internal.oauth_apps a ON ((a.oauth_app_id = k.oauth_app_id)))
   WHERE (y.sync_id = (_webhook_open.sync_id COLLATE "C"));
END;
comment on function sluice_internal._webhook_open(text) is 'What the server needs to tell a genuine delivery from a forged one: the provider (document: of a user''s own), the sync''s sealed webhook secrets, the client secret of the OAuth app that its credential was obtained through, the account. No row: no such sync.';

CREATE OR REPLACE FUNCTION sluice_internal._webhook_overflow(sync_id text, most integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    -- what is found by sweeps alone is swept now; feeds of changes are read at each turn
    update sluice_internal.sync_feeds as f
    set next_attempt_at = null
    where
        f.sync_id = _webhook_overflow.sync_id and f.kind = 'sweep'
        and f.next_attempt_at is not null and f.error is null and f.completed_at is not null;
    insert into sluice_internal.webhooks as w (sync_id) values (_webhook_overflow.sync_id) on conflict do nothing;
    update sluice_internal.webhooks as w
    set overflowed_at = clock_timestamp()
    where
        w.sync_id = _webhook_overflow.sync_id
        and (w.overflowed_at is null or w.overflowed_at < clock_timestamp() - interval '1 hour');
    if found then
        perform sluice_internal._notice(_webhook_overflow.sync_id, 'webhooks_overflow', jsonb_build_object(
            'code', null,
            'message', format(
                'more than %s objects changed that are not yet fetched: all changes are read instead', _webhook_overflow.most
            ),
            'details', null, 'hint', 'nothing is lost; a higher rate_limit lets the sync keep up'
        ));
    end if;
end
$function$;
comment on function sluice_internal._webhook_overflow(text,integer) is 'There is no room for a hint: everything that is read again and again is read now, with a notice, one an hour at most.';

CREATE OR REPLACE FUNCTION sluice_internal._webhook_put(sync_id text, sealed bytea, key_version integer)
 RETURNS sluice.sync_webhooks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(_webhook_put.sync_id, 'admin');
    v_webhook sluice.sync_webhooks;
begin
    perform sluice_internal._webhook_secret(v_known.sync_id, _webhook_put.sealed, _webhook_put.key_version);
    select w.* into v_webhook from sluice.sync_webhooks as w where w.sync_id = v_known.sync_id;
    return v_webhook;
end
$function$;
comment on function sluice_internal._webhook_put(text,bytea,integer) is 'Stores the secret that signs a sync''s webhooks, sealed by the application; the one before it is taken for another day. Errors: SL102, SL165.';

CREATE OR REPLACE FUNCTION sluice_internal._webhook_refused(counts jsonb)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 INSERT INTO sluice_internal.webhook_deltas (sync_id, refused)  SELECT y.sync_id,
             (c.value)::integer AS value
            FROM (jsonb_each_text(_webhook_refused.counts) c(key, value)
              JOIN sluice_internal.syncs y ON ((y.sync_id = (c.key COLLATE "C"))));
END;
comment on function sluice_internal._webhook_refused(jsonb) is 'How many deliveries a server refused since it last said so: {sync_id: count}.';

CREATE OR REPLACE FUNCTION sluice_internal._webhook_reseal(sync_id text, old_sealed bytea, sealed bytea, key_version integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    update sluice_internal.webhooks as w
    set
        sealed = case when w.sealed = _webhook_reseal.old_sealed then _webhook_reseal.sealed else w.sealed end,
        key_version = case when w.sealed = _webhook_reseal.old_sealed then _webhook_reseal.key_version else w.key_version end,
        former_sealed = case when w.former_sealed = _webhook_reseal.old_sealed then _webhook_reseal.sealed else w.former_sealed end,
        former_key_version = case
            when w.former_sealed = _webhook_reseal.old_sealed then _webhook_reseal.key_version else w.former_key_version
        end
    where
        w.sync_id = _webhook_reseal.sync_id collate "C"
        and _webhook_reseal.old_sealed in (w.sealed, w.former_sealed);
    return found;
end
$function$;
comment on function sluice_internal._webhook_reseal(text,bytea,bytea,integer) is 'Stores the same webhook secret sealed with another master key; false, and nothing done, if it changed meanwhile.';

CREATE OR REPLACE FUNCTION sluice_internal._webhook_secret(sync_id text, sealed bytea, key_version integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    insert into sluice_internal.webhooks as w (sync_id, sealed, key_version)
    values (_webhook_secret.sync_id, _webhook_secret.sealed, _webhook_secret.key_version)
    on conflict (sync_id) do update set
        sealed = excluded.sealed,
        key_version = excluded.key_version,
        former_sealed = w.sealed,
        former_key_version = w.key_version,
        former_until = case when w.sealed is not null then clock_timestamp() + interval '1 day' end;
end
$function$;
comment on function sluice_internal._webhook_secret(text,bytea,integer) is 'A new secret of a sync''s webhooks; the one before it is taken for another day, since a vendor signs with both while it rolls them.';

CREATE OR REPLACE FUNCTION sluice_internal._webhook_store(sync_id text, delivery text, hints jsonb DEFAULT '[]'::jsonb, records jsonb DEFAULT '[]'::jsonb, ended text DEFAULT NULL::text, unreadable boolean DEFAULT false)
 RETURNS TABLE(state text, woken boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
#variable_conflict use_column
declare
    -- Of the order of a day's changes: a vendor that says more than this is read, not followed.
    v_most constant int := 10000;
    v_sync sluice_internal.syncs;
    v_hints jsonb;
    v_records jsonb;
    v_all bool;
    v_new int := 0;
    v_dropped int;
    v_done record;
begin
    select y.* into v_sync from sluice_internal.syncs as y where y.sync_id = _webhook_store.sync_id collate "C";
    if not found or v_sync.deleting_since is not null then
        return query select 'gone', true;
        return;
    end if;
    -- a sync of the same id that was made later has its own
    insert into sluice_internal.webhook_deliveries (digest)
    values (sha256(convert_to(jsonb_build_array(v_sync.sync_id, v_sync.created_at, _webhook_store.delivery)::text, 'UTF8')))
    on conflict do nothing;
    if not found then
        insert into sluice_internal.webhook_deltas (sync_id, repeated) values (v_sync.sync_id, 1);
        return query select 'repeated', true;
        return;
    end if;
    v_all := v_sync.collection_ids = '{}';
    select coalesce(jsonb_agg(e.value), '[]') into v_records
    from jsonb_array_elements(_webhook_store.records) as e (value)
    where v_all or e.value ->> 'collection_id' = any(v_sync.collection_ids);
    select coalesce(jsonb_agg(e.value), '[]') into v_hints
    from jsonb_array_elements(_webhook_store.hints) as e (value)
    where
        (v_all or e.value ->> 'collection_id' = any(v_sync.collection_ids))
        and octet_length(e.value ->> 'upstream_id') between 1 and 1000;
    v_dropped := jsonb_array_length(_webhook_store.records) - jsonb_array_length(v_records)
    + jsonb_array_length(_webhook_store.hints) - jsonb_array_length(v_hints);
    if v_records <> '[]' then
        -- Nobody knows when the vendor wrote it: an equal version with other data is fetched.
        v_done := sluice_internal._record_store(v_sync.sync_id, null, v_records, clock_timestamp() - interval '4 days');
        v_hints := v_hints || coalesce(v_done.unclear, '[]');
    end if;
    if v_hints <> '[]' then
        if (
            select count(*) from (select from sluice_internal.wanted_objects as o where o.sync_id = v_sync.sync_id limit v_most) as n
        ) < v_most then
            v_new := sluice_internal._wanted_put(v_sync.sync_id, v_hints);
        else
            v_dropped := v_dropped + jsonb_array_length(v_hints);
            perform sluice_internal._webhook_overflow(v_sync.sync_id, v_most);
        end if;
    end if;
    insert into sluice_internal.webhook_deltas (sync_id, deliveries, hints, changes, dropped, unreadable)
    values (
        v_sync.sync_id, 1, jsonb_array_length(v_hints), jsonb_array_length(v_records), v_dropped, _webhook_store.unreadable::int
    );
    if _webhook_store.ended is not null then
        perform sluice_internal._webhook_ended(v_sync.sync_id, _webhook_store.ended);
    end if;
    state := 'stored';
    woken := true;
    if v_hints <> '[]' or _webhook_store.ended is not null or _webhook_store.unreadable then
        woken := sluice_internal._webhook_wake(v_sync.sync_id, false);
    end if;
    return next;
end
$function$;
comment on function sluice_internal._webhook_store(text,text,jsonb,jsonb,text,boolean) is 'What a genuine delivery says. hints: [{collection_id, upstream_id, held (base64)}], objects to be fetched, each distinct one once; at 10,000 of a sync its changes are read instead. records: as in _record_write, each with upstream_updated_at: stored unless they are older. ended: the vendor says so; unreadable: it said nothing that is documented. The sync is due now. state: stored, repeated (the delivery was here before), gone (the sync is deleted); woken: false if a poller was just writing, so that _webhook_wake has to be called. Waits at most two seconds for a record''s lock (55P03). Locks the records, those hints, and the run if it is free.';

CREATE OR REPLACE FUNCTION sluice_internal._webhook_wake(sync_id text, waiting boolean DEFAULT true)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '20s'
AS $function$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
begin
    if _webhook_wake.waiting then
        select r.* into v_run from sluice_internal.sync_runs as r where r.sync_id = _webhook_wake.sync_id collate "C" for no key update;
    else
        select r.* into v_run
        from sluice_internal.sync_runs as r
        where r.sync_id = _webhook_wake.sync_id collate "C"
        for no key update skip locked;
    end if;
    if not found then
        return _webhook_wake.waiting;
    end if;
    -- Under a lease the end of the turn sees what is wanted by then, if it knows that it has to look.
    if v_run.poller_id is not null then
        update sluice_internal.sync_runs as r set told_at = clock_timestamp() where r.sync_id = v_run.sync_id and r.told_at is null;
    end if;
    if v_run.next_attempt_at > clock_timestamp() and v_run.status not in ('error', 'rate_limited')
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = v_run.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        )
    then
        update sluice_internal.sync_runs as r set next_attempt_at = clock_timestamp() where r.sync_id = v_run.sync_id;
        perform pg_notify('sluice_poller', '');
    end if;
    return true;
end
$function$;
comment on function sluice_internal._webhook_wake(text,boolean) is 'The sync is due now, unless it rests after an error or by its vendor''s wish. waiting: for a poller that is writing just now; else false, and nothing done, if there is one. Locks the run.';

CREATE OR REPLACE FUNCTION sluice_internal._webhooks_fold()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    if not exists (select from sluice_internal.webhook_deltas)
        and not exists (
            select from sluice_internal.webhook_deliveries as d where d.received_at < clock_timestamp() - interval '4 days'
        )
    then
        return;
    end if;
    if not pg_try_advisory_xact_lock(sluice_internal._lock_key(14, 0, 0)) then
        return;
    end if;
    delete from sluice_internal.webhook_deliveries as d
    where d.digest in (
        select o.digest
        from sluice_internal.webhook_deliveries as o
        where o.received_at < clock_timestamp() - interval '4 days'
        order by o.received_at
        limit 2000
    );
    with folded as (
        delete from sluice_internal.webhook_deltas as d
        where d.delta_no in (select o.delta_no from sluice_internal.webhook_deltas as o order by o.delta_no limit 2000)
        returning d.*
    )
    insert into sluice_internal.webhooks as w (
        sync_id, deliveries, repeated, hints, changes, dropped, unreadable, refused, last_delivery_at
    )
    select
        f.sync_id, sum(f.deliveries), sum(f.repeated), sum(f.hints), sum(f.changes), sum(f.dropped), sum(f.unreadable), sum(f.refused),
        max(f.at) filter (where f.refused = 0)
    from folded as f
    inner join sluice_internal.syncs as y on y.sync_id = f.sync_id
    group by f.sync_id
    order by f.sync_id
    on conflict (sync_id) do update set
        deliveries = w.deliveries + excluded.deliveries,
        repeated = w.repeated + excluded.repeated,
        hints = w.hints + excluded.hints,
        changes = w.changes + excluded.changes,
        dropped = w.dropped + excluded.dropped,
        unreadable = w.unreadable + excluded.unreadable,
        refused = w.refused + excluded.refused,
        last_delivery_at = greatest(w.last_delivery_at, excluded.last_delivery_at);
end
$function$;
comment on function sluice_internal._webhooks_fold() is 'Adds up to 2,000 rows of webhook_deltas to the counts of webhooks, and forgets up to 2,000 deliveries that no vendor repeats any more. Locks the folding (tried, never waited for) and those rows.';

CREATE OR REPLACE FUNCTION sluice_internal._webhooks_sealed(newest integer)
 RETURNS TABLE(sync_id text, sealed bytea, key_version integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    return query
    select w.sync_id, s.sealed, s.key_version
    from sluice_internal.webhooks as w
    cross join lateral (values (w.sealed, w.key_version), (w.former_sealed, w.former_key_version)) as s (sealed, key_version)
    where s.sealed is not null and s.key_version <> _webhooks_sealed.newest
    order by w.sync_id;
end
$function$;
comment on function sluice_internal._webhooks_sealed(integer) is 'The webhook secrets that another version of the master key than this one sealed.';

CREATE OR REPLACE FUNCTION sluice_internal._work_choose(work sluice_internal.sync_work, stream_id text, most integer, OUT record_nos bigint[], OUT last_collection_id text, OUT last_upstream_id text)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
    select array_agg(c.record_no), (array_agg(c.collection_id))[count(*)], (array_agg(c.upstream_id))[count(*)]
    into record_nos, last_collection_id, last_upstream_id
    from (
        -- What another transaction holds is left for a later pass: nobody waits for an open transaction here.
        select r.record_no, r.collection_id, r.upstream_id
        from sluice.records as r
        where
            r.sync_id = work.sync_id
            and (r.collection_id, r.upstream_id) > (work.after_collection_id collate "C", work.after_upstream_id collate "C")
            and (work.collection_ids is null or r.collection_id = any(work.collection_ids))
            and (work.kind <> 'move' or r.stream_id <> _work_choose.stream_id collate "C")
            and (work.phase <> 'tombstones' or not r.deleted)
        order by r.collection_id, r.upstream_id
        limit _work_choose.most
        for update skip locked
    ) as c;
end
$function$;
comment on function sluice_internal._work_choose(sluice_internal.sync_work,text,integer) is 'The next records that a piece of work is about, in the order of their keys; stream_id: where those of a move are to be. Locks them (skips locked ones).';

CREATE OR REPLACE FUNCTION sluice_internal._work_left(work sluice_internal.sync_work, stream_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
    return exists (
        select
        from sluice.records as r
        where
            r.sync_id = work.sync_id
            and (work.collection_ids is null or r.collection_id = any(work.collection_ids))
            and (work.kind <> 'move' or r.stream_id <> _work_left.stream_id collate "C")
            and (work.phase <> 'tombstones' or not r.deleted)
    );
end
$function$;
comment on function sluice_internal._work_left(sluice_internal.sync_work,text) is 'Whether a piece of work has records left in this phase. Volatile, so that it sees what was committed a moment ago.';

CREATE OR REPLACE FUNCTION sluice_internal._work_records(work sluice_internal.sync_work, sync sluice_internal.syncs, record_nos bigint[], OUT done integer, OUT held_by text)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_stream_no int;
    v_held bigint[] := '{}';
    v_found record;
begin
    if work.kind = 'move' then
        done := sluice_internal._records_move(sync.sync_id, sync.stream_no, _work_records.record_nos);
        return;
    end if;
    done := 0;
    -- a sync that was being moved when its deletion came has records in both streams
    foreach v_stream_no in array array_remove(array[sync.stream_no, sync.moving_from], null) loop
        if work.phase = 'tombstones' then
            done := done + sluice_internal._records_tombstone(sync.sync_id, v_stream_no, _work_records.record_nos);
        elsif work.emit then
            select array_agg(h.record_no) as record_nos, min(h.consumer_id) as consumer_id into v_found
            from sluice_internal._records_held(v_stream_no, _work_records.record_nos) as h;
            v_held := v_held || v_found.record_nos;
            held_by := coalesce(held_by, v_found.consumer_id);
        end if;
    end loop;
    if work.phase = 'records' then
        record_nos := array(select unnest(_work_records.record_nos) except select unnest(v_held));
        done := sluice_internal._records_forget(sync.stream_no, _work_records.record_nos);
        if sync.moving_from is not null then
            perform sluice_internal._records_forget(sync.moving_from, _work_records.record_nos);
        end if;
    end if;
end
$function$;
comment on function sluice_internal._work_records(sluice_internal.sync_work,sluice_internal.syncs,bigint[]) is 'Moves, marks or removes the records that a piece of work has chosen and locked: how many, and a consumer that has not settled some of them yet, which therefore stay.';

CREATE OR REPLACE FUNCTION sluice_internal._work_rest(work sluice_internal.sync_work, most integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_count int;
    v_stream_no int;
begin
    if work.kind = 'drop' then
        delete from sluice_internal.sync_work as w where w.sync_id = work.sync_id;
        return true;
    end if;
    if work.kind = 'move' then
        select y.stream_no into v_stream_no from sluice_internal.syncs as y where y.sync_id = work.sync_id;
        update sluice_internal.mutations as m
        set stream_no = v_stream_no
        where m.sync_id = work.sync_id and m.stream_no <> v_stream_no;
        update sluice_internal.syncs as y set moving_from = null where y.sync_id = work.sync_id;
        delete from sluice_internal.sync_work as w where w.sync_id = work.sync_id;
        return true;
    end if;
    delete from sluice_internal.quarantine as q
    where q.quarantine_id in (select t.quarantine_id from sluice_internal.quarantine as t where t.sync_id = work.sync_id limit most);
    get diagnostics v_count = row_count;
    if v_count = most then
        return false;
    end if;
    delete from sluice_internal.mutation_items as i
    where (i.mutation_no, i.item_no) in (
        select t.mutation_no, t.item_no
        from sluice_internal.mutations as m
        inner join sluice_internal.mutation_items as t on t.mutation_no = m.mutation_no
        where m.sync_id = work.sync_id
        limit most
    );
    get diagnostics v_count = row_count;
    if v_count = most then
        return false;
    end if;
    delete from sluice_internal.ingests as i where i.sync_id = work.sync_id;
    delete from sluice_internal.count_deltas as c where c.sync_id = work.sync_id;
    delete from sluice_internal.record_counts as c where c.sync_id = work.sync_id;
    delete from sluice_internal.syncs as y where y.sync_id = work.sync_id;
    return true;
end
$function$;
comment on function sluice_internal._work_rest(sluice_internal.sync_work,integer) is 'What is left once the records are done: the end of the work (true), or another piece on the way to it. A deleted sync''s id is free then.';

CREATE OR REPLACE FUNCTION sluice_internal._work_step(work sluice_internal.sync_work, most integer)
 RETURNS TABLE(sync_id text, kind text, records bigint, finished boolean, waits_for text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs;
    v_stream_id text;
    v_chosen record;
    v_done record;
begin
    finished := false;
    select y.* into v_sync from sluice_internal.syncs as y where y.sync_id = work.sync_id;
    select s.stream_id into v_stream_id from sluice_internal.streams as s where s.stream_no = v_sync.stream_no;
    -- Who wrote before this was ordered may still do so until it ends; who wrote later knows of it (_record_store looks after writing).
    if work.marked_by <> pg_current_xact_id() then
        work.writers := case
            when work.writers is null then sluice_internal._writers()
            else array(select unnest(work.writers) intersect select unnest(sluice_internal._writers()))
        end;
    end if;
    if work.after_collection_id = '' then
        work.waits_for := null;
    end if;
    work.next_at := clock_timestamp();
    if work.phase = 'rest' then
        finished := sluice_internal._work_rest(work, _work_step.most);
    else
        v_chosen := sluice_internal._work_choose(work, v_stream_id, _work_step.most);
        if v_chosen.record_nos is not null then
            v_done := sluice_internal._work_records(work, v_sync, v_chosen.record_nos);
            work.records := work.records + case when work.phase = 'tombstones' then 0 else v_done.done end;
            work.waits_for := coalesce('consumer ' || v_done.held_by, work.waits_for);
            work.after_collection_id := v_chosen.last_collection_id;
            work.after_upstream_id := v_chosen.last_upstream_id;
        end if;
        if v_chosen.record_nos is null or cardinality(v_chosen.record_nos) < _work_step.most then
            -- The end of a pass. What those writers have committed meanwhile is seen only in a statement that begins now.
            work.after_collection_id := '';
            work.after_upstream_id := '';
            if coalesce(work.writers, '{-}') <> '{}' then
                work.waits_for := coalesce(work.waits_for, 'open transactions that have written records');
            elsif sluice_internal._work_left(work, v_stream_id) then
                work.waits_for := coalesce(work.waits_for, 'open transactions that hold records of the sync');
            else
                work.waits_for := null;
                work.phase := case work.phase when 'tombstones' then 'records' else 'rest' end;
                finished := work.phase = 'rest' and sluice_internal._work_rest(work, _work_step.most);
            end if;
            if work.waits_for is not null then
                work.next_at := clock_timestamp() + interval '2 seconds';
            end if;
        end if;
    end if;
    update sluice_internal.sync_work as w
    set
        phase = work.phase,
        after_collection_id = work.after_collection_id,
        after_upstream_id = work.after_upstream_id,
        writers = work.writers,
        records = work.records,
        waits_for = work.waits_for,
        next_at = work.next_at
    where not finished and w.sync_id = work.sync_id;
    sync_id := work.sync_id;
    kind := work.kind;
    records := work.records;
    waits_for := case when not finished then work.waits_for end;
    return next;
end
$function$;
comment on function sluice_internal._work_step(sluice_internal.sync_work,integer) is 'One step of a piece of work, whose row the caller has locked: up to so many records, in the order of their keys, until a pass finds none and nobody is left who could write some. records: so far in all.';

CREATE OR REPLACE FUNCTION sluice_internal._writers()
 RETURNS text[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    return (
        select coalesce(array_agg(distinct l.virtualtransaction), '{}')
        from pg_locks as l
        where
            l.locktype = 'relation'
            and l.database = (select d.oid from pg_database as d where d.datname = current_database())
            and l.relation = 'sluice.records'::regclass
            and l.mode = 'RowExclusiveLock'
            and l.pid is distinct from pg_backend_pid()
    );
end
$function$;
comment on function sluice_internal._writers() is 'The open transactions, other than this one, that have written records: by their names in pg_locks, so that no other database and no reader counts.';

-- ---------------- Rights

grant execute on function sluice.collection_refresh(text) to sluice_admin;
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
grant execute on function sluice.oauth_app_delete(text) to sluice_admin;
grant execute on function sluice.oauth_app_update(text,text,text,text,text[],text[],jsonb) to sluice_admin;
grant execute on function sluice.provider_create(text,jsonb,text,boolean,boolean) to sluice_admin;
grant execute on function sluice.provider_delete(text) to sluice_admin;
grant execute on function sluice.provider_info(text) to sluice_admin;
grant execute on function sluice.quarantine_purge(text,text,text,bigint) to sluice_admin;
grant execute on function sluice.quarantine_retry(text,text,text,bigint) to sluice_admin;
grant execute on function sluice.record_erase(text,text,text) to sluice_admin;
grant execute on function sluice.record_ingest(text,text,jsonb) to sluice_admin;
grant execute on function sluice.stream_create(text,integer) to sluice_admin;
grant execute on function sluice.stream_delete(text) to sluice_admin;
grant execute on function sluice.stream_info(text) to sluice_admin;
grant execute on function sluice.stream_prune(text,interval,boolean) to sluice_admin;
grant execute on function sluice.sync_create(text,text,text,text,text[],text,jsonb,jsonb,text,integer,interval) to sluice_admin;
grant execute on function sluice.sync_delete(text,boolean) to sluice_admin;
grant execute on function sluice.sync_info(text) to sluice_admin;
grant execute on function sluice.sync_move(text,text) to sluice_admin;
grant execute on function sluice.sync_pause(text) to sluice_admin;
grant execute on function sluice.sync_restart(text,text[]) to sluice_admin;
grant execute on function sluice.sync_resume(text) to sluice_admin;
grant execute on function sluice.sync_tidy(text) to sluice_admin;
grant execute on function sluice.sync_update(text,text,text[],jsonb,jsonb,text,integer,interval,text,boolean) to sluice_admin;
grant execute on function sluice.sync_webhook_delete(text) to sluice_admin;
grant execute on function sluice.sync_webhook_info(text) to sluice_admin;
grant execute on function sluice.sync_webhook_subscribe(text) to sluice_admin;
grant execute on function sluice.token_create(text,text[],text,timestamp with time zone) to sluice_admin;
grant execute on function sluice.token_revoke(text) to sluice_admin;
grant execute on function sluice.view_create(text,text,text) to sluice_admin;
grant execute on function sluice.view_delete(text) to sluice_admin;
grant execute on function sluice.view_info(text) to sluice_admin;
grant execute on function sluice_internal._credential_change(text,text,text,jsonb,text,text,text[]) to sluice_admin;
grant execute on function sluice_internal._credential_known(text,text) to sluice_admin;
grant execute on function sluice_internal._credential_put(text,text,text,text,bytea,integer,text,jsonb,text,timestamp with time zone,text,text[]) to sluice_admin;
grant execute on function sluice_internal._credential_replace(text,text,bytea,integer,text,text,timestamp with time zone,text,jsonb,text,text[],bigint) to sluice_admin;
grant execute on function sluice_internal._credential_reseal(text,bigint,integer,bytea,integer) to sluice_admin;
grant execute on function sluice_internal._credential_sealed(text) to sluice_admin;
grant execute on function sluice_internal._oauth_app_put(text,text,text,bytea,integer,text,text,text[],text[],jsonb) to sluice_admin;
grant execute on function sluice_internal._oauth_app_reseal(text,bigint,integer,bytea,integer) to sluice_admin;
grant execute on function sluice_internal._oauth_app_sealed(text) to sluice_admin;
grant execute on function sluice_internal._oauth_app_secret(text,bytea,integer) to sluice_admin;
grant execute on function sluice_internal._signin_open(text,text,text,text,text[],jsonb,text,jsonb) to sluice_admin;
grant execute on function sluice_internal._signin_result(text) to sluice_admin;
grant execute on function sluice_internal._webhook_put(text,bytea,integer) to sluice_admin;
grant execute on function sluice_internal._webhook_reseal(text,bytea,bytea,integer) to sluice_admin;
grant execute on function sluice_internal._webhooks_sealed(integer) to sluice_admin;
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
grant execute on function sluice_internal._mutation_seen(text,text[]) to sluice_mutator;
grant usage on schema sluice_internal to sluice_mutator;
grant execute on function sluice_internal._credential_sealed(text) to sluice_poller;
grant execute on function sluice_internal._description_claim(text,text[]) to sluice_poller;
grant execute on function sluice_internal._description_end(text,text,bigint,jsonb,jsonb,interval) to sluice_poller;
grant execute on function sluice_internal._feed_fail(text,text,bigint,text,jsonb,interval,jsonb) to sluice_poller;
grant execute on function sluice_internal._feeds_declare(text,text,bigint,jsonb) to sluice_poller;
grant execute on function sluice_internal._jsonb_refusal(text) to sluice_poller;
grant execute on function sluice_internal._leases_compact(bigint) to sluice_poller;
grant execute on function sluice_internal._mutation_claim(text,integer,text,text,text,text[],text[]) to sluice_poller;
grant execute on function sluice_internal._mutation_complete(bigint,integer,text,integer,text,text,jsonb,timestamp with time zone,jsonb) to sluice_poller;
grant execute on function sluice_internal._mutation_retry(bigint,integer,text,integer,interval,boolean,jsonb) to sluice_poller;
grant execute on function sluice_internal._page_commit(text,text,bigint,text,jsonb,boolean,jsonb,jsonb,timestamp with time zone,jsonb) to sluice_poller;
grant execute on function sluice_internal._pages_commit(text,text,bigint,jsonb,jsonb,jsonb,timestamp with time zone) to sluice_poller;
grant execute on function sluice_internal._poller_heartbeat(text,text,integer) to sluice_poller;
grant execute on function sluice_internal._poller_stop(text) to sluice_poller;
grant execute on function sluice_internal._provider_document(text) to sluice_poller;
grant execute on function sluice_internal._rate_release(uuid) to sluice_poller;
grant execute on function sluice_internal._rate_signal(text,double precision,double precision,double precision,double precision,text) to sluice_poller;
grant execute on function sluice_internal._rate_take(text,text,jsonb,integer,double precision,boolean,uuid,integer,timestamp with time zone,text) to sluice_poller;
grant execute on function sluice_internal._rate_take_many(text,jsonb) to sluice_poller;
grant execute on function sluice_internal._rate_take_usual(jsonb) to sluice_poller;
grant execute on function sluice_internal._records_trim(text,text,bigint,integer) to sluice_poller;
grant execute on function sluice_internal._renewal_claim(text,text,bigint,boolean) to sluice_poller;
grant execute on function sluice_internal._renewal_end(text,text,bigint,jsonb) to sluice_poller;
grant execute on function sluice_internal._renewal_store(text,bigint,bytea,integer,interval,text) to sluice_poller;
grant execute on function sluice_internal._signin_claim(text) to sluice_poller;
grant execute on function sluice_internal._signin_credential(text,text) to sluice_poller;
grant execute on function sluice_internal._signin_fail(text,text,jsonb) to sluice_poller;
grant execute on function sluice_internal._signin_store(text,text,bytea,integer,text,text,interval,text[]) to sluice_poller;
grant execute on function sluice_internal._streams_tidy() to sluice_poller;
grant execute on function sluice_internal._subscription_claim(text,text[]) to sluice_poller;
grant execute on function sluice_internal._subscription_end(text,text,bigint,interval,text,jsonb,text[]) to sluice_poller;
grant execute on function sluice_internal._subscription_known(text,text,bigint) to sluice_poller;
grant execute on function sluice_internal._subscription_secret(text,text,bigint,bytea,integer) to sluice_poller;
grant execute on function sluice_internal._sweep_conclude(text,text,bigint,text,integer,integer) to sluice_poller;
grant execute on function sluice_internal._sync_claim(text,integer,boolean,text,timestamp with time zone) to sluice_poller;
grant execute on function sluice_internal._sync_due(text,timestamp with time zone) to sluice_poller;
grant execute on function sluice_internal._sync_fail(text,text,bigint,text,jsonb,interval) to sluice_poller;
grant execute on function sluice_internal._sync_finish(text,text,bigint,interval,boolean,jsonb) to sluice_poller;
grant execute on function sluice_internal._sync_finish_many(text,jsonb) to sluice_poller;
grant execute on function sluice_internal._sync_release(text,text,bigint) to sluice_poller;
grant execute on function sluice_internal._sync_tidy() to sluice_poller;
grant execute on function sluice_internal._unsubscription_claim(text,text[]) to sluice_poller;
grant execute on function sluice_internal._unsubscription_end(bigint,text,bigint,interval,jsonb) to sluice_poller;
grant execute on function sluice_internal._wanted_commit(text,text,bigint,jsonb,jsonb,timestamp with time zone,jsonb) to sluice_poller;
grant execute on function sluice_internal._wanted_next(text,text,bigint,integer) to sluice_poller;
grant execute on function sluice_internal._wanted_put_off(text,text,bigint,jsonb) to sluice_poller;
grant usage on schema sluice_internal to sluice_poller;
grant execute on function sluice.consumer_info(text) to sluice_reader;
grant execute on function sluice.consumer_peek(text,integer) to sluice_reader;
grant execute on function sluice.mutation_result(text) to sluice_reader;
grant execute on function sluice.provider_info(text) to sluice_reader;
grant execute on function sluice.stream_info(text) to sluice_reader;
grant execute on function sluice.sync_info(text) to sluice_reader;
grant execute on function sluice.sync_webhook_info(text) to sluice_reader;
grant execute on function sluice.view_info(text) to sluice_reader;
grant usage on schema sluice to sluice_reader;
grant usage on schema sluice_views to sluice_reader;
grant select on table sluice.collections to sluice_reader;
grant select on table sluice.consumers to sluice_reader;
grant select on table sluice.credential_collections to sluice_reader;
grant select on table sluice.credential_fields to sluice_reader;
grant select on table sluice.credentials to sluice_reader;
grant select on table sluice.dead_letters to sluice_reader;
grant select on table sluice.descriptions to sluice_reader;
grant select on table sluice.errors to sluice_reader;
grant select on table sluice.messages_in_flight to sluice_reader;
grant select on table sluice.mutation_items to sluice_reader;
grant select on table sluice.mutations to sluice_reader;
grant select on table sluice.notices to sluice_reader;
grant select on table sluice.oauth_apps to sluice_reader;
grant select on table sluice.provider_collections to sluice_reader;
grant select on table sluice.provider_documents to sluice_reader;
grant select on table sluice.provider_fields to sluice_reader;
grant select on table sluice.providers to sluice_reader;
grant select on table sluice.quarantine to sluice_reader;
grant select on table sluice.records to sluice_reader;
grant select on table sluice.streams to sluice_reader;
grant select on table sluice.sync_webhooks to sluice_reader;
grant select on table sluice.syncs to sluice_reader;
grant select on table sluice.tokens to sluice_reader;
grant select on table sluice.view_fields to sluice_reader;
grant select on table sluice.views to sluice_reader;
grant execute on function sluice_internal._consumer_due(text) to sluice_server;
grant execute on function sluice_internal._consumer_ready(text) to sluice_server;
grant execute on function sluice_internal._signin_answer(bytea,bytea,bytea,integer,jsonb) to sluice_server;
grant execute on function sluice_internal._signin_begin(text,bytea,bytea,text,bytea,integer) to sluice_server;
grant execute on function sluice_internal._signin_result(text) to sluice_server;
grant execute on function sluice_internal._stream_unwatch(text) to sluice_server;
grant execute on function sluice_internal._stream_watch(text) to sluice_server;
grant execute on function sluice_internal._token_check(text,text) to sluice_server;
grant execute on function sluice_internal._webhook_open(text) to sluice_server;
grant execute on function sluice_internal._webhook_refused(jsonb) to sluice_server;
grant execute on function sluice_internal._webhook_store(text,text,jsonb,jsonb,text,boolean) to sluice_server;
grant execute on function sluice_internal._webhook_wake(text,boolean) to sluice_server;
grant usage on schema sluice_internal to sluice_server;
