create or replace function sluice.consumer_next(
    consumer_id text,
    batch_size int default 10,
    ack_tokens text[] default null
)
returns setof sluice.message
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
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
    v_consumer sluice_internal.consumers;
    v_open boolean;
    v_lanes int;
    v_lane int;
    v_one int;
    v_state record;
    v_hit record;
    v_secret bigint;
    v_step_no bigint;
    v_leased_until timestamptz;
    v_taken int;
    v_need int;
    v_count int;
    v_next int;
    v_first int;
    v_batch_lane int;
    v_enough int;
    v_ready int[];
    v_locked int[];
    v_done int[];
    v_bytes bigint;
    v_known text;
    v_due boolean := false;
begin
    -- Three times cheaper than the usual way: this session found lately that this consumer has read everything and has nothing out, and
    -- nobody has written since. What is wrong with the call is said below.
    if current_setting('sluice.idle', true) = consumer_next.consumer_id and consumer_next.batch_size between 1 and 1000
        and (consumer_next.ack_tokens is null or consumer_next.ack_tokens = '{}')
        and current_setting('transaction_isolation') = 'read committed'
    then
        if exists (
            select
            from sluice_internal.consumers as c
            cross join sluice_internal.ingests_ingest_no_seq as q
            where
                c.consumer_id = consumer_next.consumer_id collate "C" and sluice_internal._authorized('consumer')
                and starts_with(
                    current_setting('sluice.idle_' || c.consumer_no, true), concat(c.xmin, ':', q.last_value + q.is_called::int, ':')
                )
        ) then
            return;
        end if;
        perform set_config('sluice.idle', '', false);
    end if;
    v_consumer := sluice_internal._authorize_consumer(consumer_next.consumer_id, 'consumer');
    v_lanes := v_consumer.lanes;
    -- Inside an explicit transaction the lanes stay locked for as long as it lasts, so it takes a share of them only.
    -- Drivers that send parameters apart from the statement cannot be told from one; they may set pgsluice.autocommit.
    v_open := (statement_timestamp() <> transaction_timestamp() or pg_current_xact_id_if_assigned() is not null)
        and coalesce(current_setting('pgsluice.autocommit', true), '') <> 'on';
    if consumer_next.batch_size between 1 and 1000 and current_setting('transaction_isolation') = 'read committed' then
        null;
    else
        perform sluice_internal._check_reading(consumer_next.batch_size);
    end if;
    if consumer_next.ack_tokens is not null then
        if array_ndims(consumer_next.ack_tokens) = 1 and array_position(consumer_next.ack_tokens, null) is null then
            null;
        else
            perform sluice_internal._check_tokens(consumer_next.ack_tokens);
        end if;
        v_hit := sluice_internal._settle(v_consumer, consumer_next.ack_tokens, 'a', null, null);
    end if;
    if v_consumer.paused then
        return;
    end if;
    v_known := current_setting('sluice.idle_' || v_consumer.consumer_no, true);
    if v_known <> '' then
        if sluice_internal._idle_note(v_consumer, v_known) then
            return;
        end if;
    end if;
    if v_consumer.max_ack_pending is not null then
        return query
        select m.* from sluice_internal._next_bounded(v_consumer, v_lanes, consumer_next.batch_size, v_open) as m;
        if not found and random() < 0.25 then
            perform sluice_internal._idle_note(v_consumer, null);
        end if;
        return;
    end if;
    v_lane := floor(random() * v_lanes);
    v_first := v_lane;

    if v_consumer.filter is null and consumer_next.batch_size > 1 then
        -- A lane with much in it that nobody else reads; a few in each lane are taken together, below.
        while v_batch_lane is null and exists (
            select
            from sluice_internal.positions as p
            where
                p.stream_no = v_consumer.stream_no and p.lane = v_lane
                and p.updated_idx > coalesce(
                    (
                        select st.cursor_idx
                        from sluice_internal.consumer_steps as st
                        where st.consumer_no = v_consumer.consumer_no and st.lane = v_lane
                        order by st.step_no desc
                        limit 1
                    ),
                    v_consumer.start_idx
                )
            offset least(consumer_next.batch_size, 32) - 1
        ) loop
            if pg_try_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, v_lane)) then
                v_batch_lane := v_lane;
            else
                v_lane := (v_lane + 1) % v_lanes;
                exit when v_lane = v_first;
            end if;
        end loop;
    end if;
    -- Several times cheaper than what follows: one message, where one is wanted, from a lane drawn by lot or from the first that has
    -- something; or where no more is there, in the only lane that has something.
    if v_consumer.filter is null and v_batch_lane is null then
        v_one := case when consumer_next.batch_size = 1 then v_lane end;
        loop
            if v_one is not null then
                -- Read without the lock, in one statement. Whoever came first since has written the step that would be written here: then
                -- it is not, and the general way looks again.
                select
                    coalesce(st.step_no, 0) + 1 as step_no,
                    coalesce(st.open_steps, '{}') as open_steps,
                    coalesce(st.replay_idx, 0) as replay_idx,
                    coalesce(st.skipped, 0) as skipped,
                    st.next_due,
                    e.updated_idx, e.record_no, e.first, r.*, y.external_id, y.metadata,
                    case
                        when consumer_next.batch_size > 1 then exists (
                            select
                            from sluice_internal.positions as n
                            where n.stream_no = v_consumer.stream_no and n.lane = v_one and n.updated_idx > e.updated_idx
                        )
                        else false
                    end as more
                into v_hit
                from (select) as one
                left join lateral (
                    select t.step_no, t.cursor_idx, t.replay_idx, t.skipped, t.next_due, t.parked_record_nos, t.open_steps
                    from sluice_internal.consumer_steps as t
                    where t.consumer_no = v_consumer.consumer_no and t.lane = v_one
                    order by t.step_no desc
                    limit 1
                ) as st on true
                cross join lateral (
                    select p.updated_idx, p.record_no, p.first
                    from sluice_internal.positions as p
                    where
                        p.stream_no = v_consumer.stream_no and p.lane = v_one
                        and p.updated_idx > coalesce(st.cursor_idx, v_consumer.start_idx)
                    order by p.updated_idx
                    limit 100
                ) as e
                cross join lateral (
                    select
                        o.sync_id, o.collection_id, o.upstream_id, o.upstream_created_at, o.upstream_updated_at, o.deleted, o.data,
                        pg_column_size(o.data) as bytes
                    from sluice.records as o
                    where o.record_no = e.record_no and o.updated_idx = e.updated_idx
                    offset 0
                ) as r
                left join lateral (
                    select z.external_id, z.metadata from sluice_internal.syncs as z where z.sync_id = r.sync_id offset 0
                ) as y on true
                where
                    case
                        when st.step_no is null then true
                        when st.parked_record_nos <> '{}' or st.next_due <= clock_timestamp() then false
                        when st.open_steps = '{}' then true
                        else not exists (
                            select
                            from sluice_internal.consumer_settlements as s
                            where
                                s.consumer_no = v_consumer.consumer_no and s.lane = v_one and s.due_at <= clock_timestamp()
                                and s.step_no = any(st.open_steps)
                        )
                    end
                limit 1;
                if found and not v_hit.more and (v_hit.open_steps = '{}' or (v_hit.first and v_hit.updated_idx > v_hit.replay_idx))
                    and pg_try_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, v_one))
                    and pg_try_advisory_xact_lock_shared(sluice_internal._lock_key(4, v_consumer.consumer_no, 0))
                then
                    v_secret := sluice_internal._random_bits();
                    v_leased_until := clock_timestamp() + v_consumer.ack_wait;
                    v_step_no := v_hit.step_no;
                    if sluice_internal._steps_due(v_step_no, v_hit.open_steps) then
                        v_hit.open_steps := sluice_internal._steps_open(v_consumer.consumer_no, v_one, v_hit.open_steps);
                    end if;
                    insert into sluice_internal.consumer_steps (
                        consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect,
                        data_bytes, secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
                    )
                    select
                        v_consumer.consumer_no, v_one, v_step_no, v_hit.updated_idx, v_hit.open_steps || v_step_no,
                        least(case when v_hit.open_steps <> '{}' then v_hit.next_due end, v_leased_until), '{}', '{}', false,
                        coalesce(v_hit.bytes, 0), v_secret, v_leased_until, array[v_hit.record_no], array[v_hit.updated_idx],
                        v_hit.replay_idx, v_hit.skipped
                    where exists (select from sluice_internal.consumers as c where c.consumer_no = v_consumer.consumer_no)
                    on conflict do nothing;
                    if found then
                        return next row(
                            sluice_internal._ack_token(v_one, v_step_no, 1, v_secret), v_hit.sync_id, v_hit.collection_id,
                            v_hit.upstream_id, v_hit.updated_idx, v_hit.upstream_created_at, v_hit.upstream_updated_at, v_hit.deleted, 1,
                            v_hit.external_id, v_hit.metadata, v_hit.data
                        );
                        if v_step_no % 64 = 0 then
                            perform sluice_internal._lane_trim(v_consumer.consumer_no, v_one, v_step_no, v_hit.open_steps || v_step_no);
                        end if;
                        return;
                    end if;
                end if;
            end if;
            exit when v_ready is not null;
            v_ready := sluice_internal._lanes_ready(v_consumer, v_lanes, v_lane, least(consumer_next.batch_size, v_lanes));
            if v_ready is null then
                -- now and then: in vain while a message is out
                if random() < 0.25 then
                    perform sluice_internal._idle_note(v_consumer, null);
                end if;
                return;
            end if;
            exit when cardinality(v_ready) > 1 or v_ready[1] = v_one;
            v_one := v_ready[1];
        end loop;
    end if;
    v_taken := 0;
    v_enough := 0;
    v_locked := '{}';
    v_done := '{}';
    v_bytes := 33554432;
    if v_batch_lane is not null then
        if not pg_try_advisory_xact_lock_shared(sluice_internal._lock_key(4, v_consumer.consumer_no, 0)) then
            perform sluice_internal._hold_consumer(v_consumer);
        end if;
        -- Lock first, and read what the lock protects in the next statement.
        select
            coalesce(st.step_no, 0) + 1 as step_no,
            coalesce(st.cursor_idx, c.start_idx) as cursor_idx,
            coalesce(st.replay_idx, 0) as replay_idx,
            coalesce(st.skipped, 0) as skipped,
            st.next_due,
            coalesce(st.parked_record_nos, '{}') = '{}'
            and coalesce(st.next_due > clock_timestamp(), true)
            and (
                coalesce(st.open_steps, '{}') = '{}'
                or not exists (
                    select
                    from sluice_internal.consumer_settlements as s
                    where
                        s.consumer_no = st.consumer_no and s.lane = v_lane and s.due_at <= clock_timestamp()
                        and s.step_no = any(st.open_steps)
                )
            ) as clean,
            coalesce(st.open_steps, '{}') as open_steps
        into v_state
        from sluice_internal.consumers as c
        left join lateral (
            select t.*
            from sluice_internal.consumer_steps as t
            where t.consumer_no = v_consumer.consumer_no and t.lane = v_lane
            order by t.step_no desc
            limit 1
        ) as st on true
        where c.consumer_no = v_consumer.consumer_no;
        if not found then
            perform sluice_internal._hold_consumer(v_consumer);
        end if;
        v_secret := sluice_internal._random_bits();
        v_leased_until := clock_timestamp() + v_consumer.ack_wait;
        v_step_no := v_state.step_no;
        if v_state.clean then
            if sluice_internal._steps_due(v_step_no, v_state.open_steps) then
                v_state.open_steps := sluice_internal._steps_open(v_consumer.consumer_no, v_lane, v_state.open_steps);
            end if;
            -- One statement: the entries, the records as they are now, and how far was looked, all by one snapshot. It does
            -- nothing where a record is in flight or the data might be more than 32 MB: the general way knows what to do.
            return query
            with entry as materialized (
                select
                    e.updated_idx, e.record_no, e.busy, r.*,
                    row_number() over (rows unbounded preceding) as ordinal
                from (
                    select
                        p.updated_idx,
                        p.record_no,
                        (not p.first or p.updated_idx <= v_state.replay_idx) and v_state.open_steps <> '{}' and p.record_no = any(
                            (select sluice_internal._lane_busy(v_consumer.consumer_no, v_lane, v_state.open_steps))::bigint[]
                        ) as busy
                    from sluice_internal.positions as p
                    where p.stream_no = v_consumer.stream_no and p.lane = v_lane and p.updated_idx > v_state.cursor_idx
                    order by p.updated_idx
                    limit greatest(consumer_next.batch_size, 10000 / v_lanes)
                ) as e
                cross join lateral (
                    select
                        o.sync_id, o.collection_id, o.upstream_id, o.upstream_created_at, o.upstream_updated_at, o.deleted, o.data,
                        -- a compressed document is at most 90 times as large
                        pg_column_size(o.data) * case when pg_column_compression(o.data) is null then 1 else 90 end as bytes
                    from sluice.records as o
                    where o.record_no = e.record_no and o.updated_idx = e.updated_idx
                    offset 0
                ) as r
                limit consumer_next.batch_size
            ),
            leased as materialized (
                select
                    array_agg(n.record_no) as record_nos,
                    array_agg(n.updated_idx) as updated_idxs,
                    coalesce(sum(n.bytes), 0) as bytes,
                    -- fewer than wanted: everything in reach was looked at
                    case
                        when count(*) < consumer_next.batch_size then (
                            select max(w.updated_idx)
                            from (
                                select p.updated_idx
                                from sluice_internal.positions as p
                                where p.stream_no = v_consumer.stream_no and p.lane = v_lane and p.updated_idx > v_state.cursor_idx
                                order by p.updated_idx
                                limit greatest(consumer_next.batch_size, 10000 / v_lanes)
                            ) as w
                        )
                        else max(n.updated_idx)
                    end as cursor_idx,
                    min(n.sync_id) as sync_id
                from entry as n
                having count(*) > 0 and not bool_or(n.busy) and coalesce(sum(n.bytes), 0) <= 33554432
            ),
            stepped as (
                insert into sluice_internal.consumer_steps (
                    consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect,
                    data_bytes, secret, leased_until, record_nos, updated_idxs, replay_idx, skipped
                )
                select
                    v_consumer.consumer_no, v_lane, v_step_no, l.cursor_idx, v_state.open_steps || v_step_no,
                    least(case when v_state.open_steps <> '{}' then v_state.next_due end, v_leased_until), '{}', '{}', false,
                    l.bytes, v_secret, v_leased_until, l.record_nos, l.updated_idxs, v_state.replay_idx, v_state.skipped
                from leased as l
            )
            select
                sluice_internal._ack_token(v_lane, v_step_no, n.ordinal::int, v_secret),
                n.sync_id,
                n.collection_id,
                n.upstream_id,
                n.updated_idx,
                n.upstream_created_at,
                n.upstream_updated_at,
                n.deleted,
                1,
                -- most batches are of one sync: it is looked up once
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
                select l.sync_id, y.external_id, y.metadata
                from leased as l
                left join sluice_internal.syncs as y on y.sync_id = l.sync_id
                offset 0
            ) as f
            cross join entry as n;
            get diagnostics v_taken = row_count;
        end if;
        if v_taken > 0 and v_step_no % 64 = 0 then
            perform sluice_internal._lane_trim(v_consumer.consumer_no, v_lane, v_step_no, v_state.open_steps || v_step_no);
        end if;
        v_first := v_lane;
        v_due := v_taken = 0;
        if v_taken = consumer_next.batch_size then
            return;
        elsif v_taken > 0 then
            v_done := array[v_lane];
            select 33554432 - st.data_bytes into v_bytes
            from sluice_internal.consumer_steps as st
            where st.consumer_no = v_consumer.consumer_no and st.lane = v_lane and st.step_no = v_step_no;
        end if;
    end if;
    -- Nearly read to the end, a stream has a few in each lane: they are taken together.
    if v_consumer.filter is null and not v_due then
        v_need := consumer_next.batch_size - v_taken;
        if v_ready is null then
            v_ready := sluice_internal._lanes_ready(v_consumer, v_lanes, v_lane, least(v_need, v_lanes));
            if v_ready is null then
                return;
            end if;
        end if;
        foreach v_next in array v_ready loop
            exit when v_open and (v_enough >= v_need or cardinality(v_locked) >= greatest(1, v_lanes / 2 - (v_taken > 0)::int));
            if pg_try_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, v_next)) then
                v_locked := v_locked || v_next;
                -- no more lanes than it takes: they stay locked
                if v_open then
                    v_enough := v_enough + (
                        select count(*)
                        from (
                            select
                            from sluice_internal.positions as p
                            where
                                p.stream_no = v_consumer.stream_no and p.lane = v_next
                                and p.updated_idx > coalesce(
                                    (
                                        select st.cursor_idx
                                        from sluice_internal.consumer_steps as st
                                        where st.consumer_no = v_consumer.consumer_no and st.lane = v_next
                                        order by st.step_no desc
                                        limit 1
                                    ),
                                    v_consumer.start_idx
                                )
                            limit v_need
                        ) as e
                    );
                end if;
            end if;
        end loop;
        if v_locked = '{}' then
            -- somebody else reads there; a lane that was not looked at may be free
            v_first := (v_ready[cardinality(v_ready)] + 1) % v_lanes;
        else
            if not pg_try_advisory_xact_lock_shared(sluice_internal._lock_key(4, v_consumer.consumer_no, 0)) then
                perform sluice_internal._hold_consumer(v_consumer);
            end if;
            return query
            select m.* from sluice_internal._take_many(v_consumer, v_locked, v_need, v_bytes) as m;
            get diagnostics v_count = row_count;
            v_taken := v_taken + v_count;
            if v_taken = consumer_next.batch_size then
                return;
            end if;
            if v_count > 0 then
                -- these were all that had something: what has come since is for the next call
                if not v_open and cardinality(v_ready) < least(v_need, v_lanes) then
                    return;
                end if;
                v_done := v_done || v_locked;
                select v_bytes - sum(st.data_bytes) into v_bytes
                from unnest(v_locked) as l (lane)
                cross join lateral sluice_internal._lane_state(v_consumer.consumer_no, l.lane, 0) as st;
            else
                v_first := v_locked[1];
            end if;
        end if;
    end if;
    return query
    select m.*
    from sluice_internal._next_lanes(
        v_consumer, v_lanes, v_first, v_done, consumer_next.batch_size,
        consumer_next.batch_size - v_taken, v_bytes, v_open, null, 9223372036854775807
    ) as m;
    if not found and v_taken = 0 and v_consumer.filter is not null and random() < 0.25 then
        perform sluice_internal._idle_note(v_consumer, null);
    end if;
end
$$;

comment on function sluice.consumer_next(text, int, text[]) is
'Leases up to batch_size messages (1 to 1000, 32 MB together) for ack_wait and answers them; ack_tokens of earlier messages are acknowledged in the same transaction. What is not acknowledged in time is delivered again. Inside an explicit transaction it takes from at most half of the lanes, so that others can go on; a call with separately sent parameters counts as one, unless its session, which commits at once, has set pgsluice.autocommit = on. With a filter at most 10,000 entries are stepped over in a call, and remembered, so that an answer may be empty while more lies behind. Needs READ COMMITTED. Locks lanes (tried, never waited for). Errors: SL001, SL003, SL103.';
