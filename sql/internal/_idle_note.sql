create or replace function sluice_internal._idle_note(
    consumer sluice_internal.consumers,
    known text
)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_setting text := 'sluice.idle_' || consumer.consumer_no;
    v_version text;
    v_ingest_no bigint;
    v_last_idx text;
    v_idle boolean;
begin
    -- In this order: a writer draws the number of its record before that of its note.
    select c.xmin::text, q.last_value + q.is_called::int into v_version, v_ingest_no
    from sluice_internal.consumers as c
    cross join sluice_internal.ingests_ingest_no_seq as q
    where c.consumer_no = consumer.consumer_no;
    if v_ingest_no::text = split_part(_idle_note.known, ':', 2) then
        v_last_idx := split_part(_idle_note.known, ':', 3);
    else
        execute format('select concat(q.last_value, q.is_called) from sluice_internal.position_%s as q', consumer.stream_no)
        into v_last_idx;
    end if;
    if _idle_note.known is not null then
        v_idle := _idle_note.known = concat_ws(':', v_version, split_part(_idle_note.known, ':', 2), v_last_idx);
    elsif pg_current_xact_id_if_assigned() is not null or sluice_internal._writers() <> '{}' then
        v_idle := false;
    else
        -- Whoever drew one of these numbers has ended: what they committed is seen from here on.
        v_idle := not exists (
            select
            from (select g.i::smallint as lane from generate_series(0, consumer.lanes - 1) as g (i) offset 0) as l
            left join lateral (
                select st.cursor_idx, st.open_steps, st.parked_record_nos
                from sluice_internal.consumer_steps as st
                where st.consumer_no = consumer.consumer_no and st.lane = l.lane
                order by st.step_no desc
                limit 1
            ) as st on true
            where
                exists (
                    select
                    from sluice_internal.positions as p
                    where
                        p.stream_no = consumer.stream_no and p.lane = l.lane
                        and p.updated_idx > coalesce(st.cursor_idx, consumer.start_idx)
                    offset 0
                )
                or st.parked_record_nos <> '{}'
                or case
                    when coalesce(st.open_steps, '{}') = '{}' then false
                    else exists (
                        select
                        from sluice_internal._live_messages as m
                        where
                            m.consumer_no = consumer.consumer_no and m.lane = l.lane
                            and m.step_no = any(sluice_internal._steps_open(consumer.consumer_no, l.lane, st.open_steps))
                        offset 0
                    )
                end
        );
    end if;
    perform
        set_config('sluice.idle', case when v_idle then consumer.consumer_id else '' end, false),
        set_config(v_setting, case when v_idle then concat_ws(':', v_version, v_ingest_no, v_last_idx) else '' end, false);
    return v_idle;
end
$$;

comment on function sluice_internal._idle_note(sluice_internal.consumers, text) is
'Whether the consumer has read everything and has nothing out, noted for the session as long as that is so: the version of the consumer''s row, the last number of any note of an ingest, and that of the stream. Whatever brings messages back writes the row, or draws both numbers as who writes records does. Given the note of an earlier call, only whether it holds for this stream, whatever others were written to; else it looks, unless somebody writes just now or this transaction wrote, which may be undone. Locks nothing, takes no transaction id.';
