create or replace function sluice_internal._authorize_consumer(
    consumer_id text,
    "right" text
)
returns sluice_internal.consumers
language plpgsql
stable
as $$
declare
    v_consumer sluice_internal.consumers;
begin
    select c.* into v_consumer
    from sluice_internal.consumers as c
    where c.consumer_id = _authorize_consumer.consumer_id collate "C" and sluice_internal._authorized(_authorize_consumer."right");
    if not found then
        perform sluice_internal._authorize(null, _authorize_consumer."right");
        raise exception using
            errcode = 'SL103',
            message = format('consumer "%s" does not exist', left(_authorize_consumer.consumer_id, 200)),
            hint = 'List the consumers with: select consumer_id, stream_id from sluice.consumers';
    end if;
    -- written by an older release
    if v_consumer.lanes is null then
        select s.lanes into v_consumer.lanes from sluice_internal.streams as s where s.stream_no = v_consumer.stream_no;
    end if;
    return v_consumer;
end
$$;

comment on function sluice_internal._authorize_consumer(text, text) is
'The gate for what belongs to a consumer: SL002 or SL103, or the consumer. Runs under its caller''s settings.';
