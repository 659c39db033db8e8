create or replace function sluice_internal._sync_fail(
    sync_id text,
    poller_id text,
    epoch bigint,
    status text,
    error jsonb,
    retry_in interval
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
    v_run := sluice_internal._lease_check(_sync_fail.sync_id, _sync_fail.poller_id, _sync_fail.epoch);
    update sluice_internal.sync_runs as r
    set
        status = _sync_fail.status,
        error = _sync_fail.error,
        error_since = case when r.status = _sync_fail.status then r.error_since else clock_timestamp() end,
        attempt = r.attempt + 1,
        next_attempt_at = clock_timestamp() + _sync_fail.retry_in,
        poller_id = null
    where r.sync_id = v_run.sync_id;
    if _sync_fail.status = 'error' and v_run.status <> 'error' then
        perform sluice_internal._notice(v_run.sync_id, 'broken', _sync_fail.error);
    end if;
end
$$;

comment on function sluice_internal._sync_fail(text, text, bigint, text, jsonb, interval) is
'The turn failed (status error or rate_limited): keeps the reason {code, message, details, hint}, gives the sync back until retry_in has passed, and leaves a notice when it breaks. Errors: SL130.';
