create or replace function sluice.record_ingest(
    sync_id text,
    collection_id text,
    records jsonb
)
returns table (
    new int,
    changed int,
    unchanged int,
    refused int
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs := sluice_internal._authorize_sync(record_ingest.sync_id, 'admin');
    v_refusal text;
    v_done record;
begin
    if coalesce(record_ingest.collection_id, '') !~ '^[a-z0-9_-]+:.+$' or octet_length(record_ingest.collection_id) > 200 then
        raise exception using
            errcode = 'SL001',
            message = format('"%s" is not a collection id', left(record_ingest.collection_id, 200)),
            hint = 'A collection is named provider:object, for example stripe:customer or push:order.';
    end if;
    if not coalesce(
        case
            when v_sync.collection_ids <> '{}' then record_ingest.collection_id = any(v_sync.collection_ids)
            else record_ingest.collection_id like 'push:%'
        end,
        false
    ) then
        raise exception using
            errcode = 'SL106',
            message = format('sync "%s" has no collection "%s"', v_sync.sync_id, left(record_ingest.collection_id, 200)),
            hint = coalesce(
                'It has: ' || nullif(array_to_string(v_sync.collection_ids, ', '), '') || '.',
                'It takes any that is named push:object, for example push:order.'
            );
    end if;
    if jsonb_typeof(record_ingest.records) is distinct from 'array' then
        raise exception using
            errcode = 'SL001',
            message = 'records must be a JSON array',
            hint = 'Each element is {"upstream_id": …, "data": {…}}, optionally with upstream_created_at, upstream_updated_at, deleted.';
    end if;
    v_refusal := sluice_internal._records_refusal(record_ingest.records);
    if v_refusal is not null then
        raise exception using
            errcode = 'SL001',
            message = v_refusal,
            hint = 'Nothing was written. An element is {"upstream_id", "data", "upstream_created_at", "upstream_updated_at", "deleted"}.';
    end if;
    v_done := sluice_internal._record_store(v_sync.sync_id, record_ingest.collection_id, record_ingest.records, null);
    new := v_done.new;
    changed := v_done.changed;
    unchanged := v_done.unchanged;
    refused := v_done.refused;
    return next;
    -- Without pollers somebody has to fold the counters now and then.
    if random() < 0.01 then
        perform sluice_internal._fold_counts();
    end if;
end
$$;

comment on function sluice.record_ingest(text, text, jsonb) is
'Writes objects into a sync''s collection, in the caller''s transaction. records: an array of {upstream_id, data, upstream_created_at?, upstream_updated_at?, deleted?}. Answers how many were new, changed, unchanged (equal as jsonb: no message) and refused (older than what is stored, of the version that was deleted, or erased). Locks the written records. Errors: SL001, SL102, SL106, SL165.';
