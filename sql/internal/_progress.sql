create or replace function sluice_internal._progress(
    consumer sluice_internal.consumers,
    lanes int
)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
as $$
begin
    return (
        select sum(st.step_no)
        from generate_series(0, _progress.lanes - 1) as l (lane)
        cross join lateral (
            select t.step_no
            from sluice_internal.consumer_steps as t
            where t.consumer_no = consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st
    );
end
$$;

comment on function sluice_internal._progress(sluice_internal.consumers, int) is
'A number that rises with each step of a consumer; null before the first.';
