create or replace function sluice_internal._leases_compact(least_bytes bigint default 33554432)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '50ms'
as $$
#variable_conflict use_column
declare
    v_bytes bigint := pg_total_relation_size('sluice_internal.consumer_steps')
        + pg_total_relation_size('sluice_internal.consumer_settlements');
    v_live bigint;
    v_holders text[];
    v_steps text[];
    v_settlements text[];
begin
    perform sluice_internal._authorize(null, 'poller');
    if v_bytes < _leases_compact.least_bytes or not pg_try_advisory_xact_lock(sluice_internal._lock_key(15, 0, 0)) then
        return false;
    end if;
    select coalesce(sum(l.bytes), 0) into v_live
    from (
        select pg_column_size(st.*) + 64 as bytes from sluice_internal.consumer_steps as st
        union all
        select pg_column_size(s.*) + 64 from sluice_internal.consumer_settlements as s
    ) as l;
    if v_live * 4 > v_bytes or v_live > 67108864 then
        return false;
    end if;
    -- Whoever waits for the lock below holds up all others that come after it: so it is not asked for while a transaction is there that
    -- had it before and has it still, a worker's or a dump's.
    for v_round in 1..2 loop
        v_holders := array(
            select l.virtualtransaction
            from pg_locks as l
            where
                l.locktype = 'relation' and l.granted and l.pid <> pg_backend_pid()
                and l.database = (select d.oid from pg_database as d where d.datname = current_database())
                and l.relation in ('sluice_internal.consumer_steps'::regclass, 'sluice_internal.consumer_settlements'::regclass)
                and (v_round = 1 or l.virtualtransaction = any(v_holders))
        );
        exit when v_holders = '{}';
        if v_round = 2 then
            return false;
        end if;
        perform pg_sleep(0.03);
    end loop;
    begin
        lock table sluice_internal.consumer_steps, sluice_internal.consumer_settlements in access exclusive mode;
    exception
        when lock_not_available or deadlock_detected then
            return false;
    end;
    v_steps := array(select st::text from sluice_internal.consumer_steps as st);
    v_settlements := array(select s::text from sluice_internal.consumer_settlements as s);
    truncate sluice_internal.consumer_steps, sluice_internal.consumer_settlements;
    insert into sluice_internal.consumer_steps
    select (w.kept).*
    from (select u.line::sluice_internal.consumer_steps as kept from unnest(v_steps) as u (line) offset 0) as w;
    insert into sluice_internal.consumer_settlements
    select (w.kept).*
    from (select u.line::sluice_internal.consumer_settlements as kept from unnest(v_settlements) as u (line) offset 0) as w;
    return true;
end
$$;

comment on function sluice_internal._leases_compact(bigint) is
'Writes leases and settlements anew if they take least_bytes or more (default 32 MB), indexes included, and are mostly removed rows: what vacuum cannot give back while somebody holds an old snapshot. True if it did. Locks both tables, for the time of some thousand rows, if that takes no more than 50 ms and no transaction has them for longer than 30 ms; otherwise nothing happens. A snapshot older than this sees no leases.';
