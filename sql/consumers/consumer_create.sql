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
    v_problem text;
    v_hint text;
    v_consumer sluice.consumers;
begin
    perform sluice_internal._hold_stream(v_stream);
    if consumer_create.max_ack_pending is not null or consumer_create.filter is not null then
        raise exception using
            errcode = 'SL004',
            message = 'max_ack_pending and filter are not supported by this release',
            hint = 'Leave them out; a worker can acknowledge what it does not want.';
    end if;
    case
        when consumer_create.deliver_policy is null or consumer_create.deliver_policy not in ('all', 'new') then
            v_problem := format('deliver_policy must be all or new, not %s', left(coalesce(consumer_create.deliver_policy, 'null'), 200));
            v_hint := 'all starts at the beginning of the stream; new delivers what commits from now on.';
        when coalesce(consumer_create.ack_wait, '0') not between interval '1 millisecond' and interval '1 year' then
            v_problem := format(
                'ack_wait must be between a millisecond and a year, not %s', coalesce(consumer_create.ack_wait::text, 'null')
            );
            v_hint := 'For example: interval ''60 seconds''.';
        when coalesce(consumer_create.max_deliver, 0) not between 1 and 10000 and consumer_create.max_deliver is distinct from -1 then
            v_problem := format('max_deliver must be -1 or 1 to 10000, not %s', coalesce(consumer_create.max_deliver::text, 'null'));
            v_hint := '-1 means without limit; 3 means three deliveries in all.';
        when jsonb_typeof(coalesce(consumer_create.metadata, '{}')) <> 'object' then
            v_problem := 'metadata must be a JSON object';
            v_hint := 'For example {"team": "billing"}.';
        else
            v_problem := null;
    end case;
    if v_problem is not null then
        raise exception using errcode = 'SL001', message = v_problem, hint = v_hint;
    end if;
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
