create or replace function sluice_internal._rate_free(
    taken sluice_internal.rate_windows,
    allowed double precision,
    seconds double precision,
    cost double precision,
    moment timestamptz,
    out free double precision,
    out wait double precision
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    -- as in _rate_left
    v_counts double precision := _rate_free.seconds + 2 * least(1.0, _rate_free.seconds / 20);
    v_given_back double precision := 0;
    v_part record;
begin
    free := _rate_free.allowed;
    wait := 0;
    if taken.amounts = '{}' then
        return;
    end if;
    select l.units into free
    from sluice_internal._rate_left(taken, _rate_free.allowed, _rate_free.seconds, _rate_free.moment) as l;
    if free + 1e-9 >= _rate_free.cost then
        return;
    end if;
    wait := _rate_free.seconds;
    for v_part in
        select
            u.amount,
            extract(epoch from u.slot_end - _rate_free.moment)::double precision
            + v_counts as counts_for
        from unnest(taken.ends, taken.amounts) as u (slot_end, amount)
        order by u.slot_end
    loop
        continue when v_part.counts_for <= 0;
        v_given_back := v_given_back + v_part.amount;
        if free + v_given_back + 1e-9 >= _rate_free.cost then
            wait := v_part.counts_for;
            return;
        end if;
    end loop;
end
$$;

comment on function sluice_internal._rate_free(
    sluice_internal.rate_windows, double precision, double precision, double precision, timestamptz
) is
'What is left of a window that allows so much in any so many seconds, and how many seconds until cost is.';
