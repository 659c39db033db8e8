create or replace function sluice_internal._webhooks_fold()
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from sluice_internal.webhook_deltas)
        and not exists (
            select from sluice_internal.webhook_deliveries as d where d.received_at < clock_timestamp() - interval '4 days'
        )
    then
        return;
    end if;
    if not pg_try_advisory_xact_lock(sluice_internal._lock_key(14, 0, 0)) then
        return;
    end if;
    delete from sluice_internal.webhook_deliveries as d
    where d.digest in (
        select o.digest
        from sluice_internal.webhook_deliveries as o
        where o.received_at < clock_timestamp() - interval '4 days'
        order by o.received_at
        limit 2000
    );
    with folded as (
        delete from sluice_internal.webhook_deltas as d
        where d.delta_no in (select o.delta_no from sluice_internal.webhook_deltas as o order by o.delta_no limit 2000)
        returning d.*
    )
    insert into sluice_internal.webhooks as w (
        sync_id, deliveries, repeated, hints, changes, dropped, unreadable, refused, last_delivery_at
    )
    select
        f.sync_id, sum(f.deliveries), sum(f.repeated), sum(f.hints), sum(f.changes), sum(f.dropped), sum(f.unreadable), sum(f.refused),
        max(f.at) filter (where f.refused = 0)
    from folded as f
    inner join sluice_internal.syncs as y on y.sync_id = f.sync_id
    group by f.sync_id
    order by f.sync_id
    on conflict (sync_id) do update set
        deliveries = w.deliveries + excluded.deliveries,
        repeated = w.repeated + excluded.repeated,
        hints = w.hints + excluded.hints,
        changes = w.changes + excluded.changes,
        dropped = w.dropped + excluded.dropped,
        unreadable = w.unreadable + excluded.unreadable,
        refused = w.refused + excluded.refused,
        last_delivery_at = greatest(w.last_delivery_at, excluded.last_delivery_at);
end
$$;

comment on function sluice_internal._webhooks_fold() is
'Adds up to 2,000 rows of webhook_deltas to the counts of webhooks, and forgets up to 2,000 deliveries that no vendor repeats any more. Locks the folding (tried, never waited for) and those rows.';
