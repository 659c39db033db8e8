create or replace function sluice.consumer_update(
    consumer_id text,
    ack_wait interval default null,
    max_deliver int default null,
    metadata jsonb default null
)
returns sluice.consumers
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_known sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_update.consumer_id, 'admin');
    v_consumer sluice.consumers;
begin
    v_known.ack_wait := coalesce(consumer_update.ack_wait, v_known.ack_wait);
    v_known.max_deliver := coalesce(consumer_update.max_deliver, v_known.max_deliver);
    v_known.metadata := coalesce(consumer_update.metadata, v_known.metadata);
    perform sluice_internal._check_consumer(v_known.ack_wait, v_known.max_deliver, v_known.metadata);
    update sluice_internal.consumers as c
    set ack_wait = v_known.ack_wait, max_deliver = v_known.max_deliver, metadata = v_known.metadata
    where c.consumer_no = v_known.consumer_no;
    select c.* into v_consumer from sluice.consumers as c where c.consumer_id = v_known.consumer_id;
    return v_consumer;
end
$$;

comment on function sluice.consumer_update(text, interval, int, jsonb) is
'Changes a consumer and answers it; what is null stays. Messages that are leased keep the time they were leased for. Locks the consumer''s row. Errors: SL001, SL103.';
