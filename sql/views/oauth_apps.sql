create or replace view sluice.oauth_apps as
select
    a.oauth_app_id,
    a.provider,
    a.client_id,
    a.name,
    a.base_url,
    a.scopes,
    a.redirect_urls,
    a.metadata,
    a.key_version,
    a.created_at,
    a.updated_at
from sluice_internal.oauth_apps as a;

comment on view sluice.oauth_apps is
'The OAuth apps at vendors, without their secrets. scopes: what consents ask for (empty: the provider''s own); redirect_urls: where a browser may be sent after one.';
