create or replace function sluice_internal._random_bits()
returns bigint
language sql
volatile
parallel safe
-- Of a version 4 UUID (RFC 9562, 5.4) the first and the last eight hex digits, which are random.
return ('x' || overlay(gen_random_uuid()::text placing '' from 9 for 20))::bit(64)::bigint;

comment on function sluice_internal._random_bits() is
'64 bits from the server''s strong random source. Inlined, so it pins no search path.';
