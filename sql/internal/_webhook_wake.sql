create or replace function sluice_internal._webhook_wake(
    sync_id text,
    waiting boolean default true
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '20s'
as $$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
begin
    if _webhook_wake.waiting then
        select r.* into v_run from sluice_internal.sync_runs as r where r.sync_id = _webhook_wake.sync_id collate "C" for no key update;
    else
        select r.* into v_run
        from sluice_internal.sync_runs as r
        where r.sync_id = _webhook_wake.sync_id collate "C"
        for no key update skip locked;
    end if;
    if not found then
        return _webhook_wake.waiting;
    end if;
    -- Under a lease the end of the turn sees what is wanted by then, if it knows that it has to look.
    if v_run.poller_id is not null then
        update sluice_internal.sync_runs as r set told_at = clock_timestamp() where r.sync_id = v_run.sync_id and r.told_at is null;
    end if;
    if v_run.next_attempt_at > clock_timestamp() and v_run.status not in ('error', 'rate_limited')
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = v_run.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        )
    then
        update sluice_internal.sync_runs as r set next_attempt_at = clock_timestamp() where r.sync_id = v_run.sync_id;
        perform pg_notify('sluice_poller', '');
    end if;
    return true;
end
$$;

comment on function sluice_internal._webhook_wake(text, boolean) is
'The sync is due now, unless it rests after an error or by its vendor''s wish. waiting: for a poller that is writing just now; else false, and nothing done, if there is one. Locks the run.';
