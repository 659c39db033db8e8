create or replace function sluice_internal._unsubscription_claim(
    poller_id text,
    busy_providers text[] default null
)
returns table (
    unsubscription_no bigint,
    sync_id text,
    epoch bigint,
    provider text,
    address text,
    tag text,
    attempt int,
    credential_id text,
    kind text,
    sealed bytea,
    key_version int,
    base_url text,
    credential_version bigint,
    credential_renew_at timestamptz,
    clock timestamptz,
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
    v_no bigint;
    v_next timestamptz;
begin
    perform sluice_internal._authorize(null, 'poller');
    -- Without a lock first: mostly there is nothing.
    select min(u.next_at) into v_next from sluice_internal.unsubscriptions as u;
    if v_next is null then
        return;
    end if;
    select u.unsubscription_no into v_no
    from sluice_internal.unsubscriptions as u
    where
        u.next_at <= clock_timestamp()
        and (_unsubscription_claim.busy_providers is null or u.provider <> all(_unsubscription_claim.busy_providers collate "C"))
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = u.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        )
    order by u.next_at
    limit 1
    for update of u skip locked;
    if not found then
        next_in := greatest(v_next - clock_timestamp(), interval '5 seconds');
        return next;
        return;
    end if;
    return query
    with taken as (
        update sluice_internal.unsubscriptions as u
        set poller_id = _unsubscription_claim.poller_id, epoch = u.epoch + 1, attempt = u.attempt + 1
        where u.unsubscription_no = v_no
        returning u.*
    )
    select
        t.unsubscription_no, t.sync_id, t.epoch, t.provider, t.address, t.tag, t.attempt, t.credential_id, k.kind, k.sealed,
        k.key_version, k.base_url, k.version, k.renew_at, clock_timestamp(), a.oauth_app_id, a.client_id, a.sealed, a.key_version,
        null::interval
    from taken as t
    left join sluice_internal.credentials as k on k.credential_id = t.credential_id
    left join sluice_internal.oauth_apps as a on a.oauth_app_id = k.oauth_app_id;
end
$$;

comment on function sluice_internal._unsubscription_claim(text, text[]) is
'Takes a subscription that is to be removed at its vendor, none of busy_providers; one row without it, and when the next one is due, where none is due now; no row where there is none. Locks it (skips locked ones).';
