create or replace function sluice_internal._feeds_declare(
    sync_id text,
    poller_id text,
    epoch bigint,
    feeds jsonb
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
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_feeds_declare.sync_id, _feeds_declare.poller_id, _feeds_declare.epoch);
    delete from sluice_internal.sync_feeds as f
    where
        f.sync_id = v_run.sync_id
        and split_part(f.feed, '/', 1) not in (
            select d.feed from jsonb_to_recordset(_feeds_declare.feeds) as d (feed text)
        );
    insert into sluice_internal.sync_feeds as f (sync_id, feed, kind, collection_ids, every, next_attempt_at, done)
    select
        v_run.sync_id, d.feed, d.kind, d.collection_ids, d.every * interval '1 second',
        -- a sweep beside a backfill has nothing to find yet
        case
            when d.kind = 'sweep' and exists (
                select
                from jsonb_to_recordset(_feeds_declare.feeds) as b (kind text, collection_ids text[])
                where b.kind = 'backfill' and b.collection_ids && d.collection_ids
            ) then clock_timestamp() + d.every * interval '1 second'
        end,
        false
    from jsonb_to_recordset(_feeds_declare.feeds) as d (feed text, kind text, collection_ids text[], every float8)
    on conflict (sync_id, feed) do update set
        kind = excluded.kind,
        collection_ids = excluded.collection_ids,
        every = excluded.every,
        completed_at = case when f.kind is null and f.done then coalesce(f.completed_at, f.updated_at) else f.completed_at end;
    update sluice_internal.sync_feeds as p
    set collection_ids = w.collection_ids
    from sluice_internal.sync_feeds as w
    where
        p.sync_id = v_run.sync_id and p.kind = 'part'
        and w.sync_id = p.sync_id and w.feed = split_part(p.feed, '/', 1)
        and p.collection_ids <> w.collection_ids;
end
$$;

comment on function sluice_internal._feeds_declare(text, text, bigint, jsonb) is
'What the provider reads for this sync: [{feed, kind, collection_ids, every (seconds)}]. Rows of other feeds (of collections that were dropped) go; new ones are there from now on, unread. Errors: SL130.';
