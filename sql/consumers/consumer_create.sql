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
    v_consumer sluice.consumers;
begin
    perform sluice_internal._hold_stream(v_stream);
    if consumer_create.max_ack_pending is not null or consumer_create.filter is not null then
        raise exception using
            errcode = 'SL004',
            message = 'max_ack_pending and filter are not supported by this release',
            hint = 'Leave them out; a worker can acknowledge what it does not want.';
    end if;
    if consumer_create.deliver_policy is null or consumer_create.deliver_policy not in ('all', 'new') then
        raise exception using
            errcode = 'SL001',
            message = format('deliver_policy must be all or new, not %s', left(coalesce(consumer_create.deliver_policy, 'null'), 200)),
            hint = 'all starts at the beginning of the stream; new delivers what commits from now on.';
    end if;
    perform sluice_internal._check_consumer(consumer_create.ack_wait, consumer_create.max_deliver, consumer_create.metadata);
    insert into sluice_internal.consumers as c (
        consumer_id, stream_no, deliver_policy, start_idx, ack_wait, max_deliver, metadata
    )
    values (
        v_consumer_id, v_stream.stream_no, consumer_create.deliver_policy,
        case consumer_create.deliver_policy when 'all' then 0 end,
        consumer_create.ack_wait, consumer_create.max_deliver, coalesce(consumer_create.metadata, '{}')
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
'Creates a reader of a stream and answers it. deliver_policy: all, from the beginning; new, everything that commits after this commits. ack_wait: how long a message is leased. max_deliver: deliveries in all, -1 without limit. max_ack_pending and filter must be null in this release. Errors: SL001, SL004, SL101, SL110.';
