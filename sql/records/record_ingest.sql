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
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs := sluice_internal._authorize_sync(record_ingest.sync_id, 'admin');
    v_refusal text;
    v_item jsonb;
    v_verdict text;
    v_done record;
begin
    -- Most calls bring something for a collection of the kind that a sync without a list takes, or for one on its list.
    if (case
        when record_ingest.collection_id is null or octet_length(record_ingest.collection_id) > 200 then false
        when v_sync.collection_ids = '{}' then record_ingest.collection_id ~ '^push:.'
        else record_ingest.collection_id = any(v_sync.collection_ids)
    end) then
        null;
    else
        perform sluice_internal._ingest_refusal(v_sync, record_ingest.collection_id);
    end if;
    if jsonb_typeof(record_ingest.records) is distinct from 'array' then
        raise exception using
            errcode = 'SL001',
            message = 'records must be a JSON array',
            hint = 'Each element is {"upstream_id": …, "data": {…}}, optionally with upstream_created_at, upstream_updated_at, deleted.';
    end if;
    -- One object: a path of its own, several times cheaper.
    if jsonb_array_length(record_ingest.records) = 1 and v_sync.moving_from is null and v_sync.erasures = 0
        and current_setting('transaction_isolation') = 'read committed'
    then
        v_item := record_ingest.records -> 0;
        if sluice_internal._record_usual(v_item) then
            v_verdict := sluice_internal._record_write_one(v_sync, record_ingest.collection_id, v_item, null);
            if v_verdict is not null then
                new := (v_verdict = 'new')::int;
                changed := (v_verdict = 'changed')::int;
                unchanged := (v_verdict = 'unchanged')::int;
                refused := 0;
                return next;
                if v_verdict <> 'unchanged' and random() < 0.01 then
                    perform sluice_internal._fold_counts(), sluice_internal._ingest_tidy(400);
                end if;
                return;
            end if;
        end if;
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
    -- At least twice as many entries of the log are looked at as are replaced.
    if random() < changed / 2000.0 then
        perform sluice_internal._ingest_tidy(4000);
    end if;
end
$$;

comment on function sluice.record_ingest(text, text, jsonb) is
'Writes objects into a sync''s collection, in the caller''s transaction. records: an array of {upstream_id, data, upstream_created_at?, upstream_updated_at?, deleted?}. Answers how many were new, changed, unchanged (equal as jsonb: no message) and refused (older than what is stored, of the version that was deleted, or erased). Locks the written records. Errors: SL001, SL102, SL106, SL165.';
