create or replace function sluice_internal._sync_claim(
    poller_id text,
    max_syncs int,
    ignore_schedule boolean default false,
    only_sync_id text default null
)
returns table (
    sync_id text,
    epoch bigint,
    provider text,
    collection_ids text[],
    credential_id text,
    sealed bytea,
    key_version int,
    kind text,
    base_url text,
    attempt int,
    feeds jsonb,
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
    return query
    with due as (
        select r.sync_id
        from sluice_internal.sync_runs as r
        inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
        where
            (_sync_claim.ignore_schedule or r.next_attempt_at <= clock_timestamp())
            and (_sync_claim.only_sync_id is null or r.sync_id = _sync_claim.only_sync_id collate "C")
            and not y.paused
            and not exists (
                select from sluice_internal.pollers as p
                where
                    p.poller_id = r.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
                    and not (r.poller_id = _sync_claim.poller_id collate "C" and _sync_claim.only_sync_id is not null)
            )
        order by r.next_attempt_at
        limit _sync_claim.max_syncs
        for update of r skip locked
    ),
    claimed as (
        update sluice_internal.sync_runs as r
        set
            poller_id = _sync_claim.poller_id,
            epoch = r.epoch + 1,
            status = case when r.status = 'pending' then 'backfilling' else r.status end
        from due as d
        where r.sync_id = d.sync_id
        returning r.sync_id, r.epoch, r.attempt
    )
    select
        c.sync_id,
        c.epoch,
        y.provider,
        y.collection_ids,
        y.credential_id,
        k.sealed,
        k.key_version,
        k.kind,
        k.base_url,
        c.attempt,
        (
            select coalesce(jsonb_agg(jsonb_build_object('feed', f.feed, 'cursor', f.cursor_state, 'done', f.done) order by f.feed), '[]')
            from sluice_internal.sync_feeds as f
            where f.sync_id = c.sync_id
        ),
        clock_timestamp()
    from claimed as c
    inner join sluice_internal.syncs as y on y.sync_id = c.sync_id
    left join sluice_internal.credentials as k on k.credential_id = y.credential_id;
end
$$;

comment on function sluice_internal._sync_claim(text, int, boolean, text) is
'Takes up to max_syncs syncs that are due (or whatever their time, with ignore_schedule) and that no living poller holds, longest waiting first; with only_sync_id that one, also from itself, after a lost connection. Each claim raises the epoch, which ends the earlier lease. feeds: [{feed, cursor, done}]. Locks the runs (skips locked ones).';
