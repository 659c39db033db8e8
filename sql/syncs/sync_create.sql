create or replace function sluice.sync_create(
    stream_id text,
    provider text,
    sync_id text default null,
    name text default null,
    collection_ids text[] default null,
    credential_id text default null,
    rate_limit jsonb default null,
    metadata jsonb default '{}',
    external_id text default null,
    max_age_days int default null,
    sync_frequency interval default null
)
returns sluice.syncs
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(sync_create.stream_id, ''), 'admin');
    v_sync_id text := sluice_internal._check_id('sync_id', sync_create.sync_id);
    v_collection_ids text[] := sluice_internal._distinct_ids(coalesce(sync_create.collection_ids, '{}'));
    v_sync sluice.syncs;
begin
    perform sluice_internal._hold_stream(v_stream);
    perform sluice_internal._check_sync(
        sync_create.provider, v_collection_ids, sync_create.credential_id, sync_create.metadata, sync_create.sync_frequency
    );
    perform sluice_internal._check_rate_limit(sync_create.rate_limit);
    perform sluice_internal._check_max_age(sync_create.provider, sync_create.max_age_days);
    insert into sluice_internal.syncs as y (
        sync_id, stream_no, provider, name, collection_ids, credential_id, metadata, external_id, sync_frequency, rate_limit, max_age_days
    )
    values (
        v_sync_id, v_stream.stream_no, sync_create.provider, sync_create.name, v_collection_ids, sync_create.credential_id,
        coalesce(sync_create.metadata, '{}'), sync_create.external_id, sync_create.sync_frequency,
        sync_create.rate_limit, sync_create.max_age_days
    )
    on conflict do nothing;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the sync id "%s" is taken', v_sync_id),
            hint = case
                when exists (
                    select from sluice_internal.sync_work as w where w.sync_id = v_sync_id collate "C" and w.kind = 'delete'
                ) then format('Its sync is being deleted. To carry that on: select * from sync_tidy(%L)', v_sync_id)
                else 'Choose another id, or leave it out to have one generated.'
            end;
    end if;
    if sync_create.provider <> 'push' then
        insert into sluice_internal.sync_runs (sync_id) values (v_sync_id);
        perform pg_notify('sluice_poller', '');
    end if;
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_sync_id collate "C";
    return v_sync;
end
$$;

comment on function sluice.sync_create(text, text, text, text, text[], text, jsonb, jsonb, text, int, interval) is
'Connects a stream to one account of a provider and answers the sync; a poller starts on it at once. With provider push, and no credential, record_ingest feeds it. sync_frequency: the pause between two readings; null means continuous. rate_limit: {allowed_requests, interval in seconds, max_concurrent_requests}, 0 means no limit of that kind; kept over all pollers. max_age_days: objects created earlier than so many days ago are neither read nor kept; null: everything. Errors: SL001, SL101, SL104, SL105, SL106, SL110.';
