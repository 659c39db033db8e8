create or replace function sluice_internal._hold_consumer(consumer sluice_internal.consumers)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_there boolean := pg_try_advisory_xact_lock_shared(sluice_internal._lock_key(4, consumer.consumer_no, 0));
begin
    if v_there then
        v_there := exists (select from sluice_internal.consumers as c where c.consumer_no = consumer.consumer_no);
    end if;
    if not v_there then
        raise exception using
            errcode = 'SL103',
            message = format('consumer "%s" does not exist', consumer.consumer_id),
            hint = 'It was deleted just now.';
    end if;
end
$$;

comment on function sluice_internal._hold_consumer(sluice_internal.consumers) is
'Keeps a consumer from being deleted while this transaction writes for it; SL103 if that came first. Locks the consumer''s name (shared, tried, never waited for), not its row: that would be written to by every batch.';
