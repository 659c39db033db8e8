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
    update sluice_internal.rate_windows as r
    set (ends, amounts) = (
        select d.ends, d.amounts
        from sluice_internal._rate_drawn(
            r.ends, r.amounts, _rate_draw.seconds, _rate_draw.amount, _rate_draw.moment, clock_timestamp()
        ) as d
    )
    where r.scope = _rate_draw.scope and r.name = _rate_draw.name;
end
$$;

comment on function sluice_internal._rate_draw(text, text, double precision, double precision, timestamptz) is
'Notes that so much was drawn from a window at that moment (negative: given back, since it was not used), and forgets what no longer counts.';
