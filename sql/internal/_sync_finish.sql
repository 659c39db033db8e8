create or replace function sluice_internal._sync_finish(
    sync_id text,
    poller_id text,
    epoch bigint,
    next_in interval
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_sync_finish.sync_id, _sync_finish.poller_id, _sync_finish.epoch);
    perform sluice_internal._run_succeeded(v_run, true);
    update sluice_internal.sync_runs as r
    set
        poller_id = null,
        attempt = 0,
        last_success_at = clock_timestamp(),
        next_attempt_at = clock_timestamp() + coalesce(
            (select y.sync_frequency from sluice_internal.syncs as y where y.sync_id = r.sync_id),
            _sync_finish.next_in
        )
    where r.sync_id = v_run.sync_id;
end
$$;

comment on function sluice_internal._sync_finish(text, text, bigint, interval) is
'The sync is caught up: gives it back until its sync_frequency (else next_in) has passed. Errors: SL130.';
