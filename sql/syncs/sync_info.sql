create or replace function sluice.sync_info(sync_id text)
returns sluice.syncs
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_checked sluice_internal.syncs := sluice_internal._authorize_sync(sync_info.sync_id, 'reader');
    v_sync sluice.syncs;
begin
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_checked.sync_id;
    return v_sync;
end
$$;

comment on function sluice.sync_info(text) is 'One sync. Errors: SL102.';
