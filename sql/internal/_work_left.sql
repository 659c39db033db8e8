create or replace function sluice_internal._work_left(
    work sluice_internal.sync_work,
    stream_id text
)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
#variable_conflict use_column
begin
    return exists (
        select
        from sluice.records as r
        where
            r.sync_id = work.sync_id
            and (work.collection_ids is null or r.collection_id = any(work.collection_ids))
            and (work.kind <> 'move' or r.stream_id <> _work_left.stream_id collate "C")
            and (work.phase <> 'tombstones' or not r.deleted)
    );
end
$$;

comment on function sluice_internal._work_left(sluice_internal.sync_work, text) is
'Whether a piece of work has records left in this phase. Volatile, so that it sees what was committed a moment ago.';
