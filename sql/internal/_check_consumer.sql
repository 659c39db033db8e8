create or replace function sluice_internal._check_consumer(
    ack_wait interval,
    max_deliver int,
    max_ack_pending int,
    metadata jsonb
)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
    v_hint text;
begin
    case
        when coalesce(_check_consumer.ack_wait, '0') not between interval '1 millisecond' and interval '1 year' then
            v_problem := format(
                'ack_wait must be between a millisecond and a year, not %s', coalesce(_check_consumer.ack_wait::text, 'null')
            );
            v_hint := 'For example: interval ''60 seconds''.';
        when coalesce(_check_consumer.max_deliver, 0) not between 1 and 10000 and _check_consumer.max_deliver is distinct from -1 then
            v_problem := format('max_deliver must be -1 or 1 to 10000, not %s', coalesce(_check_consumer.max_deliver::text, 'null'));
            v_hint := '-1 means without limit; 3 means three deliveries in all.';
        when _check_consumer.max_ack_pending not between 0 and 1000000 then
            v_problem := format('max_ack_pending must be 1 to 1000000, not %s', _check_consumer.max_ack_pending);
            v_hint := 'Leave it out, or say 0, for no bound; 1 gives strict order.';
        when jsonb_typeof(coalesce(_check_consumer.metadata, '{}')) <> 'object' then
            v_problem := 'metadata must be a JSON object';
            v_hint := 'For example {"team": "billing"}.';
        else
            return;
    end case;
    raise exception using errcode = 'SL001', message = v_problem, hint = v_hint;
end
$$;

comment on function sluice_internal._check_consumer(interval, int, int, jsonb) is 'Raises SL001 for settings that a consumer cannot have.';
