create or replace function sluice_internal._credential_known(
    provider text,
    account text
)
returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    return (
        select c.credential_id from sluice_internal.credentials as c
        where c.provider = _credential_known.provider and c.account = _credential_known.account collate "C"
    );
end
$$;

comment on function sluice_internal._credential_known(text, text) is
'The id of the credential of that account, null if there is none: a secret is sealed for its id, before it is stored.';
