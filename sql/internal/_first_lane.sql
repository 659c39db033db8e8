create or replace function sluice_internal._first_lane(
    consumer sluice_internal.consumers,
    lanes int,
    out lane int,
    out last_idx bigint
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
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
$$;

comment on function sluice_internal._first_lane(sluice_internal.consumers, int) is
'The lane of the message that comes next in the order of updated_idx, and how far one may go there; null if there is none. What is there may be replaced by the time it is taken: what lies behind it is not next.';
