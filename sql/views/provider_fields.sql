create or replace view sluice.provider_fields as
select
    c.provider,
    f.collection_id,
    f.place,
    f.name,
    f.type,
    f.primary_key,
    f.description
from sluice_internal._builtin_fields as f
inner join sluice_internal._builtin_collections as c on c.collection_id = f.collection_id
union all
select
    c.provider,
    c.collection_id,
    f.place::int as place,
    f.name,
    coalesce(case jsonb_typeof(f.spec) when 'string' then f.spec #>> '{}' else f.spec ->> 'type' end, 'any') as type,
    coalesce(f.spec -> 'key' = 'true', false) as primary_key,
    coalesce(f.spec ->> 'description', '') as description
from sluice_internal._document_collections as c
cross join lateral jsonb_each(c.fields) with ordinality as f (name, spec, place);

comment on view sluice.provider_fields is
'The fields of the collections that are known before an account is asked: text, integer, number, boolean, time, date, object, array or any.';
