create or replace function sluice_internal._page_commit(
    sync_id text,
    poller_id text,
    epoch bigint,
    feed text,
    cursor jsonb,
    done boolean,
    records jsonb,
    quarantine jsonb,
    read_from timestamptz,
    facts jsonb default '{}'
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
    v_clear boolean;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_page_commit.sync_id, _page_commit.poller_id, _page_commit.epoch);
    if _page_commit.records = '[]' then
        new := 0;
        changed := 0;
        unchanged := 0;
        refused := 0;
        refetch := '[]';
    else
        select w.new, w.changed, w.unchanged, w.refused, coalesce(w.unclear, '[]')
        into new, changed, unchanged, refused, refetch
        from sluice_internal._record_store(v_run.sync_id, null, _page_commit.records, _page_commit.read_from) as w;
    end if;

    -- What has to be fetched again must not be behind the cursor: a crash before it is fetched would lose it.
    v_clear := refetch = '[]';

    delete from sluice_internal.quarantine as q
    using
        jsonb_to_recordset(
            -- to match a page with what is hardly ever there takes a third of its time
            case when exists (select from sluice_internal.quarantine as k where k.sync_id = v_run.sync_id) then
                coalesce(_page_commit.quarantine, '[]') || coalesce(_page_commit.records, '[]')
            else '[]' end
        ) as i (
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
    if exists (select from sluice_internal.wanted_objects as o where o.sync_id = v_run.sync_id) then
        delete from sluice_internal.wanted_objects as o
        using
            jsonb_to_recordset(coalesce(_page_commit.quarantine, '[]') || coalesce(_page_commit.records, '[]')) as i (
                collection_id text, upstream_id text
            )
        where
            o.sync_id = v_run.sync_id
            and o.collection_id = i.collection_id collate "C" and o.upstream_id = i.upstream_id collate "C"
            -- word of it that came after it was asked for is about something newer
            and o.held is null and o.since < _page_commit.read_from;
    end if;

    v_clear := v_clear and coalesce((_page_commit.facts ->> 'last')::boolean, true);
    perform sluice_internal._notice(v_run.sync_id, 'collection_recovered', null, split_part(f.feed, '/', 1))
    from sluice_internal.sync_feeds as f
    where f.sync_id = v_run.sync_id and f.feed = _page_commit.feed collate "C" and f.error ->> 'code' in ('SL202', 'SL203', 'SL207');
    insert into sluice_internal.sync_feeds as f (
        sync_id, feed, cursor_state, done, pages, records, read_records, started_at, last_success_at, total, next_attempt_at
    )
    values (
        v_run.sync_id, _page_commit.feed, case when v_clear then _page_commit.cursor end, v_clear and _page_commit.done,
        v_clear::int, jsonb_array_length(_page_commit.records), jsonb_array_length(_page_commit.records),
        clock_timestamp(), clock_timestamp(), (_page_commit.facts ->> 'total')::bigint,
        case when v_clear then clock_timestamp() + (_page_commit.facts ->> 'wait')::float8 * interval '1 second' end
    )
    on conflict (sync_id, feed) do update set
        cursor_state = case when v_clear then excluded.cursor_state else f.cursor_state end,
        done = case when v_clear then excluded.done else f.done end,
        pages = f.pages + excluded.pages,
        records = f.records + excluded.records,
        read_records = excluded.records + case when (_page_commit.facts ->> 'first')::boolean then 0 else f.read_records end,
        started_at = case
            when not coalesce((_page_commit.facts ->> 'first')::boolean, false) then coalesce(f.started_at, excluded.started_at)
            else excluded.started_at
        end,
        total = coalesce(excluded.total, f.total),
        error = null,
        error_since = null,
        attempt = 0,
        next_attempt_at = case when v_clear or f.error is not null then excluded.next_attempt_at else f.next_attempt_at end,
        last_success_at = excluded.last_success_at,
        completed_at = coalesce(
            f.completed_at,
            case
                when v_clear and (excluded.done or (f.kind = 'changes' and not (_page_commit.facts ->> 'more')::boolean))
                    and f.kind is distinct from 'sweep'
                    then excluded.last_success_at
            end
        ),
        updated_at = excluded.last_success_at;
    perform sluice_internal._page_note(
        v_run.sync_id, _page_commit.feed, v_clear, _page_commit.records, _page_commit.quarantine, _page_commit.read_from,
        _page_commit.facts
    );
    perform sluice_internal._run_succeeded(v_run, false);
    clock := clock_timestamp();
    return next;
end
$$;

comment on function sluice_internal._page_commit(text, text, bigint, text, jsonb, boolean, jsonb, jsonb, timestamptz, jsonb) is
'Writes one page and moves the feed''s cursor, in one transaction and only under the lease. records as in _record_write; quarantine: [{collection_id, upstream_id, raw (base64), reason}]. facts, each of which may be left out: more, first (a reading from the start begins with this page), last (false: a piece of a page, the cursor stays), wait (seconds until the feed is asked again), total, parts [{name, cursor}], restart [feeds to be read again]. refetch: the objects whose reads overlap and differ; if there are any, the cursor stays until a later call brings them. Errors: SL130.';
