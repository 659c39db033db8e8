create or replace function sluice.consumer_resume(consumer_id text)
returns sluice.consumer_details
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_resume.consumer_id, 'admin');
begin
    update sluice_internal.consumers as c set paused = false where c.consumer_no = v_consumer.consumer_no and c.paused <> false;
    perform sluice_internal._wake(v_consumer.stream_no);
    return sluice.consumer_info(consumer_resume.consumer_id);
end
$$;

comment on function sluice.consumer_resume(text) is
'Lets a paused consumer deliver again, and answers it with its numbers. Locks the consumer''s row. Errors: SL103.';
