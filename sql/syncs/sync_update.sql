create or replace function sluice.sync_update(
    sync_id text,
    name text default null,
    collection_ids text[] default null,
    rate_limit jsonb default null,
    metadata jsonb default null,
    external_id text default null,
    max_age_days int default null,
    sync_frequency interval default null,
    credential_id text default null,
    drop_records boolean default false
)
returns sluice.syncs
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_old sluice_internal.syncs := sluice_internal._authorize_sync(sync_update.sync_id, 'admin');
    v_new sluice_internal.syncs;
    v_sync sluice.syncs;
begin
    perform sluice_internal._hold_sync(v_old.sync_id);
    select y.* into v_old from sluice_internal.syncs as y where y.sync_id = v_old.sync_id for no key update;
    v_new := v_old;
    v_new.name := nullif(coalesce(sync_update.name, v_old.name), '');
    v_new.collection_ids := coalesce(sluice_internal._distinct_ids(sync_update.collection_ids), v_old.collection_ids);
    v_new.rate_limit := nullif(coalesce(sync_update.rate_limit, v_old.rate_limit), '{}');
    v_new.metadata := coalesce(sync_update.metadata, v_old.metadata);
    v_new.external_id := nullif(coalesce(sync_update.external_id, v_old.external_id), '');
    v_new.max_age_days := nullif(coalesce(sync_update.max_age_days, v_old.max_age_days), 0);
    v_new.sync_frequency := nullif(coalesce(sync_update.sync_frequency, v_old.sync_frequency), '0');
    v_new.credential_id := coalesce(sync_update.credential_id, v_old.credential_id);
    perform sluice_internal._check_sync(
        v_new.provider, v_new.collection_ids, v_new.credential_id, v_new.metadata, v_new.sync_frequency
    );
    perform sluice_internal._check_rate_limit(v_new.rate_limit);
    perform sluice_internal._check_max_age(v_new.provider, v_new.max_age_days);
    update sluice_internal.syncs as y
    set
        name = v_new.name,
        collection_ids = v_new.collection_ids,
        rate_limit = v_new.rate_limit,
        metadata = v_new.metadata,
        external_id = v_new.external_id,
        max_age_days = v_new.max_age_days,
        sync_frequency = v_new.sync_frequency,
        credential_id = v_new.credential_id
    where y.sync_id = v_old.sync_id;
    perform sluice_internal._sync_changed(v_old, v_new, coalesce(sync_update.drop_records, false));
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_old.sync_id;
    return v_sync;
end
$$;

comment on function sluice.sync_update(text, text, text[], jsonb, jsonb, text, int, interval, text, boolean) is
'Changes a sync and answers it; what is null stays. Taken away are: name and external_id by an empty text, rate_limit by {}, max_age_days by 0, sync_frequency by 0 (continuous); metadata {} empties it. collection_ids is the whole new list: an added collection is read in full beside the others; of a dropped one the reading ends and its records stay, unless drop_records: then they are removed without a word to consumers (sync_tidy). credential_id: another credential of the same provider and account, with which the sync goes on at once. A larger max_age_days, or none, reads everything once more. Locks the sync. Errors: SL001, SL102, SL104, SL106, SL165, SL166.';
