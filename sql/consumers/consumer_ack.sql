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
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_ack.consumer_id, 'consumer');
    v_done record;
begin
    if current_setting('transaction_isolation') = 'read committed' and array_ndims(consumer_ack.ack_tokens) = 1
        and array_position(consumer_ack.ack_tokens, null) is null
    then
        null;
    else
        perform sluice_internal._check_reading(1);
        perform sluice_internal._check_tokens(consumer_ack.ack_tokens);
    end if;
    v_done := sluice_internal._settle(v_consumer, consumer_ack.ack_tokens, 'a', null, null);
    accepted := v_done.accepted;
    rejected := v_done.rejected;
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
