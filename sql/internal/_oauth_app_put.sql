create or replace function sluice_internal._oauth_app_put(
    oauth_app_id text,
    provider text,
    client_id text,
    sealed bytea,
    key_version int,
    name text default null,
    base_url text default null,
    scopes text[] default null,
    redirect_urls text[] default null,
    metadata jsonb default null
)
returns sluice.oauth_apps
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_app sluice.oauth_apps;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform sluice_internal._check_id('oauth_app_id', _oauth_app_put.oauth_app_id);
    -- Against a provider_delete of this moment.
    perform from sluice_internal.provider_documents as d where d.provider = _oauth_app_put.provider collate "C" for key share;
    if not exists (select from sluice.providers as p where p.provider = _oauth_app_put.provider) then
        raise exception using
            errcode = 'SL105',
            message = format('provider "%s" does not exist', left(_oauth_app_put.provider, 200)),
            hint = format('There are: %s.', (select string_agg(p.provider, ', ' order by p.provider) from sluice.providers as p));
    end if;
    if coalesce(octet_length(_oauth_app_put.client_id), 0) not between 1 and 1000 then
        raise exception using
            errcode = 'SL001', message = 'client_id must have 1 to 1000 bytes', hint = 'It is shown at the vendor, with the app.';
    end if;
    if jsonb_typeof(coalesce(_oauth_app_put.metadata, '{}')) <> 'object' then
        raise exception using errcode = 'SL001', message = 'metadata must be a JSON object', hint = 'For example {"tenant": 42}.';
    end if;
    perform sluice_internal._check_redirect_urls(_oauth_app_put.redirect_urls);
    insert into sluice_internal.oauth_apps as a (
        oauth_app_id, provider, client_id, sealed, key_version, name, base_url, scopes, redirect_urls, metadata
    )
    values (
        _oauth_app_put.oauth_app_id, _oauth_app_put.provider, _oauth_app_put.client_id, _oauth_app_put.sealed, _oauth_app_put.key_version,
        _oauth_app_put.name, _oauth_app_put.base_url, coalesce(_oauth_app_put.scopes, '{}'), coalesce(_oauth_app_put.redirect_urls, '{}'),
        coalesce(_oauth_app_put.metadata, '{}')
    )
    on conflict do nothing;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the oauth app id "%s" is taken', _oauth_app_put.oauth_app_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    select a.* into v_app from sluice.oauth_apps as a where a.oauth_app_id = _oauth_app_put.oauth_app_id collate "C";
    return v_app;
end
$$;

comment on function sluice_internal._oauth_app_put(text, text, text, bytea, int, text, text, text[], text[], jsonb) is
'Stores an OAuth app whose client secret the application has sealed. Errors: SL001, SL105, SL110.';
