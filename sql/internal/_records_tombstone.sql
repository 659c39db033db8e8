create or replace function sluice_internal._records_tombstone(
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
    v_sequence regclass := format('sluice_internal.position_%s', _records_tombstone.stream_no)::regclass;
    v_count int;
begin
    perform sluice_internal._touch_stream(_records_tombstone.stream_no);
    with written as (
        update sluice.records as r
        set deleted = true, updated_idx = nextval(v_sequence), read_from = null, read_until = null
        from sluice_internal.streams as s
        where
            r.record_no = any(_records_tombstone.record_nos)
            and s.stream_no = _records_tombstone.stream_no
            and r.stream_id = s.stream_id
        returning r.record_no, r.updated_idx, r.collection_id
    ),
    noted as (
        insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
        select
            _records_tombstone.stream_no,
            _records_tombstone.sync_id,
            case
                when min(w.collection_id) = max(w.collection_id) then array[min(w.collection_id)]
                else array_agg(w.collection_id order by w.updated_idx)
            end,
            array_agg(w.record_no order by w.updated_idx),
            array_agg(w.updated_idx order by w.updated_idx),
            array_agg(false order by w.updated_idx)
        from written as w
        having count(*) > 0
    )
    select count(*) into v_count from written as w;
    return v_count;
end
$$;

comment on function sluice_internal._records_tombstone(text, int, bigint[]) is
'Makes tombstones of those of these records, which the caller has locked, that are in this stream; how many.';
