create or replace function sluice_internal._credential_put(
    credential_id text,
    provider text,
    kind text,
    name text,
    sealed bytea,
    key_version int,
    base_url text,
    metadata jsonb,
    account text default null,
    expires_at timestamptz default null,
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
    v_credential sluice.credentials;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform sluice_internal._check_id('credential_id', _credential_put.credential_id);
    -- Against a provider_delete of this moment.
    perform from sluice_internal.provider_documents as d where d.provider = _credential_put.provider collate "C" for key share;
    if not exists (select from sluice.providers as p where p.provider = _credential_put.provider) then
        raise exception using
            errcode = 'SL105',
            message = format('provider "%s" does not exist', left(_credential_put.provider, 200)),
            hint = format('There are: %s.', (select string_agg(p.provider, ', ' order by p.provider) from sluice.providers as p));
    end if;
    if jsonb_typeof(coalesce(_credential_put.metadata, '{}')) <> 'object' then
        raise exception using errcode = 'SL001', message = 'metadata must be a JSON object', hint = 'For example {"tenant": 42}.';
    end if;
    perform sluice_internal._check_oauth_app(_credential_put.oauth_app_id, _credential_put.provider);
    perform sluice_internal._check_app_address(_credential_put.oauth_app_id, _credential_put.base_url);
    insert into sluice_internal.credentials as c (
        credential_id, provider, kind, name, sealed, key_version, base_url, metadata, account, expires_at, renew_at, oauth_app_id, scopes
    )
    values (
        _credential_put.credential_id, _credential_put.provider, _credential_put.kind, _credential_put.name,
        _credential_put.sealed, _credential_put.key_version, _credential_put.base_url, coalesce(_credential_put.metadata, '{}'),
        _credential_put.account, _credential_put.expires_at, _credential_put.expires_at - interval '1 minute',
        _credential_put.oauth_app_id, _credential_put.scopes
    )
    on conflict do nothing;
    if not found and exists (
        select from sluice_internal.credentials as c
        where c.provider = _credential_put.provider and c.account = _credential_put.account collate "C"
    ) then
        raise exception using
            errcode = 'SL110',
            message = format('the account "%s" has a credential already', left(_credential_put.account, 200)),
            hint = 'Leave the id out, or give that one''s: importing it again updates it.';
    end if;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the credential id "%s" is taken', _credential_put.credential_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    perform sluice_internal._description_ask(_credential_put.credential_id);
    select c.* into v_credential from sluice.credentials as c where c.credential_id = _credential_put.credential_id collate "C";
    return v_credential;
end
$$;

comment on function sluice_internal._credential_put(text, text, text, text, bytea, int, text, jsonb, text, timestamptz, text, text[]) is
'Stores a credential whose secret the application has sealed. account: the vendor''s, where it is known; it has one credential. oauth_app_id: the app that it was obtained through, which renews its tokens. Errors: SL001, SL105, SL110, SL175.';
