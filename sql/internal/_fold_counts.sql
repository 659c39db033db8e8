create or replace function sluice_internal._fold_counts()
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if not pg_try_advisory_xact_lock(sluice_internal._lock_key(3, 0, 0)) then
        return;
    end if;
    with folded as (
        delete from sluice_internal.ingests as i
        where i.ingest_no in (
            select n.ingest_no from sluice_internal.ingests as n order by n.ingest_no limit 1000 for update skip locked
        )
        returning i.sync_id, i.collection_ids, i.firsts
    ),
    counted as (
        select
            f.sync_id,
            case when cardinality(f.collection_ids) = 1 then f.collection_ids[1] else c.collection_id end as collection_id,
            count(*) filter (where c.first) as records,
            count(*) as changes
        from folded as f
        cross join lateral unnest(f.collection_ids, f.firsts) as c (collection_id, first)
        group by 1, 2
        order by 1, 2
    )
    insert into sluice_internal.record_counts as t (sync_id, collection_id, records, changes)
    select n.sync_id, n.collection_id, n.records, n.changes
    from counted as n
    on conflict (sync_id, collection_id) do update set
        records = t.records + excluded.records,
        changes = t.changes + excluded.changes;
end
$$;

comment on function sluice_internal._fold_counts() is
'Adds up to 1,000 rows of ingests to record_counts and removes them. Locks the folding (tried, never waited for) and those rows.';
