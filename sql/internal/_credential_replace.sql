create or replace function sluice_internal._credential_replace(
    credential_id text,
    kind text,
    sealed bytea,
    key_version int,
    base_url text,
    account text default null,
    expires_at timestamptz default null,
    name text default null,
    metadata jsonb default null,
    oauth_app_id text default null,
    scopes text[] default null,
    held_version bigint default null
)
returns sluice.credentials
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_credential sluice.credentials;
    v_old sluice_internal.credentials;
begin
    perform sluice_internal._authorize(null, 'admin');
    select c.* into v_old
    from sluice_internal.credentials as c
    where c.credential_id = _credential_replace.credential_id collate "C"
    for no key update;
    if not found then
        raise exception using
            errcode = 'SL104',
            message = format('credential "%s" does not exist', left(_credential_replace.credential_id, 200)),
            hint = 'List the credentials with: select credential_id, provider from sluice.credentials';
    end if;
    if v_old.version <> _credential_replace.held_version then
        raise exception using
            errcode = 'SL179',
            message = format('credential "%s" got another secret meanwhile', left(_credential_replace.credential_id, 200)),
            hint = 'Nothing was changed: look at it, and try again.';
    end if;
    if _credential_replace.held_version is not null then
        perform sluice_internal._check_base_url(_credential_replace.base_url, v_old.base_url);
    end if;
    perform sluice_internal._check_oauth_app(nullif(_credential_replace.oauth_app_id, ''), v_old.provider);
    perform sluice_internal._check_app_address(
        nullif(coalesce(_credential_replace.oauth_app_id, v_old.oauth_app_id), ''),
        nullif(coalesce(_credential_replace.base_url, v_old.base_url), ''),
        v_old.oauth_app_id,
        v_old.base_url
    );
    update sluice_internal.credentials as c
    set
        kind = _credential_replace.kind,
        sealed = _credential_replace.sealed,
        key_version = _credential_replace.key_version,
        base_url = nullif(coalesce(_credential_replace.base_url, c.base_url), ''),
        account = coalesce(_credential_replace.account, c.account),
        name = nullif(coalesce(_credential_replace.name, c.name), ''),
        metadata = coalesce(_credential_replace.metadata, c.metadata),
        oauth_app_id = nullif(coalesce(_credential_replace.oauth_app_id, c.oauth_app_id), ''),
        scopes = nullif(coalesce(_credential_replace.scopes, c.scopes), '{}'),
        version = c.version + 1,
        expires_at = _credential_replace.expires_at,
        renew_at = _credential_replace.expires_at - interval '1 minute',
        updated_at = clock_timestamp()
    where c.credential_id = v_old.credential_id;
    delete from sluice_internal.credential_renewals as r where r.credential_id = _credential_replace.credential_id collate "C";
    perform sluice_internal._credential_mend(array[_credential_replace.credential_id]);
    perform sluice_internal._subscription_lose(
        v_old.credential_id, case when v_old.account <> _credential_replace.account then v_old.account end
    );
    perform sluice_internal._description_ask(_credential_replace.credential_id);
    select c.* into v_credential
    from sluice.credentials as c
    where c.credential_id = _credential_replace.credential_id collate "C";
    return v_credential;
end
$$;

comment on function sluice_internal._credential_replace(
    text, text, bytea, int, text, text, timestamptz, text, jsonb, text, text[], bigint
) is
'Gives a credential a new sealed secret (base_url, account, name, metadata, oauth_app_id and scopes null: as before, empty: none; held_version: the version that the new secret was made from); its syncs are tried again at once, and go on from where they are. Locks it. Errors: SL001, SL104, SL175, SL179.';
