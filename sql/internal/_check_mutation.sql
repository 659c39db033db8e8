create or replace function sluice_internal._check_mutation(
    sync sluice_internal.syncs,
    kind text,
    collection_id text,
    data jsonb,
    match_on text,
    if_match text
)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_kinds text[];
    v_match_on text[];
    v_if_match boolean;
    v_problem text;
begin
    if sync.provider = 'push' then
        raise exception using
            errcode = 'SL004',
            message = 'a push sync has no vendor to write to',
            hint = 'Write into it with record_ingest.';
    end if;
    if _check_mutation.collection_id is null or not _check_mutation.collection_id = any(sync.collection_ids) then
        raise exception using
            errcode = 'SL106',
            message = format('sync "%s" has no collection "%s"', sync.sync_id, left(coalesce(_check_mutation.collection_id, 'null'), 200)),
            hint = format('It has: %s.', array_to_string(sync.collection_ids, ', '));
    end if;
    select w.mutations, w.matches, w.if_match into v_kinds, v_match_on, v_if_match
    from sluice_internal._collection_writes(sync, _check_mutation.collection_id, _check_mutation.match_on) as w;
    if _check_mutation.kind is null or _check_mutation.kind not in ('create', 'update', 'delete', 'upsert') then
        raise exception using
            errcode = 'SL001',
            message = format('kind must be create, update, delete or upsert, not %s', left(coalesce(_check_mutation.kind, 'null'), 200)),
            hint = format('%s can: %s.', _check_mutation.collection_id, coalesce(nullif(array_to_string(v_kinds, ', '), ''), 'nothing'));
    end if;
    if not _check_mutation.kind = any(v_kinds) then
        raise exception using
            errcode = 'SL004',
            message = format('%s does not support %s', _check_mutation.collection_id, _check_mutation.kind),
            hint = format('%s can: %s.', _check_mutation.collection_id, coalesce(nullif(array_to_string(v_kinds, ', '), ''), 'nothing'));
    end if;
    perform sluice_internal._check_matching(
        _check_mutation.kind, _check_mutation.collection_id, _check_mutation.data, _check_mutation.match_on, _check_mutation.if_match,
        v_match_on, v_if_match
    );
    if jsonb_typeof(_check_mutation.data) is distinct from 'array' or jsonb_array_length(_check_mutation.data) not between 1 and 1000 then
        raise exception using
            errcode = 'SL001',
            message = 'data must be a JSON array of 1 to 1000 items',
            hint = 'create and upsert: the vendor''s objects; update: {"upstream_id": …, "data": {…}}; delete: {"upstream_id": …}.';
    end if;
    select format('data[%s]: %s', d.ordinality - 1, p.problem) into v_problem
    from jsonb_array_elements(_check_mutation.data) with ordinality as d (item, ordinality)
    cross join lateral (
        select case
            when jsonb_typeof(d.item) <> 'object' then 'is not an object'
            when _check_mutation.kind = 'upsert'
                and coalesce(jsonb_typeof(d.item #> string_to_array(_check_mutation.match_on, '.')), 'null') not in ('string', 'number')
                then format('lacks %s, by which the object is to be found: a string or a number', _check_mutation.match_on)
            when _check_mutation.kind in ('update', 'delete')
                and (jsonb_typeof(d.item -> 'upstream_id') is distinct from 'string'
                    or octet_length(d.item ->> 'upstream_id') not between 1 and 200)
                then 'upstream_id must be a string of 1 to 200 bytes'
            when _check_mutation.kind = 'update' and jsonb_typeof(d.item -> 'data') is distinct from 'object' then 'data must be an object'
            when _check_mutation.kind = 'update' and d.item - 'upstream_id' - 'data' <> '{}' then 'has more than upstream_id and data'
            when _check_mutation.kind = 'delete' and d.item - 'upstream_id' <> '{}' then 'has more than upstream_id'
        end as problem
        offset 0
    ) as p
    where p.problem is not null
    limit 1;
    if v_problem is not null then
        raise exception using errcode = 'SL001', message = v_problem, hint = 'Nothing was queued.';
    end if;
end
$$;

comment on function sluice_internal._check_mutation(sluice_internal.syncs, text, text, jsonb, text, text) is
'Raises what is wrong with a mutation: SL001, SL004 or SL106.';
