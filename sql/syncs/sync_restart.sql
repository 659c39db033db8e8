create or replace function sluice.sync_restart(
    sync_id text,
    collection_ids text[] default null
)
returns sluice.syncs
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(sync_restart.sync_id, 'admin');
    v_unknown text;
    v_sync sluice.syncs;
begin
    if v_known.provider = 'push' then
        raise exception using
            errcode = 'SL001',
            message = format('sync "%s" is fed by you: there is nothing to read again', v_known.sync_id),
            hint = 'Ingest the objects again; what is unchanged stays silent.';
    end if;
    perform sluice_internal._hold_sync(v_known.sync_id);
    select u.id into v_unknown
    from unnest(sync_restart.collection_ids) as u (id)
    where u.id is null or not u.id = any(v_known.collection_ids)
    limit 1;
    if found then
        raise exception using
            errcode = 'SL106',
            message = format('sync "%s" has no collection "%s"', v_known.sync_id, left(coalesce(v_unknown, 'null'), 200)),
            hint = format('It has: %s.', array_to_string(v_known.collection_ids, ', '));
    end if;
    if sync_restart.collection_ids is null then
        delete from sluice_internal.sync_feeds as f where f.sync_id = v_known.sync_id;
    else
        -- Their backfills alone: a feed of changes goes on, and a sweep waits for its next pass.
        delete from sluice_internal.sync_feeds as f
        where
            f.sync_id = v_known.sync_id
            and (f.kind in ('backfill', 'part') or f.kind is null)
            and (split_part(f.feed, '/', 1) = any(sync_restart.collection_ids) or f.collection_ids && sync_restart.collection_ids);
    end if;
    perform sluice_internal._lease_end(v_known.sync_id);
    update sluice_internal.sync_runs as r
    set
        attempt = 0,
        status = case when r.status in ('error', 'rate_limited') then r.status else 'pending' end,
        backfill_completed_at = null
    where r.sync_id = v_known.sync_id;
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_known.sync_id;
    return v_sync;
end
$$;

comment on function sluice.sync_restart(text, text[]) is
'Reads everything once more, or some collections, from the start, and answers the sync; what is unchanged stays silent. A page that is under way is dropped. Records are not touched before they are read again. Locks the sync. Errors: SL001, SL102, SL106, SL165.';
