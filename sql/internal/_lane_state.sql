create or replace function sluice_internal._lane_state(
    consumer_no int,
    lane int,
    start_idx bigint
)
returns sluice_internal.consumer_steps
language plpgsql
volatile
as $$
declare
    v_state sluice_internal.consumer_steps;
begin
    select st.* into v_state
    from sluice_internal.consumer_steps as st
    where st.consumer_no = _lane_state.consumer_no and st.lane = _lane_state.lane
    order by st.step_no desc
    limit 1;
    if not found then
        v_state.consumer_no := _lane_state.consumer_no;
        v_state.lane := _lane_state.lane;
        v_state.step_no := 0;
        v_state.cursor_idx := _lane_state.start_idx;
        v_state.open_steps := '{}';
        v_state.parked_idxs := '{}';
        v_state.parked_record_nos := '{}';
        v_state.suspect := false;
        v_state.data_bytes := 0;
        v_state.replay_idx := 0;
        v_state.skipped := 0;
    end if;
    return v_state;
end
$$;

comment on function sluice_internal._lane_state(int, int, bigint) is
'The newest step of a consumer in a lane, or step 0 before the first. Volatile, so that it sees what was committed before the lane was locked. Runs under its caller''s settings.';
