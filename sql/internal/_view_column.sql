create or replace function sluice_internal._view_column(
    wanted text,
    taken text[]
)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_suffix text := '';
    v_name text;
begin
    for v_number in 2 .. 10000 loop
        v_name := coalesce(nullif(_view_column.wanted, ''), '_');
        while octet_length(v_name) > 63 - octet_length(v_suffix) loop
            v_name := left(v_name, least(63, length(v_name) - 1));
        end loop;
        v_name := v_name || v_suffix;
        exit when v_name <> all (_view_column.taken);
        v_suffix := '_' || v_number;
    end loop;
    return v_name;
end
$$;

comment on function sluice_internal._view_column(text, text[]) is
'A name of at most 63 bytes that is not taken: what was wanted, cut where it is too long, with _2 and so on where it is taken.';
