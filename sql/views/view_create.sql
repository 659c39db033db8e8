create or replace function sluice.view_create(
    collection_id text,
    stream_id text default null,
    sync_id text default null
)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_view sluice_internal.typed_views;
    v_name text;
begin
    perform sluice_internal._authorize(view_create.stream_id, 'admin');
    if view_create.sync_id is not null then
        perform sluice_internal._authorize_sync(view_create.sync_id, 'admin');
    end if;
    perform pg_advisory_xact_lock(sluice_internal._lock_key(12, 0, 0));
    select v.* into v_view
    from sluice_internal.typed_views as v
    where
        v.collection_id = view_create.collection_id collate "C"
        and v.stream_id is not distinct from view_create.stream_id collate "C"
        and v.sync_id is not distinct from view_create.sync_id collate "C";
    if not found then
        if not sluice_internal._collection_known(view_create.collection_id) then
            raise exception using
                errcode = 'SL106',
                message = format('there is no collection "%s"', left(coalesce(view_create.collection_id, 'null'), 200)),
                hint = 'List what there is with: select collection_id from sluice.collections';
        end if;
        v_name := trim(both '_' from lower(regexp_replace(
            concat_ws('_', view_create.collection_id, view_create.stream_id, view_create.sync_id), '[^a-zA-Z0-9]+', '_', 'g'
        )));
        v_name := sluice_internal._view_column(case when v_name ~ '^[a-z]' then v_name else 'v_' || v_name end, (
            select coalesce(array_agg(n.name), '{}')
            from (
                select c.relname::text as name from pg_class as c where c.relnamespace = 'sluice_views'::regnamespace
                union all
                select t.typname::text from pg_type as t where t.typnamespace = 'sluice_views'::regnamespace
                union all
                select v.view_name from sluice_internal.typed_views as v
            ) as n
        ));
        insert into sluice_internal.typed_views as v (view_name, collection_id, stream_id, sync_id)
        values (v_name, view_create.collection_id, view_create.stream_id, view_create.sync_id)
        returning v.* into v_view;
    end if;
    perform sluice_internal._view_infer(v_view);
    perform sluice_internal._view_make(v_view);
    return 'sluice_views.' || v_view.view_name;
end
$$;

comment on function sluice.view_create(text, text, text) is
'Makes a typed view of a collection in the schema sluice_views, of one stream or one sync where that is given, with a column for each field that a sample of the data has or the provider names; answers its name. Called again it adds columns for what is new, and changes and drops none: a field whose values no longer fit its column gets a second one, named after the type. What does not fit a column reads as null there, never as an error; data has everything. The view can be written to: insert, update and delete are mutations. Errors: SL002, SL101, SL102, SL106, SL171.';
