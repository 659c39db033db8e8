create or replace function sluice_internal._rate_left(
    taken sluice_internal.rate_windows,
    allowed double precision,
    seconds double precision,
    moment timestamptz
)
returns table (
    units double precision
)
language sql
stable
as $$
    -- What a slot holds may have been sent until a grant drawn at its end was over, and be on its way for a moment more. It counts for the
    -- whole window after that.
    select _rate_left.allowed - coalesce(sum(u.amount), 0)
    from unnest(taken.ends, taken.amounts) as u (slot_end, amount)
    where
        extract(epoch from u.slot_end - _rate_left.moment)::double precision
        + _rate_left.seconds + 2 * least(1.0, _rate_left.seconds / 20) > 0
$$;

comment on function sluice_internal._rate_left(sluice_internal.rate_windows, double precision, double precision, timestamptz) is
'What is left of a window that allows so much in any so many seconds. Inlined.';
