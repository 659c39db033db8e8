create or replace function sluice_internal._consumer_ready(consumer_id text)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
set enable_hashjoin = off
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(_consumer_ready.consumer_id, 'consumer');
    v_lanes int := v_consumer.lanes;
begin
    if v_consumer.paused then
        return false;
    end if;
    return sluice_internal._lanes_ready(v_consumer, v_lanes, 0, 1) is not null
        and coalesce(sluice_internal._num_ack_pending(v_consumer, v_lanes) < v_consumer.max_ack_pending, true);
end
$$;

comment on function sluice_internal._consumer_ready(text) is
'Whether a call of consumer_next may find something now, or step over what its filter does not let pass. Reads only.';
