create or replace function sluice.sync_pause(sync_id text)
returns sluice.syncs
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_checked sluice_internal.syncs := sluice_internal._authorize_sync(sync_pause.sync_id, 'admin');
    v_sync sluice.syncs;
begin
    update sluice_internal.syncs as y set paused = true where y.sync_id = v_checked.sync_id and y.paused <> true;
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_checked.sync_id;
    return v_sync;
end
$$;

comment on function sluice.sync_pause(text) is
'Stops a sync: its poller drops the page at hand; consumers go on reading what is there. Errors: SL102.';
