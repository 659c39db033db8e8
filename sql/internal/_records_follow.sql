create or replace function sluice_internal._records_follow(
    sync_id text,
    stream_no int,
    collection_id text,
    records jsonb
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_nos bigint[];
begin
    select array_agg(c.record_no) into v_nos
    from (
        select r.record_no
        from sluice.records as r
        inner join (
            select distinct
                coalesce(e.value ->> 'collection_id', _records_follow.collection_id) as collection_id,
                e.value ->> 'upstream_id' as upstream_id
            from jsonb_array_elements(_records_follow.records) as e (value)
        ) as i on i.collection_id = r.collection_id collate "C" and i.upstream_id = r.upstream_id collate "C"
        where
            r.sync_id = _records_follow.sync_id collate "C"
            and r.stream_id <> (select s.stream_id from sluice_internal.streams as s where s.stream_no = _records_follow.stream_no)
        order by r.collection_id, r.upstream_id
        for update of r
    ) as c;
    if v_nos is not null then
        perform sluice_internal._records_move(_records_follow.sync_id, _records_follow.stream_no, v_nos);
    end if;
end
$$;

comment on function sluice_internal._records_follow(text, int, text, jsonb) is
'Moves those of these records that are still in another stream than their sync: whoever writes one takes it along. Locks them, in key order.';
