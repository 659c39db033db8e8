create or replace view sluice_internal._document_collections as
select
    d.provider,
    d.provider || ':' || c.key as collection_id,
    coalesce(c.value ->> 'description', '') as description,
    array(
        select k.kind
        from unnest(array['create', 'update', 'upsert', 'delete']) with ordinality as k (kind, place)
        where jsonb_typeof(c.value -> k.kind) = 'object'
        order by k.place
    ) as mutations,
    array(
        select m.name
        from jsonb_array_elements_text(
            case when jsonb_typeof(c.value #> '{upsert,match_on}') = 'array' then c.value #> '{upsert,match_on}' else '[]' end
        ) with ordinality as m (name, place)
        order by m.place
    ) as match_on,
    c.value::text like '%{if\_match}%' as if_match,
    case when jsonb_typeof(c.value -> 'fields') = 'object' then c.value -> 'fields' else '{}' end as fields
from sluice_internal.provider_documents as d
cross join lateral jsonb_each(
    case when jsonb_typeof(d.document -> 'collections') = 'object' then d.document -> 'collections' else '{}' end
) as c (key, value);

comment on view sluice_internal._document_collections is 'The collections of the providers that users describe, out of their documents.';
