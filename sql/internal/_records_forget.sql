create or replace function sluice_internal._records_forget(
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
    v_count int;
begin
    with gone as (
        delete from sluice.records as r
        where r.record_no = any(_records_forget.record_nos)
        returning r.sync_id, r.collection_id
    ),
    counted as (
        insert into sluice_internal.count_deltas (sync_id, collection_id, records, changes, stream_no)
        select g.sync_id, g.collection_id, -count(*), 0, _records_forget.stream_no
        from gone as g
        group by g.sync_id, g.collection_id
    )
    select count(*) into v_count from gone as g;
    delete from sluice_internal.dead_letters as d
    using sluice_internal.consumers as c
    where
        c.stream_no = _records_forget.stream_no
        and d.consumer_no = c.consumer_no
        and d.record_no = any(_records_forget.record_nos);
    return v_count;
end
$$;

comment on function sluice_internal._records_forget(int, bigint[]) is
'Removes records of a stream, with their dead letters, and takes them off the counters; how many. The caller has locked them.';
