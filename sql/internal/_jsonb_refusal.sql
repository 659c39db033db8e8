create or replace function sluice_internal._jsonb_refusal(raw text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_detail text;
begin
    perform _jsonb_refusal.raw::jsonb;
    return null;
exception
    when data_exception or program_limit_exceeded or statement_too_complex then
        get stacked diagnostics v_detail = pg_exception_detail;
        return concat_ws(': ', sqlerrm, nullif(v_detail, ''));
end
$$;

comment on function sluice_internal._jsonb_refusal(text) is
'Why Postgres cannot store this JSON text as jsonb (a NUL, a lone surrogate, a number out of range, too deep, too large), or null if it can.';
