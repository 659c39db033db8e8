create or replace function sluice.dead_letter_purge(
    consumer_id text,
    sync_id text default null,
    collection_id text default null,
    upstream_id text default null
)
returns int
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(dead_letter_purge.consumer_id, 'admin');
    v_count int;
begin
    delete from sluice_internal.dead_letters as t
    where
        t.consumer_no = v_consumer.consumer_no
        and t.record_no in (
            select d.record_no
            from sluice_internal.dead_letters as d
            left join sluice.records as r on r.record_no = d.record_no
            where
                d.consumer_no = v_consumer.consumer_no
                and (dead_letter_purge.sync_id is null or r.sync_id = dead_letter_purge.sync_id collate "C")
                and (dead_letter_purge.collection_id is null or r.collection_id = dead_letter_purge.collection_id collate "C")
                and (dead_letter_purge.upstream_id is null or r.upstream_id = dead_letter_purge.upstream_id collate "C")
        );
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

comment on function sluice.dead_letter_purge(text, text, text, text) is
'Removes dead letters, and answers how many: all of a consumer, or those of a sync, a collection, a record. No record is touched. Errors: SL103.';
