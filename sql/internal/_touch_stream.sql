create or replace function sluice_internal._touch_stream(stream_no int)
returns void
language plpgsql
volatile
as $$
declare
    v_touched text := coalesce(current_setting('sluice.touched_streams', true), '');
begin
    if not (_touch_stream.stream_no::text = any(string_to_array(v_touched, ','))) then
        perform set_config('sluice.touched_streams', concat_ws(',', nullif(v_touched, ''), _touch_stream.stream_no::text), true);
    end if;
end
$$;

comment on function sluice_internal._touch_stream(int) is
'Notes that this transaction will need the stream''s commit lock, so that the commit can take all of them in sorted order. Runs under its caller''s settings.';
