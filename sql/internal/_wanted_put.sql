create or replace function sluice_internal._wanted_put(
    sync_id text,
    hints jsonb
)
returns int
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_count int;
begin
    insert into sluice_internal.wanted_objects as o (sync_id, collection_id, upstream_id, held, next_at)
    select distinct on (h.collection_id collate "C", h.upstream_id collate "C")
        _wanted_put.sync_id, h.collection_id, h.upstream_id, decode(h.held, 'base64'), '-infinity'
    from jsonb_to_recordset(_wanted_put.hints) as h (collection_id text, upstream_id text, held text)
    order by h.collection_id collate "C", h.upstream_id collate "C"
    on conflict on constraint wanted_objects_pkey do update
    set since = clock_timestamp(), held = excluded.held, attempt = 0, next_at = excluded.next_at, taken_at = null
    -- one that waits to be fetched will be: a flood of word of one object writes it once a turn
    where o.taken_at is not null or o.attempt > 0;
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

comment on function sluice_internal._wanted_put(text, jsonb) is
'Notes objects to be fetched: [{collection_id, upstream_id, held (base64)}]; answers how many were not waiting for it already. Locks those notes in the order of their keys.';
