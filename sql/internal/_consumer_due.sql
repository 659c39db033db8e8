create or replace function sluice_internal._consumer_due(consumer_id text)
returns timestamptz
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
set enable_hashjoin = off
as $$
#variable_conflict use_column
declare
    v_consumer sluice_internal.consumers := sluice_internal._authorize_consumer(_consumer_due.consumer_id, 'consumer');
begin
    return (
        select least(min(st.next_due), min(n.due_at))
        from sluice_internal.streams as s
        cross join generate_series(0, s.lanes - 1) as l (lane)
        cross join lateral (
            select t.next_due, t.open_steps
            from sluice_internal.consumer_steps as t
            where t.consumer_no = v_consumer.consumer_no and t.lane = l.lane
            order by t.step_no desc
            limit 1
        ) as st
        left join lateral (
            select min(e.due_at) as due_at
            from sluice_internal.consumer_settlements as e
            where
                e.consumer_no = v_consumer.consumer_no and e.lane = l.lane and e.due_at is not null and e.step_no = any(st.open_steps)
        ) as n on true
        where s.stream_no = v_consumer.stream_no
    );
end
$$;

comment on function sluice_internal._consumer_due(text) is
'When the next leased or nacked message of a consumer may fall due; null if none is out. It may have been acknowledged since it was leased: then nothing is due at that time.';
