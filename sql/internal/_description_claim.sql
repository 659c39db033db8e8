create or replace function sluice_internal._description_claim(
    poller_id text,
    busy_providers text[] default null
)
returns table (
    credential_id text,
    epoch bigint,
    provider text,
    kind text,
    sealed bytea,
    key_version int,
    base_url text,
    attempt int,
    next_in interval,
    credential_version bigint,
    credential_renew_at timestamptz,
    clock timestamptz,
    oauth_app_id text,
    client_id text,
    client_sealed bytea,
    client_key_version int
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_id text;
begin
    perform sluice_internal._authorize(null, 'poller');
    -- Without a lock first: mostly there is nothing.
    if not exists (
        select from sluice_internal.descriptions as d where d.next_attempt_at is not null
    ) then
        return;
    end if;
    select d.credential_id into v_id
    from sluice_internal.descriptions as d
    where
        d.next_attempt_at <= clock_timestamp()
        and (
            _description_claim.busy_providers is null
            or exists (
                select from sluice_internal.credentials as c
                where c.credential_id = d.credential_id and c.provider <> all(_description_claim.busy_providers collate "C")
            )
        )
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = d.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        )
    order by d.next_attempt_at
    limit 1
    for update skip locked;
    if not found then
        return query
        select null::text, null::bigint, null::text, null::text, null::bytea, null::int, null::text, null::int,
            greatest(min(d.next_attempt_at) - clock_timestamp(), interval '2 seconds'),
            null::bigint, null::timestamptz, clock_timestamp(), null::text, null::text, null::bytea, null::int
        from sluice_internal.descriptions as d
        having min(d.next_attempt_at) is not null;
        return;
    end if;
    return query
    with taken as (
        update sluice_internal.descriptions as d
        set poller_id = _description_claim.poller_id, epoch = d.epoch + 1, attempt = d.attempt + 1
        where d.credential_id = v_id
        returning d.credential_id, d.epoch, d.attempt
    )
    select t.credential_id, t.epoch, c.provider, c.kind, c.sealed, c.key_version, c.base_url, t.attempt, null::interval,
        c.version, c.renew_at, clock_timestamp(), a.oauth_app_id, a.client_id, a.sealed, a.key_version
    from taken as t
    inner join sluice_internal.credentials as c on c.credential_id = t.credential_id
    left join sluice_internal.oauth_apps as a on a.oauth_app_id = c.oauth_app_id;
end
$$;

comment on function sluice_internal._description_claim(text, text[]) is
'Takes an account that is to be asked for its collections, none of busy_providers; one row without it, and when the next one is due, where none is due now; no row where none is planned. Locks its row of descriptions (skips locked ones).';
