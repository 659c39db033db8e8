create or replace function sluice_internal._webhook_store(
    sync_id text,
    delivery text,
    hints jsonb default '[]',
    records jsonb default '[]',
    ended text default null,
    unreadable boolean default false
)
returns table (
    state text,
    woken boolean
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
#variable_conflict use_column
declare
    -- Of the order of a day's changes: a vendor that says more than this is read, not followed.
    v_most constant int := 10000;
    v_sync sluice_internal.syncs;
    v_hints jsonb;
    v_records jsonb;
    v_all bool;
    v_new int := 0;
    v_dropped int;
    v_done record;
begin
    select y.* into v_sync from sluice_internal.syncs as y where y.sync_id = _webhook_store.sync_id collate "C";
    if not found or v_sync.deleting_since is not null then
        return query select 'gone', true;
        return;
    end if;
    -- a sync of the same id that was made later has its own
    insert into sluice_internal.webhook_deliveries (digest)
    values (sha256(convert_to(jsonb_build_array(v_sync.sync_id, v_sync.created_at, _webhook_store.delivery)::text, 'UTF8')))
    on conflict do nothing;
    if not found then
        insert into sluice_internal.webhook_deltas (sync_id, repeated) values (v_sync.sync_id, 1);
        return query select 'repeated', true;
        return;
    end if;
    v_all := v_sync.collection_ids = '{}';
    select coalesce(jsonb_agg(e.value), '[]') into v_records
    from jsonb_array_elements(_webhook_store.records) as e (value)
    where v_all or e.value ->> 'collection_id' = any(v_sync.collection_ids);
    select coalesce(jsonb_agg(e.value), '[]') into v_hints
    from jsonb_array_elements(_webhook_store.hints) as e (value)
    where
        (v_all or e.value ->> 'collection_id' = any(v_sync.collection_ids))
        and octet_length(e.value ->> 'upstream_id') between 1 and 1000;
    v_dropped := jsonb_array_length(_webhook_store.records) - jsonb_array_length(v_records)
    + jsonb_array_length(_webhook_store.hints) - jsonb_array_length(v_hints);
    if v_records <> '[]' then
        -- Nobody knows when the vendor wrote it: an equal version with other data is fetched.
        v_done := sluice_internal._record_store(v_sync.sync_id, null, v_records, clock_timestamp() - interval '4 days');
        v_hints := v_hints || coalesce(v_done.unclear, '[]');
    end if;
    if v_hints <> '[]' then
        if (
            select count(*) from (select from sluice_internal.wanted_objects as o where o.sync_id = v_sync.sync_id limit v_most) as n
        ) < v_most then
            v_new := sluice_internal._wanted_put(v_sync.sync_id, v_hints);
        else
            v_dropped := v_dropped + jsonb_array_length(v_hints);
            perform sluice_internal._webhook_overflow(v_sync.sync_id, v_most);
        end if;
    end if;
    insert into sluice_internal.webhook_deltas (sync_id, deliveries, hints, changes, dropped, unreadable)
    values (
        v_sync.sync_id, 1, jsonb_array_length(v_hints), jsonb_array_length(v_records), v_dropped, _webhook_store.unreadable::int
    );
    if _webhook_store.ended is not null then
        perform sluice_internal._webhook_ended(v_sync.sync_id, _webhook_store.ended);
    end if;
    state := 'stored';
    woken := true;
    if v_hints <> '[]' or _webhook_store.ended is not null or _webhook_store.unreadable then
        woken := sluice_internal._webhook_wake(v_sync.sync_id, false);
    end if;
    return next;
end
$$;

comment on function sluice_internal._webhook_store(text, text, jsonb, jsonb, text, boolean) is
'What a genuine delivery says. hints: [{collection_id, upstream_id, held (base64)}], objects to be fetched, each distinct one once; at 10,000 of a sync its changes are read instead. records: as in _record_write, each with upstream_updated_at: stored unless they are older. ended: the vendor says so; unreadable: it said nothing that is documented. The sync is due now. state: stored, repeated (the delivery was here before), gone (the sync is deleted); woken: false if a poller was just writing, so that _webhook_wake has to be called. Waits at most two seconds for a record''s lock (55P03). Locks the records, those hints, and the run if it is free.';
