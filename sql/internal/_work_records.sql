create or replace function sluice_internal._work_records(
    work sluice_internal.sync_work,
    sync sluice_internal.syncs,
    record_nos bigint[],
    out done int,
    out held_by text
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_stream_no int;
    v_held bigint[] := '{}';
    v_found record;
begin
    if work.kind = 'move' then
        done := sluice_internal._records_move(sync.sync_id, sync.stream_no, _work_records.record_nos);
        return;
    end if;
    done := 0;
    -- a sync that was being moved when its deletion came has records in both streams
    foreach v_stream_no in array array_remove(array[sync.stream_no, sync.moving_from], null) loop
        if work.phase = 'tombstones' then
            done := done + sluice_internal._records_tombstone(sync.sync_id, v_stream_no, _work_records.record_nos);
        elsif work.emit then
            select array_agg(h.record_no) as record_nos, min(h.consumer_id) as consumer_id into v_found
            from sluice_internal._records_held(v_stream_no, _work_records.record_nos) as h;
            v_held := v_held || v_found.record_nos;
            held_by := coalesce(held_by, v_found.consumer_id);
        end if;
    end loop;
    if work.phase = 'records' then
        record_nos := array(select unnest(_work_records.record_nos) except select unnest(v_held));
        done := sluice_internal._records_forget(sync.stream_no, _work_records.record_nos);
        if sync.moving_from is not null then
            perform sluice_internal._records_forget(sync.moving_from, _work_records.record_nos);
        end if;
    end if;
end
$$;

comment on function sluice_internal._work_records(sluice_internal.sync_work, sluice_internal.syncs, bigint[]) is
'Moves, marks or removes the records that a piece of work has chosen and locked: how many, and a consumer that has not settled some of them yet, which therefore stay.';
