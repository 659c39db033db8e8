create or replace function sluice_internal._lock_touched(stream_no int)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_stream_no int;
begin
    -- The setting can be overwritten by anyone. That may cost a deadlock, which Postgres ends; the order stays right,
    -- since the stream at hand is always locked.
    for v_stream_no in
        select distinct t.touched::int
        from string_to_table(current_setting('sluice.touched_streams', true), ',') as t (touched)
        where t.touched ~ '^[0-9]{1,9}$'
        union
        select _lock_touched.stream_no
        order by 1
    loop
        perform pg_advisory_xact_lock(sluice_internal._lock_key(1, v_stream_no, 0));
    end loop;
end
$$;

comment on function sluice_internal._lock_touched(int) is
'At commit: takes the commit lock of every stream that this transaction touched, by number, so that two commits cannot deadlock.';
