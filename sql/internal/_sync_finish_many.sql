create or replace function sluice_internal._sync_finish_many(
    poller_id text,
    ended jsonb
)
returns setof text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_memoize = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    with held as materialized (
        select r.sync_id, e.next_in, e.pages
        from jsonb_to_recordset(_sync_finish_many.ended) as e (sync_id text, epoch bigint, next_in double precision, pages jsonb)
        inner join sluice_internal.sync_runs as r on r.sync_id = e.sync_id collate "C"
        where
            r.poller_id = _sync_finish_many.poller_id collate "C"
            and r.epoch = e.epoch
            and r.status = 'active'
            and r.backfill_completed_at is not null
            -- word that came just now: the row says so where this snapshot does not
            and r.told_at is null
            and not exists (select from sluice_internal.wanted_objects as o where o.sync_id = r.sync_id)
            and not exists (select from sluice_internal.syncs as y where y.sync_id = r.sync_id and y.paused)
            and not exists (
                select
                from jsonb_to_recordset(e.pages) as p (feed text, facts jsonb)
                left join sluice_internal.sync_feeds as f on f.sync_id = r.sync_id and f.feed = p.feed collate "C"
                where
                    p.facts <> '{"more": false}'
                    or f.kind is distinct from 'changes'
                    or f.error is not null
                    or f.completed_at is null
                    or f.next_attempt_at is not null
            )
        order by r.sync_id
        -- in one transaction with others: nobody waits for anybody here
        for update of r skip locked
    ),
    noted as (
        update sluice_internal.sync_feeds as f
        set
            cursor_state = p."cursor",
            done = false,
            pages = f.pages + 1,
            last_success_at = clock_timestamp(),
            updated_at = clock_timestamp()
        from held as h
        cross join lateral jsonb_to_recordset(h.pages) as p (feed text, "cursor" jsonb)
        where f.sync_id = h.sync_id and f.feed = p.feed collate "C"
    )
    update sluice_internal.sync_runs as r
    set
        poller_id = null,
        attempt = 0,
        last_success_at = clock_timestamp(),
        next_attempt_at = least(
            clock_timestamp() + coalesce(
                (select y.sync_frequency from sluice_internal.syncs as y where y.sync_id = r.sync_id), h.next_in * interval '1 second'
            ),
            (
                select min(greatest(f.next_attempt_at, clock_timestamp()))
                from sluice_internal.sync_feeds as f
                where f.sync_id = r.sync_id and not f.done and f.next_attempt_at is not null
            )
        )
    from held as h
    where r.sync_id = h.sync_id
    returning r.sync_id;
end
$$;

comment on function sluice_internal._sync_finish_many(text, jsonb) is
'_sync_finish for several syncs that were read completely, [{sync_id, epoch, next_in (seconds), pages}], as far as it is the usual end: an active sync, and pages of changes with nothing in them. Answers whose it was; the others, and whoever is locked, take _sync_finish.';
