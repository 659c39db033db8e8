create or replace function sluice_internal._lane_busy(
    consumer_no int,
    lane int,
    open_steps bigint[]
)
returns bigint[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    return (
        select coalesce(array_agg(v.record_no), '{}')
        from sluice_internal._live_messages as v
        where v.consumer_no = _lane_busy.consumer_no and v.lane = _lane_busy.lane and v.step_no = any(_lane_busy.open_steps)
            -- so that the index is not walked from the lane's first step
            and v.step_no >= (select min(o.step_no) from unnest(_lane_busy.open_steps) as o (step_no))
    );
end
$$;

comment on function sluice_internal._lane_busy(int, int, bigint[]) is
'The records that are in flight in these steps.';
