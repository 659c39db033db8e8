create or replace view sluice.collections as
select
    y.sync_id,
    s.stream_id,
    c.collection_id,
    (coalesce(n.records, 0) + coalesce(i.records, 0))::bigint as records,
    (coalesce(n.changes, 0) + coalesce(i.changes, 0))::bigint as changes,
    coalesce(f.done, y.provider = 'push') as backfilled,
    f.records as backfill_records,
    f.updated_at as last_page_at
from sluice_internal.syncs as y
inner join sluice_internal.streams as s on s.stream_no = y.stream_no
cross join lateral (
    select u.collection_id from unnest(y.collection_ids) as u (collection_id)
    union
    select t.collection_id
    from sluice_internal.record_counts as t
    where t.sync_id = y.sync_id
    union
    select u.collection_id
    from sluice_internal.ingests as g
    cross join lateral unnest(g.collection_ids) as u (collection_id)
    where g.sync_id = y.sync_id
) as c
left join sluice_internal.record_counts as n on n.sync_id = y.sync_id and n.collection_id = c.collection_id
left join lateral (
    select
        count(*) filter (where u.first) as records,
        count(*) as changes
    from sluice_internal.ingests as g
    cross join lateral unnest(
        case cardinality(g.collection_ids)
            when 1 then array_fill(g.collection_ids[1], array[cardinality(g.firsts)])
            else g.collection_ids
        end,
        g.firsts
    ) as u (collection_id, first)
    where g.sync_id = y.sync_id and u.collection_id = c.collection_id
) as i on true
left join sluice_internal.sync_feeds as f on f.sync_id = y.sync_id and f.feed = c.collection_id;

comment on view sluice.collections is
'The collections of each sync: how many records (tombstones too) and changes arrived, and how far the first reading is.';
