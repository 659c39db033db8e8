create or replace function sluice_internal._view_write()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_view sluice_internal.typed_views;
    v_changes jsonb;
    v_sync_id text;
begin
    select v.* into v_view from sluice_internal.typed_views as v where v.view_name = tg_table_name;
    if not found then
        raise exception using
            errcode = 'SL170',
            message = format('%I is no typed view', tg_table_name),
            hint = 'It was renamed: give it its name back.';
    end if;
    if tg_op = 'DELETE' then
        perform sluice.mutation_run(
            'delete', old.sync_id, v_view.collection_id, jsonb_build_array(jsonb_build_object('upstream_id', old.upstream_id))
        );
        return old;
    end if;
    if tg_op = 'UPDATE' then
        v_changes := sluice_internal._view_changes(v_view, to_jsonb(old), to_jsonb(new));
        if v_changes <> '{}' then
            perform sluice.mutation_run(
                'update', old.sync_id, v_view.collection_id,
                jsonb_build_array(jsonb_build_object('upstream_id', old.upstream_id, 'data', v_changes))
            );
        end if;
        return new;
    end if;
    v_sync_id := coalesce(new.sync_id, v_view.sync_id);
    if v_sync_id is null or v_sync_id <> v_view.sync_id then
        raise exception using
            errcode = 'SL001',
            message = case
                when v_sync_id is null then 'sync_id is missing: which account is it for?'
                else format('this view is of sync "%s" alone', v_view.sync_id)
            end,
            hint = format('select sync_id from sluice.collections where collection_id = %L lists them.', v_view.collection_id);
    end if;
    v_changes := sluice_internal._view_changes(v_view, null, to_jsonb(new));
    perform sluice.mutation_run('create', v_sync_id, v_view.collection_id, jsonb_build_array(v_changes));
    return new;
end
$$;

comment on function sluice_internal._view_write() is
'What insert, update and delete on a typed view do: each row is a mutation, queued in this transaction. An update sends the fields that changed, an insert those that are not null. mutation_run checks the caller''s right.';
