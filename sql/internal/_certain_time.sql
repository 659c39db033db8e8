create or replace function sluice_internal._certain_time()
returns text
language sql
immutable
parallel safe
return '^(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])[T ]'
    || '([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)?$';

comment on function sluice_internal._certain_time() is
'A pattern of texts that are certainly times: others may be, too. Inlined, so it pins no search path.';
