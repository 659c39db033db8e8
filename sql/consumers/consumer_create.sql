create or replace function sluice.consumer_create(
    consumer_id text,
    stream_id text,
    deliver_policy text default 'all',
    ack_wait interval default '60 seconds',
    max_deliver int default -1,
    max_ack_pending int default null,
    filter jsonb default null,
    metadata jsonb default '{}'
)
returns sluice.consumers
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(consumer_create.stream_id, ''), 'admin');
    v_consumer_id text := sluice_internal._check_id('consumer_id', consumer_create.consumer_id);
    v_filter jsonb := sluice_internal._check_filter(consumer_create.filter);
    v_consumer sluice.consumers;
begin
    perform sluice_internal._hold_stream(v_stream);
    perform sluice_internal._check_consumer(
        consumer_create.ack_wait, consumer_create.max_deliver, consumer_create.max_ack_pending, consumer_create.metadata
    );
    insert into sluice_internal.consumers as c (
        consumer_id, stream_no, lanes, deliver_policy, start_idx, ack_wait, max_deliver, max_ack_pending, metadata,
        filter, provider_patterns, sync_patterns, collection_patterns, predicate
    )
    values (
        v_consumer_id, v_stream.stream_no, v_stream.lanes, consumer_create.deliver_policy,
        case coalesce(consumer_create.deliver_policy, 'null')
            when 'all' then 0
            when 'new' then null
            else sluice_internal._start_of(v_stream.stream_no, consumer_create.deliver_policy, 'deliver_policy')
        end,
        consumer_create.ack_wait, consumer_create.max_deliver, nullif(consumer_create.max_ack_pending, 0),
        coalesce(consumer_create.metadata, '{}'),
        v_filter, sluice_internal._filter_patterns(v_filter -> 'provider', ':%'),
        sluice_internal._filter_patterns(v_filter -> 'sync_id', ''), sluice_internal._filter_patterns(v_filter -> 'collection_id', ''),
        (v_filter ->> 'where')::jsonpath
    )
    on conflict do nothing;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the consumer id "%s" is taken', v_consumer_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    if consumer_create.deliver_policy = 'new' then
        perform sluice_internal._touch_stream(v_stream.stream_no);
    end if;
    select c.* into v_consumer from sluice.consumers as c where c.consumer_id = v_consumer_id collate "C";
    return v_consumer;
end
$$;

comment on function sluice.consumer_create(text, text, text, interval, int, int, jsonb, jsonb) is
'Creates a reader of a stream and answers it. deliver_policy: all, from the beginning; new, everything that commits after this commits; an updated_idx (the first to be delivered), a time with its zone, or an age such as 1h. ack_wait: how long a message is leased. max_deliver: deliveries in all, -1 without limit. max_ack_pending: how many messages may be delivered and not settled at once, null without bound; 1 gives strict order. filter: {provider, sync_id, collection_id, where}: texts or arrays of texts with * for anything, and a JSONPath on data; all must match. Errors: SL001, SL101, SL110.';
