create or replace function sluice_internal._time_refusal(given jsonb)
returns text
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    if given is null or given = 'null' then
        return null;
    end if;
    if jsonb_typeof(given) <> 'string'
        or given #>> '{}' !~ '^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?([Zz]|[+-]\d\d(:?\d\d)?)?)?$'
    then
        return 'is not an ISO 8601 time';
    end if;
    -- In UTC it must have four digits of a year: clients cannot read others.
    if (given #>> '{}')::timestamptz between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00' then
        return null;
    end if;
    return 'is not between the years 1 and 9999';
exception
    when datetime_field_overflow or invalid_datetime_format or invalid_time_zone_displacement_value then
        return 'is a time that does not exist';
end
$$;

comment on function sluice_internal._time_refusal(jsonb) is
'Why this JSON value is no time, in words that follow the name of its field; null if it is one, or null.';
