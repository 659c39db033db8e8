create or replace function sluice.sync_tidy(sync_id text default null)
returns setof sluice.sync_progress
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_work sluice_internal.sync_work;
begin
    perform sluice_internal._authorize(null, 'admin');
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception using
            errcode = 'SL003',
            message = format('sync_tidy needs READ COMMITTED, not %s', upper(current_setting('transaction_isolation'))),
            hint = 'A fixed snapshot would not show what others have written. Begin with: begin isolation level read committed.';
    end if;
    for v_work in
        select w.*
        from sluice_internal.sync_work as w
        where sync_tidy.sync_id is null or w.sync_id = sync_tidy.sync_id collate "C"
        order by w.next_at
        limit 10
        for update skip locked
    loop
        return query select t.* from sluice_internal._work_step(v_work, 5000) as t;
    end loop;
end
$$;

comment on function sluice.sync_tidy(text) is
'Goes on with what sync_delete, sync_move and dropped collections have left to do, up to 5,000 records of a sync a call; pollers do it by themselves. One row for each sync that has such work: delete, drop or move, how many records are done so far, whether that was all, and if not what it waits for. No row: nothing to do, or another session is at it. Locks that work (skips locked ones) and those records. Errors: SL003.';
