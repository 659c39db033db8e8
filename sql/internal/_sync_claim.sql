create or replace function sluice_internal._sync_claim(
    poller_id text,
    max_syncs int,
    ignore_schedule boolean default false,
    only_sync_id text default null,
    since timestamptz default null
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
    clock timestamptz,
    max_age_days int,
    max_concurrent_requests int,
    due_at timestamptz,
    credential_version bigint,
    credential_expires_at timestamptz,
    credential_renew_at timestamptz,
    wanted jsonb,
    oauth_app_id text,
    client_id text,
    client_sealed bytea,
    client_key_version int
)
language plpgsql
volatile
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
    v_since timestamptz := coalesce(_sync_claim.since, '-infinity');
    v_until timestamptz;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_until := case when _sync_claim.ignore_schedule then 'infinity' else clock_timestamp() end;
    return query
    with due as (
        select r.sync_id, r.next_attempt_at
        from sluice_internal.sync_runs as r
        inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
        where
            r.next_attempt_at between v_since and v_until
            and (_sync_claim.only_sync_id is null or r.sync_id = _sync_claim.only_sync_id collate "C")
            and not y.paused
            -- "or" keeps this from becoming a join: that would not be looked at again for a row that another poller has claimed meanwhile
            and (
                r.poller_id is null
                or not exists (
                    select from sluice_internal.pollers as p
                    where
                        p.poller_id = r.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
                        and not (r.poller_id = _sync_claim.poller_id collate "C" and _sync_claim.only_sync_id is not null)
                )
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
            -- behind those that wait: who looks for the oldest does not step over all that are being worked on
            next_attempt_at = clock_timestamp(),
            status = case when r.status = 'pending' then 'backfilling' else r.status end
        from due as d
        where r.sync_id = d.sync_id
        returning r.sync_id, r.epoch, r.attempt, r.status, d.next_attempt_at as due_at
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
            select coalesce(
                jsonb_agg(
                    jsonb_build_object('feed', f.feed, 'cursor', f.cursor_state, 'done', f.done) || jsonb_strip_nulls(jsonb_build_object(
                        'kind', f.kind,
                        'collection_ids', nullif(f.collection_ids, '{}'),
                        'every', extract(epoch from f.every),
                        'wait', case
                            when f.error is null or not (_sync_claim.ignore_schedule or c.status = 'error')
                                then nullif(greatest(extract(epoch from f.next_attempt_at - clock_timestamp()), 0), 0)
                        end,
                        'error', f.error ->> 'code',
                        'attempt', nullif(f.attempt, 0),
                        'concluding', nullif(f.conclusion is not null, false)
                    ))
                    order by f.feed
                ),
                '[]'
            )
            from sluice_internal.sync_feeds as f
            where f.sync_id = c.sync_id
        ),
        clock_timestamp(),
        y.max_age_days,
        nullif(y.rate_limit ->> 'max_concurrent_requests', '0')::int,
        c.due_at,
        k.version,
        k.expires_at,
        k.renew_at,
        (
            select jsonb_agg(jsonb_build_object('collection_id', w.collection_id, 'upstream_id', w.upstream_id))
            from (
                select o.collection_id, o.upstream_id
                from sluice_internal.wanted_objects as o
                where o.sync_id = c.sync_id and o.next_at <= clock_timestamp()
                limit 1
            ) as w
        ),
        a.oauth_app_id,
        a.client_id,
        a.sealed,
        a.key_version
    from claimed as c
    inner join sluice_internal.syncs as y on y.sync_id = c.sync_id
    left join sluice_internal.credentials as k on k.credential_id = y.credential_id
    left join sluice_internal.oauth_apps as a on a.oauth_app_id = k.oauth_app_id;
end
$$;

comment on function sluice_internal._sync_claim(text, int, boolean, text, timestamptz) is
'Takes up to max_syncs syncs that are due (or whatever their time, with ignore_schedule) and that no living poller holds, longest waiting first; with only_sync_id that one, also from itself, after a lost connection. Each claim raises the epoch, which ends the earlier lease. since: leaves out what fell due earlier, and so whatever an old snapshot keeps of it. feeds: [{feed, cursor, done}], and as far as there is something to say kind, collection_ids, every (seconds), wait (seconds until it is to be asked; nothing for what failed, if the sync as a whole failed or the schedule is ignored), error (its code), attempt, concluding. wanted: one of the objects to be fetched (_wanted_next has them all), null: there are none. client_…: of the OAuth app that the credential was obtained through. Locks the runs (skips locked ones).';
