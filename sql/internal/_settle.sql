create or replace function sluice_internal._settle(
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
as $$
#variable_conflict use_column
declare
    -- a slice of everything begins at 1, whatever the caller's array begins at
    v_tokens text[] := _settle.ack_tokens[:];
    v_next int := 1;
    v_last int := coalesce(cardinality(v_tokens), 0);
    v_lane int;
    v_step_no bigint;
    v_messages int;
    v_secret bigint;
    v_rest record;
    v_others text[];
begin
    accepted := 0;
    rejected := '{}';
    -- A consumer that was deleted has no leases: without this lock its settlements could outlive it.
    if v_last > 0 and not pg_try_advisory_xact_lock_shared(sluice_internal._lock_key(4, consumer.consumer_no, 0)) then
        perform sluice_internal._hold_consumer(consumer);
    end if;
    -- The usual cases, several times cheaper: whole leases, their tokens as they were handed out, small ones together and
    -- large ones each. Anything else, and what is left after the first one that is not like that, is looked at token by token.
    if _settle.kind = 'a' and v_last > 2 and split_part(v_tokens[least(v_last, 9)], '.', 3) <> least(v_last, 9)::text then
        v_rest := sluice_internal._settle_leases(consumer, v_tokens);
        accepted := v_rest.accepted;
        v_others := v_rest.others;
    else
        while _settle.kind = 'a' and v_next <= v_last loop
            exit when v_tokens[v_next] !~ '^[0-9]{1,3}[.][0-9]{1,18}[.]1[.][0-9a-f]{16}$';
            v_lane := split_part(v_tokens[v_next], '.', 1)::int;
            v_step_no := split_part(v_tokens[v_next], '.', 2)::bigint;
            -- What decides is immutable, so it is read with the lock; whether it was settled before, in the next statement. Part
            -- of a lease must not take this lock: the acknowledgement of its other messages would not get theirs.
            select cardinality(st.record_nos), st.secret into v_messages, v_secret
            from sluice_internal.consumer_steps as st
            where
                st.consumer_no = consumer.consumer_no and st.lane = v_lane and st.step_no = v_step_no
                and (
                    cardinality(st.record_nos) = 1
                    or v_tokens[v_next + cardinality(st.record_nos) - 1]
                    like concat(v_lane, '.', v_step_no, '.', cardinality(st.record_nos), '.%')
                )
            for no key update skip locked;
            exit when not found or v_tokens[v_next] <> sluice_internal._ack_token(v_lane, v_step_no, 1, v_secret);
            exit when v_messages > 1 and v_tokens[v_next : v_next + v_messages - 1] <> array(
                select sluice_internal._ack_token(v_lane, v_step_no, g.ordinal, v_secret)
                from generate_series(1, v_messages) as g (ordinal)
            );
            insert into sluice_internal.consumer_settlements (consumer_no, lane, step_no, ordinal, kind)
            select consumer.consumer_no, v_lane, v_step_no, 0, 'a'
            where not exists (
                select
                from sluice_internal.consumer_settlements as s
                where s.consumer_no = consumer.consumer_no and s.lane = v_lane and s.step_no = v_step_no
            );
            exit when not found;
            accepted := accepted + v_messages;
            v_next := v_next + v_messages;
        end loop;
        if v_next <= v_last then
            v_others := v_tokens[v_next : v_last];
        end if;
    end if;
    -- What an acknowledgement lets go, a newer version or one more of a bounded number, wakes whoever waits for it.
    if _settle.kind in ('a', 'd') and not coalesce(
        case
            when pg_try_advisory_lock(sluice_internal._lock_key(5, consumer.stream_no, 0))
                then pg_advisory_unlock(sluice_internal._lock_key(5, consumer.stream_no, 0))
        end,
        false
    ) then
        perform sluice_internal._wake_freed(consumer, v_tokens);
    end if;
    if v_others <> '{}' then
        perform sluice_internal._hold_consumer(consumer);
        select e.accepted, e.rejected into v_rest
        from sluice_internal._settle_each(consumer, v_others, _settle.kind, _settle.delay, _settle.reason) as e;
        accepted := accepted + v_rest.accepted;
        rejected := v_rest.rejected;
    end if;
end
$$;

comment on function sluice_internal._settle(sluice_internal.consumers, text[], "char", interval, text) is
'Acknowledges (a), gives back (n, after delay), leases for longer (e, for delay) or gives up (d, with a reason) the messages that the tokens name; answers how many, and the tokens that named none: redelivered since, settled before, forged, another consumer''s. Locks the leases (skips locked ones). Runs under its caller''s settings.';
