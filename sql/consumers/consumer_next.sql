create or replace function sluice.consumer_next(
    consumer_id text,
    batch_size int default 10,
    ack_tokens text[] default null
)
returns setof sluice.message
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(consumer_next.consumer_id, 'consumer');
    -- Inside an explicit transaction the lanes stay locked for as long as it lasts, so it takes a share of them only.
    -- Drivers that send parameters apart from the statement cannot be told from one; they may set pgsluice.autocommit.
    v_open boolean := (statement_timestamp() <> transaction_timestamp() or pg_current_xact_id_if_assigned() is not null)
        and coalesce(current_setting('pgsluice.autocommit', true), '') <> 'on';
    v_lanes int;
    v_lane int;
    v_held boolean := false;
    v_taken int := 0;
    v_before int;
    v_before_idx bigint;
    v_parked bigint[];
    v_looked int;
    v_window int;
    v_ready int[];
    v_done int[] := '{}';
    v_first int;
    v_state sluice_internal.consumer_steps;
    v_need int := consumer_next.batch_size;
    v_bytes bigint := 33554432;
    v_mood text := 'any';
    v_count int;
begin
    perform sluice_internal._check_reading(consumer_next.batch_size);
    if consumer_next.ack_tokens is not null then
        perform sluice_internal._check_tokens(consumer_next.ack_tokens);
        perform sluice_internal._settle(v_consumer, consumer_next.ack_tokens, 'a', null);
    end if;
    select s.lanes into v_lanes from sluice_internal.streams as s where s.stream_no = v_consumer.stream_no;
    v_first := floor(random() * v_lanes);
    -- With a backlog the first lane fills the batch; only when it does not are the others asked.
    for v_round in 1..2 loop
        v_ready := sluice_internal._lanes_ready(v_consumer, v_lanes, v_first, case v_round when 1 then 1 else v_lanes end);
        foreach v_lane in array coalesce(v_ready, '{}') loop
            continue when v_lane = any(v_done);
            v_done := v_done || v_lane;
            continue when not pg_try_advisory_xact_lock(sluice_internal._lock_key(2, v_consumer.consumer_no, v_lane));
            if not v_held then
                perform sluice_internal._hold_consumer(v_consumer);
                v_held := true;
            end if;
            v_before := v_need;
            v_state := sluice_internal._lane_state(v_consumer.consumer_no, v_lane, v_consumer.start_idx);
            if v_state.open_steps <> '{}' or v_state.parked_record_nos <> '{}' then
                if sluice_internal._lane_due(v_state) then
                    return query
                    select m.*
                    from sluice_internal._lane_recover(
                        v_consumer, v_state, v_mood, consumer_next.batch_size, v_need, v_bytes
                    ) as m;
                    get diagnostics v_count = row_count;
                    v_state := sluice_internal._lane_state(v_consumer.consumer_no, v_lane, v_consumer.start_idx);
                    if v_count > 0 then
                        v_bytes := v_bytes - v_state.data_bytes;
                        if v_state.suspect and v_mood = 'any' then
                            v_mood := 'suspect';
                            v_need := case
                                when v_state.deliver_counts[1] = v_consumer.max_deliver then 0
                                else greatest(1, consumer_next.batch_size >> (least(v_state.deliver_counts[1], 31) - 1)) - v_count
                            end;
                        elsif v_mood = 'suspect' then
                            v_need := v_need - v_count;
                        else
                            v_mood := 'fresh';
                            v_need := v_need - v_count;
                        end if;
                    end if;
                end if;
            end if;
            -- Again while all that was looked at is in flight or replaced: an empty answer means that nothing was there.
            v_looked := 0;
            v_window := v_need;
            while v_mood <> 'suspect' and v_need > 0 and v_looked < 100000 loop
                v_before_idx := v_state.cursor_idx;
                v_parked := v_state.parked_idxs;
                return query
                select m.*
                from sluice_internal._lane_take(
                    v_consumer, v_state, v_need, v_window, greatest(v_window, 10000 / v_lanes), v_bytes
                ) as m;
                get diagnostics v_count = row_count;
                if v_count > 0 then
                    v_mood := 'fresh';
                    v_need := v_need - v_count;
                end if;
                exit when v_need <= 0;
                v_state := sluice_internal._lane_state(v_consumer.consumer_no, v_lane, v_consumer.start_idx);
                v_bytes := v_bytes - case when v_count > 0 then v_state.data_bytes else 0 end;
                exit when v_state.cursor_idx = v_before_idx or (v_count > 0 and v_state.parked_idxs = v_parked);
                v_looked := v_looked + greatest(v_window, 10000 / v_lanes);
                v_window := least(v_window * 8, 10000);
            end loop;
            v_taken := v_taken + (v_need < v_before)::int;
            if v_need <= 0 or v_bytes <= 0 or (v_open and v_taken >= greatest(1, v_lanes / 2)) then
                return;
            end if;
        end loop;
        exit when v_ready is null;
    end loop;
end
$$;

comment on function sluice.consumer_next(text, int, text[]) is
'Leases up to batch_size messages (1 to 1000, 32 MB together) for ack_wait and answers them; ack_tokens of earlier messages are acknowledged in the same transaction. What is not acknowledged in time is delivered again. Inside an explicit transaction it takes from at most half of the lanes, so that others can go on; a call with separately sent parameters counts as one, unless its session, which commits at once, has set pgsluice.autocommit = on. Needs READ COMMITTED. Locks lanes (tried, never waited for). Errors: SL001, SL003, SL103.';
