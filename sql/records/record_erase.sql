create or replace function sluice.record_erase(
    sync_id text,
    collection_id text,
    upstream_id text
)
returns table (
    records int,
    quarantined int,
    mutation_items int
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs := sluice_internal._authorize_sync(record_erase.sync_id, 'admin');
    v_no bigint;
begin
    if octet_length(coalesce(record_erase.upstream_id, '')) not between 1 and 200
        or octet_length(coalesce(record_erase.collection_id, '')) not between 3 and 200
    then
        raise exception using
            errcode = 'SL001',
            message = 'collection_id and upstream_id must name an object',
            hint = 'For example record_erase(''acme'', ''stripe:customer'', ''cus_42''). It need not be known yet.';
    end if;
    perform sluice_internal._hold_sync(v_sync.sync_id);
    insert into sluice_internal.erasures (sync_id, digest)
    values (v_sync.sync_id, sluice_internal._erasure_digest(v_sync.sync_id, record_erase.collection_id, record_erase.upstream_id))
    on conflict do nothing;
    update sluice_internal.syncs as y
    set erasures = y.erasures + 1
    where y.sync_id = v_sync.sync_id
    returning y.* into v_sync;
    -- The key is locked before it is looked at: this waits for whoever writes the object now, and whoever comes later looks at erasures.
    insert into sluice.records as r (sync_id, collection_id, upstream_id, updated_idx, deleted, stream_id)
    select v_sync.sync_id, record_erase.collection_id, record_erase.upstream_id, 0, true, s.stream_id
    from sluice_internal.streams as s
    where s.stream_no = v_sync.stream_no
    on conflict do nothing
    returning r.record_no into v_no;
    records := 0;
    if v_no is not null then
        delete from sluice.records as r where r.record_no = v_no;
    else
        select r.record_no into v_no
        from sluice.records as r
        where
            r.sync_id = v_sync.sync_id
            and r.collection_id = record_erase.collection_id collate "C"
            and r.upstream_id = record_erase.upstream_id collate "C"
        for update;
        records := sluice_internal._records_forget(v_sync.stream_no, array[v_no]);
        if v_sync.moving_from is not null then
            perform sluice_internal._records_forget(v_sync.moving_from, array[v_no]);
        end if;
    end if;
    delete from sluice_internal.quarantine as q
    where
        q.sync_id = v_sync.sync_id
        and q.collection_id = record_erase.collection_id collate "C"
        and q.upstream_id = record_erase.upstream_id collate "C";
    get diagnostics quarantined = row_count;
    delete from sluice_internal.wanted_objects as o
    where
        o.sync_id = v_sync.sync_id
        and o.collection_id = record_erase.collection_id collate "C"
        and o.upstream_id = record_erase.upstream_id collate "C";
    mutation_items := sluice_internal._mutation_erase(v_sync.sync_id, record_erase.collection_id, record_erase.upstream_id);
    return next;
end
$$;

comment on function sluice.record_erase(text, text, text) is
'Wipes what is known of one upstream object, without a word to consumers: its record, its quarantine, the data and ids in mutations of it (a queued one is cancelled), its dead letters. What remains is a digest with a key that this database keeps and nobody may read; by it the object is refused from now on, silently (ingest counts it as refused), wherever it comes from. A limit: whoever has the whole database has the key too and can try ids; backups, the write-ahead log, and what consumers copied, are not touched; objects that hold a copy of it are others. Waits for whoever writes the object just now. Locks the sync and the record. Errors: SL001, SL102, SL165.';
