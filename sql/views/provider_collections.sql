create or replace view sluice.provider_collections as
select
    c.provider,
    c.collection_id,
    c.mutations,
    c.description,
    c.match_on,
    c.if_match
from sluice_internal._builtin_collections as c
union all
select
    c.provider,
    c.collection_id,
    c.mutations,
    c.description,
    c.match_on,
    c.if_match
from sluice_internal._document_collections as c;

comment on view sluice.provider_collections is
'The collections that each provider can read, the kinds of mutation it takes, the fields that an upsert may match on, and whether if_match is understood. A push sync takes any collection named provider:object.';
