create or replace function sluice_internal._stream_unwatch(stream_id text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_unlock_shared(sluice_internal._lock_key(5, s.stream_no, 0))
    from sluice_internal.streams as s
    where s.stream_id = _stream_unwatch.stream_id collate "C";
end
$$;

comment on function sluice_internal._stream_unwatch(text) is 'Takes back one _stream_watch of this session, by the stream_id it answered.';
