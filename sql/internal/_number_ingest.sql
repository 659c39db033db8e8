create or replace function sluice_internal._number_ingest()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_memoize = off
set enable_bitmapscan = off
as $$
declare
    v_sequence regclass := 'sluice_internal.position_' || new.stream_no;
    v_count int := cardinality(new.updated_idxs);
    v_lanes int;
    v_stream_id text;
begin
    select s.lanes, s.stream_id into v_lanes, v_stream_id from sluice_internal.streams as s where s.stream_no = new.stream_no;
    if current_setting('sluice.touched_streams', true) = new.stream_no::text then
        perform pg_advisory_xact_lock(sluice_internal._lock_key(1, new.stream_no, 0));
    else
        perform sluice_internal._lock_touched(new.stream_no);
    end if;
    -- The numbers drawn at ingest stand if they are one run and nobody drew a later one: then whoever committed before has
    -- lower ones, and whoever commits after will find that theirs are not the last. Otherwise new ones are drawn here,
    -- under the lock.
    if new.updated_idxs[v_count] = pg_sequence_last_value(v_sequence)
        and new.updated_idxs[v_count] - new.updated_idxs[1] + 1 = v_count
    then
        if v_count = 1 then
            insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
            values (new.stream_no, new.record_nos[1] % v_lanes, new.firsts[1], new.updated_idxs[1], new.record_nos[1]);
        else
            insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
            select new.stream_no, n.record_no % v_lanes, n.first, n.updated_idx, n.record_no
            from rows from (unnest(new.record_nos), unnest(new.updated_idxs), unnest(new.firsts)) as n (record_no, updated_idx, first);
        end if;
    else
        with renumbered as (
            update sluice.records as r
            set updated_idx = n.next_idx
            from (
                select u.record_no, u.updated_idx, u.first, nextval(v_sequence) as next_idx
                from unnest(new.record_nos, new.updated_idxs, new.firsts) as u (record_no, updated_idx, first)
                offset 0
            ) as n
            -- written again in this transaction: the later write has its own number
            where r.record_no = n.record_no and r.updated_idx = n.updated_idx
            returning r.record_no, r.updated_idx, n.first
        )
        insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
        select new.stream_no, n.record_no % v_lanes, n.first, n.updated_idx, n.record_no
        from renumbered as n;
    end if;
    -- At most one NOTIFY a transaction, and only while somebody waits: it serialises commits of the whole server.
    if not pg_try_advisory_xact_lock(sluice_internal._lock_key(5, new.stream_no, 0)) then
        perform pg_notify('sluice_streams', v_stream_id);
    end if;
    return null;
end
$$;

comment on function sluice_internal._number_ingest() is
'At commit: puts what the transaction wrote into the stream''s order. Locks the commit order of every stream that the transaction touched, until the commit is done: whoever has read up to n never finds a new row at or below n later.';

do $$
begin
    if not exists (
        select from pg_trigger
        where tgrelid = 'sluice_internal.ingests'::regclass and tgname = '_number_ingest'
    ) then
        create constraint trigger _number_ingest
        after insert on sluice_internal.ingests
        deferrable initially deferred
        for each row execute function sluice_internal._number_ingest();
    end if;
end
$$;
