create or replace view sluice.quarantine as
select
    q.quarantine_id,
    s.stream_id,
    q.sync_id,
    q.collection_id,
    q.upstream_id,
    q.reason,
    q.raw,
    q.created_at
from sluice_internal.quarantine as q
inner join sluice_internal.syncs as y on y.sync_id = q.sync_id
inner join sluice_internal.streams as s on s.stream_no = y.stream_no;

comment on view sluice.quarantine is 'Objects that Postgres cannot store as the vendor sent them: the raw bytes and the reason.';
