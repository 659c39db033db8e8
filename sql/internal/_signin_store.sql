create or replace function sluice_internal._signin_store(
    signin_id text,
    credential_id text,
    sealed bytea,
    key_version int,
    base_url text,
    account text,
    expires_in interval,
    scopes text[]
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_signin sluice_internal.oauth_signins;
    v_provider text;
    v_expires timestamptz := clock_timestamp() + _signin_store.expires_in;
    v_renew timestamptz := v_expires - least(interval '1 minute', _signin_store.expires_in / 5);
begin
    perform sluice_internal._authorize(null, 'poller');
    select s.* into v_signin from sluice_internal.oauth_signins as s where s.signin_id = _signin_store.signin_id collate "C" for update;
    if not found or v_signin.finished_at is not null then
        return true;
    end if;
    select a.provider into v_provider from sluice_internal.oauth_apps as a where a.oauth_app_id = v_signin.oauth_app_id;
    -- The account got a credential of another id meanwhile, or lost it: the secret is bound to an id, so it is sealed anew.
    insert into sluice_internal.credentials as c (
        credential_id, provider, kind, name, sealed, key_version, base_url, metadata, account, expires_at, renew_at, oauth_app_id, scopes
    )
    values (
        _signin_store.credential_id, v_provider, v_signin.kind, v_signin.name, _signin_store.sealed, _signin_store.key_version,
        _signin_store.base_url, coalesce(v_signin.metadata, '{}'), _signin_store.account, v_expires, v_renew, v_signin.oauth_app_id,
        _signin_store.scopes
    )
    on conflict do nothing;
    if not found then
        update sluice_internal.credentials as c
        set
            kind = v_signin.kind,
            sealed = _signin_store.sealed,
            key_version = _signin_store.key_version,
            -- Not what somebody had named before: this secret is theirs who signed in.
            base_url = _signin_store.base_url,
            name = coalesce(v_signin.name, c.name),
            metadata = coalesce(v_signin.metadata, c.metadata),
            oauth_app_id = v_signin.oauth_app_id,
            scopes = coalesce(_signin_store.scopes, c.scopes),
            version = c.version + 1,
            expires_at = v_expires,
            renew_at = v_renew,
            updated_at = clock_timestamp()
        where
            c.credential_id = _signin_store.credential_id collate "C" and c.provider = v_provider
            and c.account = _signin_store.account collate "C";
        if not found then
            return false;
        end if;
        delete from sluice_internal.credential_renewals as r where r.credential_id = _signin_store.credential_id collate "C";
        perform sluice_internal._credential_mend(array[_signin_store.credential_id]);
    end if;
    perform sluice_internal._description_ask(_signin_store.credential_id);
    perform sluice_internal._signin_ended(v_signin.signin_id, _signin_store.credential_id, null);
    return true;
end
$$;

comment on function sluice_internal._signin_store(text, text, bytea, int, text, text, interval, text[]) is
'A consent has led to this secret: stores it as the account''s credential, and an account that has one keeps it, with the new secret, its syncs due at once. False, and nothing done, if the account''s credential has another id by now. Locks the consent, then the credential.';
