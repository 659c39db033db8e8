create or replace function sluice.consumer_nack(
    consumer_id text,
    ack_tokens text[],
    delay interval default '0'
)
returns table (
    accepted int,
    rejected text[]
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_nack.consumer_id, 'consumer');
begin
    perform sluice_internal._check_reading(1);
    perform sluice_internal._check_tokens(consumer_nack.ack_tokens);
    if consumer_nack.delay is null or consumer_nack.delay < interval '0' or consumer_nack.delay > interval '1 year' then
        raise exception using
            errcode = 'SL001',
            message = format('delay must be between 0 and a year, not %s', coalesce(consumer_nack.delay::text, 'null')),
            hint = 'For example: interval ''30 seconds''.';
    end if;
    perform sluice_internal._wake(v_consumer.stream_no);
    return query
    select s.accepted, s.rejected
    from sluice_internal._settle(v_consumer, consumer_nack.ack_tokens, 'n', consumer_nack.delay, null) as s;
end
$$;

comment on function sluice.consumer_nack(text, text[], interval) is
'Gives messages back: they are delivered again after delay, with a higher deliver_count; after the last of max_deliver they become dead letters. Answers how many were accepted, and the rejected tokens. Needs READ COMMITTED. Errors: SL001, SL003, SL103.';
