create or replace function sluice_internal._hold_sync(
    sync_id text,
    deleting boolean default false
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    -- One change at a time: each would order work on the records that the others, who looked first, do not know of.
    perform pg_advisory_xact_lock(sluice_internal._lock_key(8, hashtextextended(_hold_sync.sync_id, 0) & 34359738367, 0));
    -- Always in this order: the work on its records, its run, and then the sync itself.
    perform from sluice_internal.sync_work as w where w.sync_id = _hold_sync.sync_id for update;
    perform from sluice_internal.sync_runs as r where r.sync_id = _hold_sync.sync_id for update;
    perform sluice_internal._authorize_sync(_hold_sync.sync_id, 'admin', _hold_sync.deleting);
end
$$;

comment on function sluice_internal._hold_sync(text, boolean) is
'Before a sync is changed: no page is committed meanwhile, and nobody else changes it. Locks the work on its records and its run; SL102 if it was deleted first, SL165 if it is being deleted, unless that is asked for (deleting).';
