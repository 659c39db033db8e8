create or replace function sluice_internal._sweep_conclude(
    sync_id text,
    poller_id text,
    epoch bigint,
    feed text,
    max_records int default 1000,
    max_doubtful int default 0,
    out more boolean,
    out deleted int,
    out clock timestamptz,
    out doubtful jsonb
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_feed sluice_internal.sync_feeds;
    v_oldest timestamptz;
    v_collection_id text;
    v_looked int;
    v_until text;
    v_gone jsonb;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_sweep_conclude.sync_id, _sweep_conclude.poller_id, _sweep_conclude.epoch);
    select f.* into v_feed
    from sluice_internal.sync_feeds as f
    where f.sync_id = v_run.sync_id and f.feed = _sweep_conclude.feed collate "C";
    more := v_feed.conclusion is not null and v_feed.pass_from is not null;
    deleted := 0;
    clock := clock_timestamp();
    if not more then
        return;
    end if;
    v_collection_id := v_feed.conclusion[1];
    if v_feed.conclusion[2] is null then
        select min(c.collection_id collate "C") into v_collection_id
        from unnest(v_feed.collection_ids) as c (collection_id)
        where v_feed.conclusion[1] is null or c.collection_id > v_feed.conclusion[1] collate "C";
    end if;
    if v_collection_id is null then
        more := sluice_internal._sweep_forget(v_run.sync_id, v_feed.feed);
        return;
    end if;

    select clock_timestamp() - make_interval(days => y.max_age_days) into v_oldest
    from sluice_internal.syncs as y
    where y.sync_id = v_run.sync_id;
    -- Locked before they are written, so that one that is erased meanwhile does not come back as a tombstone.
    select count(*), max(k.upstream_id), jsonb_agg(
        jsonb_build_object('collection_id', v_collection_id, 'upstream_id', k.upstream_id, 'deleted', true) order by k.upstream_id
    ) filter (where k.gone)
    into v_looked, v_until, v_gone
    from (
        select
            r.upstream_id,
            not r.deleted
            -- written since the pass began, or pushed by somebody: the pass knows nothing of it
            and coalesce(r.read_until < v_feed.pass_from, false)
            and coalesce(r.upstream_created_at >= v_oldest, true)
            and not exists (
                select from sluice_internal.sweep_seen as s
                where
                    s.sync_id = v_feed.sync_id and s.feed = v_feed.feed and s.pass_no = v_feed.pass_no
                    and s.collection_id = v_collection_id collate "C" and s.upstream_id = r.upstream_id
            ) as gone
        from sluice.records as r
        where
            r.sync_id = v_run.sync_id
            and r.collection_id = v_collection_id collate "C"
            and r.upstream_id > coalesce(v_feed.conclusion[2], '') collate "C"
        order by r.upstream_id
        limit _sweep_conclude.max_records
        for no key update of r
    ) as k;
    -- A list that is cut by number passes over one now and then: a few are worth to be asked for.
    if jsonb_array_length(v_gone) <= _sweep_conclude.max_doubtful then
        doubtful := v_gone;
        return;
    end if;
    if v_gone is not null then
        -- As if it had been read from the beginning of the pass on: what somebody wrote in that time stands.
        select w.changed into deleted
        from sluice_internal._record_store(v_run.sync_id, null, v_gone, v_feed.pass_from) as w;
        -- A list may have passed over an object that is there. A later reading of that same version must bring it back.
        update sluice.records as r
        set upstream_updated_at = null
        from jsonb_to_recordset(v_gone) as g (upstream_id text)
        where
            r.sync_id = v_run.sync_id and r.collection_id = v_collection_id collate "C" and r.upstream_id = g.upstream_id collate "C"
            and r.deleted and r.read_from = v_feed.pass_from and r.upstream_updated_at is not null;
    end if;
    update sluice_internal.sync_feeds as f
    set conclusion = array[v_collection_id, case when v_looked >= _sweep_conclude.max_records then v_until end]
    where f.sync_id = v_run.sync_id and f.feed = v_feed.feed;
    clock := clock_timestamp();
end
$$;

comment on function sluice_internal._sweep_conclude(text, text, bigint, text, int, int) is
'The next step of concluding a complete pass of a sweep: looks at up to max_records records and makes tombstones of those that were there before the pass and did not come up, those too old for the sync (max_age_days) aside; then removes what the pass noted. doubtful: instead of that, what would become a tombstone in this step, if it is no more than max_doubtful: the caller asks the vendor for each, commits the answers, and calls again. more: call again. A crash goes on where the last step was. Locks those records, in key order. Errors: SL130.';
