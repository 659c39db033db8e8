-- How a sync is read: each feed with its kind, its errors and its progress; sweeps; records that are not kept for ever.

alter table sluice_internal.syncs add column max_age_days int check (max_age_days between 1 and 36500);
comment on column sluice_internal.syncs.max_age_days is 'Objects created earlier than so many days ago are neither read nor kept.';

alter table sluice_internal.sync_runs
add column trim_from timestamptz,
add column trim_place text[] collate "C";
comment on column sluice_internal.sync_runs.trim_from is 'When the last walk over the records for those that have become too old (max_age_days) began …';
comment on column sluice_internal.sync_runs.trim_place is '… and how far it is: collection and object; null: it is at its end.';

-- ---------------------------------------------------------------- feeds

alter table sluice_internal.sync_feeds
add column kind text check (kind in ('backfill', 'changes', 'sweep', 'part')),
add column collection_ids text[] collate "C" not null default '{}',
add column every interval check (every > interval '0'),
add column error jsonb,
add column error_since timestamptz,
add column attempt int not null default 0,
add column next_attempt_at timestamptz,
add column last_success_at timestamptz,
add column completed_at timestamptz,
add column started_at timestamptz,
add column read_records bigint not null default 0,
add column total bigint,
add column pass_no bigint not null default 0,
add column pass_from timestamptz,
add column conclusion text[] collate "C",
add constraint sync_feeds_error_check check ((error is null) = (error_since is null));
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
comment on column sluice_internal.sync_feeds.pass_from is
'When it began, on the database''s clock, before its first request; null: none is under way, or it may conclude nothing.';
comment on column sluice_internal.sync_feeds.conclusion is
'A complete pass is being concluded: collection, and the object up to which what did not come up is a tombstone by now.';

create table sluice_internal.sweep_seen (
    sync_id text collate "C" not null,
    feed text collate "C" not null,
    pass_no bigint not null,
    collection_id text collate "C" not null,
    upstream_id text collate "C" not null,
    primary key (sync_id, feed, pass_no, collection_id, upstream_id),
    foreign key (sync_id, feed) references sluice_internal.sync_feeds on delete cascade
);
comment on table sluice_internal.sweep_seen is 'What came up since a sweep''s pass began; emptied once the pass is concluded.';
