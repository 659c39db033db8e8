create or replace function sluice_internal._take_many(
    consumer sluice_internal.consumers,
    taken_lanes int[],
    max_rows int,
    max_bytes bigint
)
returns setof sluice.message
language plpgsql
volatile
as $$
#variable_conflict use_column
declare
    v_secret bigint := sluice_internal._random_bits();
    v_leased_until timestamptz := clock_timestamp() + consumer.ack_wait;
begin
    return query
    with lane as materialized (
        select
            l.lane,
            l.place,
            hashint8extended(l.lane, v_secret) as secret,
            coalesce(st.step_no, 0) + 1 as step_no,
            coalesce(st.cursor_idx, consumer.start_idx) as cursor_idx,
            coalesce(st.replay_idx, 0) as replay_idx,
            coalesce(st.skipped, 0) as skipped,
            st.next_due,
            case
                when sluice_internal._steps_due(st.step_no, st.open_steps)
                    then sluice_internal._steps_open(consumer.consumer_no, l.lane, st.open_steps)
                else coalesce(st.open_steps, '{}')
            end as open_steps
        from unnest(taken_lanes) with ordinality as l (lane, place)
        left join lateral (
            select t.*
            from sluice_internal.consumer_steps as t
            where t.consumer_no = consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st on true
        where case
            -- deleted before this transaction held it
            when not exists (select from sluice_internal.consumers as c where c.consumer_no = consumer.consumer_no) then false
            when st.step_no is null then true
            when st.parked_record_nos <> '{}' or st.next_due <= clock_timestamp() then false
            when st.open_steps = '{}' then true
            else not exists (
                select
                from sluice_internal.consumer_settlements as s
                where
                    s.consumer_no = consumer.consumer_no and s.lane = l.lane and s.due_at <= clock_timestamp()
                    and s.step_no = any(st.open_steps)
            )
        end
    ),
    entry as materialized (
        select l.lane, l.step_no, l.secret, e.updated_idx, e.record_no, e.busy, r.*
        from (select * from lane order by place offset 0) as l
        cross join lateral (
            select
                p.updated_idx,
                p.record_no,
                (not p.first or p.updated_idx <= l.replay_idx) and l.open_steps <> '{}' and p.record_no = any(
                    sluice_internal._lane_busy(consumer.consumer_no, l.lane, l.open_steps)
                ) as busy
            from sluice_internal.positions as p
            where p.stream_no = consumer.stream_no and p.lane = l.lane and p.updated_idx > l.cursor_idx
            order by p.updated_idx
            -- what a newer version replaced counts here, too
            limit greatest(max_rows, 10000 / consumer.lanes)
        ) as e
        cross join lateral (
            select
                o.sync_id, o.collection_id, o.upstream_id, o.upstream_created_at, o.upstream_updated_at, o.deleted, o.data,
                pg_column_size(o.data) * case when pg_column_compression(o.data) is null then 1 else 90 end as bytes
            from sluice.records as o
            where o.record_no = e.record_no and o.updated_idx = e.updated_idx
            offset 0
        ) as r
        limit max_rows
    ),
    leased as materialized (
        select
            n.lane,
            max(n.updated_idx) as cursor_idx,
            coalesce(sum(n.bytes), 0) as bytes,
            array_agg(n.record_no order by n.updated_idx) as record_nos,
            array_agg(n.updated_idx order by n.updated_idx) as updated_idxs
        from entry as n
        where
            (select not bool_or(m.busy) and coalesce(sum(m.bytes), 0) <= max_bytes from entry as m)
            and exists (select from lane as p where p.place = 1)
        group by n.lane
    ),
    stepped as (
        insert into sluice_internal.consumer_steps (
            consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect,
            data_bytes, secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
        )
        select
            consumer.consumer_no, n.lane, l.step_no, n.cursor_idx, l.open_steps || l.step_no,
            least(case when l.open_steps <> '{}' then l.next_due end, v_leased_until), '{}', '{}', false,
            n.bytes, l.secret, v_leased_until, n.record_nos, n.updated_idxs, l.replay_idx, l.skipped
        from leased as n
        inner join lane as l on l.lane = n.lane
    )
    select
        sluice_internal._ack_token(n.lane, n.step_no, (row_number() over (partition by n.lane order by n.updated_idx))::int, n.secret),
        n.sync_id,
        n.collection_id,
        n.upstream_id,
        n.updated_idx,
        n.upstream_created_at,
        n.upstream_updated_at,
        n.deleted,
        1,
        case
            when n.sync_id = f.sync_id then f.external_id
            else (select y.external_id from sluice_internal.syncs as y where y.sync_id = n.sync_id)
        end,
        case
            when n.sync_id = f.sync_id then f.metadata
            else (select y.metadata from sluice_internal.syncs as y where y.sync_id = n.sync_id)
        end,
        n.data
    from (
        select m.sync_id, y.external_id, y.metadata
        from (select o.sync_id from entry as o limit 1) as m
        left join sluice_internal.syncs as y on y.sync_id = m.sync_id
        where exists (select from leased)
        offset 0
    ) as f
    cross join entry as n;
    if random() < 0.08 then
        perform sluice_internal._lane_trim(consumer.consumer_no, l.lane, st.step_no, st.open_steps)
        from unnest(taken_lanes) as l (lane)
        cross join lateral sluice_internal._lane_state(consumer.consumer_no, l.lane, 0) as st;
    end if;
end
$$;

comment on function sluice_internal._take_many(sluice_internal.consumers, int[], int, bigint) is
'Leases new messages of several lanes in one statement: up to max_rows, for a stream that is nearly read to its end and has a few in each lane. Takes nothing from a lane in which something is due or kept back, and nothing at all where that is the first one (or what is due would wait for as long as there is enough in the others), a record is in flight or the data might be more than max_bytes: the general way knows what to do. The caller holds the lanes'' locks; the plan is made under its settings. Runs under its caller''s settings.';
