create or replace function sluice.view_info(view_name text)
returns sluice.views
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_typed sluice_internal.typed_views := sluice_internal._authorize_view(view_info.view_name, 'reader');
    v_view sluice.views;
begin
    select v.* into v_view from sluice.views as v where v.view_name = 'sluice_views.' || v_typed.view_name;
    return v_view;
end
$$;

comment on function sluice.view_info(text) is
'A typed view, named with or without its schema; view_fields has its columns. Errors: SL002, SL170.';
