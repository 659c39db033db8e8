create or replace function sluice_internal._work_choose(
    work sluice_internal.sync_work,
    stream_id text,
    most int,
    out record_nos bigint[],
    out last_collection_id text,
    out last_upstream_id text
)
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
    select array_agg(c.record_no), (array_agg(c.collection_id))[count(*)], (array_agg(c.upstream_id))[count(*)]
    into record_nos, last_collection_id, last_upstream_id
    from (
        -- What another transaction holds is left for a later pass: nobody waits for an open transaction here.
        select r.record_no, r.collection_id, r.upstream_id
        from sluice.records as r
        where
            r.sync_id = work.sync_id
            and (r.collection_id, r.upstream_id) > (work.after_collection_id collate "C", work.after_upstream_id collate "C")
            and (work.collection_ids is null or r.collection_id = any(work.collection_ids))
            and (work.kind <> 'move' or r.stream_id <> _work_choose.stream_id collate "C")
            and (work.phase <> 'tombstones' or not r.deleted)
        order by r.collection_id, r.upstream_id
        limit _work_choose.most
        for update skip locked
    ) as c;
end
$$;

comment on function sluice_internal._work_choose(sluice_internal.sync_work, text, int) is
'The next records that a piece of work is about, in the order of their keys; stream_id: where those of a move are to be. Locks them (skips locked ones).';
