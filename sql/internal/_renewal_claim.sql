create or replace function sluice_internal._renewal_claim(
    credential_id text,
    poller_id text,
    held_version bigint,
    renew boolean
)
returns table (
    state text,
    version bigint,
    kind text,
    sealed bytea,
    key_version int,
    base_url text,
    expires_at timestamptz,
    renew_at timestamptz,
    error jsonb,
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
    v_known sluice_internal.credentials;
    v_renewal sluice_internal.credential_renewals;
    v_state text;
    v_app sluice_internal.oauth_apps;
begin
    perform sluice_internal._authorize(null, 'poller');
    select k.* into v_known
    from sluice_internal.credentials as k
    where k.credential_id = _renewal_claim.credential_id collate "C"
    for no key update;
    if not found then
        return;
    end if;
    select r.* into v_renewal from sluice_internal.credential_renewals as r where r.credential_id = v_known.credential_id;
    v_state := case
        when v_known.version <> _renewal_claim.held_version then 'newer'
        when not _renewal_claim.renew then 'same'
        when v_renewal.version = v_known.version and v_renewal.failed_at > clock_timestamp() - interval '1 minute' then 'refused'
        -- Longer than a vendor has to answer: whoever asked it may be alive, and only have lost the database.
        when v_renewal.version = v_known.version and v_renewal.begun_at > clock_timestamp() - interval '40 seconds'
            and v_renewal.error is null then 'busy'
        when v_renewal.version = v_known.version and v_renewal.begun_at > clock_timestamp() - interval '3 minutes' and exists (
            select from sluice_internal.pollers as p
            where p.poller_id = v_renewal.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        ) then 'busy'
        else 'yours'
    end;
    if v_state = 'yours' then
        insert into sluice_internal.credential_renewals as r (credential_id, version, poller_id)
        values (v_known.credential_id, v_known.version, _renewal_claim.poller_id)
        on conflict (credential_id) do update set
            version = excluded.version, poller_id = excluded.poller_id, begun_at = clock_timestamp(), error = null, failed_at = null;
    end if;
    select a.* into v_app from sluice_internal.oauth_apps as a where a.oauth_app_id = v_known.oauth_app_id;
    return query select
        v_state,
        v_known.version,
        v_known.kind,
        v_known.sealed,
        v_known.key_version,
        v_known.base_url,
        v_known.expires_at,
        v_known.renew_at,
        v_renewal.error,
        clock_timestamp(),
        v_app.oauth_app_id,
        v_app.client_id,
        v_app.sealed,
        v_app.key_version;
end
$$;

comment on function sluice_internal._renewal_claim(text, text, bigint, boolean) is
'A poller holds held_version of a secret and wants another: newer (the answer has it), refused (the vendor refused to renew it within the last minute: error), busy (a poller renews it: one that lives, or that began so lately that its answer may still come), yours (this poller is to renew it), same (renew was not wanted). No row: no such credential. Locks the credential.';
