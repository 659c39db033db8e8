create or replace function sluice_internal._check_tokens(ack_tokens text[])
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if _check_tokens.ack_tokens is null or coalesce(array_ndims(_check_tokens.ack_tokens), 1) <> 1
        or array_position(_check_tokens.ack_tokens, null) is not null
    then
        raise exception using
            errcode = 'SL001',
            message = 'ack_tokens must be an array of tokens, of one dimension and without nulls',
            hint = 'An empty array is fine: array[]::text[].';
    end if;
end
$$;

comment on function sluice_internal._check_tokens(text[]) is 'Raises SL001 for a null array, a null in it, or more than one dimension.';
