create or replace function sluice.consumer_extend(
    consumer_id text,
    ack_tokens text[],
    ack_wait interval default null
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
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_extend.consumer_id, 'consumer');
    v_wait interval := coalesce(consumer_extend.ack_wait, v_consumer.ack_wait);
begin
    perform sluice_internal._check_reading(1);
    perform sluice_internal._check_tokens(consumer_extend.ack_tokens);
    perform sluice_internal._check_consumer(v_wait, -1, null, '{}');
    return query
    select s.accepted, s.rejected
    from sluice_internal._settle(v_consumer, consumer_extend.ack_tokens, 'e', v_wait, null) as s;
end
$$;

comment on function sluice.consumer_extend(text, text[], interval) is
'Leases messages for longer: until ack_wait (null: the consumer''s) from now. Answers how many were accepted, and the rejected tokens: of messages that were delivered again or settled since. A late token is good as long as nobody else holds the message. Needs READ COMMITTED. Errors: SL001, SL003, SL103.';
