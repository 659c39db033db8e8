create or replace function sluice_internal._rate_draw(
    scope text,
    name text,
    seconds double precision,
    amount double precision,
    moment timestamptz
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Slots of a 64th of the window: the row stays small, whatever the rate.
    update sluice_internal.rate_windows as r
    set (ends, amounts) = (
        select coalesce(array_agg(s.slot_end order by s.slot_end), '{}'), coalesce(array_agg(s.amount order by s.slot_end), '{}')
        from (
            select p.slot_end, greatest(sum(p.amount), 0) as amount
            from (
                select u.slot_end, u.amount
                from unnest(r.ends, r.amounts) as u (slot_end, amount)
                where extract(epoch from clock_timestamp() - u.slot_end) < _rate_draw.seconds * 1.1 + 0.001
                union all
                select
                    to_timestamp((floor(extract(epoch from _rate_draw.moment)::double precision * 64 / _rate_draw.seconds) + 1)
                        * _rate_draw.seconds / 64),
                    _rate_draw.amount
            ) as p (slot_end, amount)
            group by p.slot_end
        ) as s
        where s.amount > 0
    )
    where r.scope = _rate_draw.scope and r.name = _rate_draw.name;
end
$$;

comment on function sluice_internal._rate_draw(text, text, double precision, double precision, timestamptz) is
'Notes that so much was drawn from a window at that moment (negative: given back, since it was not used), and forgets what no longer counts.';
