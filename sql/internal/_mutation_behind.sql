create or replace function sluice_internal._mutation_behind(
    mutation_no bigint,
    item_no int,
    status text,
    sync_id text,
    collection_id text,
    upstream_id text,
    match_value text
)
returns boolean
language plpgsql
stable
as $$
begin
    -- An unknown one holds up the next. Numbers are given out before the commit: one with a lower number may come while a higher one is
    -- under way, waits for that, and does not keep it from being taken over.
    return exists (
        select
        from (
            select i.mutation_no, i.item_no, i.status
            from sluice_internal.mutation_items as i
            where
                i.sync_id = _mutation_behind.sync_id collate "C"
                and i.collection_id = _mutation_behind.collection_id collate "C"
                and i.upstream_id = _mutation_behind.upstream_id collate "C"
                and i.status in ('queued', 'sending', 'unknown')
            union all
            select i.mutation_no, i.item_no, i.status
            from sluice_internal.mutation_items as i
            where
                i.sync_id = _mutation_behind.sync_id collate "C"
                and i.collection_id = _mutation_behind.collection_id collate "C"
                and md5(i.match_value) = md5(_mutation_behind.match_value)
                and i.match_value is not null
                and i.status in ('queued', 'sending', 'unknown')
        ) as e
        where case
            when (e.mutation_no, e.item_no) < (_mutation_behind.mutation_no, _mutation_behind.item_no)
                then _mutation_behind.status = 'queued' or e.status <> 'queued'
            else _mutation_behind.status = 'queued' and e.status <> 'queued'
        end
    );
end
$$;

comment on function sluice_internal._mutation_behind(bigint, int, text, text, text, text, text) is
'Whether another write to the same object has to end before this one is sent: writes to one object run in order. Runs under its caller''s settings.';
