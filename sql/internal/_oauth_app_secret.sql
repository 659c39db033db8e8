create or replace function sluice_internal._oauth_app_secret(
    oauth_app_id text,
    sealed bytea,
    key_version int
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    update sluice_internal.oauth_apps as a
    set
        sealed = _oauth_app_secret.sealed,
        key_version = _oauth_app_secret.key_version,
        version = a.version + 1,
        updated_at = clock_timestamp()
    where a.oauth_app_id = _oauth_app_secret.oauth_app_id collate "C";
    if found then
        perform sluice_internal._credential_mend(array(
            select c.credential_id from sluice_internal.credentials as c where c.oauth_app_id = _oauth_app_secret.oauth_app_id collate "C"
        ));
    end if;
end
$$;

comment on function sluice_internal._oauth_app_secret(text, bytea, int) is
'Gives an OAuth app a new sealed client secret; what waits for its credentials is tried again at once. Locks its row.';
