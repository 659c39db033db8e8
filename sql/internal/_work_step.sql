create or replace function sluice_internal._work_step(
    work sluice_internal.sync_work,
    most int
)
returns table (
    sync_id text,
    kind text,
    records bigint,
    finished boolean,
    waits_for text
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs;
    v_stream_id text;
    v_chosen record;
    v_done record;
begin
    finished := false;
    select y.* into v_sync from sluice_internal.syncs as y where y.sync_id = work.sync_id;
    select s.stream_id into v_stream_id from sluice_internal.streams as s where s.stream_no = v_sync.stream_no;
    -- Who wrote before this was ordered may still do so until it ends; who wrote later knows of it (_record_store looks after writing).
    if work.marked_by <> pg_current_xact_id() then
        work.writers := case
            when work.writers is null then sluice_internal._writers()
            else array(select unnest(work.writers) intersect select unnest(sluice_internal._writers()))
        end;
    end if;
    if work.after_collection_id = '' then
        work.waits_for := null;
    end if;
    work.next_at := clock_timestamp();
    if work.phase = 'rest' then
        finished := sluice_internal._work_rest(work, _work_step.most);
    else
        v_chosen := sluice_internal._work_choose(work, v_stream_id, _work_step.most);
        if v_chosen.record_nos is not null then
            v_done := sluice_internal._work_records(work, v_sync, v_chosen.record_nos);
            work.records := work.records + case when work.phase = 'tombstones' then 0 else v_done.done end;
            work.waits_for := coalesce('consumer ' || v_done.held_by, work.waits_for);
            work.after_collection_id := v_chosen.last_collection_id;
            work.after_upstream_id := v_chosen.last_upstream_id;
        end if;
        if v_chosen.record_nos is null or cardinality(v_chosen.record_nos) < _work_step.most then
            -- The end of a pass. What those writers have committed meanwhile is seen only in a statement that begins now.
            work.after_collection_id := '';
            work.after_upstream_id := '';
            if coalesce(work.writers, '{-}') <> '{}' then
                work.waits_for := coalesce(work.waits_for, 'open transactions that have written records');
            elsif sluice_internal._work_left(work, v_stream_id) then
                work.waits_for := coalesce(work.waits_for, 'open transactions that hold records of the sync');
            else
                work.waits_for := null;
                work.phase := case work.phase when 'tombstones' then 'records' else 'rest' end;
                finished := work.phase = 'rest' and sluice_internal._work_rest(work, _work_step.most);
            end if;
            if work.waits_for is not null then
                work.next_at := clock_timestamp() + interval '2 seconds';
            end if;
        end if;
    end if;
    update sluice_internal.sync_work as w
    set
        phase = work.phase,
        after_collection_id = work.after_collection_id,
        after_upstream_id = work.after_upstream_id,
        writers = work.writers,
        records = work.records,
        waits_for = work.waits_for,
        next_at = work.next_at
    where not finished and w.sync_id = work.sync_id;
    sync_id := work.sync_id;
    kind := work.kind;
    records := work.records;
    waits_for := case when not finished then work.waits_for end;
    return next;
end
$$;

comment on function sluice_internal._work_step(sluice_internal.sync_work, int) is
'One step of a piece of work, whose row the caller has locked: up to so many records, in the order of their keys, until a pass finds none and nobody is left who could write some. records: so far in all.';
