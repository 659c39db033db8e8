create or replace function sluice_internal._hold_sync(sync_id text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Always in this order: the work on its records, its run, and then the sync itself.
    perform from sluice_internal.sync_work as w where w.sync_id = _hold_sync.sync_id for update;
    perform from sluice_internal.sync_runs as r where r.sync_id = _hold_sync.sync_id for update;
    perform sluice_internal._authorize_sync(_hold_sync.sync_id, 'admin');
end
$$;

comment on function sluice_internal._hold_sync(text) is
'Before a sync is changed: no page is committed meanwhile. Locks the work on its records and its run; SL102 and SL165 if it was deleted first.';
