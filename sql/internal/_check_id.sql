create or replace function sluice_internal._check_id(
    noun text,
    id text
)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if _check_id.id is null then
        return gen_random_uuid()::text;
    end if;
    if octet_length(_check_id.id) not between 1 and 200 then
        raise exception using
            errcode = 'SL001',
            message = format('%s must have 1 to 200 bytes, not %s', _check_id.noun, octet_length(_check_id.id)),
            hint = 'Choose a shorter id, or leave it out to have one generated.';
    end if;
    return _check_id.id;
end
$$;

comment on function sluice_internal._check_id(text, text) is
'An id for a new object: the caller''s own (1 to 200 bytes, else SL001), or a generated UUID for null.';
