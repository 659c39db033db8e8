create or replace function sluice_internal._page_note(
    sync_id text,
    feed text,
    clear boolean,
    records jsonb,
    quarantine jsonb,
    read_from timestamptz,
    facts jsonb
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_whole text := split_part(_page_note.feed, '/', 1);
begin
    if (_page_note.facts ->> 'first')::boolean and _page_note.feed = v_whole then
        update sluice_internal.sync_feeds as f
        set pass_no = f.pass_no + 1, pass_from = _page_note.read_from, conclusion = null
        where f.sync_id = _page_note.sync_id collate "C" and f.feed = _page_note.feed collate "C" and f.kind = 'sweep';
    end if;
    if exists (
        select from sluice_internal.sync_feeds as f where f.sync_id = _page_note.sync_id collate "C" and f.pass_from is not null
    ) then
        perform sluice_internal._sweep_saw(_page_note.sync_id, v_whole, _page_note.records, _page_note.quarantine);
    end if;
    if not _page_note.clear then
        return;
    end if;
    if _page_note.facts ? 'restart' then
        perform sluice_internal._feeds_restart(
            _page_note.sync_id, array(
                select r.feed from jsonb_array_elements_text(_page_note.facts -> 'restart') as r (feed) where r.feed <> v_whole
            )
        );
    end if;
    if _page_note.facts ? 'parts' then
        insert into sluice_internal.sync_feeds as f (sync_id, feed, kind, collection_ids, cursor_state, done)
        select w.sync_id, w.feed || '/' || p.name, 'part', w.collection_ids, p.cursor, false
        from sluice_internal.sync_feeds as w
        cross join jsonb_to_recordset(_page_note.facts -> 'parts') as p (name text, cursor jsonb)
        where w.sync_id = _page_note.sync_id collate "C" and w.feed = _page_note.feed collate "C"
        on conflict (sync_id, feed) do update set
            cursor_state = excluded.cursor_state, done = false, read_records = 0, started_at = null, next_attempt_at = null;
    end if;
    -- the last of its parts ends the feed
    if _page_note.feed <> v_whole then
        update sluice_internal.sync_feeds as w
        set done = true, completed_at = coalesce(w.completed_at, clock_timestamp()), updated_at = clock_timestamp()
        where
            w.sync_id = _page_note.sync_id collate "C"
            and w.feed = v_whole collate "C"
            and not exists (
                select from sluice_internal.sync_feeds as p
                where p.sync_id = w.sync_id and p.feed like replace(replace(w.feed, '_', '\_'), '%', '\%') || '/%' and not p.done
            );
    end if;
    update sluice_internal.sync_feeds as f
    set
        conclusion = case when f.pass_from is not null then array[null, null]::text[] end,
        completed_at = coalesce(f.completed_at, clock_timestamp()),
        cursor_state = null,
        next_attempt_at = f.started_at + coalesce(f.every, interval '1 day')
    where
        f.sync_id = _page_note.sync_id collate "C"
        and f.feed = v_whole collate "C"
        and f.kind = 'sweep'
        and f.done
        and f.conclusion is null;
end
$$;

comment on function sluice_internal._page_note(text, text, boolean, jsonb, jsonb, timestamptz, jsonb) is
'What a page is beside its records: the begin or the end of a sweep''s pass, feeds to be read again, parts of a backfill and their end.';
