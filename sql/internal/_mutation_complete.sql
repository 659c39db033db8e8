create or replace function sluice_internal._mutation_complete(
    mutation_no bigint,
    item_no int,
    poller_id text,
    epoch int,
    status text,
    upstream_id text,
    records jsonb,
    read_from timestamptz,
    error jsonb
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_item sluice_internal.mutation_items;
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.mutation_items as i
    set
        status = _mutation_complete.status,
        upstream_id = coalesce(_mutation_complete.upstream_id, i.upstream_id),
        error = _mutation_complete.error,
        poller_id = null,
        finished_at = clock_timestamp()
    where
        i.mutation_no = _mutation_complete.mutation_no and i.item_no = _mutation_complete.item_no
        and i.status = 'sending' and i.poller_id = _mutation_complete.poller_id collate "C" and i.epoch = _mutation_complete.epoch
    returning i.* into v_item;
    if not found then
        return false;
    end if;
    if jsonb_array_length(coalesce(_mutation_complete.records, '[]')) > 0 then
        perform sluice_internal._record_store(
            v_item.sync_id, v_item.collection_id, _mutation_complete.records, _mutation_complete.read_from
        );
    end if;
    -- Looked at after the record was written: an erasure of it was waited for, or waits.
    if v_item.upstream_id is not null
        and exists (select from sluice_internal.syncs as y where y.sync_id = v_item.sync_id and y.erasures > 0)
        and sluice_internal._erased_among(
            v_item.sync_id, v_item.collection_id, jsonb_build_array(jsonb_build_object('upstream_id', v_item.upstream_id))
        ) <> '{}'
    then
        perform sluice_internal._mutation_erase(v_item.sync_id, v_item.collection_id, v_item.upstream_id);
    end if;
    perform sluice_internal._mutation_close(v_item.mutation_no);
    return true;
end
$$;

comment on function sluice_internal._mutation_complete(bigint, int, text, int, text, text, jsonb, timestamptz, jsonb) is
'Ends an item (succeeded, failed, unknown) and writes the object that the vendor answered into records, in one transaction; if that object was erased, nothing is kept of it; false, and nothing done, if the item was taken over. Locks the item, then its mutation.';
