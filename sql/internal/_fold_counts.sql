create or replace function sluice_internal._fold_counts()
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Rows that were removed stay in the index while somebody holds an old snapshot: usually the walk begins where the last one of this
    -- session ended. What was committed late is found now and then.
    v_floor text := current_setting('sluice.folded', true);
    v_after bigint := 0;
    v_last bigint;
begin
    if not pg_try_advisory_xact_lock(sluice_internal._lock_key(3, 0, 0)) then
        return;
    end if;
    if v_floor ~ '^[0-9]{1,18}$' and random() > 0.05 then
        v_after := v_floor::bigint - 100;
    end if;
    with folded as (
        delete from sluice_internal.ingests as i
        where i.ingest_no in (
            select n.ingest_no
            from (
                select o.ingest_no, o.created_at
                from sluice_internal.ingests as o
                where o.ingest_no > v_after
                order by o.ingest_no
                limit 2000
            ) as n
            -- for a while they tell what was committed when
            where n.created_at < clock_timestamp() - interval '10 seconds'
        )
        returning i.ingest_no, i.stream_no, i.sync_id, i.collection_ids, i.firsts, i.updated_idxs[1] as first_idx, i.created_at
    ),
    timed as (
        insert into sluice_internal.stream_times as t (stream_no, at, idx)
        select f.stream_no, min(f.created_at), min(f.first_idx) - 1
        from folded as f
        group by f.stream_no, date_trunc('second', f.created_at)
        order by 1, 2
        on conflict do nothing
    ),
    removed as (
        delete from sluice_internal.count_deltas as d
        where d.delta_no in (select o.delta_no from sluice_internal.count_deltas as o order by o.delta_no limit 2000)
        returning d.sync_id, d.collection_id, d.records, d.changes, d.stream_no
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
        union all
        select r.sync_id, r.collection_id, r.records, r.changes
        from removed as r
    ),
    entries as (
        insert into sluice_internal.stream_trims as t (stream_no, kept, replaced)
        select n.stream_no, sum(n.kept), sum(n.replaced)
        from (
            select
                f.stream_no,
                cardinality(array_positions(f.firsts, true)) as kept,
                cardinality(array_positions(f.firsts, false)) as replaced
            from folded as f
            union all
            select r.stream_no, r.records, -r.records
            from removed as r
            where r.stream_no is not null
        ) as n
        group by n.stream_no
        order by n.stream_no
        on conflict (stream_no) do update set
            kept = t.kept + excluded.kept,
            replaced = t.replaced + excluded.replaced
    ),
    stored as (
        insert into sluice_internal.record_counts as t (sync_id, collection_id, records, changes)
        select n.sync_id, n.collection_id, sum(n.records), sum(n.changes)
        from counted as n
        group by 1, 2
        order by 1, 2
        on conflict (sync_id, collection_id) do update set
            records = t.records + excluded.records,
            changes = t.changes + excluded.changes
    )
    select max(f.ingest_no) into v_last from folded as f;
    if v_last is not null then
        perform set_config('sluice.folded', v_last::text, false);
    end if;
end
$$;

comment on function sluice_internal._fold_counts() is
'Adds up to 2,000 rows of ingests, and of count_deltas, to record_counts and stream_trims, and about one a second to stream_times, and removes them; those of the last ten seconds stay. Locks the folding (tried, never waited for) and those rows.';
