create or replace function sluice_internal._mutation_front(
    sync_id text,
    due_at timestamptz,
    max_items int,
    only_collection_id text,
    only_kind text
)
returns table (
    mutation_no bigint,
    item_no int,
    next_attempt_at timestamptz
)
language plpgsql
volatile
as $$
#variable_conflict use_column
declare
    v_near int := case when _mutation_front.only_kind is null then 100 else 1000 end;
    v_mutation_nos bigint[];
    v_item_nos int[];
    v_times timestamptz[];
begin
    if _mutation_front.max_items <= 0 then
        return;
    end if;
    select coalesce(array_agg(f.mutation_no), '{}'), array_agg(f.item_no), array_agg(f.next_attempt_at)
    into v_mutation_nos, v_item_nos, v_times
    from (
        select n.mutation_no, n.item_no, n.next_attempt_at
        from (
            select
                i.mutation_no, i.item_no, i.next_attempt_at, i.status, i.sync_id, i.collection_id, i.upstream_id, i.match_value
            from sluice_internal.mutation_items as i
            where
                i.sync_id = _mutation_front.sync_id collate "C" and i.status = 'queued'
                and i.next_attempt_at <= _mutation_front.due_at
            order by i.next_attempt_at, i.mutation_no, i.item_no
            limit v_near
        ) as n
        where
            (
                _mutation_front.only_kind is null
                or (
                    n.collection_id = _mutation_front.only_collection_id collate "C"
                    and _mutation_front.only_kind = (
                        select m.kind from sluice_internal.mutations as m where m.mutation_no = n.mutation_no
                    )
                )
            )
            and not sluice_internal._mutation_behind(
                n.mutation_no, n.item_no, n.status, n.sync_id, n.collection_id, n.upstream_id, n.match_value
            )
        order by n.next_attempt_at, n.mutation_no, n.item_no
        limit _mutation_front.max_items
    ) as f;
    if _mutation_front.only_kind is null and cardinality(v_mutation_nos) < _mutation_front.max_items and exists (
        select from sluice_internal.mutation_items as i
        where
            i.sync_id = _mutation_front.sync_id collate "C" and i.status = 'queued'
            and i.next_attempt_at <= _mutation_front.due_at
        offset v_near
    ) then
        -- Many stand behind others, for the most part to the same object, of which the first alone is looked at: 2 us each instead of 50.
        select array_agg(f.mutation_no), array_agg(f.item_no), array_agg(f.next_attempt_at)
        into v_mutation_nos, v_item_nos, v_times
        from (
            select n.mutation_no, n.item_no, n.next_attempt_at
            from (
                select i.*
                from (
                    select min(array[q.mutation_no, q.item_no]) as first
                    from sluice_internal.mutation_items as q
                    where q.sync_id = _mutation_front.sync_id collate "C" and q.status = 'queued'
                    group by
                        q.collection_id, q.upstream_id, q.match_value,
                        case when q.upstream_id is null and q.match_value is null then array[q.mutation_no, q.item_no] end
                ) as h
                inner join sluice_internal.mutation_items as i on i.mutation_no = h.first[1] and i.item_no = h.first[2]
                where i.next_attempt_at <= _mutation_front.due_at
                order by i.next_attempt_at, i.mutation_no, i.item_no
                offset 0
            ) as n
            where not sluice_internal._mutation_behind(
                n.mutation_no, n.item_no, n.status, n.sync_id, n.collection_id, n.upstream_id, n.match_value
            )
            limit _mutation_front.max_items
        ) as f;
    end if;
    return query
    select f.mutation_no, f.item_no, f.next_attempt_at
    from unnest(v_mutation_nos, v_item_nos, v_times) as f (mutation_no, item_no, next_attempt_at);
end
$$;

comment on function sluice_internal._mutation_front(text, timestamptz, int, text, text) is
'Up to max_items queued writes of a sync, oldest first, that are due at due_at and stand behind no other to the same object. only_…: of that collection and kind, for the same request, among the first thousand. Runs under its caller''s settings.';
