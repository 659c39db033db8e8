create or replace function sluice_internal._feeds_restart(
    sync_id text,
    feeds text[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    delete from sluice_internal.sync_feeds as f
    where
        f.sync_id = _feeds_restart.sync_id collate "C"
        and f.feed like '%/%'
        and (_feeds_restart.feeds is null or split_part(f.feed, '/', 1) = any(_feeds_restart.feeds));
    update sluice_internal.sync_feeds as f
    set
        cursor_state = null, done = false, next_attempt_at = null, pass_from = null, conclusion = null, total = null, read_records = 0,
        started_at = null, updated_at = clock_timestamp()
    where
        f.sync_id = _feeds_restart.sync_id collate "C"
        and (_feeds_restart.feeds is null or f.feed = any(_feeds_restart.feeds));
end
$$;

comment on function sluice_internal._feeds_restart(text, text[]) is
'Lets these feeds of a sync (null: all) be read again from their start; a pass of a sweep that was under way concludes nothing. The caller holds the lease or has ended it (_lease_end).';
