create or replace function sluice_internal._records_trim(
    sync_id text,
    poller_id text,
    epoch bigint,
    max_records int default 1000,
    out more boolean,
    out removed int
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_oldest timestamptz;
    v_looked int;
    v_until text[];
    v_old bigint[];
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_records_trim.sync_id, _records_trim.poller_id, _records_trim.epoch);
    select clock_timestamp() - make_interval(days => y.max_age_days) into v_oldest
    from sluice_internal.syncs as y
    where y.sync_id = v_run.sync_id;
    removed := 0;
    more := v_oldest is not null
        and (v_run.trim_place is not null or coalesce(v_run.trim_from < clock_timestamp() - interval '1 hour', true));
    if not more then
        return;
    end if;
    select
        count(*),
        (array_agg(array[k.collection_id, k.upstream_id] order by k.collection_id desc, k.upstream_id desc))[1:1],
        array_agg(k.record_no) filter (where k.upstream_created_at < v_oldest)
    into v_looked, v_until, v_old
    from (
        select r.collection_id, r.upstream_id, r.record_no, r.upstream_created_at
        from sluice.records as r
        where
            r.sync_id = v_run.sync_id
            and (r.collection_id, r.upstream_id) > (coalesce(v_run.trim_place[1], ''), coalesce(v_run.trim_place[2], ''))
        order by r.collection_id, r.upstream_id
        limit _records_trim.max_records
    ) as k;
    if v_old is not null then
        with locked as materialized (
            select r.record_no
            from sluice.records as r
            where r.record_no = any(v_old) and r.upstream_created_at < v_oldest
            order by r.collection_id, r.upstream_id
            for update
        ),
        gone as (
            delete from sluice.records as r
            using locked as l
            where r.record_no = l.record_no
            returning r.sync_id, r.collection_id
        ),
        counted as (
            insert into sluice_internal.record_counts as t (sync_id, collection_id, records, changes)
            select g.sync_id, g.collection_id, -count(*), 0
            from gone as g
            group by 1, 2
            order by 1, 2
            on conflict (sync_id, collection_id) do update set records = t.records + excluded.records
        )
        select count(*) into removed from gone;
    end if;
    more := v_looked >= _records_trim.max_records;
    update sluice_internal.sync_runs as r
    set
        trim_from = case when v_run.trim_place is null then clock_timestamp() else r.trim_from end,
        trim_place = case when more then array[v_until[1][1], v_until[1][2]] end
    where r.sync_id = v_run.sync_id;
end
$$;

comment on function sluice_internal._records_trim(text, text, bigint, int) is
'The next step of a walk over a sync''s records, once an hour: looks at up to max_records of them and removes, without a word to consumers, those that were created more than max_age_days ago. more: call again. Locks the removed ones, in key order. Errors: SL130.';
