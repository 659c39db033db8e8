create or replace function sluice_internal._lane_take(
    consumer sluice_internal.consumers,
    state sluice_internal.consumer_steps,
    max_rows int,
    max_records int,
    max_entries int,
    max_bytes bigint,
    last_idx bigint
)
returns setof sluice.message
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_memoize = off
as $$
#variable_conflict use_column
declare
    v_open bigint[] := '{}';
    v_step_no bigint := state.step_no + 1;
    v_secret bigint := sluice_internal._random_bits();
    v_leased_until timestamptz := clock_timestamp() + consumer.ack_wait;
begin
    if state.open_steps <> '{}' then
        v_open := sluice_internal._steps_open(consumer.consumer_no, state.lane, state.open_steps);
    end if;
    -- One statement: the entries, the records as they are now, and how far was looked, all by one snapshot.
    return query
    with seen as materialized (
        select
            c.*,
            -- without an order of its own a window takes the rows as they come: by updated_idx
            sum(case when c.free then c.bytes else 0 end) over (rows unbounded preceding) <= max_bytes
                or (max_bytes >= 33554432 and count(*) filter (where c.free) over (rows unbounded preceding) <= 1) as fit_bytes,
            count(*) filter (where c.free) over (rows unbounded preceding) as ordinal
        from (
            select
                p.updated_idx,
                p.record_no,
                r.matches,
                r.matches and p.busy as busy,
                r.matches and not p.busy as free,
                r.sync_id,
                r.collection_id,
                r.upstream_id,
                r.upstream_created_at,
                r.upstream_updated_at,
                r.deleted,
                case when r.matches then r.data end as data,
                -- what is not compressed has its size in its header; the rest has to be opened to be sent anyway
                case
                    when r.data is null or not r.matches then 0
                    when pg_column_compression(r.data) is null then pg_column_size(r.data)
                    else octet_length(r.data::text)
                end as bytes
            from (
                select
                    e.updated_idx,
                    e.record_no,
                    -- the first entry of a record that comes for the first time: nobody can have it
                    (not e.first or e.updated_idx <= state.replay_idx) and e.record_no = any(
                        (select sluice_internal._lane_busy(consumer.consumer_no, state.lane, v_open))::bigint[]
                    ) as busy
                from sluice_internal.positions as e
                where e.stream_no = consumer.stream_no and e.lane = state.lane and e.updated_idx > state.cursor_idx
                    and e.updated_idx <= last_idx
                order by e.updated_idx
                limit max_entries
            ) as p
            cross join lateral (
                select
                    o.*,
                    sluice_internal._filter_matches(consumer, o.sync_id, o.collection_id, o.data) as matches
                from sluice.records as o
                where o.record_no = p.record_no and o.updated_idx = p.updated_idx
                offset 0
            ) as r
            limit max_records
        ) as c
    ),
    entry as materialized (
        select s.*, (s.fit_bytes and s.ordinal <= max_rows) as fits from seen as s
    ),
    leased as materialized (
        select
            coalesce(array_agg(e.record_no) filter (where e.fits and e.free), '{}') as record_nos,
            coalesce(array_agg(e.updated_idx) filter (where e.fits and e.free), '{}') as updated_idxs,
            coalesce(array_agg(e.record_no) filter (where e.fits and e.busy), '{}') as parked_record_nos,
            coalesce(array_agg(e.updated_idx) filter (where e.fits and e.busy), '{}') as parked_idxs,
            coalesce(sum(e.bytes) filter (where e.fits and e.free), 0) as bytes,
            count(*) filter (where e.fits and not e.matches) as skipped,
            case
                when not bool_and(e.fits) then coalesce(max(e.updated_idx) filter (where e.fits), state.cursor_idx)
                when count(*) = max_records then max(e.updated_idx)
                -- fewer than wanted: everything in reach was looked at
                else coalesce(
                    (
                        select max(w.updated_idx)
                        from (
                            select n.updated_idx
                            from sluice_internal.positions as n
                            where
                                n.stream_no = consumer.stream_no and n.lane = state.lane
                                and n.updated_idx > state.cursor_idx and n.updated_idx <= last_idx
                            order by n.updated_idx
                            limit max_entries
                        ) as w
                    ),
                    state.cursor_idx
                )
            end as cursor_idx
        from entry as e
    ),
    stepped as (
        insert into sluice_internal.consumer_steps (
            consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect,
            data_bytes, secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
        )
        select
            consumer.consumer_no,
            state.lane,
            v_step_no,
            l.cursor_idx,
            case when l.record_nos = '{}' then v_open else v_open || v_step_no end,
            least(case when v_open <> '{}' then state.next_due end, case when l.record_nos <> '{}' then v_leased_until end),
            l.parked_idxs || array(
                select k.idx
                from unnest(state.parked_idxs, state.parked_record_nos) as k (idx, record_no)
                where k.record_no <> all(l.parked_record_nos)
            ),
            l.parked_record_nos || array(
                select k.record_no from unnest(state.parked_record_nos) as k (record_no) where k.record_no <> all(l.parked_record_nos)
            ),
            false,
            l.bytes,
            v_secret,
            case when l.record_nos <> '{}' then v_leased_until end,
            l.record_nos,
            l.updated_idxs,
            state.replay_idx,
            state.skipped + l.skipped
        from leased as l
        where l.cursor_idx > state.cursor_idx or v_open <> state.open_steps
    )
    select
        sluice_internal._ack_token(state.lane, v_step_no, e.ordinal::int, v_secret),
        e.sync_id,
        e.collection_id,
        e.upstream_id,
        e.updated_idx,
        e.upstream_created_at,
        e.upstream_updated_at,
        e.deleted,
        1,
        y.external_id,
        y.metadata,
        e.data
    from entry as e
    left join sluice_internal.syncs as y on y.sync_id = e.sync_id
    where e.fits and e.free
    order by e.ordinal;
    if v_step_no % 64 = 0 then
        perform sluice_internal._lane_trim(consumer.consumer_no, state.lane, v_step_no, v_open);
    end if;
end
$$;

comment on function sluice_internal._lane_take(sluice_internal.consumers, sluice_internal.consumer_steps, int, int, int, bigint, bigint) is
'Leases the next entries of a lane: at most max_rows messages of max_bytes together, up to last_idx, looking at no more than max_entries and at max_records of them that hold a record''s newest version. Entries whose record is in flight are parked; those that the filter does not let pass are counted. Writes one step, unless nothing moved. The caller holds the lane''s lock and read state after taking it.';
