create or replace function sluice_internal._sweep_saw(
    sync_id text,
    feed text,
    records jsonb,
    quarantine jsonb
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into sluice_internal.sweep_seen as s (sync_id, feed, pass_no, collection_id, upstream_id)
    select distinct f.sync_id, f.feed, f.pass_no, i.collection_id, i.upstream_id
    from sluice_internal.sync_feeds as f
    cross join jsonb_to_recordset(coalesce(_sweep_saw.records, '[]') || coalesce(_sweep_saw.quarantine, '[]')) as i (
        collection_id text, upstream_id text, deleted boolean
    )
    where
        f.sync_id = _sweep_saw.sync_id collate "C"
        and f.pass_from is not null
        and i.collection_id = any(f.collection_ids)
        and i.upstream_id is not null
        and not coalesce(i.deleted, false)
    on conflict do nothing;
    -- It may be any of those that are there: this pass cannot say what is gone.
    update sluice_internal.sync_feeds as f
    set pass_from = null
    where
        f.sync_id = _sweep_saw.sync_id collate "C"
        and f.feed = _sweep_saw.feed collate "C"
        and f.pass_from is not null
        and exists (
            select
            from jsonb_to_recordset(_sweep_saw.quarantine) as i (collection_id text, upstream_id text)
            where i.upstream_id is null and i.collection_id = any(f.collection_ids)
        );
    delete from sluice_internal.sweep_seen as s
    using (
        select o.sync_id, o.feed, o.pass_no, o.collection_id, o.upstream_id
        from sluice_internal.sync_feeds as f
        inner join sluice_internal.sweep_seen as o on o.sync_id = f.sync_id and o.feed = f.feed and o.pass_no < f.pass_no
        where f.sync_id = _sweep_saw.sync_id collate "C" and f.feed = _sweep_saw.feed collate "C"
        limit 2000
    ) as o
    where
        s.sync_id = o.sync_id and s.feed = o.feed and s.pass_no = o.pass_no
        and s.collection_id = o.collection_id and s.upstream_id = o.upstream_id;
end
$$;

comment on function sluice_internal._sweep_saw(text, text, jsonb, jsonb) is
'Notes for the sweeps under way that these objects are there, whoever brought them; feed: the one that did. An object of a sweep without a readable id makes its pass conclude nothing. What earlier passes left is removed, 2,000 rows at a time.';
