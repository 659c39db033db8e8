create or replace function sluice_internal._stream_watch(consumer_id text)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(_stream_watch.consumer_id, 'consumer');
begin
    -- A commit that looked for watchers a moment ago holds this; when it lets go, what it wrote can be seen.
    perform pg_advisory_lock_shared(sluice_internal._lock_key(5, v_consumer.stream_no, 0));
    return (select s.stream_id from sluice_internal.streams as s where s.stream_no = v_consumer.stream_no);
exception
    when lock_not_available then
        return null;
end
$$;

comment on function sluice_internal._stream_watch(text) is
'From now on, until _stream_unwatch or the end of the session, commits and nacks in the consumer''s stream notify the channel sluice_streams, with the stream_id that this answers. LISTEN first, then this, then look for messages. Null: somebody holds a commit open, ask again in a while. Locks the stream''s watchers (shared, for the session).';
