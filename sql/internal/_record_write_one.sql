create or replace function sluice_internal._record_write_one(
    sync sluice_internal.syncs,
    collection_id text,
    item jsonb,
    read_from timestamptz
)
returns text
language plpgsql
volatile
as $$
#variable_conflict use_column
declare
    v_upstream_id text := item ->> 'upstream_id';
    v_data jsonb := nullif(item -> 'data', 'null');
    v_created_at timestamptz := item ->> 'upstream_created_at';
    v_updated_at timestamptz := item ->> 'upstream_updated_at';
    v_deleted boolean := coalesce((item ->> 'deleted')::boolean, false);
    v_read_until timestamptz := case when _record_write_one.read_from is not null then clock_timestamp() end;
    v_touched text := current_setting('sluice.touched_streams', true);
    v_verdict text;
    v_done record;
    v_same boolean;
begin
    select sluice_internal._verdict(
        o.upstream_updated_at, o.read_from, o.read_until, o.deleted, o.data,
        v_updated_at, _record_write_one.read_from, v_read_until, v_deleted, v_data
    )
    into v_verdict
    from sluice.records as o
    where
        o.sync_id = sync.sync_id
        and o.collection_id = _record_write_one.collection_id collate "C"
        and o.upstream_id = v_upstream_id collate "C";
    if found and v_verdict <> 'changed' then
        return case when v_verdict = 'unchanged' then v_verdict end;
    end if;
    if v_touched is null or v_touched = '' then
        v_touched := set_config('sluice.touched_streams', sync.stream_no::text, true);
    elsif v_touched <> sync.stream_no::text then
        perform sluice_internal._touch_stream(sync.stream_no);
    end if;
    if v_verdict is null then
        insert into sluice.records as r (
            sync_id, collection_id, upstream_id, updated_idx, upstream_created_at, upstream_updated_at, deleted, data,
            stream_id, read_from, read_until
        )
        select
            sync.sync_id, _record_write_one.collection_id, v_upstream_id, nextval(('sluice_internal.position_' || s.stream_no)::regclass),
            v_created_at, v_updated_at, v_deleted, v_data, s.stream_id, _record_write_one.read_from, v_read_until
        from sluice_internal.streams as s
        where s.stream_no = sync.stream_no
        on conflict on constraint records_key do nothing
        returning r.record_no, r.updated_idx into v_done;
    else
        -- The verdict is asked again under the row's lock: another writer may have come first.
        update sluice.records as r set
            updated_idx = nextval(('sluice_internal.position_' || sync.stream_no)::regclass),
            upstream_created_at = coalesce(v_created_at, r.upstream_created_at),
            upstream_updated_at = greatest(v_updated_at, r.upstream_updated_at),
            deleted = v_deleted,
            data = coalesce(v_data, r.data),
            read_from = _record_write_one.read_from,
            read_until = v_read_until
        where
            r.sync_id = sync.sync_id
            and r.collection_id = _record_write_one.collection_id collate "C"
            and r.upstream_id = v_upstream_id collate "C"
            and sluice_internal._verdict(
                r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                v_updated_at, _record_write_one.read_from, v_read_until, v_deleted, v_data
            ) = 'changed'
        returning r.record_no, r.updated_idx into v_done;
    end if;
    if not found then
        return null;
    end if;
    -- In the statement of the note, which begins when the record is locked: is the sync still what it was?
    with noted as (
        insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
        values (
            sync.stream_no, sync.sync_id, array[_record_write_one.collection_id],
            array[v_done.record_no], array[v_done.updated_idx], array[v_verdict is null]
        )
    )
    select true into v_same
    from sluice_internal.syncs as y
    where
        y.sync_id = sync.sync_id and y.stream_no = sync.stream_no and y.moving_from is null and y.deleting_since is null
        and y.erasures = 0 and y.collection_ids = sync.collection_ids;
    if not found then
        perform sluice_internal._record_recheck(
            (select y from sluice_internal.syncs as y where y.sync_id = sync.sync_id),
            sync.sync_id, _record_write_one.collection_id, jsonb_build_array(item), sync.stream_no
        );
    end if;
    return coalesce(v_verdict, 'new');
end
$$;

comment on function sluice_internal._record_write_one(sluice_internal.syncs, text, jsonb, timestamptz) is
'_record_store for one object of a sync that is not being moved and had nothing erased, shorter: answers new, changed or unchanged; null, with nothing written, if it is anything else, which the general way has to look at. Runs under its caller''s settings. Locks the record.';
