create or replace function sluice_internal._collection_writes(
    sync sluice_internal.syncs,
    collection_id text,
    match_on text,
    out mutations text[],
    out matches text[],
    out if_match boolean
)
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
    select k.mutations, k.matches, k.if_match
    from (
        -- as the account described it
        select 1 as place, d.mutations, d.match_on as matches, d.if_match
        from sluice_internal.described_collections as d
        where
            d.credential_id = sync.credential_id collate "C"
            and d.collection_id = _collection_writes.collection_id collate "C"
        union all
        select
            2,
            c.mutations,
            -- where accounts add fields of their own, an account that did not tell yet may match on any
            case
                when sluice_internal._collection_open(c.provider, c.collection_id) then array[_collection_writes.match_on]
                else c.match_on
            end,
            c.if_match
        from sluice.provider_collections as c
        where c.provider = sync.provider and c.collection_id = _collection_writes.collection_id
        union all
        select 3, array['create', 'update', 'upsert', 'delete'], array[_collection_writes.match_on], true
        where sluice_internal._collection_open(sync.provider, _collection_writes.collection_id)
    ) as k
    order by k.place
    limit 1;
end;

comment on function sluice_internal._collection_writes(sluice_internal.syncs, text, text) is
'What can be written to a collection of a sync, and what an upsert may match on. Of a collection that nobody described yet everything, and then the vendor says no.';
