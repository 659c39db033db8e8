create or replace function sluice_internal._quarantine_refusal(raw bytea)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_typeof(convert_from(_quarantine_refusal.raw, 'UTF8')::jsonb) <> 'object' then
        return 'it is JSON, but not an object';
    end if;
    return null;
exception
    when data_exception or program_limit_exceeded or statement_too_complex or character_not_in_repertoire then
        return sqlerrm;
end
$$;

comment on function sluice_internal._quarantine_refusal(bytea) is
'Why these bytes cannot be stored as a record''s data; null if they can.';
