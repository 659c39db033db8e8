create or replace function sluice_internal._filter_matches(
    provider_patterns text[],
    sync_patterns text[],
    collection_patterns text[],
    predicate jsonpath,
    sync_id text,
    collection_id text,
    data jsonb
)
returns boolean
language sql
stable
parallel safe
return (provider_patterns is null or collection_id collate "C" like any(provider_patterns))
    and (sync_patterns is null or sync_id collate "C" like any(sync_patterns))
    and (collection_patterns is null or collection_id collate "C" like any(collection_patterns))
    and (
        predicate is null
        -- _tz: the other one raises for a time without a zone beside one with
        or coalesce(jsonb_path_query_first_tz(data, predicate, '{}', true) not in ('false', 'null'), false)
    );

comment on function sluice_internal._filter_matches(text[], text[], text[], jsonpath, text, text, jsonb) is
'Whether a record passes a consumer''s filter. The first item of the JSONPath decides: true counts, false, null and nothing do not, anything else exists and so counts. Inlined, so it pins no search path; the caller sets the time zone.';
