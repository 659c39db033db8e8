create or replace function sluice_internal._view_expression(
    field text,
    kind text
)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
select case _view_expression.kind
    when 'text' then v.words
    when 'jsonb' then format('nullif(%s, %L)', v.json, 'null')
    when 'boolean' then format('case jsonb_typeof(%1$s) when %2$L then (%1$s)::boolean end', v.json, 'boolean')
    when 'numeric' then format('case jsonb_typeof(%1$s) when %2$L then (%1$s)::numeric end', v.json, 'number')
    when 'bigint' then format(
        'case jsonb_typeof(%1$s) when %2$L then case when (%1$s)::numeric between -9223372036854775808 and 9223372036854775807'
        || ' and (%1$s)::numeric %% 1 = 0 then (%1$s)::bigint end end',
        v.json, 'number'
    )
    when 'date' then format(
        'case when jsonb_typeof(%1$s) = %3$L and %2$s ~ %4$L then (%2$s)::date end',
        v.json, v.words, 'string', sluice_internal._time_pattern('date')
    )
    when 'timestamptz' then format(
        'case when jsonb_typeof(%1$s) = %3$L and %2$s ~ %4$L then (%2$s)::timestamptz end',
        v.json, v.words, 'string', sluice_internal._time_pattern('timestamptz')
    )
    else format(
        'case jsonb_typeof(%1$s) when %3$L then case when %2$s ~ %4$L then (%2$s)::timestamptz end'
        -- the years 1 to 9999
        || ' when %5$L then case when (%1$s)::numeric between -62135596800 and 253402300799'
        || ' then to_timestamp((%1$s)::double precision) end end',
        v.json, v.words, 'string', sluice_internal._time_pattern('timestamptz'), 'number'
    )
end
from (
    values (format('(r.data -> %L)', _view_expression.field), format('(r.data ->> %L)', _view_expression.field))
) as v (json, words)
$$;

comment on function sluice_internal._view_expression(text, text) is
'The SQL of a typed view''s column: a field of r.data read as that kind. It answers null for what does not fit and never fails. Only of functions of PostgreSQL itself: a view outlives our releases.';
