create or replace function sluice_internal._lane_due(state sluice_internal.consumer_steps)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
begin
    return coalesce(state.next_due <= clock_timestamp(), false)
        or state.parked_record_nos <> '{}'
        or exists (
            select
            from sluice_internal.consumer_settlements as s
            where
                s.consumer_no = state.consumer_no and s.lane = state.lane and s.due_at is not null
                and s.due_at <= clock_timestamp() and s.step_no = any(state.open_steps)
        );
end
$$;

comment on function sluice_internal._lane_due(sluice_internal.consumer_steps) is
'Whether something earlier in the lane may have to be delivered before new entries.';
