create or replace function sluice_internal._check_matching(
    kind text,
    collection_id text,
    data jsonb,
    match_on text,
    if_match text,
    known_match_on text[],
    knows_if_match boolean
)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_fields text := array_to_string(_check_matching.known_match_on, ', ');
begin
    if _check_matching.match_on is not null and coalesce(v_fields, '') = '' then
        raise exception using
            errcode = 'SL004',
            message = format('%s does not support match_on', _check_matching.collection_id),
            hint = 'Name the object by its upstream_id, with update.';
    end if;
    if (_check_matching.kind = 'upsert') <> (_check_matching.match_on is not null) then
        raise exception using
            errcode = 'SL001',
            message = case
                when _check_matching.kind = 'upsert' then 'upsert needs match_on: the field by which the object is found'
                else format('match_on is for upsert, not for %s', _check_matching.kind)
            end,
            hint = format('%s can match on: %s.', _check_matching.collection_id, coalesce(nullif(v_fields, ''), 'nothing'));
    end if;
    if _check_matching.match_on is not null and not _check_matching.match_on = any(_check_matching.known_match_on) then
        raise exception using
            errcode = 'SL001',
            message = format('%s cannot match on "%s"', _check_matching.collection_id, left(_check_matching.match_on, 200)),
            hint = format('It can match on: %s.', v_fields);
    end if;
    if _check_matching.if_match is null then
        return;
    end if;
    if not coalesce(_check_matching.knows_if_match, false) then
        raise exception using
            errcode = 'SL004',
            message = format('%s does not support if_match', _check_matching.collection_id),
            hint = 'Leave it out: the write then meets whatever version is there.';
    end if;
    if _check_matching.kind not in ('update', 'delete') or jsonb_typeof(_check_matching.data) is distinct from 'array'
        or jsonb_array_length(_check_matching.data) <> 1
    then
        raise exception using
            errcode = 'SL001',
            message = 'if_match is for the update or the deletion of one object',
            hint = 'Send one item a call: each object has a version of its own.';
    end if;
end
$$;

comment on function sluice_internal._check_matching(text, text, jsonb, text, text, text[], boolean) is
'Raises SL001 or SL004 for a match_on or an if_match that the collection or the kind of mutation does not take.';
