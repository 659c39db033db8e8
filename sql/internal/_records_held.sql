create or replace function sluice_internal._records_held(
    stream_no int,
    record_nos bigint[]
)
returns table (
    record_no bigint,
    consumer_id text
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
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
$$;

comment on function sluice_internal._records_held(int, bigint[]) is
'Which of these records of a stream some consumer has not settled yet in their newest version, and one of those consumers.';
