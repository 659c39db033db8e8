create or replace view sluice.dead_letters as
select
    c.consumer_id,
    s.stream_id,
    r.sync_id,
    r.collection_id,
    r.upstream_id,
    d.updated_idx,
    d.deliver_count,
    d.reason,
    d.died_at,
    r.updated_idx <> d.updated_idx as superseded
from sluice_internal.dead_letters as d
inner join sluice_internal.consumers as c on c.consumer_no = d.consumer_no
inner join sluice_internal.streams as s on s.stream_no = c.stream_no
inner join sluice.records as r on r.record_no = d.record_no;

comment on view sluice.dead_letters is
'Messages that used up max_deliver. superseded: the record has changed since, and that version is delivered.';
