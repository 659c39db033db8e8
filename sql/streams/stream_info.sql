create or replace function sluice.stream_info(stream_id text)
returns sluice.stream_details
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(stream_info.stream_id, ''), 'reader');
    v_details sluice.stream_details;
begin
    select
        v_stream.stream_id,
        v_stream.lanes::int,
        v_stream.created_at,
        (select count(*) from sluice_internal.syncs as y where y.stream_no = v_stream.stream_no),
        (select count(*) from sluice_internal.consumers as c where c.stream_no = v_stream.stream_no),
        (
            select max(p.updated_idx)
            from generate_series(0, v_stream.lanes - 1) as l (lane)
            cross join lateral (
                select p.updated_idx
                from sluice_internal.positions as p
                where p.stream_no = v_stream.stream_no and p.lane = l.lane
                order by p.updated_idx desc
                limit 1
            ) as p
        )
    into v_details;
    return v_details;
end
$$;

comment on function sluice.stream_info(text) is
'One stream: its syncs and consumers counted, and last_idx, the updated_idx of its newest change (null while empty). Errors: SL101.';
