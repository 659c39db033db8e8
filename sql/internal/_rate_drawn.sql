create or replace function sluice_internal._rate_drawn(
    ends timestamptz[],
    amounts double precision[],
    seconds double precision,
    amount double precision,
    moment timestamptz,
    now timestamptz
)
returns table (
    ends timestamptz[],
    amounts double precision[]
)
language sql
stable
as $$
    -- Slots of a 64th of the window: the row stays small, whatever the rate.
    select coalesce(array_agg(s.slot_end order by s.slot_end), '{}'), coalesce(array_agg(s.amount order by s.slot_end), '{}')
    from (
        select p.slot_end, greatest(sum(p.amount), 0) as amount
        from (
            select u.slot_end, u.amount
            from unnest(_rate_drawn.ends, _rate_drawn.amounts) as u (slot_end, amount)
            where extract(epoch from _rate_drawn.now - u.slot_end) < _rate_drawn.seconds * 1.1 + 0.001
            union all
            select
                to_timestamp((floor(extract(epoch from _rate_drawn.moment)::double precision * 64 / _rate_drawn.seconds) + 1)
                    * _rate_drawn.seconds / 64),
                _rate_drawn.amount
        ) as p (slot_end, amount)
        group by p.slot_end
    ) as s
    where s.amount > 0
$$;

comment on function sluice_internal._rate_drawn(
    timestamptz[], double precision[], double precision, double precision, timestamptz, timestamptz
) is
'What a window holds once so much was drawn from it at that moment, without what no longer counts now. Inlined.';
