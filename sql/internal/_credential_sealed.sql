create or replace function sluice_internal._credential_sealed(credential_id text)
returns table (
    sealed bytea,
    key_version int,
    kind text,
    provider text,
    base_url text,
    version bigint
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
select
    c.sealed,
    c.key_version,
    c.kind,
    c.provider,
    c.base_url,
    c.version
from sluice_internal.credentials as c
where c.credential_id = _credential_sealed.credential_id collate "C";
end;

comment on function sluice_internal._credential_sealed(text) is 'A sealed secret, for the process that holds the master key.';
