create or replace function sluice_internal._wake_freed(
    consumer sluice_internal.consumers,
    ack_tokens text[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
begin
    if consumer.max_ack_pending is not null or exists (
        select
        from (
            select distinct split_part(g.token, '.', 1)::int as lane
            from unnest(_wake_freed.ack_tokens) as g (token)
            where g.token ~ '^[0-9]{1,3}[.]'
            offset 0
        ) as l
        cross join lateral (
            select st.parked_record_nos
            from sluice_internal.consumer_steps as st
            where st.consumer_no = consumer.consumer_no and st.lane = l.lane
            order by st.step_no desc
            limit 1
        ) as st
        where st.parked_record_nos <> '{}'
    ) then
        perform pg_notify('sluice_streams', s.stream_id) from sluice_internal.streams as s where s.stream_no = consumer.stream_no;
    end if;
end
$$;

comment on function sluice_internal._wake_freed(sluice_internal.consumers, text[]) is
'Notifies those who wait (somebody does), if the messages that these tokens settle may have kept others back: a newer version of their record, or any where max_ack_pending bounds them.';
