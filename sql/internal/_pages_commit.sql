create or replace function sluice_internal._pages_commit(
    sync_id text,
    poller_id text,
    epoch bigint,
    pages jsonb,
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
    v_unclear text[] := '{}';
    v_page record;
    v_now timestamptz;
    v_alone boolean := jsonb_array_length(_pages_commit.pages) = 1;
    v_sweeps boolean;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_pages_commit.sync_id, _pages_commit.poller_id, _pages_commit.epoch);
    if _pages_commit.records = '[]' then
        new := 0;
        changed := 0;
        unchanged := 0;
        refused := 0;
        refetch := '[]';
    else
        select w.new, w.changed, w.unchanged, w.refused, coalesce(w.unclear, '[]')
        into new, changed, unchanged, refused, refetch
        from sluice_internal._record_store(v_run.sync_id, null, _pages_commit.records, _pages_commit.read_from) as w;
    end if;

    if _pages_commit.quarantine <> '[]'
        or exists (select from sluice_internal.quarantine as k where k.sync_id = v_run.sync_id)
        or exists (select from sluice_internal.wanted_objects as o where o.sync_id = v_run.sync_id)
    then
        perform sluice_internal._pages_settle(v_run.sync_id, _pages_commit.records, _pages_commit.quarantine, _pages_commit.read_from);
    end if;

    -- What has to be fetched again must not be behind the cursor: a crash before it is fetched would lose it.
    if refetch <> '[]' then
        v_unclear := array(
            select distinct p.feed
            from (
                select
                    a.feed,
                    sum(a.records) over (order by a.place) - a.records as first_place,
                    sum(a.records) over (order by a.place) as last_place
                from rows from (jsonb_to_recordset(_pages_commit.pages) as (feed text, records int)) with ordinality
                    as a (feed, records, place)
            ) as p
            inner join jsonb_array_elements(_pages_commit.records) with ordinality as e (value, place)
                on e.place > p.first_place and e.place <= p.last_place
            inner join jsonb_to_recordset(refetch) as u (collection_id text, upstream_id text)
                on u.collection_id = e.value ->> 'collection_id' and u.upstream_id = e.value ->> 'upstream_id'
        );
    end if;

    perform sluice_internal._notice(v_run.sync_id, 'collection_recovered', null, split_part(f.feed, '/', 1))
    from jsonb_to_recordset(_pages_commit.pages) as p (feed text)
    inner join sluice_internal.sync_feeds as f on f.sync_id = v_run.sync_id and f.feed = p.feed collate "C"
    where f.error ->> 'code' in ('SL202', 'SL203', 'SL207');
    v_now := clock_timestamp();
    v_sweeps := exists (select from sluice_internal.sync_feeds as f where f.sync_id = v_run.sync_id and f.kind = 'sweep');
    for v_page in
        select
            i.*,
            split_part(i.feed, '/', 1) as whole,
            coalesce((i.facts ->> 'first')::boolean, false) as first,
            coalesce((i.facts ->> 'last')::boolean, true) and i.feed <> all(v_unclear) as clear,
            sum(i.records) over (order by i.place) as behind
        from rows from (
            jsonb_to_recordset(_pages_commit.pages) as (
                feed text, "cursor" jsonb, done boolean, read_from timestamptz, facts jsonb, records int
            )
        ) with ordinality as i (feed, "cursor", done, read_from, facts, records, place)
        order by i.place
    loop
        insert into sluice_internal.sync_feeds as f (
            sync_id, feed, cursor_state, done, pages, records, read_records, started_at, last_success_at, total, next_attempt_at
        )
        values (
            v_run.sync_id, v_page.feed, case when v_page.clear then v_page."cursor" end, v_page.clear and v_page.done,
            v_page.clear::int, v_page.records, v_page.records, v_now, v_now, (v_page.facts ->> 'total')::bigint,
            case when v_page.clear then v_now + (v_page.facts ->> 'wait')::float8 * interval '1 second' end
        )
        on conflict (sync_id, feed) do update set
            cursor_state = case when v_page.clear then excluded.cursor_state else f.cursor_state end,
            done = case when v_page.clear then excluded.done else f.done end,
            pages = f.pages + excluded.pages,
            records = f.records + excluded.records,
            read_records = excluded.records + case when v_page.first then 0 else f.read_records end,
            started_at = case when v_page.first then excluded.started_at else coalesce(f.started_at, excluded.started_at) end,
            total = coalesce(excluded.total, f.total),
            error = null,
            error_since = null,
            attempt = 0,
            next_attempt_at = case when v_page.clear or f.error is not null then excluded.next_attempt_at else f.next_attempt_at end,
            last_success_at = excluded.last_success_at,
            completed_at = coalesce(
                f.completed_at,
                case
                    when v_page.clear and (excluded.done or (f.kind = 'changes' and not (v_page.facts ->> 'more')::boolean))
                        and f.kind is distinct from 'sweep'
                        then excluded.last_success_at
                end
            ),
            updated_at = excluded.last_success_at;
        if v_sweeps or v_page.facts ?| '{restart,parts}' or (v_page.done and v_page.feed <> v_page.whole) then
            perform sluice_internal._page_note(
                v_run.sync_id,
                v_page.feed,
                v_page.clear,
                case when v_alone then _pages_commit.records else (
                    select coalesce(jsonb_agg(e.value order by e.place), '[]')
                    from jsonb_array_elements(_pages_commit.records) with ordinality as e (value, place)
                    where e.place > v_page.behind - v_page.records and e.place <= v_page.behind
                ) end,
                _pages_commit.quarantine,
                v_page.read_from,
                v_page.facts
            );
        end if;
    end loop;
    perform sluice_internal._run_succeeded(v_run, false);
    clock := clock_timestamp();
    return next;
end
$$;

comment on function sluice_internal._pages_commit(text, text, bigint, jsonb, jsonb, jsonb, timestamptz) is
'Writes pages of different feeds and moves their cursors, in one transaction and only under the lease. pages: [{feed, cursor, done, read_from, facts, records}], records being how many of the array belong to the page, in that order; read_from beside them is the earliest of all. Several pages bring no quarantine and restart nothing. The other arguments and facts as in _page_commit. refetch: the objects whose reads overlap and differ; the cursor of each page that has one of them stays until a later call brings it. Errors: SL130.';
