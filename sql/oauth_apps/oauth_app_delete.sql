create or replace function sluice.oauth_app_delete(oauth_app_id text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_credential_id text;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform from sluice_internal.oauth_apps as a where a.oauth_app_id = oauth_app_delete.oauth_app_id collate "C" for update;
    if not found then
        raise exception using
            errcode = 'SL175',
            message = format('OAuth app "%s" does not exist', left(coalesce(oauth_app_delete.oauth_app_id, 'null'), 200)),
            hint = 'List them with: select oauth_app_id, provider from sluice.oauth_apps';
    end if;
    select c.credential_id into v_credential_id
    from sluice_internal.credentials as c
    where c.oauth_app_id = oauth_app_delete.oauth_app_id collate "C"
    limit 1;
    if found then
        raise exception using
            errcode = 'SL111',
            message = format('OAuth app "%s" is used by credential "%s"', oauth_app_delete.oauth_app_id, v_credential_id),
            hint = 'Its tokens could not be renewed any more: delete its credentials first.';
    end if;
    delete from sluice_internal.oauth_apps as a where a.oauth_app_id = oauth_app_delete.oauth_app_id collate "C";
end
$$;

comment on function sluice.oauth_app_delete(text) is
'Deletes an OAuth app that no credential was obtained through; consents that are under way end with it. Locks its row. Errors: SL111, SL175.';
