create or replace function sluice_internal._records_move(
    sync_id text,
    stream_no int,
    record_nos bigint[]
)
returns int
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
#variable_conflict use_column
declare
    v_sequence regclass := format('sluice_internal.position_%s', _records_move.stream_no)::regclass;
    v_stream_id text;
    v_count int;
begin
    select s.stream_id into v_stream_id from sluice_internal.streams as s where s.stream_no = _records_move.stream_no;
    perform sluice_internal._touch_stream(_records_move.stream_no);
    delete from sluice_internal.dead_letters as d
    using sluice_internal.consumers as c
    where d.consumer_no = c.consumer_no and c.stream_no <> _records_move.stream_no and d.record_no = any(_records_move.record_nos);
    -- A new record_no: whatever the old stream knows of the record, its positions, leases and all, is about one that is gone. The key
    -- stays, and so does what refers to it.
    with moved as (
        update sluice.records as r
        set record_no = default, stream_id = v_stream_id, updated_idx = nextval(v_sequence)
        where r.record_no = any(_records_move.record_nos)
        returning r.record_no, r.updated_idx, r.collection_id
    ),
    noted as (
        insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
        select
            _records_move.stream_no,
            _records_move.sync_id,
            case
                when min(m.collection_id) = max(m.collection_id) then array[min(m.collection_id)]
                else array_agg(m.collection_id order by m.updated_idx)
            end,
            array_agg(m.record_no order by m.updated_idx),
            array_agg(m.updated_idx order by m.updated_idx),
            array_agg(true order by m.updated_idx)
        from moved as m
        having count(*) > 0
    ),
    -- they are first in their new stream, but not new: the counters of the sync do not see them
    counted as (
        insert into sluice_internal.count_deltas (sync_id, collection_id, records, changes, stream_no)
        select
            _records_move.sync_id, m.collection_id, -count(*), -count(*),
            (select y.moving_from from sluice_internal.syncs as y where y.sync_id = _records_move.sync_id)
        from moved as m
        group by m.collection_id
    )
    select count(*) into v_count from moved as m;
    return v_count;
end
$$;

comment on function sluice_internal._records_move(text, int, bigint[]) is
'Puts records of a sync, which the caller has locked, into another stream; how many. They get new positions there, decided at commit as for any ingest.';
