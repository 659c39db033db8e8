create or replace function sluice_internal._token_signed(random text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
select 'pgsl_' || _token_signed.random
    || substr(encode(sha256(convert_to('pgsl_' || _token_signed.random, 'UTF8')), 'hex'), 1, 6);
end;

comment on function sluice_internal._token_signed(text) is
'A token: pgsl_, 30 random characters, and the first 6 hex digits of the SHA-256 of all that, so that a mistyped one is seen without a look-up.';
