create or replace function sluice_internal._settle_each(
    consumer sluice_internal.consumers,
    ack_tokens text[],
    kind "char",
    delay interval,
    reason text,
    out accepted int,
    out rejected text[]
)
language plpgsql
volatile
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
    v_lanes int[];
    v_step_nos bigint[];
    v_ordinals int[];
    v_tokens text[];
    v_leases int;
    v_locked int;
    v_whole_lanes int[];
    v_whole_steps bigint[];
    v_part_lanes int[];
    v_part_steps bigint[];
    v_accepted text[];
begin
    select
        array_agg(split_part(g.token, '.', 1)::int),
        array_agg(split_part(g.token, '.', 2)::bigint),
        array_agg(split_part(g.token, '.', 3)::int),
        array_agg(g.token),
        count(distinct (split_part(g.token, '.', 1), split_part(g.token, '.', 2)))
    into v_lanes, v_step_nos, v_ordinals, v_tokens, v_leases
    from (select distinct u.token from unnest(_settle_each.ack_tokens) as u (token) offset 0) as g
    where g.token ~ '^[0-9]{1,3}[.][0-9]{1,18}[.][0-9]{1,4}[.][0-9a-f]{16}$';

    -- Lock, then read what the lock protects in the next statement. Two acknowledgements of parts of one lease go side by
    -- side (share); that of a whole lease excludes any other; an expiry excludes both. What is locked is being settled by
    -- somebody else, usually in a call of a millisecond: so look again a few times, then go on without it.
    for v_round in 1..8 loop
        select array_agg(w.lane), array_agg(w.step_no) into v_whole_lanes, v_whole_steps
        from (
            select st.lane, st.step_no
            from (
                select g.lane, g.step_no, count(*) as tokens
                from unnest(v_lanes, v_step_nos) as g (lane, step_no)
                group by g.lane, g.step_no
                order by g.lane, g.step_no
                offset 0
            ) as g
            inner join sluice_internal.consumer_steps as st
                on st.consumer_no = consumer.consumer_no and st.lane = g.lane and st.step_no = g.step_no
            where _settle_each.kind in ('a', 'e') and cardinality(st.record_nos) = g.tokens
            for no key update of st skip locked
        ) as w;
        if coalesce(cardinality(v_whole_lanes), 0) < v_leases then
            select array_agg(p.lane), array_agg(p.step_no) into v_part_lanes, v_part_steps
            from (
                select st.lane, st.step_no
                from (
                    select distinct g.lane, g.step_no
                    from unnest(v_lanes, v_step_nos) as g (lane, step_no)
                    where (g.lane, g.step_no) not in (
                        select h.lane, h.step_no from unnest(v_whole_lanes, v_whole_steps) as h (lane, step_no)
                    )
                    order by g.lane, g.step_no
                    offset 0
                ) as g
                inner join sluice_internal.consumer_steps as st
                    on st.consumer_no = consumer.consumer_no and st.lane = g.lane and st.step_no = g.step_no
                for share of st skip locked
            ) as p;
        else
            v_part_lanes := null;
            v_part_steps := null;
        end if;
        v_locked := coalesce(cardinality(v_whole_lanes), 0) + coalesce(cardinality(v_part_lanes), 0);
        exit when v_locked >= v_leases or v_locked >= (
            select count(*)
            from (select distinct g.lane, g.step_no from unnest(v_lanes, v_step_nos) as g (lane, step_no) offset 0) as g
            inner join sluice_internal.consumer_steps as st
                on st.consumer_no = consumer.consumer_no and st.lane = g.lane and st.step_no = g.step_no
        );
        perform pg_sleep(0.001 * v_round);
    end loop;
    with lease as materialized (
        select
            st.lane,
            st.step_no,
            st.secret,
            cardinality(st.record_nos) as messages,
            l.whole and not exists (
                select from sluice_internal.consumer_settlements as s
                where s.consumer_no = consumer.consumer_no and s.lane = l.lane and s.step_no = l.step_no and s.ordinal > 0
            ) as whole
        from (
            select h.lane, h.step_no, true as whole from unnest(v_whole_lanes, v_whole_steps) as h (lane, step_no)
            union all
            select h.lane, h.step_no, false from unnest(v_part_lanes, v_part_steps) as h (lane, step_no)
            offset 0
        ) as l
        inner join sluice_internal.consumer_steps as st
            on st.consumer_no = consumer.consumer_no and st.lane = l.lane and st.step_no = l.step_no
        where not exists (
            select from sluice_internal.consumer_settlements as s
            where s.consumer_no = consumer.consumer_no and s.lane = l.lane and s.step_no = l.step_no and s.ordinal = 0
                and s.kind <> 'e'
        )
    ),
    given as materialized (
        select g.*
        from rows from (unnest(v_lanes), unnest(v_step_nos), unnest(v_ordinals), unnest(v_tokens)) as g (
            lane, step_no, ordinal, token
        )
        order by g.lane, g.step_no, g.ordinal
    ),
    valid as materialized (
        select
            g.token,
            g.lane,
            g.step_no,
            g.ordinal,
            l.whole and count(*) over (partition by g.lane, g.step_no) = l.messages as whole,
            row_number() over (partition by g.lane, g.step_no) as place
        from given as g
        inner join lease as l on l.lane = g.lane and l.step_no = g.step_no
        where
            g.ordinal between 1 and l.messages
            and g.token = sluice_internal._ack_token(l.lane, l.step_no, g.ordinal, l.secret)
            and not exists (
                select from sluice_internal.consumer_settlements as s
                where
                    s.consumer_no = consumer.consumer_no and s.lane = g.lane and s.step_no = g.step_no
                    and s.ordinal = g.ordinal and s.kind <> 'e'
            )
    ),
    judged as materialized (
        select
            v.*,
            m.record_no,
            m.updated_idx,
            m.deliver_count,
            case _settle_each.kind
                when 'd' then true
                when 'n' then coalesce(m.deliver_count >= consumer.max_deliver, false)
                else false
            end as dead
        from valid as v
        -- only what may become a dead letter needs more than its name
        left join lateral (
            select
                st.record_nos[v.ordinal] as record_no,
                st.updated_idxs[v.ordinal] as updated_idx,
                coalesce(st.deliver_counts[v.ordinal], 1) as deliver_count
            from sluice_internal.consumer_steps as st
            where
                (_settle_each.kind = 'd' or (_settle_each.kind = 'n' and consumer.max_deliver > 0))
                and st.consumer_no = consumer.consumer_no and st.lane = v.lane and st.step_no = v.step_no
            offset 0
        ) as m on true
    ),
    settled as (
        insert into sluice_internal.consumer_settlements as t (consumer_no, lane, step_no, ordinal, kind, due_at)
        select
            consumer.consumer_no,
            j.lane,
            j.step_no,
            case when j.whole then 0 else j.ordinal end,
            case when j.dead then 'd' else _settle_each.kind end,
            case when _settle_each.kind in ('n', 'e') and not j.dead then clock_timestamp() + _settle_each.delay end
        from judged as j
        where not j.whole or j.place = 1
        order by j.lane, j.step_no, j.ordinal
        on conflict (consumer_no, lane, step_no, ordinal) do update set kind = excluded.kind, due_at = excluded.due_at
        where t.kind = 'e'
        returning t.lane, t.step_no, t.ordinal
    ),
    done as materialized (
        select j.*
        from judged as j
        inner join settled as s
            on s.lane = j.lane and s.step_no = j.step_no and s.ordinal = case when j.whole then 0 else j.ordinal end
    ),
    buried as (
        insert into sluice_internal.dead_letters as t (consumer_no, record_no, updated_idx, deliver_count, reason, ack_token)
        select consumer.consumer_no, d.record_no, d.updated_idx, d.deliver_count, coalesce(_settle_each.reason, 'max_deliver'), d.token
        from done as d
        where
            d.dead
            and exists (
                select from sluice.records as r
                where r.record_no = d.record_no and (r.updated_idx = d.updated_idx or _settle_each.kind = 'd')
            )
        order by d.record_no
        on conflict (consumer_no, record_no) do update set
            updated_idx = excluded.updated_idx,
            deliver_count = excluded.deliver_count,
            reason = excluded.reason,
            ack_token = excluded.ack_token,
            died_at = clock_timestamp()
    )
    select coalesce(array_agg(d.token), '{}') into v_accepted from done as d;
    accepted := cardinality(v_accepted);
    rejected := '{}';
    if accepted < cardinality(_settle_each.ack_tokens) then
        if _settle_each.kind = 'a' and exists (
            select from sluice_internal.dead_letters as t where t.consumer_no = consumer.consumer_no
        ) then
            with revived as (
                delete from sluice_internal.dead_letters as t
                where t.consumer_no = consumer.consumer_no and t.ack_token = any(_settle_each.ack_tokens)
                returning t.ack_token
            )
            select v_accepted || coalesce(array_agg(r.ack_token), '{}') into v_accepted from revived as r;
            accepted := cardinality(v_accepted);
        end if;
        -- every place but the first of an accepted token: to name it twice acknowledges it once
        select coalesce(array_agg(g.token order by g.place), '{}') into rejected
        from (
            select u.token, u.place, row_number() over (partition by u.token order by u.place) as nth
            from unnest(_settle_each.ack_tokens) with ordinality as u (token, place)
        ) as g
        where g.nth > 1 or g.token <> all(v_accepted);
    end if;
end
$$;

comment on function sluice_internal._settle_each(sluice_internal.consumers, text[], "char", interval, text) is
'_settle, token by token. Giving back the last of max_deliver deliveries makes a dead letter, as giving up does; a late acknowledgement of a dead letter removes it. Locks the leases (skips those that stay locked for some 40 ms); waits only for another transaction that settles the same message.';
