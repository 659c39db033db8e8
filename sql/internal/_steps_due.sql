create or replace function sluice_internal._steps_due(
    step_no bigint,
    open_steps bigint[]
)
returns boolean
language sql
immutable
parallel safe
return case
    when coalesce(cardinality(open_steps), 0) = 0 then false
    when cardinality(open_steps) > 32 then (step_no & 15) = 0
    when cardinality(open_steps) < 8 then (step_no & 3) = 0
    else true
end;

comment on function sluice_internal._steps_due(bigint, bigint[]) is
'Whether the list of a lane''s open leases is put in order at this step: with many of them, or few, not at every one, and an empty one never. Inlined, so it pins no search path.';
