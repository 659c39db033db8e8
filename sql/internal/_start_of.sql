create or replace function sluice_internal._start_of(
    stream_no int,
    target text,
    name text
)
returns bigint
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set intervalstyle = 'postgres'
as $$
#variable_conflict use_column
declare
    v_now timestamptz := clock_timestamp();
    v_last bigint;
    v_at timestamptz;
    v_age interval;
begin
    if _start_of.target ~ '^[0-9]{1,18}$' then
        v_last := coalesce(
            pg_sequence_last_value(format('sluice_internal.position_%s', _start_of.stream_no)::regclass), 0
        );
        if _start_of.target::bigint > v_last + 1 then
            raise exception using
                errcode = 'SL001',
                message = format('%s is %s, and the stream ends at %s', _start_of.name, _start_of.target, v_last),
                hint = 'Nothing was changed. An updated_idx counts from 1; the one given is the first to be delivered.';
        end if;
        return greatest(_start_of.target::bigint - 1, 0);
    end if;
    begin
        if _start_of.target ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?([Zz]|[+-]\d\d(:?\d\d)?)$' then
            v_at := _start_of.target::timestamptz;
        elsif _start_of.target ~ '^(P[0-9TYMWDHS.]+|([0-9]+(\.[0-9]+)?\s?[a-z]+\s?)+|([0-9]+ [a-z]+ )?\d\d:\d\d:\d\d(\.\d+)?)$' then
            v_age := _start_of.target::interval;
            v_at := v_now - v_age;
        end if;
    exception
        when data_exception then
            v_at := null;
    end;
    if v_at is null then
        raise exception using
            errcode = 'SL001',
            message = format('%s is "%s", which is no place in a stream', _start_of.name, left(coalesce(_start_of.target, 'null'), 200)),
            hint = case
                when _start_of.name = 'target' then 'It is start, end,'
                when _start_of.target = 'last' then 'new delivers what commits from now on; all the newest state of everything. Besides,'
                else 'It is all, new,'
            end || ' an updated_idx, a time with its zone such as 2026-01-31T09:00:00Z, or an age such as 1h or 2 days.';
    end if;
    if v_at > v_now then
        raise exception using
            errcode = 'SL001',
            message = format('%s is in the future: %s', _start_of.name, _start_of.target),
            hint = 'It is the time from which changes are delivered; it cannot be later than now.';
    end if;
    return coalesce(
        (
            select max(t.idx)
            from (
                (
                    select n.idx
                    from sluice_internal.stream_times as n
                    where n.stream_no = _start_of.stream_no and n.at <= v_at
                    order by n.at desc
                    limit 1
                )
                union all
                -- whatever commits after a write drew its number gets a higher one
                select max(i.updated_idxs[1]) - 1
                from sluice_internal.ingests as i
                where i.stream_no = _start_of.stream_no and i.created_at <= v_at
            ) as t
        ),
        0
    );
end
$$;

comment on function sluice_internal._start_of(int, text, text) is
'The updated_idx after which a consumer delivers, for an updated_idx (the first to be delivered), a time (everything committed since) or an age. Times more than ten seconds past are known to the second, those of more than a day to the minute, so that a moment before it comes too. SL001.';
