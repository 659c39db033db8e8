create or replace function sluice_internal._wake(stream_no int)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Looked at without keeping the lock: this transaction may last, and nobody may wait for it.
    if pg_try_advisory_lock(sluice_internal._lock_key(5, _wake.stream_no, 0)) then
        perform pg_advisory_unlock(sluice_internal._lock_key(5, _wake.stream_no, 0));
    else
        perform pg_notify('sluice_streams', s.stream_id) from sluice_internal.streams as s where s.stream_no = _wake.stream_no;
    end if;
end
$$;

comment on function sluice_internal._wake(int) is
'Notifies those who wait for messages of the stream, if somebody does, when this transaction commits.';
