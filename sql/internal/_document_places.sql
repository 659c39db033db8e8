create or replace function sluice_internal._document_places(document jsonb)
returns setof text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    with recursive walk (path, value) as (
        select ''::text, _document_places.document
        union all
        select ltrim(w.path || '.' || m.name, '.'), m.value
        from walk as w
        cross join lateral (
            select e.key as name, e.value
            from jsonb_each(case when jsonb_typeof(w.value) = 'object' then w.value else '{}' end) as e
            union all
            select '[]' as name, e.value
            from jsonb_array_elements(case when jsonb_typeof(w.value) = 'array' then w.value else '[]' end) as e (value)
        ) as m
    ),
    texts as (
        select
            w.path,
            w.value #>> '{}' as said,
            substring(w.value #>> '{}' from '^\s*[A-Za-z][A-Za-z0-9+.-]*://[^/?#\\]*') as origin
        from walk as w
        where jsonb_typeof(w.value) = 'string' and w.path !~ '(^|\.)(description|hint|title)$'
    )
    select distinct t.path || ': ' || p.place
    from texts as t
    cross join lateral (
        select t.origin as place
        where t.origin is not null
        union all
        -- where a value of the credential, or of the app, is put into a request; and a whole address that is made of something else
        select t.said
        where
            substr(t.said, length(coalesce(t.origin, '')) + 1) ~ '\{[^{}]*(credential|client)\.'
            or (t.origin is null and t.path ~ '(^|\.)base_url$')
    ) as p;
$$;

comment on function sluice_internal._document_places(jsonb) is
'Where a provider document sends secrets: the hosts that it names, and the places in requests that values of a credential or of an OAuth app are put into, each with its path in the document.';
