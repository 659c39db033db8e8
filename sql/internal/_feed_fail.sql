create or replace function sluice_internal._feed_fail(
    sync_id text,
    poller_id text,
    epoch bigint,
    feed text,
    error jsonb,
    retry_in interval,
    cursor jsonb default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_whole text := split_part(_feed_fail.feed, '/', 1);
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_feed_fail.sync_id, _feed_fail.poller_id, _feed_fail.epoch);
    -- A vendor that is down for a moment is no news of one collection.
    if _feed_fail.error ->> 'code' in ('SL202', 'SL203', 'SL207') and not exists (
        select from sluice_internal.sync_feeds as f
        where f.sync_id = v_run.sync_id and f.feed = _feed_fail.feed collate "C" and f.error ->> 'code' in ('SL202', 'SL203', 'SL207')
    ) then
        perform sluice_internal._notice(v_run.sync_id, 'collection_broken', _feed_fail.error, v_whole);
    end if;
    insert into sluice_internal.sync_feeds as f (sync_id, feed, cursor_state, done, error, error_since, attempt, next_attempt_at)
    values (
        v_run.sync_id, _feed_fail.feed, _feed_fail.cursor, false, _feed_fail.error, clock_timestamp(), 1,
        clock_timestamp() + _feed_fail.retry_in
    )
    on conflict (sync_id, feed) do update set
        error = excluded.error,
        error_since = coalesce(f.error_since, excluded.error_since),
        attempt = f.attempt + 1,
        next_attempt_at = excluded.next_attempt_at,
        cursor_state = coalesce(excluded.cursor_state, f.cursor_state);
    -- The pass of a sweep that failed concludes nothing, and the next one begins at its start. A vendor that is down for a moment
    -- only makes it longer.
    if _feed_fail.error ->> 'code' is distinct from 'SL205' and exists (
        select from sluice_internal.sync_feeds as w
        where w.sync_id = v_run.sync_id and w.feed = v_whole collate "C" and w.kind = 'sweep'
    ) then
        perform sluice_internal._feeds_restart(v_run.sync_id, array[v_whole]);
        update sluice_internal.sync_feeds as w
        set
            error = _feed_fail.error,
            error_since = coalesce(w.error_since, clock_timestamp()),
            next_attempt_at = clock_timestamp() + _feed_fail.retry_in
        where w.sync_id = v_run.sync_id and w.feed = v_whole collate "C";
    end if;
end
$$;

comment on function sluice_internal._feed_fail(text, text, bigint, text, jsonb, interval, jsonb) is
'One feed of a sync cannot be read now: keeps the reason {code, message, details, hint} and leaves it out until retry_in has passed; the others are read all the same. cursor: where it is to go on, null: where it is. Errors: SL130.';
