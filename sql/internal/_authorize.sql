create or replace function sluice_internal._authorize(
    stream_id text,
    "right" text
)
returns sluice_internal.streams
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_stream sluice_internal.streams;
begin
    if not sluice_internal._authorized(_authorize."right") then
        raise exception using
            errcode = 'SL002',
            message = format('this needs the role sluice_%s', _authorize."right"),
            hint = format('An administrator can say: grant sluice_%s to the role that calls.', _authorize."right");
    end if;
    if _authorize.stream_id is null then
        return null;
    end if;
    select s.* into v_stream from sluice_internal.streams as s where s.stream_id = _authorize.stream_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL101',
            message = format('stream "%s" does not exist', left(_authorize.stream_id, 200)),
            hint = 'List the streams with: select stream_id from sluice.streams';
    end if;
    return v_stream;
end
$$;

comment on function sluice_internal._authorize(text, text) is
'The one gate: raises SL002 unless the caller holds the right, SL101 unless the stream exists; answers the stream. A null stream asks for the right alone.';
