create or replace function sluice_internal._authorize_sync(
    sync_id text,
    "right" text
)
returns sluice_internal.syncs
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_sync sluice_internal.syncs;
begin
    select s.* into v_sync
    from sluice_internal.syncs as s
    where s.sync_id = _authorize_sync.sync_id collate "C" and sluice_internal._authorized(_authorize_sync."right");
    if not found then
        perform sluice_internal._authorize(null, _authorize_sync."right");
        raise exception using
            errcode = 'SL102',
            message = format('sync "%s" does not exist', left(_authorize_sync.sync_id, 200)),
            hint = 'List the syncs with: select sync_id, provider, name from sluice.syncs';
    end if;
    return v_sync;
end
$$;

comment on function sluice_internal._authorize_sync(text, text) is
'The gate for what belongs to a sync: SL002 or SL102, or the sync.';
