create or replace view sluice.tokens as
select
    t.token_id,
    t.name,
    t.prefix,
    t.scopes,
    t.created_at,
    t.expires_at,
    t.revoked_at
from sluice_internal.tokens as t;

comment on view sluice.tokens is 'The API tokens, by their first characters.';
