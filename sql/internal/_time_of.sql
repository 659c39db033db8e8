create or replace function sluice_internal._time_of(
    stream_no int,
    idx bigint
)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if _time_of.idx is null then
        return null;
    end if;
    return greatest(
        (
            select t.at
            from sluice_internal.stream_times as t
            where t.stream_no = _time_of.stream_no and t.idx < _time_of.idx
            order by t.idx desc, t.at desc
            limit 1
        ),
        (
            select max(i.created_at)
            from sluice_internal.ingests as i
            where i.stream_no = _time_of.stream_no and i.updated_idxs[1] <= _time_of.idx
        )
    );
end
$$;

comment on function sluice_internal._time_of(int, bigint) is
'About when an updated_idx was committed: to the second, recent ones more exactly, those of more than a day to the minute. Null if it is not known.';
