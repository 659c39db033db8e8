create or replace function sluice_internal._record_usual(value jsonb)
returns boolean
language sql
immutable
parallel safe
return case
    when jsonb_typeof(value) <> 'object' then false
    when value - '{upstream_id,data,upstream_created_at,upstream_updated_at}'::text[] <> '{}' then false
    else
        jsonb_typeof(value -> 'upstream_id') = 'string'
        and octet_length(value ->> 'upstream_id') between 1 and 200
        and jsonb_typeof(value -> 'data') <> 'null'
        and coalesce(value ->> 'upstream_created_at' ~ sluice_internal._certain_time(), true)
        and coalesce(value ->> 'upstream_updated_at' ~ sluice_internal._certain_time(), true)
end;

comment on function sluice_internal._record_usual(jsonb) is
'Whether an element given to record_ingest is like most: certainly in order, which takes no closer look; null or false if that is not certain. Days up to 28 are in every month. Inlined, so it pins no search path.';
