create or replace view sluice.credential_fields as
select
    d.credential_id,
    d.collection_id,
    f.place::int as place,
    f.field ->> 'name' as name,
    f.field ->> 'type' as type,
    coalesce((f.field ->> 'primary_key')::boolean, false) as primary_key,
    coalesce(f.field ->> 'description', '') as description
from sluice_internal.described_collections as d
cross join lateral jsonb_array_elements(d.fields) with ordinality as f (field, place)
union all
select
    c.credential_id,
    f.collection_id,
    f.place,
    f.name,
    f.type,
    f.primary_key,
    f.description
from sluice_internal.credentials as c
inner join sluice.provider_fields as f on f.provider = c.provider
where not exists (
    select from sluice_internal.described_collections as d
    where d.credential_id = c.credential_id and d.collection_id = f.collection_id collate "C"
);

comment on view sluice.credential_fields is
'The fields of those collections, with type and key: text, integer, number, boolean, time, date, object, array or any.';
