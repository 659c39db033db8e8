create or replace function sluice_internal._lanes_ready(
    consumer sluice_internal.consumers,
    lanes int,
    first_lane int,
    max_lanes int
)
returns int[]
language plpgsql
stable
as $$
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
$$;

comment on function sluice_internal._lanes_ready(sluice_internal.consumers, int, int, int) is
'The lanes, from first_lane on, in which the consumer may find something: a new entry, an expired or nacked message, or an entry whose record is free again. Reads only: no lock, no transaction id. Null if there are none. Runs under its caller''s settings.';
