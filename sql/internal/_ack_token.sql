create or replace function sluice_internal._ack_token(
    lane int,
    step_no bigint,
    ordinal int,
    secret bigint
)
returns text
language sql
immutable
parallel safe
return lane::text || '.' || step_no::text || '.' || ordinal::text || '.' || lpad(to_hex(hashint8extended(ordinal, secret)), 16, '0');

comment on function sluice_internal._ack_token(int, bigint, int, bigint) is
'The name of one delivery: where its lease lies, and 64 bits that only the worker it was handed to knows. Tokens are compared as whole texts, never taken apart to be believed. Inlined, so it pins no search path.';
