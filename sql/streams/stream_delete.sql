create or replace function sluice.stream_delete(stream_id text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(stream_delete.stream_id, ''), 'admin');
    v_syncs bigint;
    v_consumers bigint;
begin
    perform from sluice_internal.streams as s where s.stream_no = v_stream.stream_no for update;
    if not found then
        raise exception using
            errcode = 'SL101',
            message = format('stream "%s" does not exist', v_stream.stream_id),
            hint = 'It was deleted just now.';
    end if;
    select count(*) into v_syncs
    from sluice_internal.syncs as y
    where v_stream.stream_no in (y.stream_no, y.moving_from);
    select count(*) into v_consumers from sluice_internal.consumers as c where c.stream_no = v_stream.stream_no;
    if v_syncs + v_consumers > 0 then
        raise exception using
            errcode = 'SL111',
            message = format('stream "%s" still has %s syncs and %s consumers', v_stream.stream_id, v_syncs, v_consumers),
            hint = 'Delete those first.';
    end if;
    -- asked for while their sync was on its way to another stream
    update sluice_internal.mutations as m
    set stream_no = y.stream_no
    from sluice_internal.syncs as y
    where m.stream_no = v_stream.stream_no and y.sync_id = m.sync_id;
    delete from sluice_internal.streams where stream_no = v_stream.stream_no;
    execute format('drop sequence sluice_internal.position_%s', v_stream.stream_no);
end
$$;

comment on function sluice.stream_delete(text) is
'Deletes a stream that has no syncs and no consumers left. Locks the stream''s row. Errors: SL101, SL111.';
