create or replace function sluice_internal._steps_open(
    consumer_no int,
    lane int,
    open_steps bigint[]
)
returns bigint[]
language plpgsql
volatile
as $$
begin
    return array(
        select u.step_no
        from unnest(_steps_open.open_steps) as u (step_no)
        where not exists (
            select
            from sluice_internal.consumer_settlements as s
            where
                s.consumer_no = _steps_open.consumer_no and s.lane = _steps_open.lane
                and s.step_no = u.step_no and s.ordinal = 0 and s.kind not in ('n', 'e')
        )
        order by u.step_no
    );
end
$$;

comment on function sluice_internal._steps_open(int, int, bigint[]) is
'Of these leases of a lane, those that nobody has acknowledged as a whole or given up. The caller holds the lane''s lock. Runs under its caller''s settings.';
