create or replace function sluice.consumer_peek(
    consumer_id text,
    batch_size int default 10
)
returns setof sluice.message
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_peek.consumer_id, 'reader');
    v_now timestamptz := clock_timestamp();
    v_lanes int := v_consumer.lanes;
begin
    perform sluice_internal._check_reading(consumer_peek.batch_size);
    return query
    with lane as materialized (
        select
            l.lane,
            coalesce(st.cursor_idx, v_consumer.start_idx) as cursor_idx,
            coalesce(st.open_steps, '{}') as open_steps,
            coalesce(st.parked_record_nos, '{}') as parked_record_nos,
            coalesce(st.parked_idxs, '{}') as parked_idxs
        from generate_series(0, v_lanes - 1) as l (lane)
        left join lateral (
            select t.*
            from sluice_internal.consumer_steps as t
            where t.consumer_no = v_consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st on true
    ),
    live as materialized (
        select v.lane, v.record_no, v.updated_idx, v.deliver_count, v.due_at
        from lane as l
        inner join sluice_internal._live_messages as v
            on v.consumer_no = v_consumer.consumer_no and v.lane = l.lane and v.step_no = any(l.open_steps)
    ),
    due as (
        -- what is due again, or was passed while its record was in flight, in its newest version
        select r.record_no, r.updated_idx, case when r.updated_idx = d.updated_idx then d.deliver_count + 1 else 1 end as deliver_count
        from (
            select
                v.record_no,
                v.updated_idx,
                case
                    -- a seek back has come by while it was in flight: it begins anew
                    when exists (
                        select
                        from lane as l
                        cross join lateral unnest(l.parked_record_nos, l.parked_idxs) as k (record_no, updated_idx)
                        where l.lane = v.lane and k.record_no = v.record_no and k.updated_idx = v.updated_idx
                    ) then 0
                    else v.deliver_count
                end as deliver_count
            from live as v
            where v.due_at <= v_now
            union all
            select k.record_no, k.updated_idx, 0
            from lane as l
            cross join lateral unnest(l.parked_record_nos, l.parked_idxs) as k (record_no, updated_idx)
            where k.record_no <> all(array(select v.record_no from live as v))
        ) as d
        cross join lateral (
            select o.record_no, o.updated_idx from sluice.records as o where o.record_no = d.record_no offset 0
        ) as r
        inner join lane as l on l.lane = (d.record_no % v_lanes)::int and r.updated_idx <= l.cursor_idx
        where
            (d.deliver_count > 0 or r.updated_idx = d.updated_idx)
            and not (v_consumer.max_deliver > 0 and r.updated_idx = d.updated_idx and d.deliver_count >= v_consumer.max_deliver)
    ),
    -- by lane: a look through all that is in flight, for each entry, would take a second with 100,000
    held as materialized (
        select h.lane, array_agg(h.record_no) as record_nos
        from (
            select v.lane, v.record_no from live as v where v.due_at > v_now
            union all
            select (d.record_no % v_lanes)::smallint as lane, d.record_no from due as d
        ) as h
        group by h.lane
    ),
    fresh as (
        select p.record_no, p.updated_idx, 1 as deliver_count
        from (
            select n.lane, n.cursor_idx, coalesce(h.record_nos, '{}') as record_nos
            from lane as n
            left join held as h on h.lane = n.lane
        ) as l
        cross join lateral (
            select r.record_no, r.updated_idx
            from (
                select e.record_no, e.updated_idx
                from sluice_internal.positions as e
                where e.stream_no = v_consumer.stream_no and e.lane = l.lane and e.updated_idx > l.cursor_idx
                order by e.updated_idx
                limit 10000 / v_lanes + consumer_peek.batch_size
            ) as e
            cross join lateral (
                select o.record_no, o.updated_idx
                from sluice.records as o
                where
                    o.record_no = e.record_no and o.updated_idx = e.updated_idx
                    and sluice_internal._filter_matches(v_consumer, o.sync_id, o.collection_id, o.data)
                offset 0
            ) as r
            where r.record_no <> all(l.record_nos)
            limit consumer_peek.batch_size
        ) as p
    )
    select
        null, f.sync_id, f.collection_id, f.upstream_id, f.updated_idx, f.upstream_created_at, f.upstream_updated_at, f.deleted,
        f.deliver_count, f.external_id, f.metadata, f.data
    from (
        select
            r.*, m.deliver_count, y.external_id, y.metadata,
            sum(
                case
                    when r.data is null then 0
                    when pg_column_compression(r.data) is null then pg_column_size(r.data)
                    else octet_length(r.data::text)
                end
            ) over (order by r.updated_idx) as bytes,
            row_number() over (order by r.updated_idx) as place
        from (
            select d.* from due as d
            union all
            select f.* from fresh as f
        ) as m
        inner join sluice.records as r on r.record_no = m.record_no and r.updated_idx = m.updated_idx
        left join sluice_internal.syncs as y on y.sync_id = r.sync_id
        where sluice_internal._filter_matches(v_consumer, r.sync_id, r.collection_id, r.data)
        order by r.updated_idx
        limit consumer_peek.batch_size
    ) as f
    where f.place = 1 or f.bytes <= 33554432
    order by f.updated_idx;
end
$$;

comment on function sluice.consumer_peek(text, int) is
'What consumer_next would deliver now, by updated_idx, without leasing anything (32 MB at most): ack_token is null, deliver_count as it would be. Looks at no more than some 10,000 entries. Works while the consumer is paused. Errors: SL001, SL003, SL103.';
