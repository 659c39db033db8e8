create or replace function sluice_internal._next_lanes(
    consumer sluice_internal.consumers,
    lanes int,
    first_lane int,
    done_lanes int[],
    batch_size int,
    max_rows int,
    max_bytes bigint,
    is_open boolean,
    max_pending int,
    last_idx bigint
)
returns setof sluice.message
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_lane int;
    v_held boolean := false;
    v_fresh int := max_rows;
    v_taken int := cardinality(done_lanes);
    v_new_first boolean;
    v_before int;
    v_before_idx bigint;
    v_before_skipped bigint;
    v_parked bigint[];
    v_looked int;
    v_left int := 10000;
    v_window int;
    v_ready int[];
    v_done int[] := done_lanes;
    v_state sluice_internal.consumer_steps;
    v_need int := max_rows;
    v_bytes bigint := max_bytes;
    v_strict boolean := coalesce(consumer.max_ack_pending = 1, false);
    v_step_no bigint;
    v_mood text := case when max_rows < batch_size then 'fresh' else 'any' end;
    v_count int;
begin
    -- With a backlog the first lane fills the batch; only when it does not are the others asked.
    for v_round in 1..2 loop
        v_ready := sluice_internal._lanes_ready(consumer, lanes, first_lane, case v_round when 1 then 1 else lanes end);
        foreach v_lane in array coalesce(v_ready, '{}') loop
            continue when v_lane = any(v_done);
            -- One time in four what is new in a lane goes first: a message that is given back at once, again and again, would hold up the
            -- rest of its lane for ever. A stream of one lane keeps its order.
            v_new_first := v_round = 1 and lanes > 1 and not v_strict and random() < 0.25;
            if not v_new_first then
                v_done := v_done || v_lane;
            end if;
            continue when not pg_try_advisory_xact_lock(sluice_internal._lock_key(2, consumer.consumer_no, v_lane));
            if not v_held then
                perform sluice_internal._hold_consumer(consumer);
                v_held := true;
            end if;
            v_before := v_need;
            v_state := sluice_internal._lane_state(consumer.consumer_no, v_lane, consumer.start_idx);
            if not v_new_first and (v_state.open_steps <> '{}' or v_state.parked_record_nos <> '{}') then
                if sluice_internal._lane_due(v_state) then
                    if max_pending is not null then
                        v_fresh := greatest(max_pending - sluice_internal._num_ack_pending(consumer, lanes), 0);
                    end if;
                    v_step_no := v_state.step_no;
                    return query
                    select m.*
                    from sluice_internal._lane_recover(consumer, v_state, v_mood, batch_size, v_need, v_bytes, v_fresh) as m;
                    get diagnostics v_count = row_count;
                    v_state := sluice_internal._lane_state(consumer.consumer_no, v_lane, consumer.start_idx);
                    if v_count > 0 then
                        v_bytes := v_bytes - v_state.data_bytes;
                        if v_state.suspect and v_mood = 'any' then
                            v_mood := 'suspect';
                            v_need := case
                                when v_state.deliver_counts[1] = consumer.max_deliver then 0
                                else greatest(1, batch_size >> (least(v_state.deliver_counts[1], 31) - 1)) - v_count
                            end;
                        elsif v_mood = 'suspect' then
                            v_need := v_need - v_count;
                        else
                            v_mood := 'fresh';
                            v_need := v_need - v_count;
                        end if;
                    end if;
                    -- what was dropped here comes from its new place, which may not be the next
                    continue when v_strict and v_state.step_no > v_step_no;
                end if;
            end if;
            -- Again while all that was looked at is in flight, replaced or filtered: without a filter an empty answer means that
            -- nothing was there.
            v_looked := 0;
            v_window := case
                when v_strict then 10000 / lanes
                when consumer.filter is null then v_need
                else least(greatest(v_need * 2, 100), v_left)
            end;
            while v_mood <> 'suspect' and v_need > 0 and v_looked < 100000 and v_left > 0 loop
                v_fresh := v_need;
                if max_pending is not null then
                    v_fresh := least(v_need, max_pending - sluice_internal._num_ack_pending(consumer, lanes));
                    exit when v_fresh <= 0;
                end if;
                v_before_idx := v_state.cursor_idx;
                v_before_skipped := v_state.skipped;
                v_parked := v_state.parked_idxs;
                return query
                select m.*
                from sluice_internal._lane_take(
                    consumer, v_state, v_fresh, v_window,
                    case when consumer.filter is null then greatest(v_window, 10000 / lanes) else v_window end,
                    v_bytes, last_idx
                ) as m;
                get diagnostics v_count = row_count;
                if v_count > 0 then
                    v_mood := 'fresh';
                    v_need := v_need - v_count;
                end if;
                v_state := sluice_internal._lane_state(consumer.consumer_no, v_lane, consumer.start_idx);
                v_left := v_left - (v_state.skipped - v_before_skipped)::int;
                exit when v_need <= 0 or v_strict;
                v_bytes := v_bytes - case when v_count > 0 then v_state.data_bytes else 0 end;
                exit when v_state.cursor_idx = v_before_idx
                    or (v_count > 0 and v_state.parked_idxs = v_parked and v_state.skipped = v_before_skipped);
                v_looked := v_looked + greatest(v_window, 10000 / lanes);
                v_window := least(v_window * 8, case when consumer.filter is null then 10000 else v_left end);
            end loop;
            v_taken := v_taken + (v_need < v_before)::int;
            if v_need <= 0 or v_bytes <= 0 or (is_open and v_taken >= greatest(1, lanes / 2)) then
                return;
            end if;
        end loop;
        exit when v_ready is null;
    end loop;
end
$$;

comment on function sluice_internal._next_lanes(sluice_internal.consumers, int, int, int[], int, int, bigint, boolean, int, bigint) is
'What consumer_next does lane by lane, from first_lane on, but for done_lanes: what is due again, then what is new (sometimes the other way round), max_rows and max_bytes of a batch of batch_size; if is_open from at most half of the lanes; no more fresh ones than max_pending allows, null without bound, and none behind last_idx. Locks lanes (tried, never waited for).';
