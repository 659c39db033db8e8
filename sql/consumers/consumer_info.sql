create or replace function sluice.consumer_info(consumer_id text)
returns sluice.consumer_details
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
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_info.consumer_id, 'reader');
    v_counted constant int := 10000;
    v_lanes int := v_consumer.lanes;
    v_details sluice.consumer_details;
begin
    with lane as materialized (
        select
            l.lane,
            coalesce(st.cursor_idx, v_consumer.start_idx) as cursor_idx,
            coalesce(st.open_steps, '{}') as open_steps,
            coalesce(st.parked_record_nos, '{}') as parked_record_nos,
            coalesce(st.parked_idxs, '{}') as parked_idxs,
            coalesce(st.skipped, 0) as skipped
        from generate_series(0, v_lanes - 1) as l (lane)
        left join lateral (
            select t.cursor_idx, t.open_steps, t.parked_record_nos, t.parked_idxs, t.skipped
            from sluice_internal.consumer_steps as t
            where t.consumer_no = v_consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st on true
    ),
    entry as materialized (
        select p.record_no, p.updated_idx
        from lane as l
        cross join lateral (
            select e.record_no, e.updated_idx
            from sluice_internal.positions as e
            where e.stream_no = v_consumer.stream_no and e.lane = l.lane and e.updated_idx > l.cursor_idx
            order by e.updated_idx
            limit v_counted + 1
        ) as p
        limit v_counted + 1
    ),
    parked as (
        select k.record_no, k.updated_idx
        from lane as l
        cross join lateral unnest(l.parked_record_nos, l.parked_idxs) as k (record_no, updated_idx)
    ),
    pending as (
        select count(*) as n, min(e.updated_idx) as first_idx
        from (select e.* from entry as e union all select k.* from parked as k) as e
        cross join lateral (
            select 1
            from sluice.records as r
            where
                r.record_no = e.record_no and r.updated_idx = e.updated_idx
                and sluice_internal._filter_matches(v_consumer, r.sync_id, r.collection_id, r.data)
            offset 0
        ) as r
    ),
    flight as (
        select count(*) as n, min(v.due_at) as oldest_due_at, min(v.updated_idx) as first_idx
        from lane as l
        inner join sluice_internal._live_messages as v
            on v.consumer_no = v_consumer.consumer_no and v.lane = l.lane and v.step_no = any(l.open_steps)
    ),
    far as (
        -- beyond the bound: every entry up to the end, the replaced ones too
        select sum(greatest(n.last_idx - l.cursor_idx, 0)) as n
        from lane as l
        cross join lateral (
            select e.updated_idx as last_idx
            from sluice_internal.positions as e
            where e.stream_no = v_consumer.stream_no and e.lane = l.lane
            order by e.updated_idx desc
            limit 1
        ) as n
    )
    select
        c.consumer_id,
        c.stream_id,
        c.deliver_policy,
        c.ack_wait,
        c.max_deliver,
        c.metadata,
        c.created_at,
        case
            when (select count(*) from entry) > v_counted then greatest((select f.n from far as f) / v_lanes, v_counted)::bigint
            else (select p.n from pending as p)
        end,
        (select count(*) from entry) > v_counted,
        (select f.n from flight as f),
        (select count(*) from sluice_internal.dead_letters as d where d.consumer_no = v_consumer.consumer_no),
        (select f.oldest_due_at from flight as f),
        c.max_ack_pending,
        c.filter,
        c.paused,
        (select sum(l.skipped) from lane as l)::bigint,
        clock_timestamp() - sluice_internal._time_of(v_consumer.stream_no, (select p.first_idx from pending as p)),
        clock_timestamp() - sluice_internal._time_of(v_consumer.stream_no, (select f.first_idx from flight as f))
    into v_details
    from sluice.consumers as c
    where c.consumer_id = v_consumer.consumer_id;
    return v_details;
end
$$;

comment on function sluice.consumer_info(text) is
'One consumer with its numbers: num_pending, messages not delivered yet (exact to 10,000, beyond that marked as an estimate); num_ack_pending, delivered and not settled; oldest_due_at, when the first of those may be delivered again; num_filtered, kept back by the filter; lag and oldest_unacked_age, since the oldest message that is not delivered, or not settled, was committed. Errors: SL103.';
