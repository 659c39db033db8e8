create or replace function sluice.consumer_term(
    consumer_id text,
    ack_tokens text[],
    reason text default null
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
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_term.consumer_id, 'consumer');
begin
    perform sluice_internal._check_reading(1);
    perform sluice_internal._check_tokens(consumer_term.ack_tokens);
    if octet_length(consumer_term.reason) > 1000 then
        raise exception using
            errcode = 'SL001',
            message = format('reason has %s bytes, and may have 1000', octet_length(consumer_term.reason)),
            hint = 'Nothing was changed. Give it in short; the record stays readable.';
    end if;
    return query
    select s.accepted, s.rejected
    from sluice_internal._settle(
        v_consumer, consumer_term.ack_tokens, 'd', null, coalesce(nullif(consumer_term.reason, ''), 'terminated')
    ) as s;
end
$$;

comment on function sluice.consumer_term(text, text[], text) is
'Gives messages up: they become dead letters with that reason (at most 1000 bytes; null: terminated) and are not delivered again until their record changes. Answers how many were accepted, and the rejected tokens. Needs READ COMMITTED. Errors: SL001, SL003, SL103.';
