create or replace function sluice_internal._next_bounded(
    consumer sluice_internal.consumers,
    lanes int,
    batch_size int,
    is_open boolean
)
returns setof sluice.message
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_mutex bigint := sluice_internal._lock_key(6, consumer.consumer_no, 0);
    v_setting text := 'sluice.reserved_' || consumer.consumer_no;
    v_others int;
    v_total int;
    v_count int := 0;
    v_before bigint;
    v_strict boolean := consumer.max_ack_pending = 1;
    v_lane int;
    v_last_idx bigint;
begin
    -- Held for this call, not for the transaction: a worker that keeps its transaction open does not hold up the others.
    for v_round in 1..100 loop
        exit when pg_try_advisory_lock(v_mutex);
        if v_round = 100 then
            return;
        end if;
        perform pg_sleep(0.001);
    end loop;
    begin
        -- What others took and have not committed is known by a lock that carries the number. Read before the leases: a
        -- transaction that ends in between counts twice rather than not at all.
        select coalesce(sum(o.total), 0) into v_others
        from (
            select max(k.key & 1048575) as total
            from (
                select l.pid, (l.classid::bigint << 32) | l.objid::bigint as key
                from pg_locks as l
                where
                    l.locktype = 'advisory' and l.objsubid = 1
                    and l.database = (select d.oid from pg_database as d where d.datname = current_database())
                    and l.pid is distinct from pg_backend_pid()
            ) as k
            where k.key >> 20 = sluice_internal._lock_key(7, consumer.consumer_no::bigint << 11, 0) >> 20
            group by k.pid
        ) as o;
        -- Again after a round without messages that moved something: what was buried or dropped may have made room, and strict
        -- order asks anew after each lane where to go on.
        for v_round in 1..lanes + 3 loop
            v_lane := floor(random() * lanes);
            if v_strict then
                select f.lane, f.last_idx into v_lane, v_last_idx from sluice_internal._first_lane(consumer, lanes) as f;
            end if;
            exit when v_lane is null;
            v_before := sluice_internal._progress(consumer, lanes);
            return query
            select m.*
            from sluice_internal._next_lanes(
                consumer, lanes, v_lane,
                case when v_strict then array(select g.i from generate_series(0, lanes - 1) as g (i) where g.i <> v_lane) else '{}' end,
                least(batch_size, consumer.max_ack_pending), least(batch_size, consumer.max_ack_pending), 33554432, is_open,
                consumer.max_ack_pending - v_others, coalesce(v_last_idx, 9223372036854775807)
            ) as m;
            get diagnostics v_count = row_count;
            -- what was out may have been settled a moment ago
            continue when v_count = 0 and v_last_idx = 0 and sluice_internal._num_ack_pending(consumer, lanes) = 0;
            exit when v_count > 0 or sluice_internal._progress(consumer, lanes) is not distinct from v_before;
        end loop;
        if v_count > 0 then
            v_total := least(coalesce(nullif(current_setting(v_setting, true), ''), '0')::int + v_count, 1048575);
            perform set_config(v_setting, v_total::text, true);
            perform pg_advisory_xact_lock_shared(
                sluice_internal._lock_key(7, (consumer.consumer_no::bigint << 11) | (v_total >> 9), v_total & 511)
            );
        end if;
    exception
        when query_canceled or assert_failure or others then
            perform pg_advisory_unlock(v_mutex);
            raise;
    end;
    perform pg_advisory_unlock(v_mutex);
end
$$;

comment on function sluice_internal._next_bounded(sluice_internal.consumers, int, int, boolean) is
'consumer_next of a consumer with max_ack_pending: an exact bound over all its workers, those with open transactions included. One call at a time (others try for 0.1 s); what it took is kept in a lock until the transaction ends.';
