create or replace function sluice_internal._mutation_seen(
    mutation_id text,
    consumer_ids text[]
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    v_mutation sluice_internal.mutations := sluice_internal._authorize_mutation(_mutation_seen.mutation_id, 'mutator');
    v_consumer sluice_internal.consumers;
    v_unknown text;
begin
    select u.consumer_id into v_unknown
    from unnest(_mutation_seen.consumer_ids) as u (consumer_id)
    where not exists (
        select from sluice_internal.consumers as c
        where c.consumer_id = u.consumer_id collate "C" and c.stream_no = v_mutation.stream_no
    )
    limit 1;
    if found then
        raise exception using
            errcode = 'SL103',
            message = format('consumer "%s" does not exist in the stream of this sync', left(v_unknown, 200)),
            hint = 'Name consumers of the stream that the sync writes into.';
    end if;
    for v_consumer in
        select c.* from sluice_internal.consumers as c where c.consumer_id = any(_mutation_seen.consumer_ids collate "C")
    loop
        if exists (
            select
            from sluice_internal.mutation_items as i
            inner join sluice.records as r
                on r.sync_id = i.sync_id and r.collection_id = i.collection_id and r.upstream_id = i.upstream_id
            cross join lateral (
                select st.cursor_idx, st.open_steps, st.parked_record_nos
                from sluice_internal._lane_state(
                    v_consumer.consumer_no, (r.record_no % v_consumer.lanes)::int, v_consumer.start_idx
                ) as st
                offset 0
            ) as s
            where
                i.mutation_no = v_mutation.mutation_no and i.status = 'succeeded'
                and sluice_internal._filter_matches(v_consumer, r.sync_id, r.collection_id, r.data)
                and (
                    r.updated_idx > coalesce(s.cursor_idx, r.updated_idx)
                    or r.record_no = any(s.parked_record_nos)
                    or exists (
                        select from sluice_internal._live_messages as v
                        where
                            v.consumer_no = v_consumer.consumer_no and v.lane = r.record_no % v_consumer.lanes
                            and v.step_no = any(s.open_steps) and v.record_no = r.record_no
                    )
                    or exists (
                        select from sluice_internal.dead_letters as d
                        where d.consumer_no = v_consumer.consumer_no and d.record_no = r.record_no and d.updated_idx = r.updated_idx
                    )
                )
        ) then
            return false;
        end if;
    end loop;
    return true;
end
$$;

comment on function sluice_internal._mutation_seen(text, text[]) is
'Whether each of these consumers has acknowledged the objects that a mutation wrote, in the state they have now, or does not want them. Errors: SL103, SL108.';
