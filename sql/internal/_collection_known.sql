create or replace function sluice_internal._collection_known(collection_id text)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
return
    exists (select from sluice.provider_collections as c where c.collection_id = _collection_known.collection_id)
    or exists (
        select from sluice_internal.described_collections as d where d.collection_id = _collection_known.collection_id collate "C"
    )
    or sluice_internal._collection_open(null, _collection_known.collection_id)
    or exists (select from sluice_internal.syncs as y where _collection_known.collection_id = any(y.collection_ids))
    or exists (select from sluice_internal.record_counts as n where n.collection_id = _collection_known.collection_id collate "C")
    or exists (select from sluice_internal.ingests as i where _collection_known.collection_id = any(i.collection_ids));

comment on function sluice_internal._collection_known(text) is
'Whether any provider, account or sync has a collection of that name.';
