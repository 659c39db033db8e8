create or replace function sluice_internal._sync_due(
    poller_id text,
    since timestamptz default null
)
returns table (
    due int,
    next_in interval,
    held int
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
    v_now timestamptz := clock_timestamp();
    v_since timestamptz := coalesce(_sync_due.since, '-infinity');
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    select
        (
            select count(*)
            from (
                select
                from sluice_internal.sync_runs as r
                inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
                where
                    r.next_attempt_at between v_since and v_now
                    and not y.paused
                    and not exists (
                        select from sluice_internal.pollers as p
                        where p.poller_id = r.poller_id and p.heartbeat_at > v_now - interval '10 seconds'
                    )
                order by r.next_attempt_at desc
                limit 1000
            ) as w
        )::int,
        (
            select r.next_attempt_at
            from sluice_internal.sync_runs as r
            inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
            where r.next_attempt_at > v_now and not y.paused
            order by r.next_attempt_at
            limit 1
        ) - v_now,
        (
            select count(*)
            from sluice_internal.pollers as p
            inner join sluice_internal.sync_runs as r on r.poller_id = p.poller_id
            inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
            where
                p.heartbeat_at > v_now - interval '10 seconds'
                and p.poller_id <> _sync_due.poller_id collate "C"
                and not y.paused
        )::int;
end
$$;

comment on function sluice_internal._sync_due(text, timestamptz) is
'How many syncs wait for a poller now (of more than 1,000: 1,000), and how long until the next one does (null: none is planned), and how many other pollers hold. since: does not look at what fell due earlier, nor at what an old snapshot keeps of it.';
