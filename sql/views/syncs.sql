create or replace view sluice.syncs as
select
    y.sync_id,
    s.stream_id,
    y.provider,
    y.name,
    y.collection_ids,
    y.credential_id,
    y.metadata,
    y.external_id,
    y.sync_frequency,
    h.status,
    r.error,
    r.error_since,
    h.next_attempt_at,
    r.last_success_at,
    r.backfill_completed_at,
    y.paused,
    y.created_at,
    y.rate_limit,
    y.max_age_days,
    jsonb_build_object(
        'status', h.status,
        'reason', coalesce(w.waits_for, r.error ->> 'message', e.words),
        'hint', r.error ->> 'hint',
        'since', coalesce(y.deleting_since, r.error_since, e.since),
        'next_attempt', coalesce(w.next_at, h.next_attempt_at)
    ) as health,
    case when w.sync_id is not null then jsonb_build_object(
        'kind', w.kind,
        'emit', w.emit,
        'collection_ids', w.collection_ids,
        'from', f.stream_id,
        'records', w.records,
        'waits_for', w.waits_for,
        'since', w.since
    ) end as work,
    y.erasures,
    case when n.sync_id is not null then jsonb_build_object(
        'enabled', n.enabled,
        'subscribed_at', n.subscribed_at,
        'last_delivery_at', n.last_delivery_at,
        'deliveries', n.deliveries,
        'refused', n.refused,
        'error', n.error
    ) end as webhooks
from sluice_internal.syncs as y
inner join sluice_internal.streams as s on s.stream_no = y.stream_no
left join sluice_internal.sync_runs as r on r.sync_id = y.sync_id
left join sluice_internal.sync_work as w on w.sync_id = y.sync_id
left join sluice_internal.streams as f on f.stream_no = y.moving_from
left join sluice_internal.webhooks as n on n.sync_id = y.sync_id
left join lateral (
    select
        'fails: ' || string_agg(
            format('%s (%s)', g.feed, coalesce(g.error ->> 'message', g.error ->> 'code')), '; ' order by g.feed
        ) as words,
        min(g.error_since) as since
    from sluice_internal.sync_feeds as g
    where g.sync_id = y.sync_id and g.error is not null
) as e on true
cross join lateral (
    select
        case
            when y.deleting_since is not null then 'deleting'
            when y.paused then 'paused'
            else coalesce(r.status, 'active')
        end as status,
        case when not y.paused then r.next_attempt_at end as next_attempt_at
) as h;

comment on view sluice.syncs is
'The syncs with where they stand: pending, backfilling, active, rate_limited, error (error says why and what to do), paused or deleting. health {status, reason, hint, since, next_attempt}: the reason also says which collections cannot be read while the others are. work: its records are being moved, or removed, piece by piece. erasures: how many of its objects were erased and must not come back. webhooks: whether its vendor sends word of changes by itself (sync_webhooks has all of it).';
