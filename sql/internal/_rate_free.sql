create or replace function sluice_internal._rate_free(
    taken sluice_internal.rate_windows,
    allowed double precision,
    seconds double precision,
    cost double precision,
    moment timestamptz
)
returns table (
    free double precision,
    wait double precision
)
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
-- What a slot holds may have been sent until a grant drawn at its end was over, and be on its way for a moment more. It counts for the
-- whole window after that.
with parts as (
    select
        u.amount,
        extract(epoch from u.ends - moment)::double precision
        + seconds + least(1.0, seconds / 20) + least(1.0, seconds / 20) as counts_for
    from unnest((taken).ends, (taken).amounts) as u (ends, amount)
),
counted as (
    select
        p.counts_for,
        sum(p.amount) over (order by p.counts_for) as given_back
    from parts as p
    where p.counts_for > 0 and p.amount > 0
),
room as (
    select allowed - coalesce(sum(p.amount), 0) as free
    from parts as p
    where p.counts_for > 0
)
select
    r.free,
    case
        when r.free + 1e-9 >= cost then 0
        else coalesce((select min(c.counts_for) from counted as c where r.free + c.given_back + 1e-9 >= cost), seconds)
    end
from room as r;
end;

comment on function sluice_internal._rate_free(
    sluice_internal.rate_windows, double precision, double precision, double precision, timestamptz
) is
'What is left of a window that allows so much in any so many seconds, and how many seconds until cost is.';
