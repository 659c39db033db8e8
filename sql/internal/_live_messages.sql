create or replace view sluice_internal._live_messages as
select
    st.consumer_no,
    st.lane,
    st.step_no,
    m.ordinal::int as ordinal,
    m.record_no,
    m.updated_idx,
    coalesce(st.deliver_counts[m.ordinal], 1)::int as deliver_count,
    coalesce(coalesce(own.kind, whole.kind) = 'n', false) as nacked,
    coalesce(own.due_at, whole.due_at, st.leased_until) as due_at,
    st.secret
from sluice_internal.consumer_steps as st
left join lateral (
    select
        s.kind,
        s.due_at
    from sluice_internal.consumer_settlements as s
    where s.consumer_no = st.consumer_no and s.lane = st.lane and s.step_no = st.step_no and s.ordinal = 0
    offset 0
) as whole on true
cross join lateral rows from (unnest(st.record_nos), unnest(st.updated_idxs)) with ordinality as m (
    record_no, updated_idx, ordinal
)
left join lateral (
    select
        s.kind,
        s.due_at
    from sluice_internal.consumer_settlements as s
    where s.consumer_no = st.consumer_no and s.lane = st.lane and s.step_no = st.step_no and s.ordinal = m.ordinal
    offset 0
) as own on true
where coalesce(own.kind, whole.kind, 'n') in ('n', 'e');

comment on view sluice_internal._live_messages is
'The messages of a lane''s steps that are not settled: leased until due_at, or nacked and free again at due_at. Ask for consumer_no, lane and the open steps.';
