create or replace function sluice_internal._filter_patterns(
    given jsonb,
    suffix text
)
returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
select array_agg(
    replace(replace(replace(replace(p.pattern, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%') || _filter_patterns.suffix
)
from jsonb_array_elements_text(
    case jsonb_typeof(_filter_patterns.given)
        when 'array' then _filter_patterns.given
        when 'string' then jsonb_build_array(_filter_patterns.given)
        else '[]'
    end
) as p (pattern);
end;

comment on function sluice_internal._filter_patterns(jsonb, text) is
'A filter''s text or array of texts as patterns of LIKE, each with the suffix, * as %; null if it says nothing.';
