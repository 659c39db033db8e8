create or replace function sluice_internal._view_changes(
    typed sluice_internal.typed_views,
    before jsonb,
    after jsonb
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_fixed text;
    v_data jsonb := coalesce(nullif(after -> 'data', 'null'), '{}');
    v_known jsonb := coalesce(nullif(before -> 'data', 'null'), '{}');
    v_changes jsonb;
    v_clash text;
begin
    if jsonb_typeof(v_data) <> 'object' then
        raise exception using errcode = 'SL001', message = 'data must be a JSON object', hint = 'Nothing was queued.';
    end if;
    select k.name into v_fixed
    from (
        select u.name
        from unnest('{sync_id,upstream_id,updated_idx,deleted,upstream_created_at,upstream_updated_at}'::text[]) as u (name)
        union all
        select f.column_name
        from sluice_internal.typed_view_fields as f
        inner join sluice.provider_fields as p on p.collection_id = typed.collection_id and p.name = f.field and p.primary_key
        where f.view_name = typed.view_name and before is not null
    ) as k (name)
    where
        after -> k.name is distinct from coalesce(before -> k.name, 'null')
        and (before is not null or k.name <> 'sync_id' and (k.name <> 'deleted' or after -> k.name = 'true'))
    limit 1;
    if found then
        raise exception using
            errcode = 'SL172',
            message = format('%I cannot be written', v_fixed),
            hint = 'It is the vendor''s to say. Leave it out; nothing was queued.';
    end if;
    with said as (
        select
            f.field,
            f.column_name,
            sluice_internal._view_value(f.column_name, f.kind, after -> f.column_name, v_known -> f.field) as value
        from sluice_internal.typed_view_fields as f
        where f.view_name = typed.view_name and after -> f.column_name is distinct from coalesce(before -> f.column_name, 'null')
        union all
        select d.key, 'data', d.value
        from jsonb_each(v_data) as d
        where d.value is distinct from v_known -> d.key
        union all
        -- what was taken out of data is unset
        select d.key, 'data', 'null'
        from jsonb_object_keys(v_known) as d (key)
        where not v_data ? d.key
    )
    select
        jsonb_object_agg(s.field, s.value),
        (
            select format('%I and %I', min(t.column_name), max(t.column_name))
            from said as t
            group by t.field
            having count(distinct t.value) > 1
            limit 1
        )
    into v_changes, v_clash
    from said as s;
    if v_clash is not null then
        raise exception using
            errcode = 'SL001',
            message = format('%s set one field to two values', v_clash),
            hint = 'They are the same field: set one of them. Nothing was queued.';
    end if;
    return coalesce(v_changes, '{}');
end
$$;

comment on function sluice_internal._view_changes(sluice_internal.typed_views, jsonb, jsonb) is
'The fields that an update of a typed view''s row sets, or with before null an insert. SL172 for a column that cannot be written, SL001 for values that JSON does not have or that contradict each other.';
