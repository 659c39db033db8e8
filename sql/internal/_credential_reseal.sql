create or replace function sluice_internal._credential_reseal(
    credential_id text,
    version bigint,
    old_key_version int,
    sealed bytea,
    key_version int
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    update sluice_internal.credentials as k
    set sealed = _credential_reseal.sealed, key_version = _credential_reseal.key_version
    where
        k.credential_id = _credential_reseal.credential_id collate "C"
        and k.version = _credential_reseal.version and k.key_version = _credential_reseal.old_key_version;
    return found;
end
$$;

comment on function sluice_internal._credential_reseal(text, bigint, int, bytea, int) is
'Stores the same secret sealed with another master key; false, and nothing done, if it changed meanwhile.';
