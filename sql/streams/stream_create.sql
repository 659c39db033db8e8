create or replace function sluice.stream_create(
    stream_id text default null,
    lanes int default 16
)
returns sluice.streams
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_stream sluice.streams;
    v_stream_no int;
begin
    perform sluice_internal._authorize(null, 'admin');
    if stream_create.lanes is null or stream_create.lanes not between 1 and 256 then
        raise exception using
            errcode = 'SL001',
            message = format('lanes must be 1 to 256, not %s', coalesce(stream_create.lanes::text, 'null')),
            hint = 'Leave it out for the default of 16. One lane gives one worker at a time.';
    end if;
    insert into sluice_internal.streams (stream_id, lanes)
    values (sluice_internal._check_id('stream_id', stream_create.stream_id), stream_create.lanes)
    on conflict do nothing
    returning stream_no, stream_id, lanes, created_at
    into v_stream_no, v_stream.stream_id, v_stream.lanes, v_stream.created_at;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the stream id "%s" is taken', stream_create.stream_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    insert into sluice_internal.stream_trims (stream_no) values (v_stream_no);
    execute format('create sequence sluice_internal.position_%s as bigint', v_stream_no);
    return v_stream;
end
$$;

comment on function sluice.stream_create(text, int) is
'Creates a stream and answers it. lanes: how many workers of one consumer can read side by side. Errors: SL001, SL110.';
