create or replace function sluice_internal._oauth_app_sealed(oauth_app_id text)
returns table (
    sealed bytea,
    key_version int,
    version bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    return query
    select a.sealed, a.key_version, a.version
    from sluice_internal.oauth_apps as a
    where a.oauth_app_id = _oauth_app_sealed.oauth_app_id collate "C";
end
$$;

comment on function sluice_internal._oauth_app_sealed(text) is 'A sealed client secret, for the process that holds the master key.';
