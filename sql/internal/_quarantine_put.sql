create or replace function sluice_internal._quarantine_put(
    sync_id text,
    quarantine jsonb
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_erased int[] := '{}';
begin
    if exists (select from sluice_internal.syncs as y where y.sync_id = _quarantine_put.sync_id collate "C" and y.erasures > 0) then
        v_erased := sluice_internal._erased_among(_quarantine_put.sync_id, null, _quarantine_put.quarantine);
    end if;
    insert into sluice_internal.quarantine (sync_id, collection_id, upstream_id, raw, reason)
    select
        _quarantine_put.sync_id, i.value ->> 'collection_id', i.value ->> 'upstream_id', decode(i.value ->> 'raw', 'base64'),
        i.value ->> 'reason'
    from jsonb_array_elements(_quarantine_put.quarantine) with ordinality as i (value, place)
    where i.place <> all(v_erased);
end
$$;

comment on function sluice_internal._quarantine_put(text, jsonb) is
'Keeps what cannot be stored, unless its object was erased. quarantine as in _page_commit. Only under the sync''s lease: an erasure waits for it.';
