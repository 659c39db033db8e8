create or replace function sluice_internal._renewal_store(
    credential_id text,
    version bigint,
    sealed bytea,
    key_version int,
    expires_in interval,
    base_url text
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_version bigint;
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.credentials as k
    set
        sealed = _renewal_store.sealed,
        key_version = _renewal_store.key_version,
        base_url = coalesce(_renewal_store.base_url, k.base_url),
        version = k.version + 1,
        expires_at = clock_timestamp() + _renewal_store.expires_in,
        renew_at = clock_timestamp() + _renewal_store.expires_in - least(interval '1 minute', _renewal_store.expires_in / 5),
        updated_at = clock_timestamp()
    -- Whoever was taken for dead may bring the only pair that the vendor still takes. A secret that a person stored meanwhile stays.
    where k.credential_id = _renewal_store.credential_id collate "C" and k.version = _renewal_store.version
    returning k.version into v_version;
    if found then
        delete from sluice_internal.credential_renewals as r where r.credential_id = _renewal_store.credential_id collate "C";
    end if;
    return v_version;
end
$$;

comment on function sluice_internal._renewal_store(text, bigint, bytea, int, interval, text) is
'Stores what a vendor answered to the renewal of that version of a secret, in one step; answers the new version, null if another secret was stored meanwhile. Locks the credential.';
