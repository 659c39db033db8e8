create or replace function sluice_internal._filter_matches(
    consumer sluice_internal.consumers,
    sync_id text,
    collection_id text,
    data jsonb
)
returns boolean
language sql
stable
parallel safe
return consumer.filter is null
    or (
        (consumer.provider_patterns is null or collection_id collate "C" like any(consumer.provider_patterns))
        and (consumer.sync_patterns is null or sync_id collate "C" like any(consumer.sync_patterns))
        and (consumer.collection_patterns is null or collection_id collate "C" like any(consumer.collection_patterns))
        and (
            consumer.predicate is null
            -- _tz: the other one raises for a time without a zone beside one with
            or coalesce(jsonb_path_query_first_tz(data, consumer.predicate, '{}', true) not in ('false', 'null'), false)
        )
    );

comment on function sluice_internal._filter_matches(sluice_internal.consumers, text, text, jsonb) is
'Whether a record passes a consumer''s filter. The first item of the JSONPath decides: true counts, false, null and nothing do not, anything else exists and so counts. Inlined, so it pins no search path; the caller sets the time zone.';
