create or replace view sluice.credential_collections as
select
    d.credential_id,
    c.provider,
    d.collection_id,
    d.description,
    d.mutations,
    d.match_on,
    d.if_match
from sluice_internal.described_collections as d
inner join sluice_internal.credentials as c on c.credential_id = d.credential_id
union all
select
    c.credential_id,
    c.provider,
    k.collection_id,
    k.description,
    k.mutations,
    k.match_on,
    k.if_match
from sluice_internal.credentials as c
inner join sluice.provider_collections as k on k.provider = c.provider
where not exists (
    select from sluice_internal.described_collections as d
    where d.credential_id = c.credential_id and d.collection_id = k.collection_id collate "C"
);

comment on view sluice.credential_collections is
'The collections that the account behind each credential has: as it described them, else as its provider names them.';
