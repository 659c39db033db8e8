create or replace function sluice_internal._move_cursors(
    consumer_no int,
    lanes int,
    cursor_idx bigint
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into sluice_internal.consumer_steps (
        consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect, data_bytes,
        secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
    )
    select
        _move_cursors.consumer_no, l.lane, st.step_no + 1, _move_cursors.cursor_idx, st.open_steps, st.next_due, '{}', '{}', false, 0,
        st.secret, null, '{}', '{}', greatest(st.replay_idx, st.cursor_idx), st.skipped
    from generate_series(0, _move_cursors.lanes - 1) as l (lane)
    cross join lateral (
        select t.*
        from sluice_internal.consumer_steps as t
        where t.consumer_no = _move_cursors.consumer_no and t.lane = l.lane
        order by t.step_no desc
        limit 1
    ) as st;
end
$$;

comment on function sluice_internal._move_cursors(int, int, bigint) is
'Moves a consumer''s cursor in every lane where it has one; leases stay. The caller holds the locks of the lanes.';
