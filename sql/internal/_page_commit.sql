create or replace function sluice_internal._page_commit(
    sync_id text,
    poller_id text,
    epoch bigint,
    feed text,
    cursor jsonb,
    done boolean,
    records jsonb,
    quarantine jsonb,
    read_from timestamptz
)
returns table (
    new int,
    changed int,
    unchanged int,
    refused int,
    refetch jsonb,
    clock timestamptz
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_stream_no int;
    v_clear boolean;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_page_commit.sync_id, _page_commit.poller_id, _page_commit.epoch);
    select y.stream_no into v_stream_no from sluice_internal.syncs as y where y.sync_id = v_run.sync_id;
    select w.new, w.changed, w.unchanged, w.refused, coalesce(w.unclear, '[]')
    into new, changed, unchanged, refused, refetch
    from sluice_internal._record_write(v_stream_no, v_run.sync_id, null, _page_commit.records, _page_commit.read_from) as w;

    -- What has to be fetched again must not be behind the cursor: a crash before it is fetched would lose it.
    v_clear := refetch = '[]';

    delete from sluice_internal.quarantine as q
    using
        jsonb_to_recordset(coalesce(_page_commit.quarantine, '[]') || coalesce(_page_commit.records, '[]')) as i (
            collection_id text, upstream_id text, raw text
        )
    where
        q.sync_id = v_run.sync_id
        and q.collection_id = i.collection_id collate "C"
        and (q.upstream_id = i.upstream_id collate "C" or (i.upstream_id is null and q.raw = decode(i.raw, 'base64')));
    insert into sluice_internal.quarantine (sync_id, collection_id, upstream_id, raw, reason)
    select v_run.sync_id, i.collection_id, i.upstream_id, decode(i.raw, 'base64'), i.reason
    from jsonb_to_recordset(coalesce(_page_commit.quarantine, '[]')) as i (
        collection_id text, upstream_id text, raw text, reason text
    );

    insert into sluice_internal.sync_feeds as f (sync_id, feed, cursor_state, done, pages, records)
    values (
        v_run.sync_id, _page_commit.feed, case when v_clear then _page_commit.cursor end, v_clear and _page_commit.done, 1,
        jsonb_array_length(_page_commit.records)
    )
    on conflict (sync_id, feed) do update set
        cursor_state = case when v_clear then excluded.cursor_state else f.cursor_state end,
        done = case when v_clear then excluded.done else f.done end,
        pages = f.pages + 1,
        records = f.records + excluded.records,
        updated_at = clock_timestamp();
    perform sluice_internal._run_succeeded(v_run, false);
    clock := clock_timestamp();
    return next;
end
$$;

comment on function sluice_internal._page_commit(text, text, bigint, text, jsonb, boolean, jsonb, jsonb, timestamptz) is
'Writes one page and moves the feed''s cursor, in one transaction and only under the lease. records as in _record_write; quarantine: [{collection_id, upstream_id, raw (base64), reason}]; refetch: the objects whose reads overlap and differ; if there are any, the cursor stays until a later call brings them. Errors: SL130.';
