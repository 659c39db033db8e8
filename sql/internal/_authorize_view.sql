create or replace function sluice_internal._authorize_view(
    view_name text,
    "right" text
)
returns sluice_internal.typed_views
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_view sluice_internal.typed_views;
begin
    perform sluice_internal._authorize(null, _authorize_view."right");
    select v.* into v_view
    from sluice_internal.typed_views as v
    where v.view_name = regexp_replace(_authorize_view.view_name, '^sluice_views\.', '') collate "C";
    if not found then
        raise exception using
            errcode = 'SL170',
            message = format('there is no typed view "%s"', left(_authorize_view.view_name, 200)),
            hint = 'List them with: select view_name, collection_id from sluice.views';
    end if;
    return v_view;
end
$$;

comment on function sluice_internal._authorize_view(text, text) is
'The gate for a typed view, named with or without its schema: SL002 or SL170, or the view.';
