create or replace function sluice_internal._view_make(
    typed sluice_internal.typed_views
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_columns text;
    v_where text := format('r.collection_id = %L', typed.collection_id);
begin
    select string_agg(format(E',\n    %s as %I', sluice_internal._view_expression(f.field, f.kind), f.column_name), '' order by f.place)
    into v_columns
    from sluice_internal.typed_view_fields as f
    where f.view_name = typed.view_name;
    if typed.stream_id is not null then
        v_where := v_where || format(' and r.stream_id = %L', typed.stream_id);
    end if;
    if typed.sync_id is not null then
        v_where := v_where || format(' and r.sync_id = %L', typed.sync_id);
    end if;
    execute format('create or replace view sluice_views.%I with (security_invoker = true) as select', typed.view_name)
        || ' r.sync_id, r.upstream_id, r.updated_idx, r.deleted, r.upstream_created_at, r.upstream_updated_at, r.data'
        || coalesce(v_columns, '') || E'\nfrom sluice.records as r\nwhere ' || v_where;
    execute format(
        'comment on view sluice_views.%I is %L', typed.view_name, format('Records of %s, made by view_create.', typed.collection_id)
    );
    execute format(
        'create or replace trigger view_write instead of insert or update or delete on sluice_views.%I'
        ' for each row execute function sluice_internal._view_write()', typed.view_name
    );
    if to_regrole('sluice_reader') is not null then
        execute format('grant select on sluice_views.%I to sluice_reader', typed.view_name);
    end if;
    if to_regrole('sluice_mutator') is not null then
        execute format('grant insert, update, delete on sluice_views.%I to sluice_mutator', typed.view_name);
    end if;
exception when invalid_table_definition or wrong_object_type or insufficient_privilege then
    raise exception using
        errcode = 'SL171',
        message = format('sluice_views.%I is not what view_create made', typed.view_name),
        detail = sqlerrm,
        hint = 'Somebody changed it or made another object of that name: drop or rename that, then call view_create again.';
end
$$;

comment on function sluice_internal._view_make(sluice_internal.typed_views) is
'Makes a typed view, or adds its new columns, with its trigger and rights. SL171 where somebody made something else of that name.';
