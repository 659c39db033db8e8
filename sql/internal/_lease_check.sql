create or replace function sluice_internal._lease_check(
    sync_id text,
    poller_id text,
    epoch bigint
)
returns sluice_internal.sync_runs
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
begin
    select r.* into v_run
    from sluice_internal.sync_runs as r
    where
        r.sync_id = _lease_check.sync_id collate "C"
        and r.poller_id = _lease_check.poller_id collate "C"
        and r.epoch = _lease_check.epoch
        and not exists (select from sluice_internal.syncs as y where y.sync_id = r.sync_id and y.paused)
    for update of r;
    if not found then
        raise exception using
            errcode = 'SL130',
            message = format('poller "%s" no longer works on sync "%s"', _lease_check.poller_id, _lease_check.sync_id),
            hint = 'Drop what was read: another poller has the sync, or it was paused or deleted.';
    end if;
    return v_run;
end
$$;

comment on function sluice_internal._lease_check(text, text, bigint) is
'Raises SL130 unless this poller still holds the sync in this epoch. Locks the run, so nobody can claim it before the transaction ends.';
