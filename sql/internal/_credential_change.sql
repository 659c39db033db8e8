create or replace function sluice_internal._credential_change(
    credential_id text,
    name text default null,
    base_url text default null,
    metadata jsonb default null,
    account text default null,
    oauth_app_id text default null,
    scopes text[] default null
)
returns sluice.credentials
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_old sluice_internal.credentials;
    v_credential sluice.credentials;
begin
    perform sluice_internal._authorize(null, 'admin');
    select c.* into v_old
    from sluice_internal.credentials as c
    where c.credential_id = _credential_change.credential_id collate "C"
    for no key update;
    if not found then
        raise exception using
            errcode = 'SL104',
            message = format('credential "%s" does not exist', left(_credential_change.credential_id, 200)),
            hint = 'List the credentials with: select credential_id, provider from sluice.credentials';
    end if;
    perform sluice_internal._check_base_url(_credential_change.base_url, v_old.base_url);
    perform sluice_internal._check_oauth_app(nullif(_credential_change.oauth_app_id, ''), v_old.provider);
    perform sluice_internal._check_app_address(
        nullif(coalesce(_credential_change.oauth_app_id, v_old.oauth_app_id), ''),
        nullif(coalesce(_credential_change.base_url, v_old.base_url), ''),
        v_old.oauth_app_id,
        v_old.base_url
    );
    if exists (
        select from sluice_internal.credentials as c
        where
            c.provider = v_old.provider and c.account = _credential_change.account collate "C" and c.credential_id <> v_old.credential_id
    ) then
        raise exception using
            errcode = 'SL110',
            message = format('the account "%s" has a credential already', left(_credential_change.account, 200)),
            hint = 'An account has one credential: use that one.';
    end if;
    update sluice_internal.credentials as c
    set
        name = nullif(coalesce(_credential_change.name, c.name), ''),
        base_url = nullif(coalesce(_credential_change.base_url, c.base_url), ''),
        metadata = coalesce(_credential_change.metadata, c.metadata),
        account = coalesce(_credential_change.account, c.account),
        oauth_app_id = nullif(coalesce(_credential_change.oauth_app_id, c.oauth_app_id), ''),
        scopes = nullif(coalesce(_credential_change.scopes, c.scopes), '{}'),
        updated_at = clock_timestamp()
    where c.credential_id = v_old.credential_id;
    perform sluice_internal._credential_mend(array[v_old.credential_id]);
    select c.* into v_credential from sluice.credentials as c where c.credential_id = v_old.credential_id;
    return v_credential;
end
$$;

comment on function sluice_internal._credential_change(text, text, text, jsonb, text, text, text[]) is
'Changes a credential and leaves its secret; what is null stays, an empty text or list takes a setting away. Another base_url needs a secret: _credential_replace. Locks it. Errors: SL001, SL104, SL110, SL175.';
