create or replace function sluice_internal._records_number(
    sync_id text,
    stream_no int,
    collection_id text,
    records jsonb,
    wrote_in int
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
#variable_conflict use_column
declare
    v_sequence regclass := format('sluice_internal.position_%s', _records_number.stream_no)::regclass;
begin
    perform sluice_internal._touch_stream(_records_number.stream_no);
    with numbered as (
        update sluice.records as r
        set updated_idx = nextval(v_sequence)
        from (
            select distinct
                coalesce(e.value ->> 'collection_id', _records_number.collection_id) as collection_id,
                e.value ->> 'upstream_id' as upstream_id
            from jsonb_array_elements(_records_number.records) as e (value)
        ) as i
        where
            r.sync_id = _records_number.sync_id collate "C"
            and r.collection_id = i.collection_id collate "C"
            and r.upstream_id = i.upstream_id collate "C"
            and exists (
                select
                from sluice_internal.ingests as n
                where
                    n.stream_no = _records_number.wrote_in
                    and r.record_no = any(n.record_nos)
                    and r.updated_idx = any(n.updated_idxs)
            )
        returning r.record_no, r.updated_idx, r.collection_id
    ),
    noted as (
        insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
        select
            _records_number.stream_no,
            _records_number.sync_id,
            array_agg(m.collection_id order by m.updated_idx),
            array_agg(m.record_no order by m.updated_idx),
            array_agg(m.updated_idx order by m.updated_idx),
            array_agg(false order by m.updated_idx)
        from numbered as m
        having count(*) > 0
    )
    -- the note in the other stream counts the change
    insert into sluice_internal.count_deltas (sync_id, collection_id, records, changes)
    select _records_number.sync_id, m.collection_id, 0, -count(*)
    from numbered as m
    group by m.collection_id;
end
$$;

comment on function sluice_internal._records_number(text, int, text, jsonb, int) is
'Numbers those of these records anew that stand in the stream already, and were written just now with numbers of the stream wrote_in, which their sync has left meanwhile. The caller holds their locks.';
