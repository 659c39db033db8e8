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
    case when y.paused then 'paused' else coalesce(r.status, 'active') end as status,
    r.error,
    r.error_since,
    case when not y.paused then r.next_attempt_at end as next_attempt_at,
    r.last_success_at,
    r.backfill_completed_at,
    y.paused,
    y.created_at,
    y.rate_limit
from sluice_internal.syncs as y
inner join sluice_internal.streams as s on s.stream_no = y.stream_no
left join sluice_internal.sync_runs as r on r.sync_id = y.sync_id;

comment on view sluice.syncs is
'The syncs with where they stand: pending, backfilling, active, rate_limited, error (error says why and what to do) or paused.';
