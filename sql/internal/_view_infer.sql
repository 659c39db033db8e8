create or replace function sluice_internal._view_infer(
    typed sluice_internal.typed_views
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    -- 1,600 is the limit of PostgreSQL; the rest is for what all views have, now and later.
    v_most constant int := 1580;
    v_taken text[] := '{sync_id,upstream_id,updated_idx,deleted,upstream_created_at,upstream_updated_at,data}';
    v_place int;
    v_left_out int := 0;
    v_new record;
    v_name text;
begin
    select v_taken || coalesce(array_agg(f.column_name), '{}'), count(*) into v_taken, v_place
    from sluice_internal.typed_view_fields as f
    where f.view_name = typed.view_name;
    for v_new in
        with known as (
            select k.name, min(k.place) as place, min(k.kind) as kind
            from (
                select
                    f.name,
                    f.place,
                    case f.type
                        when 'text' then 'text'
                        when 'integer' then 'bigint'
                        when 'number' then 'numeric'
                        when 'boolean' then 'boolean'
                        when 'time' then 'time'
                        when 'date' then 'date'
                        else 'jsonb'
                    end as kind
                from (
                    select p.name, p.place, p.type
                    from sluice.provider_fields as p
                    where p.collection_id = typed.collection_id
                    union all
                    -- what accounts have of their own
                    select e.field ->> 'name', e.place::int, e.field ->> 'type'
                    from sluice_internal.described_collections as d
                    cross join lateral jsonb_array_elements(d.fields) with ordinality as e (field, place)
                    where d.collection_id = typed.collection_id collate "C"
                ) as f
            ) as k
            group by k.name
        ),
        found as (
            select
                coalesce(s.field, k.name) as field,
                k.place,
                coalesce(s.seen, 0) as seen,
                s.fits,
                case
                    when s.fits is null then k.kind
                    when k.kind = 'time' and 'unixtime' = any(s.fits) then 'unixtime'
                    when k.kind = any(s.fits) then k.kind
                    else s.fits[1]
                end as kind
            from sluice_internal._view_sample(typed.collection_id, typed.stream_id, typed.sync_id) as s
            full join known as k on k.name = s.field
        )
        select
            f.field,
            f.kind,
            exists (
                select from sluice_internal.typed_view_fields as t where t.view_name = typed.view_name and t.field = f.field collate "C"
            ) as again,
            row_number() over (order by f.place, f.seen desc, f.field collate "C") + v_place <= v_most as fits
        from found as f
        where not exists (
            select
            from sluice_internal.typed_view_fields as t
            where
                t.view_name = typed.view_name and t.field = f.field collate "C"
                -- as text and as JSON everything can be shown
                and (f.fits is null or t.kind in ('text', 'jsonb') or t.kind = any(f.fits))
        )
        order by f.place, f.field collate "C"
    loop
        if not v_new.fits then
            v_left_out := v_left_out + 1;
            continue;
        end if;
        v_name := sluice_internal._view_column(
            case when v_new.again then v_new.field || '_' || v_new.kind else v_new.field end, v_taken
        );
        v_place := v_place + 1;
        v_taken := v_taken || v_name;
        insert into sluice_internal.typed_view_fields (view_name, place, column_name, field, kind)
        values (typed.view_name, v_place, v_name, v_new.field, v_new.kind);
    end loop;
    update sluice_internal.typed_views as v
    set fields_left_out = v_left_out, refreshed_at = clock_timestamp()
    where v.view_name = typed.view_name;
end
$$;

comment on function sluice_internal._view_infer(sluice_internal.typed_views) is
'Adds to a typed view''s columns what the data has and they do not show yet: a new field, or a known one whose values fit none of its columns. Nothing is ever taken away or changed.';
