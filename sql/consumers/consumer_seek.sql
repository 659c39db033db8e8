create or replace function sluice.consumer_seek(
    consumer_id text,
    target text
)
returns sluice.consumer_details
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_seek.consumer_id, 'admin');
    v_start_idx bigint;
begin
    perform sluice_internal._check_reading(1);
    v_start_idx := case consumer_seek.target
        when 'start' then 0
        when 'end' then nextval(format('sluice_internal.position_%s', v_consumer.stream_no)::regclass)
        else sluice_internal._start_of(v_consumer.stream_no, consumer_seek.target, 'target')
    end;
    perform sluice_internal._hold_consumer(v_consumer);
    update sluice_internal.consumers as c
    set start_idx = case when consumer_seek.target <> 'end' then v_start_idx end
    where c.consumer_no = v_consumer.consumer_no;
    perform pg_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, l.lane))
    from generate_series(0, v_consumer.lanes - 1) as l (lane);
    perform sluice_internal._move_cursors(v_consumer.consumer_no, v_consumer.lanes, v_start_idx);
    delete from sluice_internal.dead_letters as d
    where d.consumer_no = v_consumer.consumer_no and d.updated_idx > v_start_idx;
    if consumer_seek.target = 'end' then
        perform sluice_internal._touch_stream(v_consumer.stream_no);
    end if;
    perform sluice_internal._wake(v_consumer.stream_no);
    return sluice.consumer_info(consumer_seek.consumer_id);
end
$$;

comment on function sluice.consumer_seek(text, text) is
'Moves a consumer and answers it with its numbers. target: start; end (what commits after this commits); an updated_idx (the first to be delivered); a time with its zone, or an age such as 1h (everything committed since). Leased messages stay leased, and their records come again after they are settled; dead letters from there on are delivered with the rest. Waits for calls and transactions that read with the consumer. Needs READ COMMITTED. Errors: SL001, SL003, SL103.';
