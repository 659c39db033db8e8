create or replace function sluice_internal._number_ingest()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    v_sequence regclass := 'sluice_internal.position_' || new.stream_no;
    v_count int := cardinality(new.updated_idxs);
begin
    -- In conditions, which cost less than statements.
    if current_setting('sluice.touched_streams', true) is distinct from new.stream_no::text then
        perform sluice_internal._lock_touched(new.stream_no);
    elsif pg_advisory_xact_lock(sluice_internal._lock_key(1, new.stream_no, 0)) is null then
        null;
    end if;
    -- The numbers drawn at ingest stand if they are one run and nobody drew a later one: then whoever committed before has
    -- lower ones, and whoever commits after will find that theirs are not the last. Otherwise new ones are drawn here,
    -- under the lock.
    if new.updated_idxs[v_count] <> pg_sequence_last_value(v_sequence)
        or new.updated_idxs[v_count] - new.updated_idxs[1] + 1 <> v_count
    then
        perform sluice_internal._renumber(new.stream_no, new.record_nos, new.updated_idxs, new.firsts);
    elsif v_count = 1 then
        insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
        select new.stream_no, new.record_nos[1] % s.lanes, new.firsts[1], new.updated_idxs[1], new.record_nos[1]
        from sluice_internal.streams as s
        where s.stream_no = new.stream_no;
    else
        insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
        select new.stream_no, n.record_no % s.lanes, n.first, n.updated_idx, n.record_no
        from sluice_internal.streams as s
        cross join rows from (unnest(new.record_nos), unnest(new.updated_idxs), unnest(new.firsts)) as n (record_no, updated_idx, first)
        where s.stream_no = new.stream_no;
    end if;
    -- At most one NOTIFY a transaction, and only while somebody waits: it serialises commits of the whole server.
    if not pg_try_advisory_xact_lock(sluice_internal._lock_key(5, new.stream_no, 0)) then
        perform pg_notify('sluice_streams', s.stream_id) from sluice_internal.streams as s where s.stream_no = new.stream_no;
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
