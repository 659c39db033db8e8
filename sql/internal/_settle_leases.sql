create or replace function sluice_internal._settle_leases(
    consumer sluice_internal.consumers,
    ack_tokens text[],
    out accepted int,
    out others text[]
)
returns record
language plpgsql
volatile
as $$
#variable_conflict use_column
declare
    v_last int := cardinality(_settle_leases.ack_tokens);
    v_lease record;
    v_settled bigint[];
begin
    accepted := 0;
    others := _settle_leases.ack_tokens;
    if array_to_string(_settle_leases.ack_tokens, ',') !~ '^(?:[0-9]{1,3}[.][0-9]{1,18}[.][0-9]{1,4}[.][0-9a-f]{16}(?:,|$))*$' then
        return;
    end if;
    -- One statement locks them, the next settles them. The lateral join leaves only one plan: a look at the key for each lease.
    select
        array_agg(g.lane) as lanes,
        array_agg(g.step_no) as step_nos,
        array_agg(g.place) as places,
        array_agg(cardinality(g.tokens)) as messages
    into v_lease
    from (
        select
            b.place,
            split_part(b.token, '.', 1)::int as lane,
            split_part(b.token, '.', 2)::bigint as step_no,
            _settle_leases.ack_tokens[b.place : lead(b.place, 1, v_last + 1) over (rows unbounded preceding) - 1] as tokens
        from (
            select u.token, u.place::int as place
            from unnest(_settle_leases.ack_tokens) with ordinality as u (token, place)
            where split_part(u.token, '.', 3) = '1'
        ) as b
        offset 0
    ) as g
    cross join lateral (
        select
        from sluice_internal.consumer_steps as st
        where
            st.consumer_no = consumer.consumer_no and st.lane = g.lane and st.step_no = g.step_no
            and cardinality(st.record_nos) = cardinality(g.tokens)
            and g.tokens[1] = sluice_internal._ack_token(g.lane, g.step_no, 1, st.secret)
            and case
                when cardinality(g.tokens) = 1 then true
                else g.tokens = array(
                    select sluice_internal._ack_token(g.lane, g.step_no, o.ordinal, st.secret)
                    from generate_series(1, cardinality(g.tokens)) as o (ordinal)
                )
            end
        for no key update of st skip locked
    ) as w;
    with settled as (
        insert into sluice_internal.consumer_settlements (consumer_no, lane, step_no, ordinal, kind)
        select consumer.consumer_no, n.lane, n.step_no, 0, 'a'
        from (select distinct u.lane, u.step_no from unnest(v_lease.lanes, v_lease.step_nos) as u (lane, step_no) offset 0) as n
        where not exists (
            select
            from sluice_internal.consumer_settlements as s
            where s.consumer_no = consumer.consumer_no and s.lane = n.lane and s.step_no = n.step_no
            offset 0
        )
        returning lane, step_no
    )
    select array_agg((d.step_no << 8) | d.lane) into v_settled from settled as d;
    if cardinality(v_settled) = cardinality(v_lease.lanes) then
        accepted := (select sum(u.messages) from unnest(v_lease.messages) as u (messages));
        if accepted = v_last then
            others := '{}';
            return;
        end if;
    end if;
    -- Each lease counts once, however often its tokens were given.
    with once as materialized (
        select distinct on (u.lane, u.step_no) u.place, u.messages
        from unnest(v_lease.lanes, v_lease.step_nos, v_lease.places, v_lease.messages) as u (lane, step_no, place, messages)
        where (u.step_no << 8) | u.lane = any(v_settled)
        order by u.lane, u.step_no, u.place
    )
    select
        coalesce((select sum(o.messages) from once as o), 0),
        array(
            select t.token
            from unnest(_settle_leases.ack_tokens) with ordinality as t (token, place)
            where not exists (select from once as o where t.place between o.place and o.place + o.messages - 1)
            order by t.place
        )
    into accepted, others;
end
$$;

comment on function sluice_internal._settle_leases(sluice_internal.consumers, text[]) is
'Acknowledges whole leases, many at once, their tokens in the order in which they were handed out; answers for how many messages, and the tokens that belong to none. Locks the leases (skips locked ones). Runs under its caller''s settings.';
