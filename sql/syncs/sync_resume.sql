create or replace function sluice.sync_resume(sync_id text)
returns sluice.syncs
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_checked sluice_internal.syncs := sluice_internal._authorize_sync(sync_resume.sync_id, 'admin');
    v_sync sluice.syncs;
begin
    perform sluice_internal._hold_sync(v_checked.sync_id);
    update sluice_internal.syncs as y set paused = false where y.sync_id = v_checked.sync_id and y.paused <> false;
    update sluice_internal.sync_runs as r set next_attempt_at = clock_timestamp() where r.sync_id = v_checked.sync_id;
    update sluice_internal.sync_feeds as f set next_attempt_at = null where f.sync_id = v_checked.sync_id and f.error is not null;
    perform pg_notify('sluice_poller', '');
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_checked.sync_id;
    return v_sync;
end
$$;

comment on function sluice.sync_resume(text) is 'Lets a paused sync go on at once, from where it stopped. Errors: SL102.';
