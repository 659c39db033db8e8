create or replace function sluice.dead_letter_retry(
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
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(dead_letter_retry.consumer_id, 'admin');
    v_lanes int := v_consumer.lanes;
    v_record_nos bigint[];
    v_count int;
begin
    perform sluice_internal._check_reading(1);
    perform sluice_internal._hold_consumer(v_consumer);
    select array_agg(n.record_no) into v_record_nos
    from (
        select d.record_no
        from sluice_internal.dead_letters as d
        left join sluice.records as r on r.record_no = d.record_no
        where
            d.consumer_no = v_consumer.consumer_no
            and (dead_letter_retry.sync_id is null or r.sync_id = dead_letter_retry.sync_id collate "C")
            and (dead_letter_retry.collection_id is null or r.collection_id = dead_letter_retry.collection_id collate "C")
            and (dead_letter_retry.upstream_id is null or r.upstream_id = dead_letter_retry.upstream_id collate "C")
        order by d.died_at
        limit 10000
    ) as n;
    perform pg_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, l.lane))
    from (select distinct (n.record_no % v_lanes)::int as lane from unnest(v_record_nos) as n (record_no) order by 1 offset 0) as l;
    -- Behind the cursor they are parked, as what was passed while its record was in flight; ahead of it they come anyway.
    with revived as (
        delete from sluice_internal.dead_letters as t
        where t.consumer_no = v_consumer.consumer_no and t.record_no = any(v_record_nos)
        returning t.record_no, t.updated_idx
    ),
    current as materialized (
        select v.record_no, v.updated_idx, (v.record_no % v_lanes)::int as lane
        from revived as v
        inner join sluice.records as r on r.record_no = v.record_no and r.updated_idx = v.updated_idx
    ),
    parked as (
        insert into sluice_internal.consumer_steps (
            consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect, data_bytes,
            secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
        )
        select
            v_consumer.consumer_no, c.lane, st.step_no + 1, st.cursor_idx, st.open_steps, st.next_due,
            st.parked_idxs || c.updated_idxs, st.parked_record_nos || c.record_nos, false, 0,
            st.secret, null, '{}', '{}', st.replay_idx, st.skipped
        from (select distinct n.lane from current as n) as l
        cross join lateral (
            select t.*
            from sluice_internal.consumer_steps as t
            where t.consumer_no = v_consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st
        cross join lateral (
            select
                n.lane,
                array_agg(n.updated_idx order by n.updated_idx) as updated_idxs,
                array_agg(n.record_no order by n.updated_idx) as record_nos
            from current as n
            where n.lane = l.lane and n.updated_idx <= st.cursor_idx and n.record_no <> all(st.parked_record_nos)
            group by n.lane
        ) as c
    )
    select count(*) into v_count from current as n;
    -- As whoever writes records does: who noted that nothing is left (_idle_note) looks again, and notes nothing before this commits.
    if v_record_nos is not null then
        lock table sluice.records in row exclusive mode;
        perform
            nextval(format('sluice_internal.position_%s', v_consumer.stream_no)::regclass),
            nextval('sluice_internal.ingests_ingest_no_seq');
    end if;
    perform sluice_internal._wake(v_consumer.stream_no);
    return v_count;
end
$$;

comment on function sluice.dead_letter_retry(text, text, text, text) is
'Delivers dead letters again, with a deliver_count from 1, and answers how many: all of a consumer, or those of a sync, a collection, a record. Those whose record has changed since are removed without being counted: that version is delivered anyway. At most 10,000 a call. Waits for calls and transactions that read in the same lanes. Needs READ COMMITTED. Errors: SL003, SL103.';
