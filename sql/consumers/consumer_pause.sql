create or replace function sluice.consumer_pause(consumer_id text)
returns sluice.consumer_details
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_pause.consumer_id, 'admin');
begin
    update sluice_internal.consumers as c set paused = true where c.consumer_no = v_consumer.consumer_no and c.paused <> true;
    return sluice.consumer_info(consumer_pause.consumer_id);
end
$$;

comment on function sluice.consumer_pause(text) is
'Pauses a consumer and answers it with its numbers: consumer_next acknowledges and delivers nothing. What is leased stays leased, and can be settled. Locks the consumer''s row. Errors: SL103.';
