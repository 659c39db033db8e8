create or replace function sluice_internal._lease_end(sync_id text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update sluice_internal.sync_runs as r
    set epoch = r.epoch + 1, poller_id = null, next_attempt_at = clock_timestamp()
    where r.sync_id = _lease_end.sync_id collate "C";
    update sluice_internal.sync_feeds as f
    set next_attempt_at = null
    where f.sync_id = _lease_end.sync_id collate "C" and f.error is not null;
    perform pg_notify('sluice_poller', '');
end
$$;

comment on function sluice_internal._lease_end(text) is
'Takes a sync from the poller that holds it, so that no page that was read under the old settings or the old cursors can be committed; it is claimed anew at once, and feeds that failed are tried. Locks the run.';
