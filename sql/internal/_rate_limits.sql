create or replace function sluice_internal._rate_limits(
    sync sluice_internal.syncs,
    limits jsonb,
    cost double precision
)
returns table (
    scope text,
    name text,
    sync_id text,
    credential_id text,
    allowed double precision,
    seconds double precision,
    unit double precision
)
language sql
stable
as $$
    select w.scope, w.name, w.sync_id, w.credential_id, w.allowed, w.seconds, w.unit
    from (
        select
            'sync:' || sync.sync_id,
            'requests',
            sync.sync_id,
            null::text,
            (sync.rate_limit -> 'allowed_requests')::double precision,
            (sync.rate_limit -> 'interval')::double precision,
            1::double precision
        union all
        select
            coalesce('credential:' || sync.credential_id, 'sync:' || sync.sync_id),
            'budget:' || l.name,
            case when sync.credential_id is null then sync.sync_id end,
            sync.credential_id,
            l.allowed,
            l.seconds,
            least(_rate_limits.cost, l.allowed)
        from jsonb_to_recordset(coalesce(_rate_limits.limits, '[]')) as l (name text, allowed double precision, seconds double precision)
    ) as w (scope, name, sync_id, credential_id, allowed, seconds, unit)
    where w.allowed > 0 and w.seconds > 0
    -- everybody locks them in this order
    order by w.scope collate "C", w.name collate "C"
$$;

comment on function sluice_internal._rate_limits(sluice_internal.syncs, jsonb, double precision) is
'The windows that a request of a sync draws from: its own rate_limit, and those that the vendor allows the credential (limits: [{name, allowed, seconds}]). Inlined.';
