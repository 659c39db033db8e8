create or replace function sluice_internal._lane_recover(
    consumer sluice_internal.consumers,
    state sluice_internal.consumer_steps,
    mood text,
    batch_size int,
    max_rows int,
    max_bytes bigint,
    max_fresh int
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
    v_now timestamptz := clock_timestamp();
    v_locked bigint[];
    v_step_no bigint := state.step_no + 1;
    v_secret bigint := sluice_internal._random_bits();
    v_leased_until timestamptz := v_now + consumer.ack_wait;
begin
    -- Expired leases are locked, so that no late acknowledgement comes in between; one that is being acknowledged is left
    -- alone, and the next call looks again. No more of them than this call can take from: the others' late tokens stay good.
    -- A nacked message needs no lock, and its batch mates must not be locked: they may be with a worker.
    select coalesce(array_agg(d.step_no), '{}') into v_locked
    from (
        select st.step_no
        from (
            select g.step_no, g.due_at, sum(g.messages) over (order by g.due_at, g.step_no) - g.messages as before
            from (
                select v.step_no, min(v.due_at) as due_at, count(*) as messages
                from sluice_internal._live_messages as v
                where
                    v.consumer_no = consumer.consumer_no and v.lane = state.lane and v.step_no = any(state.open_steps)
                    and v.due_at <= v_now and not v.nacked
                group by v.step_no
            ) as g
            offset 0
        ) as x
        inner join sluice_internal.consumer_steps as st
            on st.consumer_no = consumer.consumer_no and st.lane = state.lane and st.step_no = x.step_no
        where x.before < max_rows
        order by x.due_at, x.step_no
        for update of st skip locked
    ) as d;
    -- The next statement sees every acknowledgement that was committed before those locks.
    return query
    with live as materialized (
        select v.step_no, v.ordinal, v.record_no, v.updated_idx, v.deliver_count, v.nacked, v.due_at, v.secret
        from sluice_internal._live_messages as v
        where v.consumer_no = consumer.consumer_no and v.lane = state.lane and v.step_no = any(state.open_steps)
    ),
    parked as materialized (
        select k.updated_idx, k.record_no
        from rows from (unnest(state.parked_idxs), unnest(state.parked_record_nos)) as k (updated_idx, record_no)
    ),
    due as (
        select v.* from live as v where v.due_at <= v_now and (v.nacked or v.step_no = any(v_locked))
        union all
        (
            select null, null, k.record_no, k.updated_idx, 0, true, v_now, null
            from parked as k
            where k.record_no <> all(array(select v.record_no from live as v))
            order by k.updated_idx
            limit least(max_fresh, max_rows + 100)
        )
    ),
    judged as materialized (
        select
            d.*,
            r.sync_id,
            r.collection_id,
            r.upstream_id,
            r.updated_idx as now_idx,
            r.upstream_created_at,
            r.upstream_updated_at,
            r.deleted,
            r.data,
            case
                when r.data is null then 0
                when pg_column_compression(r.data) is null then pg_column_size(r.data)
                else octet_length(r.data::text)
            end as bytes,
            case when r.updated_idx = d.updated_idx and not k.again then d.deliver_count + 1 else 1 end as next_count,
            case
                -- gone; or changed, and its new entry lies ahead: that one will bring it, once
                when r.record_no is null or r.updated_idx > state.cursor_idx then 'drop'
                when d.step_no is null and r.updated_idx <> d.updated_idx then 'drop'
                when not sluice_internal._filter_matches(consumer, r.sync_id, r.collection_id, r.data) then 'skip'
                when r.updated_idx = d.updated_idx and consumer.max_deliver > 0 and d.deliver_count >= consumer.max_deliver and not k.again
                    then 'dead'
                else 'deliver'
            end as fate
        from due as d
        left join lateral (select o.* from sluice.records as o where o.record_no = d.record_no offset 0) as r on true
        -- The same version parked while it was in flight: a seek back has come by, and it begins anew.
        cross join lateral (
            select exists (select from parked as p where p.record_no = d.record_no and p.updated_idx = d.updated_idx) as again
        ) as k
    ),
    sorted as materialized (
        select
            j.*,
            (j.next_count > 1 and j.next_count = consumer.max_deliver) as last,
            (j.next_count > 1 and not j.nacked) as suspect,
            row_number() over (order by j.due_at, j.step_no, j.ordinal, j.record_no) as place
        from judged as j
        where j.fate = 'deliver'
    ),
    lead as (
        select s.*
        from sorted as s
        where case _lane_recover.mood
            when 'any' then true
            when 'suspect' then s.suspect and not s.last
            else not s.suspect and not s.last
        end
        order by s.place
        limit 1
    ),
    picked as materialized (
        select s.*, row_number() over (order by s.place) as position
        from sorted as s
        cross join lead as l
        where
            s.place >= l.place
            and case
                when l.last then s.place = l.place
                when l.suspect then s.suspect and not s.last and s.next_count = l.next_count
                else not s.suspect and not s.last
            end
        order by s.place
        limit (
            select case
                when l.suspect then least(max_rows, greatest(1, batch_size >> (least(l.next_count, 31) - 1)))
                else max_rows
            end
            from lead as l
        )
    ),
    chosen as materialized (
        select c.*
        from (select p.*, sum(p.bytes) over (order by p.position) as total_bytes from picked as p) as c
        where c.total_bytes <= max_bytes or (c.position = 1 and max_bytes >= 33554432)
    ),
    settled as materialized (
        select c.step_no, c.ordinal, c.record_no, c.updated_idx, 'm'::"char" as kind from chosen as c
        union all
        select j.step_no, j.ordinal, j.record_no, j.updated_idx, case j.fate when 'dead' then 'd' else 'm' end::"char"
        from judged as j
        where j.fate <> 'deliver'
    ),
    moved as (
        insert into sluice_internal.consumer_settlements as t (consumer_no, lane, step_no, ordinal, kind)
        select consumer.consumer_no, state.lane, s.step_no, s.ordinal, s.kind
        from settled as s
        where s.step_no is not null
        on conflict (consumer_no, lane, step_no, ordinal) do update set kind = excluded.kind, due_at = null
    ),
    buried as (
        insert into sluice_internal.dead_letters as t (
            consumer_no, record_no, updated_idx, deliver_count, reason, ack_token, died_at
        )
        select
            consumer.consumer_no, j.record_no, j.updated_idx, j.deliver_count, 'max_deliver',
            sluice_internal._ack_token(state.lane, j.step_no, j.ordinal, j.secret), v_now
        from judged as j
        where j.fate = 'dead'
        on conflict (consumer_no, record_no) do update set
            updated_idx = excluded.updated_idx,
            deliver_count = excluded.deliver_count,
            reason = excluded.reason,
            ack_token = excluded.ack_token,
            died_at = excluded.died_at
    ),
    rest as (
        select
            coalesce(array_agg(distinct v.step_no), '{}') as open_steps,
            min(v.due_at) as next_due
        from live as v
        where not exists (select from settled as s where s.step_no = v.step_no and s.ordinal = v.ordinal)
    ),
    kept as (
        select
            coalesce(array_agg(k.updated_idx order by k.updated_idx), '{}') as parked_idxs,
            coalesce(array_agg(k.record_no order by k.updated_idx), '{}') as parked_record_nos
        from parked as k
        where
            k.record_no <> all(array(select c.record_no from chosen as c))
            and not exists (
                select from settled as s
                where s.step_no is null and s.record_no = k.record_no and s.updated_idx = k.updated_idx
            )
    ),
    leased as (
        select
            coalesce(array_agg(c.record_no order by c.position), '{}') as record_nos,
            coalesce(array_agg(c.now_idx order by c.position), '{}') as updated_idxs,
            array_agg(c.next_count order by c.position) as deliver_counts,
            coalesce(bool_or(c.suspect or c.last), false) as suspect,
            coalesce(sum(c.bytes), 0) as bytes
        from chosen as c
    ),
    stepped as (
        insert into sluice_internal.consumer_steps (
            consumer_no, lane, step_no, cursor_idx, open_steps, next_due, parked_idxs, parked_record_nos, suspect,
            data_bytes, secret, leased_until, record_nos, updated_idxs, deliver_counts, replay_idx, skipped
        )
        select
            consumer.consumer_no,
            state.lane,
            v_step_no,
            state.cursor_idx,
            case when l.record_nos = '{}' then t.open_steps else t.open_steps || v_step_no end,
            least(t.next_due, case when l.record_nos <> '{}' then v_leased_until end),
            k.parked_idxs,
            k.parked_record_nos,
            l.suspect,
            l.bytes,
            v_secret,
            case when l.record_nos <> '{}' then v_leased_until end,
            l.record_nos,
            l.updated_idxs,
            l.deliver_counts,
            state.replay_idx,
            -- an older version than the newest was counted where that stands
            state.skipped + (
                select count(*) from judged as j where j.fate = 'skip' and (j.step_no is null or j.now_idx = j.updated_idx)
            )
        from leased as l
        cross join rest as t
        cross join kept as k
        where
            exists (select from settled)
            or t.open_steps <> state.open_steps
            or t.next_due is distinct from state.next_due
            or k.parked_idxs <> state.parked_idxs
    )
    select
        sluice_internal._ack_token(state.lane, v_step_no, c.position::int, v_secret),
        c.sync_id,
        c.collection_id,
        c.upstream_id,
        c.now_idx,
        c.upstream_created_at,
        c.upstream_updated_at,
        c.deleted,
        c.next_count,
        y.external_id,
        y.metadata,
        c.data
    from chosen as c
    left join sluice_internal.syncs as y on y.sync_id = c.sync_id
    order by c.position;
    if v_step_no % 64 = 0 then
        perform sluice_internal._lane_trim(consumer.consumer_no, state.lane, v_step_no, s.open_steps)
        from sluice_internal._lane_state(consumer.consumer_no, state.lane, 0) as s;
    end if;
end
$$;

comment on function sluice_internal._lane_recover(
    sluice_internal.consumers, sluice_internal.consumer_steps, text, int, int, bigint, int
) is
'Delivers again what is due in a lane, in its newest version: expired and nacked messages, and entries that were parked until their record was free. Expired ones come in shrinking batches (half for each delivery so far) and a last attempt by itself, apart from everything else (mood: any, suspect, or fresh for what may be mixed). What used up max_deliver becomes a dead letter; what the filter does not let pass any more is counted. Of the parked ones, no more than max_fresh. The caller holds the lane''s lock; due leases are locked, locked ones skipped.';
