create or replace function sluice_internal._wanted_next(
    sync_id text,
    poller_id text,
    epoch bigint,
    most int default 100
)
returns table (
    collection_id text,
    upstream_id text,
    held bytea,
    clock timestamptz
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    if not exists (
        select from sluice_internal.wanted_objects as o
        where o.sync_id = _wanted_next.sync_id collate "C" and o.next_at <= clock_timestamp()
    ) then
        return;
    end if;
    return query
    with due as (
        select o.collection_id, o.upstream_id
        from sluice_internal.wanted_objects as o
        where
            o.sync_id = _wanted_next.sync_id collate "C" and o.next_at <= clock_timestamp()
            and exists (
                select from sluice_internal.sync_runs as r
                where
                    r.sync_id = _wanted_next.sync_id collate "C"
                    and r.poller_id = _wanted_next.poller_id collate "C" and r.epoch = _wanted_next.epoch
            )
        order by o.next_at, o.since
        limit _wanted_next.most
        for no key update skip locked
    )
    update sluice_internal.wanted_objects as o
    set taken_at = clock_timestamp()
    from due as d
    where
        o.sync_id = _wanted_next.sync_id collate "C" and o.collection_id = d.collection_id and o.upstream_id = d.upstream_id
    returning o.collection_id, o.upstream_id, o.held, clock_timestamp();
end
$$;

comment on function sluice_internal._wanted_next(text, text, bigint, int) is
'Objects that this poller is to fetch now, under its lease, those that wait longest first; word of them that comes from now on makes them wanted once more. Locks those notes (skips locked ones).';
