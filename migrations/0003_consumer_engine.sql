-- Filters, bounds, replay and extended leases of consumers; when what was committed.

-- ---------------------------------------------------------------- consumers

alter table sluice_internal.consumers
drop constraint consumers_deliver_policy_check,
add column lanes smallint,
add column paused boolean not null default false,
add column max_ack_pending int check (max_ack_pending > 0),
add column filter jsonb,
add column provider_patterns text[],
add column sync_patterns text[],
add column collection_patterns text[],
add column predicate jsonpath;
comment on column sluice_internal.consumers.lanes is 'Those of its stream, which never change.';
comment on column sluice_internal.consumers.provider_patterns is
'What the filter says, made ready: patterns of LIKE, one of which must match; null: anything.';
update sluice_internal.consumers as c
set lanes = s.lanes
from sluice_internal.streams as s
where s.stream_no = c.stream_no;

-- The checks of these two tables go: each statement that inserts makes them ready anew, some 20 us of 250 for a message.
alter table sluice_internal.consumer_steps
drop constraint consumer_steps_check,
drop constraint consumer_steps_check1,
drop constraint consumer_steps_check2,
add column replay_idx bigint not null default 0,
add column skipped bigint not null default 0,
alter column record_nos set storage external,
alter column updated_idxs set storage external;
comment on column sluice_internal.consumer_steps.replay_idx is
'After a seek: entries up to here may be of records in flight, although they are the first of their record.';
comment on column sluice_internal.consumer_steps.skipped is 'Messages of the lane, so far, that the filter kept back.';

alter table sluice_internal.consumer_settlements
drop constraint consumer_settlements_kind_check,
drop constraint consumer_settlements_check;
drop index sluice_internal.consumer_settlements_nacked;
create index consumer_settlements_due on sluice_internal.consumer_settlements (consumer_no, lane, due_at) where due_at is not null;
comment on table sluice_internal.consumer_settlements is
'What became of a message: a acked, n given back until due_at, e leased until due_at after all, m moved to a later step (or its '
'record is gone), d dead letter. Ordinal 0 speaks for every message of the step that has no row of its own.';

alter type sluice.consumer_details
add attribute max_ack_pending int,
add attribute filter jsonb,
add attribute paused boolean,
add attribute num_filtered bigint,
add attribute lag interval,
add attribute oldest_unacked_age interval;

-- ---------------------------------------------------------------- time

alter table sluice_internal.ingests
add column created_at timestamptz not null default clock_timestamp(),
alter column updated_idxs set storage external,
alter column firsts set storage external;

create table sluice_internal.stream_times (
    stream_no int not null,
    at timestamptz not null,
    idx bigint not null,
    primary key (stream_no, at)
);
create index stream_times_by_idx on sluice_internal.stream_times (stream_no, idx);
comment on table sluice_internal.stream_times is
'What was committed after "at" has an updated_idx above idx. About one row a second with changes; the last seconds are still in ingests.';
