create or replace function sluice.oauth_app_update(
    oauth_app_id text,
    client_id text default null,
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
    if octet_length(oauth_app_update.client_id) not between 1 and 1000 then
        raise exception using
            errcode = 'SL001', message = 'client_id must have 1 to 1000 bytes', hint = 'It is shown at the vendor, with the app.';
    end if;
    if jsonb_typeof(oauth_app_update.metadata) <> 'object' then
        raise exception using errcode = 'SL001', message = 'metadata must be a JSON object', hint = 'For example {"tenant": 42}.';
    end if;
    perform sluice_internal._check_redirect_urls(oauth_app_update.redirect_urls);
    update sluice_internal.oauth_apps as a
    set
        client_id = coalesce(oauth_app_update.client_id, a.client_id),
        name = nullif(coalesce(oauth_app_update.name, a.name), ''),
        base_url = nullif(coalesce(oauth_app_update.base_url, a.base_url), ''),
        scopes = coalesce(oauth_app_update.scopes, a.scopes),
        redirect_urls = coalesce(oauth_app_update.redirect_urls, a.redirect_urls),
        metadata = coalesce(oauth_app_update.metadata, a.metadata),
        updated_at = clock_timestamp()
    where a.oauth_app_id = oauth_app_update.oauth_app_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL175',
            message = format('OAuth app "%s" does not exist', left(coalesce(oauth_app_update.oauth_app_id, 'null'), 200)),
            hint = 'List them with: select oauth_app_id, provider from sluice.oauth_apps';
    end if;
    select a.* into v_app from sluice.oauth_apps as a where a.oauth_app_id = oauth_app_update.oauth_app_id collate "C";
    return v_app;
end
$$;

comment on function sluice.oauth_app_update(text, text, text, text, text[], text[], jsonb) is
'Changes an OAuth app and answers it; what is null stays, and an empty text or list or {} takes a setting away. Its client secret is sealed by the application: pgsluice oauth-app update, PATCH /v1/oauth-apps/{id}. Locks its row. Errors: SL001, SL175.';
