create or replace function sluice_internal._start_new_consumer()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_start_idx bigint;
begin
    perform sluice_internal._lock_touched(new.stream_no);
    -- Drawing a number makes every writer that has not committed yet draw a higher one.
    v_start_idx := nextval(format('sluice_internal.position_%s', new.stream_no)::regclass);
    update sluice_internal.consumers as c set start_idx = v_start_idx where c.consumer_no = new.consumer_no;
    perform sluice_internal._move_cursors(new.consumer_no, coalesce(new.lanes, 256), v_start_idx);
    return null;
end
$$;

comment on function sluice_internal._start_new_consumer() is
'At commit: a consumer of new messages, or one sought to the end, starts after everything committed so far. Locks the stream''s commit order.';

-- Only where it is not there yet, so: an upgrade waits for nobody who has read the table, and nobody for the upgrade.
do $$
begin
    if not exists (
        select from pg_trigger as t
        where
            t.tgrelid = 'sluice_internal.consumers'::regclass
            and pg_get_triggerdef(t.oid) = 'CREATE CONSTRAINT TRIGGER _start_new_consumer AFTER INSERT OR UPDATE OF start_idx '
            || 'ON sluice_internal.consumers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.start_idx IS NULL)) '
            || 'EXECUTE FUNCTION sluice_internal._start_new_consumer()'
    ) then
        drop trigger if exists _start_new_consumer on sluice_internal.consumers;
        create constraint trigger _start_new_consumer
        after insert or update of start_idx on sluice_internal.consumers
        deferrable initially deferred
        for each row when (new.start_idx is null) execute function sluice_internal._start_new_consumer();
    end if;
end
$$;
