create or replace function sluice_internal._collection_open(provider text, collection_id text)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
return exists (
    select
    from sluice_internal._open_providers as o
    where
        o.provider = coalesce(_collection_open.provider, o.provider)
        and _collection_open.collection_id ~ ('^(' || o.form || ')$')
        and octet_length(_collection_open.collection_id) <= 200
);

comment on function sluice_internal._collection_open(text, text) is
'Whether an account of that provider (null: of any) may have a collection of that name, though nobody has seen one yet: it has the form of one.';
