create or replace function sluice_internal._subscription_claim(
    poller_id text,
    busy_providers text[] default null
)
returns table (
    sync_id text,
    epoch bigint,
    provider text,
    collection_ids text[],
    credential_id text,
    kind text,
    sealed bytea,
    key_version int,
    base_url text,
    credential_version bigint,
    credential_renew_at timestamptz,
    clock timestamptz,
    has_secret boolean,
    tag text,
    attempt int,
    oauth_app_id text,
    client_id text,
    client_sealed bytea,
    client_key_version int,
    next_in interval
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_id text;
    v_next timestamptz;
begin
    perform sluice_internal._authorize(null, 'poller');
    -- Without a lock first: mostly there is nothing.
    select min(w.subscribe_at) into v_next from sluice_internal.webhooks as w where w.subscribe_at is not null;
    if v_next is null then
        return;
    end if;
    select w.sync_id into v_id
    from sluice_internal.webhooks as w
    inner join sluice_internal.syncs as y on y.sync_id = w.sync_id
    where
        w.subscribe_at <= clock_timestamp()
        and not y.paused and y.deleting_since is null
        and (_subscription_claim.busy_providers is null or y.provider <> all(_subscription_claim.busy_providers collate "C"))
        and not exists (
            select from sluice_internal.unsubscriptions as u
            -- One with another credential is of another account, as far as that is known: it is not waited for where that takes long.
            where u.sync_id = w.sync_id
                and (u.credential_id is not distinct from y.credential_id or u.since > clock_timestamp() - interval '5 minutes')
        )
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = w.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        )
    order by w.subscribe_at
    limit 1
    for update of w skip locked;
    if not found then
        next_in := greatest(v_next - clock_timestamp(), interval '5 seconds');
        return next;
        return;
    end if;
    return query
    with taken as (
        update sluice_internal.webhooks as w
        set
            poller_id = _subscription_claim.poller_id,
            epoch = w.epoch + 1,
            attempt = w.attempt + 1,
            -- without a secret the vendor has to make one: at an address that it does not know yet
            tag = case when w.sealed is null then left(replace(gen_random_uuid()::text, '-', ''), 8) else w.tag end
        where w.sync_id = v_id
        returning w.*
    )
    select
        t.sync_id, t.epoch, y.provider, y.collection_ids, y.credential_id, k.kind, k.sealed, k.key_version, k.base_url, k.version,
        k.renew_at, clock_timestamp(), t.sealed is not null, t.tag, t.attempt, a.oauth_app_id, a.client_id, a.sealed,
        a.key_version, null::interval
    from taken as t
    inner join sluice_internal.syncs as y on y.sync_id = t.sync_id
    left join sluice_internal.credentials as k on k.credential_id = y.credential_id
    left join sluice_internal.oauth_apps as a on a.oauth_app_id = k.oauth_app_id;
end
$$;

comment on function sluice_internal._subscription_claim(text, text[]) is
'Takes a sync whose subscription at its vendor is to be looked at, none of busy_providers; one row without it, and when the next one is due, where none is due now; no row where none is planned. tag: stands in the address. Locks its entry in webhooks (skips locked ones).';
