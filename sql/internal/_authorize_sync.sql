create or replace function sluice_internal._authorize_sync(
    sync_id text,
    "right" text,
    deleting boolean default false
)
returns sluice_internal.syncs
language plpgsql
stable
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
    if v_sync.deleting_since is not null and _authorize_sync."right" <> 'reader' and not _authorize_sync.deleting then
        raise exception using
            errcode = 'SL165',
            message = format('sync "%s" is being deleted', v_sync.sync_id),
            hint = format('Its id is free once that is finished. To carry it on: select * from sync_tidy(%L)', v_sync.sync_id);
    end if;
    return v_sync;
end
$$;

comment on function sluice_internal._authorize_sync(text, text, boolean) is
'The gate for what belongs to a sync: SL002 or SL102, or the sync; SL165 if it is being deleted, unless that is asked for (deleting) or nothing is to be changed. Runs under its caller''s settings.';
