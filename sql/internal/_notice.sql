create or replace function sluice_internal._notice(
    sync_id text,
    kind text,
    error jsonb default null,
    collection_id text default null
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into sluice_internal.notices (sync_id, kind, error, collection_id)
    values (_notice.sync_id, _notice.kind, _notice.error, _notice.collection_id);
    perform pg_notify('sluice_notices', _notice.sync_id);
end
$$;

comment on function sluice_internal._notice(text, text, jsonb, text) is
'Leaves a notice: a row in notices, and word on the channel sluice_notices (its text is the sync_id) when this commits.';
