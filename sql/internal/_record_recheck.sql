create or replace function sluice_internal._record_recheck(
    sync sluice_internal.syncs,
    sync_id text,
    collection_id text,
    records jsonb,
    wrote_in int
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_erased int[];
    v_nos bigint[];
begin
    perform sluice_internal._authorize_sync(_record_recheck.sync_id, r.right)
    from (values ('reader')) as r ("right")
    where sync.sync_id is null;
    if sync.deleting_since is not null then
        raise exception using
            errcode = 'SL165',
            message = format('sync "%s" is being deleted', sync.sync_id),
            hint = 'Nothing was written. Its id is free once that is finished.';
    end if;
    if _record_recheck.collection_id is not null and sync.collection_ids <> '{}'
        and not _record_recheck.collection_id = any(sync.collection_ids)
    then
        raise exception using
            errcode = 'SL106',
            message = format('sync "%s" has no collection "%s" any more', sync.sync_id, _record_recheck.collection_id),
            hint = 'Nothing was written. It was dropped just now.';
    end if;
    perform sluice_internal._records_follow(sync.sync_id, sync.stream_no, _record_recheck.collection_id, _record_recheck.records);
    if _record_recheck.wrote_in <> sync.stream_no then
        perform sluice_internal._records_number(
            sync.sync_id, sync.stream_no, _record_recheck.collection_id, _record_recheck.records, _record_recheck.wrote_in
        );
    end if;
    if sync.erasures > 0 then
        v_erased := sluice_internal._erased_among(sync.sync_id, _record_recheck.collection_id, _record_recheck.records);
        select array_agg(r.record_no) into v_nos
        from unnest(v_erased) as p (place)
        cross join lateral (select _record_recheck.records -> (p.place - 1) as value) as e
        inner join sluice.records as r
            on r.sync_id = sync.sync_id
            and r.collection_id = coalesce(e.value ->> 'collection_id', _record_recheck.collection_id) collate "C"
            and r.upstream_id = (e.value ->> 'upstream_id') collate "C";
        perform sluice_internal._records_forget(sync.stream_no, v_nos);
    end if;
end
$$;

comment on function sluice_internal._record_recheck(sluice_internal.syncs, text, text, jsonb, int) is
'After a write into the stream wrote_in, under the locks of its records, if the sync was changed meanwhile: takes the records to the sync''s stream and takes back what was erased, or raises SL102, SL106 or SL165.';
