create or replace function sluice_internal._sync_release(
    sync_id text,
    poller_id text,
    epoch bigint
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.sync_runs as r
    set poller_id = null, next_attempt_at = clock_timestamp()
    where
        r.sync_id = _sync_release.sync_id collate "C"
        and r.poller_id = _sync_release.poller_id collate "C"
        and r.epoch = _sync_release.epoch;
    perform pg_notify('sluice_poller', '');
end
$$;

comment on function sluice_internal._sync_release(text, text, bigint) is
'Gives a sync back in the middle of its work; whoever comes first goes on. Does nothing if the lease is gone.';
