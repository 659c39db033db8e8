create or replace function sluice_internal._sync_finish(
    sync_id text,
    poller_id text,
    epoch bigint,
    next_in interval,
    complete boolean default true,
    pages jsonb default '[]'
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
    v_page record;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_sync_finish.sync_id, _sync_finish.poller_id, _sync_finish.epoch);
    for v_page in
        select p.*
        from jsonb_to_recordset(_sync_finish.pages) as p (feed text, "cursor" jsonb, read_from timestamptz, facts jsonb)
    loop
        -- The usual end of a turn: nothing came, and nothing was wrong before.
        update sluice_internal.sync_feeds as f
        set
            cursor_state = v_page."cursor",
            done = false,
            pages = f.pages + 1,
            next_attempt_at = null,
            last_success_at = clock_timestamp(),
            updated_at = clock_timestamp()
        where
            v_page.facts = '{"more": false}'
            and f.sync_id = v_run.sync_id
            and f.feed = v_page.feed collate "C"
            and f.kind = 'changes'
            and f.error is null
            and f.completed_at is not null;
        continue when found;
        perform sluice_internal._page_commit(
            _sync_finish.sync_id, _sync_finish.poller_id, _sync_finish.epoch, v_page.feed, v_page."cursor", false, '[]', '[]',
            v_page.read_from, v_page.facts
        );
        v_run := sluice_internal._lease_check(_sync_finish.sync_id, _sync_finish.poller_id, _sync_finish.epoch);
    end loop;
    perform sluice_internal._run_succeeded(v_run, true);
    update sluice_internal.sync_runs as r
    set
        poller_id = null,
        attempt = 0,
        told_at = null,
        last_success_at = case when _sync_finish.complete then clock_timestamp() else r.last_success_at end,
        next_attempt_at = least(
            clock_timestamp() + coalesce(
                (select y.sync_frequency from sluice_internal.syncs as y where y.sync_id = r.sync_id),
                _sync_finish.next_in
            ),
            -- what failed is tried again in its own time, and so is what is not ready; a sweep's next pass waits for the sync
            (
                select min(greatest(f.next_attempt_at, clock_timestamp()))
                from sluice_internal.sync_feeds as f
                where f.sync_id = r.sync_id and not f.done and f.next_attempt_at is not null
            ),
            -- word that came while it was read (what it was about may have been read before), and objects that wait for their next try
            (
                select greatest(least(r.told_at, min(o.next_at)), clock_timestamp())
                from sluice_internal.wanted_objects as o
                where o.sync_id = r.sync_id
                having least(r.told_at, min(o.next_at)) is not null
            )
        )
    where r.sync_id = v_run.sync_id;
end
$$;

comment on function sluice_internal._sync_finish(text, text, bigint, interval, boolean, jsonb) is
'The sync is read as far as it can be now: gives it back until its sync_frequency (else next_in) has passed, or a feed that failed or was not ready is due. complete: all of it was read, nothing failed and nothing waits. pages: what was read last and had nothing in it, [{feed, cursor, read_from, facts}], each committed as by _page_commit. Errors: SL130.';
