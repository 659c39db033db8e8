create or replace function sluice.credential_delete(credential_id text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_sync_id text;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform from sluice_internal.credentials as c where c.credential_id = credential_delete.credential_id collate "C" for update;
    if not found then
        raise exception using
            errcode = 'SL104',
            message = format('credential "%s" does not exist', left(credential_delete.credential_id, 200)),
            hint = 'List the credentials with: select credential_id, provider from sluice.credentials';
    end if;
    select y.sync_id into v_sync_id
    from sluice_internal.syncs as y
    where y.credential_id = credential_delete.credential_id collate "C"
    limit 1;
    if found then
        raise exception using
            errcode = 'SL111',
            message = format('credential "%s" is used by sync "%s"', credential_delete.credential_id, v_sync_id),
            hint = 'Delete its syncs first.';
    end if;
    delete from sluice_internal.credentials as c where c.credential_id = credential_delete.credential_id collate "C";
end
$$;

comment on function sluice.credential_delete(text) is
'Deletes a credential that no sync uses. Locks its row. Errors: SL104, SL111.';
