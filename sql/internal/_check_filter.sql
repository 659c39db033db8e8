create or replace function sluice_internal._check_filter(filter jsonb)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
    v_path jsonpath;
begin
    if coalesce(_check_filter.filter, 'null') in ('null', '{}') then
        return null;
    end if;
    if jsonb_typeof(_check_filter.filter) <> 'object' then
        v_problem := 'filter must be a JSON object';
    else
        select case
            when f.key not in ('provider', 'sync_id', 'collection_id', 'where') then format('filter has no key "%s"', left(f.key, 200))
            when f.key = 'where' and jsonb_typeof(f.value) <> 'string' then 'filter.where must be a string, a JSONPath'
            when f.key = 'where' then null
            when jsonb_typeof(f.value) not in ('string', 'array') or f.value in ('[]', '""')
                or (
                    jsonb_typeof(f.value) = 'array'
                    and jsonb_path_exists(f.value, 'strict $[*] ? (@.type() != "string" || @ == "")')
                )
                then format('filter.%s must be a text, or an array of texts that is not empty', f.key)
            when jsonb_typeof(f.value) = 'array' and jsonb_array_length(f.value) > 1000
                then format('filter.%s has more than 1000 texts', f.key)
        end
        into v_problem
        from jsonb_each(_check_filter.filter) as f
        order by 1
        limit 1;
    end if;
    if v_problem is null and _check_filter.filter ? 'where' then
        begin
            v_path := (_check_filter.filter ->> 'where')::jsonpath;
            -- without what stands in quotes: a variable is written $"name"
            if strpos(regexp_replace(v_path::text, '"([^"\\]|\\.)*"', '""', 'g'), '$""') > 0 then
                v_problem := 'filter.where has a variable, and nothing gives it a value';
            end if;
        exception
            when others then
                v_problem := format('filter.where is not a JSONPath: %s', sqlerrm);
        end;
    end if;
    if v_problem is not null then
        raise exception using
            errcode = 'SL001',
            message = v_problem,
            hint = 'For example {"collection_id": ["stripe:invoice", "stripe:sub*"], "where": "$.status == \"open\""}; '
                'all of provider, sync_id, collection_id and where must match.';
    end if;
    return _check_filter.filter;
end
$$;

comment on function sluice_internal._check_filter(jsonb) is
'The filter, null for one that says nothing. SL001 names what is wrong with it.';
