create or replace function sluice_internal._hold_stream(stream sluice_internal.streams)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from sluice_internal.streams as s where s.stream_no = stream.stream_no for key share;
    if not found then
        raise exception using
            errcode = 'SL101',
            message = format('stream "%s" does not exist', stream.stream_id),
            hint = 'It was deleted just now.';
    end if;
end
$$;

comment on function sluice_internal._hold_stream(sluice_internal.streams) is
'Keeps a stream from being deleted until the transaction ends; SL101 if that came first. Locks its row (key share).';
