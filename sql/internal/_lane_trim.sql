create or replace function sluice_internal._lane_trim(
    consumer_no int,
    lane int,
    step_no bigint,
    open_steps bigint[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    -- What was removed stays in the index while somebody holds an old snapshot, and would be walked over each time. So usually only
    -- the last steps are looked at; what was open for longer is found now and then.
    v_first bigint := case when random() < 0.05 then 0 else _lane_trim.step_no - 200 end;
begin
    with settled as materialized (
        select st.step_no
        from sluice_internal.consumer_steps as st
        where
            st.consumer_no = _lane_trim.consumer_no and st.lane = _lane_trim.lane
            and st.step_no >= v_first
            and st.step_no <> all(_lane_trim.open_steps)
            -- never the newest, which is the lane's state: the caller's own step is not written if nothing moved
            and st.step_no < least(
                _lane_trim.step_no,
                (
                    select n.step_no
                    from sluice_internal.consumer_steps as n
                    where n.consumer_no = _lane_trim.consumer_no and n.lane = _lane_trim.lane
                    order by n.step_no desc
                    limit 1
                )
            )
        order by st.step_no
        limit 256
        for update skip locked
    ),
    trimmed as (
        delete from sluice_internal.consumer_steps as st
        where
            st.consumer_no = _lane_trim.consumer_no and st.lane = _lane_trim.lane
            -- from where to where, so that the index is not walked from the lane's first step
            and st.step_no >= (select min(d.step_no) from settled as d) and st.step_no <= (select max(d.step_no) from settled as d)
            and st.step_no = any(array(select d.step_no from settled as d))
    )
    delete from sluice_internal.consumer_settlements as s
    where
        s.consumer_no = _lane_trim.consumer_no and s.lane = _lane_trim.lane
        and s.step_no >= (select min(d.step_no) from settled as d) and s.step_no <= (select max(d.step_no) from settled as d)
        and s.step_no = any(array(select d.step_no from settled as d));
end
$$;

comment on function sluice_internal._lane_trim(int, int, bigint, bigint[]) is
'Removes steps before step_no whose messages are all settled. Called every 64 steps, under the lane''s lock; skips what an acknowledgement has locked.';
