create or replace view sluice.sync_webhooks as
select
    y.sync_id,
    s.stream_id,
    y.provider,
    coalesce(w.enabled, false) as enabled,
    (w.sealed is not null)::int + coalesce(w.former_until > clock_timestamp(), false)::int as secrets,
    w.address,
    w.subscribed_at,
    w.subscribe_at as next_attempt_at,
    w.error,
    w.error_since,
    greatest(w.last_delivery_at, d.last_at) as last_delivery_at,
    coalesce(w.deliveries, 0) + d.deliveries as deliveries,
    coalesce(w.repeated, 0) + d.repeated as repeated,
    coalesce(w.hints, 0) + d.hints as hints,
    coalesce(w.changes, 0) + d.changes as changes,
    coalesce(w.dropped, 0) + d.dropped as dropped,
    coalesce(w.unreadable, 0) + d.unreadable as unreadable,
    coalesce(w.refused, 0) + d.refused as refused,
    (
        select count(*)
        from sluice_internal.wanted_objects as o
        where o.sync_id = y.sync_id
    ) as wanted
from sluice_internal.syncs as y
inner join sluice_internal.streams as s on s.stream_no = y.stream_no
left join sluice_internal.webhooks as w on w.sync_id = y.sync_id
cross join lateral (
    select
        max(n.at) filter (where n.refused = 0) as last_at,
        coalesce(sum(n.deliveries), 0) as deliveries,
        coalesce(sum(n.repeated), 0) as repeated,
        coalesce(sum(n.hints), 0) as hints,
        coalesce(sum(n.changes), 0) as changes,
        coalesce(sum(n.dropped), 0) as dropped,
        coalesce(sum(n.unreadable), 0) as unreadable,
        coalesce(sum(n.refused), 0) as refused
    from sluice_internal.webhook_deltas as n
    where n.sync_id = y.sync_id
) as d;

comment on view sluice.sync_webhooks is
'What the vendors of syncs send by themselves. enabled: pollers keep a subscription at address, checked at next_attempt_at; secrets: how many are taken (two while one is rolled). Counted: genuine deliveries and repeated ones, hints and changes in them, what was dropped (collections that the sync has not, no room), unreadable ones, and what was refused as forged or too old; wanted: objects that are still to be fetched.';
