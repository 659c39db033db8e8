create or replace function sluice_internal._sequences_lift()
returns int
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_lifted int := 0;
    v_at record;
    v_known bigint;
begin
    for v_at in
        select a.attname, a.attrelid::regclass as of_table, pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) as name
        from pg_attribute as a
        inner join pg_class as r on r.oid = a.attrelid
        where
            a.attidentity <> '' and r.relkind = 'r' and r.relnamespace in ('sluice'::regnamespace, 'sluice_internal'::regnamespace)
        order by a.attrelid
    loop
        execute format('select max(%I) from %s', v_at.attname, v_at.of_table) into v_known;
        if coalesce(pg_sequence_last_value(v_at.name::regclass), 0) < v_known then
            perform setval(v_at.name::regclass, v_known);
            v_lifted := v_lifted + 1;
        end if;
    end loop;
    for v_at in
        select
            s.stream_no,
            format('sluice_internal.position_%s', s.stream_no) as name,
            greatest(
                (
                    select max(p.updated_idx)
                    from generate_series(0, s.lanes - 1) as l (lane)
                    cross join lateral (
                        select e.updated_idx
                        from sluice_internal.positions as e
                        where e.stream_no = s.stream_no and e.lane = l.lane
                        order by e.updated_idx desc
                        limit 1
                    ) as p
                ),
                (
                    select max(greatest(c.start_idx, t.cursor_idx, t.replay_idx))
                    from sluice_internal.consumers as c
                    left join sluice_internal.consumer_steps as t on t.consumer_no = c.consumer_no
                    where c.stream_no = s.stream_no
                ),
                (select max(t.idx) from sluice_internal.stream_times as t where t.stream_no = s.stream_no)
            ) as known
        from sluice_internal.streams as s
        order by s.stream_no
    loop
        if to_regclass(v_at.name) is null then
            execute format('create sequence %s as bigint', v_at.name);
        end if;
        if coalesce(pg_sequence_last_value(v_at.name::regclass), 0) < v_at.known then
            perform setval(v_at.name::regclass, v_at.known);
            v_lifted := v_lifted + 1;
        end if;
    end loop;
    return v_lifted;
end
$$;

comment on function sluice_internal._sequences_lift() is
'After logical replication, which takes rows along but no sequences: none gives out again what is in a table, or what a consumer has read past. How many were behind. For migrate, before anybody writes.';
