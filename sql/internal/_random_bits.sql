create or replace function sluice_internal._random_bits()
returns bigint
language sql
volatile
parallel safe
-- the first 12 hex digits of a version 4 UUID are random, the 13th is its version
return (
    'x'
    || substr(replace(gen_random_uuid()::text, '-', ''), 1, 12)
    || substr(replace(gen_random_uuid()::text, '-', ''), 1, 4)
)::bit(64)::bigint;

comment on function sluice_internal._random_bits() is
'64 bits from the server''s strong random source. Inlined, so it pins no search path.';
