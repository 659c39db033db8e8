create or replace view sluice.collections as
select
    y.sync_id,
    s.stream_id,
    c.collection_id,
    (coalesce(n.records, 0) + coalesce(i.records, 0) + coalesce(d.records, 0))::bigint as records,
    (coalesce(n.changes, 0) + coalesce(i.changes, 0) + coalesce(d.changes, 0))::bigint as changes,
    coalesce(f.done, y.provider = 'push') as backfilled,
    f.records as backfill_records,
    f.updated_at as last_page_at,
    case
        when y.deleting_since is not null then 'deleting'
        when y.paused then 'paused'
        when y.provider = 'push' then 'active'
        when x.error is not null then 'error'
        when coalesce(f.completed_at is not null or (f.done and f.kind is null), false) and f.done then 'active'
        when f.started_at is null then 'pending'
        else 'backfilling'
    end as state,
    x.pages::bigint as pages,
    x.last_success_at,
    x.error as last_error,
    x.error_since as last_error_since,
    case when not f.done then f.total end as total,
    case when not f.done then f.read_records end as progress,
    round((case when not f.done then f.read_records / b.seconds end)::numeric, 1) as rate,
    make_interval(secs => (case
        when not f.done and f.total > f.read_records and f.read_records > 0 then (f.total - f.read_records) * b.seconds / f.read_records
    end)::float8) as remaining
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
left join lateral (
    select
        sum(o.records) as records,
        sum(o.changes) as changes
    from sluice_internal.count_deltas as o
    where o.sync_id = y.sync_id and o.collection_id = c.collection_id
) as d on true
-- what reads the collection from its start: the feed of its name, or the one that covers it
left join lateral (
    select o.*
    from sluice_internal.sync_feeds as o
    where
        o.sync_id = y.sync_id and o.kind is distinct from 'sweep' and o.kind is distinct from 'part'
        and (o.feed = c.collection_id or c.collection_id = any(o.collection_ids))
    order by o.feed = c.collection_id desc, o.kind = 'backfill' desc, o.feed
    limit 1
) as f on true
-- all that speaks of it
left join lateral (
    select
        sum(o.pages) as pages,
        max(o.last_success_at) as last_success_at,
        (array_agg(o.error order by o.error_since) filter (where o.error is not null))[1] as error,
        min(o.error_since) as error_since
    from sluice_internal.sync_feeds as o
    where o.sync_id = y.sync_id and (o.feed = c.collection_id or c.collection_id = any(o.collection_ids))
) as x on true
left join lateral (
    select greatest(extract(epoch from coalesce(f.last_success_at, f.updated_at) - f.started_at), 0.001) as seconds
) as b on true;

comment on view sluice.collections is
'The collections of each sync: how many records (tombstones too) and changes arrived; state: pending, backfilling, active, error (last_error says why, since when), paused, deleting; and of the reading from the start that is under way how many records it brought (progress), of how many (total, where the vendor says), how many a second (rate), and how long it will still take (remaining, where that can be known).';
