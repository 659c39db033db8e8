create or replace function sluice.consumer_ack(
    consumer_id text,
    ack_tokens text[],
    strict boolean default false
)
returns table (
    accepted int,
    rejected text[]
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_ack.consumer_id, 'consumer');
begin
    perform sluice_internal._check_reading(1);
    perform sluice_internal._check_tokens(consumer_ack.ack_tokens);
    select s.accepted, s.rejected into accepted, rejected
    from sluice_internal._settle(v_consumer, consumer_ack.ack_tokens, 'a', null) as s;
    if consumer_ack.strict and rejected <> '{}' then
        raise exception using
            errcode = 'SL120',
            message = format(
                '%s of %s tokens name no message that can be acknowledged',
                cardinality(rejected), cardinality(consumer_ack.ack_tokens)
            ),
            detail = left(array_to_string(rejected, ' '), 1000),
            hint = 'The message was delivered again, or settled before. Roll back, and handle it when it comes.';
    end if;
    return next;
end
$$;

comment on function sluice.consumer_ack(text, text[], boolean) is
'Acknowledges messages: they are done and not delivered again until their record changes. Answers how many were accepted, and the rejected tokens; strict raises SL120 for those, so that the caller''s writes roll back. A late token is good as long as nobody else holds the message. Needs READ COMMITTED. Errors: SL001, SL003, SL103, SL120.';
