create or replace view sluice.messages_in_flight as
select
    c.consumer_id,
    s.stream_id,
    r.sync_id,
    r.collection_id,
    r.upstream_id,
    v.updated_idx,
    v.deliver_count,
    not v.nacked as leased,
    v.due_at
from sluice_internal.consumers as c
inner join sluice_internal.streams as s on s.stream_no = c.stream_no
cross join lateral generate_series(0, s.lanes - 1) as l (lane)
cross join lateral (
    select st.open_steps
    from sluice_internal.consumer_steps as st
    where st.consumer_no = c.consumer_no and st.lane = l.lane
    order by st.step_no desc
    limit 1
) as st
inner join sluice_internal._live_messages as v
    on v.consumer_no = c.consumer_no and v.lane = l.lane and v.step_no = any(st.open_steps)
inner join sluice.records as r on r.record_no = v.record_no;

comment on view sluice.messages_in_flight is
'Messages that are delivered and not settled: leased by a worker until due_at, or given back and free again at due_at.';
