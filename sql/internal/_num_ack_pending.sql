create or replace function sluice_internal._num_ack_pending(
    consumer sluice_internal.consumers,
    lanes int
)
returns int
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
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
$$;

comment on function sluice_internal._num_ack_pending(sluice_internal.consumers, int) is
'How many messages of a consumer are delivered and not settled: leased, expired, or given back. Volatile, so that it sees what was committed a moment ago.';
