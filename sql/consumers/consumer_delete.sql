create or replace function sluice.consumer_delete(consumer_id text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_delete.consumer_id, 'admin');
begin
    perform pg_advisory_xact_lock(sluice_internal._lock_key(4, v_consumer.consumer_no, 0));
    delete from sluice_internal.consumers as c where c.consumer_no = v_consumer.consumer_no;
    delete from sluice_internal.dead_letters as d where d.consumer_no = v_consumer.consumer_no;
    delete from sluice_internal.consumer_settlements as s where s.consumer_no = v_consumer.consumer_no;
    delete from sluice_internal.consumer_steps as t where t.consumer_no = v_consumer.consumer_no;
end
$$;

comment on function sluice.consumer_delete(text) is
'Deletes a consumer with its position, leases and dead letters; no record is touched. Waits for transactions that read or acknowledge with it. Errors: SL103.';
