create or replace function sluice_internal._start_new_consumer()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform sluice_internal._lock_touched(new.stream_no);
    -- Drawing a number makes every writer that has not committed yet draw a higher one.
    update sluice_internal.consumers as c
    set start_idx = nextval(format('sluice_internal.position_%s', new.stream_no)::regclass)
    where c.consumer_no = new.consumer_no;
    return null;
end
$$;

comment on function sluice_internal._start_new_consumer() is
'At commit: a consumer of new messages starts after everything committed so far. Locks the stream''s commit order.';

do $$
begin
    if not exists (
        select from pg_trigger
        where tgrelid = 'sluice_internal.consumers'::regclass and tgname = '_start_new_consumer'
    ) then
        create constraint trigger _start_new_consumer
        after insert on sluice_internal.consumers
        deferrable initially deferred
        for each row when (new.start_idx is null) execute function sluice_internal._start_new_consumer();
    end if;
end
$$;
