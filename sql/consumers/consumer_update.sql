create or replace function sluice.consumer_update(
    consumer_id text,
    ack_wait interval default null,
    max_deliver int default null,
    metadata jsonb default null,
    max_ack_pending int default null,
    filter jsonb default null
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
    v_filter jsonb := sluice_internal._check_filter(consumer_update.filter);
    v_consumer sluice.consumers;
begin
    -- what another update has changed meanwhile stays
    select c.* into v_known from sluice_internal.consumers as c where c.consumer_no = v_known.consumer_no for no key update;
    v_known.ack_wait := coalesce(consumer_update.ack_wait, v_known.ack_wait);
    v_known.max_deliver := coalesce(consumer_update.max_deliver, v_known.max_deliver);
    v_known.max_ack_pending := coalesce(consumer_update.max_ack_pending, v_known.max_ack_pending);
    v_known.metadata := coalesce(consumer_update.metadata, v_known.metadata);
    perform sluice_internal._check_consumer(
        v_known.ack_wait, v_known.max_deliver, v_known.max_ack_pending, v_known.metadata
    );
    if consumer_update.filter is not null then
        v_known.filter := v_filter;
    end if;
    update sluice_internal.consumers as c
    set
        ack_wait = v_known.ack_wait,
        max_deliver = v_known.max_deliver,
        max_ack_pending = nullif(v_known.max_ack_pending, 0),
        metadata = v_known.metadata,
        filter = v_known.filter,
        provider_patterns = sluice_internal._filter_patterns(v_known.filter -> 'provider', ':%'),
        sync_patterns = sluice_internal._filter_patterns(v_known.filter -> 'sync_id', ''),
        collection_patterns = sluice_internal._filter_patterns(v_known.filter -> 'collection_id', ''),
        predicate = (v_known.filter ->> 'where')::jsonpath
    where c.consumer_no = v_known.consumer_no;
    perform sluice_internal._wake(v_known.stream_no);
    select c.* into v_consumer from sluice.consumers as c where c.consumer_id = v_known.consumer_id;
    return v_consumer;
end
$$;

comment on function sluice.consumer_update(text, interval, int, jsonb, int, jsonb) is
'Changes a consumer and answers it; what is null stays. max_ack_pending 0: no bound; filter {}: no filter. Messages that are leased keep the time they were leased for; a new filter decides on what is delivered from now on, also again, and what was stepped over stays behind (consumer_seek goes back). Locks the consumer''s row. Errors: SL001, SL103.';
