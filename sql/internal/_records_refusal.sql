create or replace function sluice_internal._records_refusal(records jsonb)
returns text
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
    return (
        select format('records[%s]: %s', e.ordinality - 1, b.problem)
        from jsonb_array_elements(_records_refusal.records) with ordinality as e (value, ordinality)
        cross join lateral (
            select case
                when sluice_internal._record_usual(e.value) then null
                when jsonb_typeof(e.value) <> 'object' then 'is not an object'
                when jsonb_typeof(e.value -> 'upstream_id') is distinct from 'string'
                    or octet_length(e.value ->> 'upstream_id') not between 1 and 200
                    then 'upstream_id must be a string of 1 to 200 bytes'
                when coalesce(jsonb_typeof(e.value -> 'deleted'), 'null') not in ('boolean', 'null') then 'deleted must be true or false'
                when coalesce(jsonb_typeof(e.value -> 'data'), 'null') = 'null' and coalesce(e.value ->> 'deleted', 'false') = 'false'
                    then 'has no data and is not deleted'
                when sluice_internal._time_refusal(e.value -> 'upstream_created_at') is not null
                    then 'upstream_created_at ' || sluice_internal._time_refusal(e.value -> 'upstream_created_at')
                when sluice_internal._time_refusal(e.value -> 'upstream_updated_at') is not null
                    then 'upstream_updated_at ' || sluice_internal._time_refusal(e.value -> 'upstream_updated_at')
                else (
                    select format('unknown field "%s"', left(k.key, 200))
                    from jsonb_object_keys(e.value) as k (key)
                    where k.key not in ('upstream_id', 'data', 'upstream_created_at', 'upstream_updated_at', 'deleted')
                    limit 1
                )
            end as problem
            offset 0
        ) as b
        where b.problem is not null
        limit 1
    );
end
$$;

comment on function sluice_internal._records_refusal(jsonb) is
'The first thing that is wrong with an array given to record_ingest, in words; null if nothing is.';
