create or replace function sluice_internal._run_succeeded(
    run sluice_internal.sync_runs,
    finished boolean
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_complete boolean;
begin
    v_complete := run.backfill_completed_at is not null or not exists (
        select from sluice_internal.syncs as y
        cross join lateral unnest(y.collection_ids) as u (collection_id)
        left join sluice_internal.sync_feeds as f
            on f.sync_id = y.sync_id
            and (
                f.feed = u.collection_id
                or (u.collection_id = any(f.collection_ids) and f.kind not in ('part', 'sweep'))
                -- a sweep that is all there is of a collection
                or (u.collection_id = any(f.collection_ids) and f.kind = 'sweep' and not exists (
                    select from sluice_internal.sync_feeds as o
                    where o.sync_id = y.sync_id and u.collection_id = any(o.collection_ids) and o.kind not in ('part', 'sweep')
                ))
            )
        where y.sync_id = run.sync_id and not coalesce(f.completed_at is not null or (f.done and f.kind is null), false)
    );
    -- A page is no proof that all is well again: only a finished turn ends an error.
    if run.status = 'error' and not finished then
        return;
    end if;
    if run.status in ('pending', 'backfilling', 'active')
        and (run.status = 'active') = v_complete
        and (run.backfill_completed_at is not null) = v_complete
    then
        return;
    end if;
    update sluice_internal.sync_runs as r
    set
        status = case when v_complete then 'active' else 'backfilling' end,
        backfill_completed_at = case when v_complete then coalesce(r.backfill_completed_at, clock_timestamp()) end,
        error = null,
        error_since = null
    where r.sync_id = run.sync_id;
    if run.status = 'error' then
        perform sluice_internal._notice(run.sync_id, 'recovered');
    end if;
end
$$;

comment on function sluice_internal._run_succeeded(sluice_internal.sync_runs, boolean) is
'After a page, or (finished) a whole turn: the sync is backfilling or active; a turn ends an error, with a notice that it recovered.';
