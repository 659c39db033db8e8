create or replace function sluice_internal._erased_among(
    sync_id text,
    collection_id text,
    records jsonb
)
returns int[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_places int[];
begin
    with erased as (
        update sluice_internal.erasures as e
        set refused = e.refused + 1
        from (
            select sluice_internal._erasure_digest(
                _erased_among.sync_id, coalesce(i.value ->> 'collection_id', _erased_among.collection_id), i.value ->> 'upstream_id'
            ) as digest, array_agg(i.ordinality::int) as places
            from jsonb_array_elements(_erased_among.records) with ordinality as i (value, ordinality)
            group by 1
            order by 1
        ) as g
        where e.sync_id = _erased_among.sync_id and e.digest = g.digest
        returning g.places
    )
    select array_agg(p.place) into v_places
    from erased as e
    cross join lateral unnest(e.places) as p (place);
    return coalesce(v_places, '{}');
end
$$;

comment on function sluice_internal._erased_among(text, text, jsonb) is
'Which of these records (their places from 1 on) are of objects that were erased; counts that they came. Locks their erasures.';
