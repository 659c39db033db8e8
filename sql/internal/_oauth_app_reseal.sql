create or replace function sluice_internal._oauth_app_reseal(
    oauth_app_id text,
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
    update sluice_internal.oauth_apps as a
    set sealed = _oauth_app_reseal.sealed, key_version = _oauth_app_reseal.key_version
    where
        a.oauth_app_id = _oauth_app_reseal.oauth_app_id collate "C"
        and a.version = _oauth_app_reseal.version and a.key_version = _oauth_app_reseal.old_key_version;
    return found;
end
$$;

comment on function sluice_internal._oauth_app_reseal(text, bigint, int, bytea, int) is
'Stores the same client secret sealed with another master key; false, and nothing done, if it changed meanwhile.';
