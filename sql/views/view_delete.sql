create or replace function sluice.view_delete(view_name text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_view sluice_internal.typed_views := sluice_internal._authorize_view(view_delete.view_name, 'admin');
    v_detail text;
begin
    perform pg_advisory_xact_lock(sluice_internal._lock_key(12, 0, 0));
    delete from sluice_internal.typed_views as v where v.view_name = v_view.view_name;
    if exists (
        select from pg_class as c
        where c.relnamespace = 'sluice_views'::regnamespace and c.relname = v_view.view_name and c.relkind = 'v'
    ) then
        execute format('drop view sluice_views.%I', v_view.view_name);
    end if;
exception when dependent_objects_still_exist then
    get stacked diagnostics v_detail = pg_exception_detail;
    raise exception using
        errcode = 'SL111',
        message = format('something stands on sluice_views.%I', v_view.view_name),
        detail = v_detail,
        hint = 'Drop that first.';
end
$$;

comment on function sluice.view_delete(text) is
'Drops a typed view, named with or without its schema; never what stands on it: then SL111. The records stay. Errors: SL002, SL111, SL170.';
