create or replace function sluice.sync_move(
    sync_id text,
    stream_id text
)
returns sluice.syncs
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(sync_move.sync_id, 'admin');
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(sync_move.stream_id, ''), 'admin');
    v_sync sluice.syncs;
begin
    perform sluice_internal._hold_stream(v_stream);
    perform sluice_internal._hold_sync(v_known.sync_id);
    select y.* into v_known from sluice_internal.syncs as y where y.sync_id = v_known.sync_id for no key update;
    if v_known.stream_no <> v_stream.stream_no then
        perform sluice_internal._check_idle(v_known.sync_id);
        update sluice_internal.syncs as y
        set stream_no = v_stream.stream_no, moving_from = y.stream_no
        where y.sync_id = v_known.sync_id;
        insert into sluice_internal.sync_work (sync_id, kind, phase) values (v_known.sync_id, 'move', 'records');
        perform sluice_internal._notice(v_known.sync_id, 'moved');
        perform pg_notify('sluice_poller', '');
    end if;
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_known.sync_id;
    return v_sync;
end
$$;

comment on function sluice.sync_move(text, text) is
'Takes a sync to another stream, and answers it: what is ingested from now on goes there; the records that are there follow piece by piece, by the pollers or by sync_tidy. In the new stream they get new positions, so its consumers get each of them once; those of the old stream get them no longer, and what they hold of them they may settle. Reading goes on meanwhile. Locks the sync. Errors: SL101, SL102, SL165, SL166.';
