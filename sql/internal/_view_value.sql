create or replace function sluice_internal._view_value(
    column_name text,
    kind text,
    value jsonb,
    known jsonb
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_time timestamptz;
begin
    if _view_value.value = 'null' then
        return _view_value.value;
    end if;
    if _view_value.kind in ('bigint', 'numeric') and jsonb_typeof(_view_value.value) = 'number'
        or _view_value.kind in ('text', 'boolean', 'jsonb')
    then
        return _view_value.value;
    end if;
    if _view_value.value #>> '{}' !~ 'infinity|NaN|BC$' then
        if _view_value.kind = 'date' then
            return _view_value.value;
        end if;
        v_time := (_view_value.value #>> '{}')::timestamptz;
        if _view_value.kind = 'unixtime' or _view_value.kind = 'time' and jsonb_typeof(_view_value.known) = 'number' then
            return to_jsonb(trim_scale(extract(epoch from v_time)));
        end if;
        return to_jsonb(regexp_replace(
            to_char(v_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '\.?0*Z$', 'Z'
        ));
    end if;
    raise exception using
        errcode = 'SL001',
        message = format('%I cannot be %s: JSON has no such value', _view_value.column_name, _view_value.value #>> '{}'),
        hint = 'Nothing was queued.';
end
$$;

comment on function sluice_internal._view_value(text, text, jsonb, jsonb) is
'What a typed view''s column was set to (as to_jsonb gives it) in the form that the vendor has it in: times as it gave them (known), or ISO 8601 in UTC. SL001 for what JSON does not have.';
