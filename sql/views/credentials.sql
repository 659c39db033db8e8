create or replace view sluice.credentials as
select
    c.credential_id,
    c.provider,
    c.kind,
    c.name,
    c.base_url,
    c.metadata,
    c.key_version,
    c.created_at,
    c.updated_at,
    c.account,
    c.expires_at,
    c.version,
    c.oauth_app_id,
    c.scopes
from sluice_internal.credentials as c;

comment on view sluice.credentials is 'The credentials, without their secrets.';
