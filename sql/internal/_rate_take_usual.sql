create or replace function sluice_internal._rate_take_usual(asked jsonb)
returns table (
    place int,
    granted int,
    lasts double precision,
    drawn_at timestamptz
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_memoize = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
    -- Before any lock: what is granted now is drawn now.
    v_now timestamptz := clock_timestamp();
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    with wanted as materialized (
        select a.place, greatest(a.wanted, 1) as wanted, a.limits, y as sync
        from rows from (
            jsonb_to_recordset(_rate_take_usual.asked) as (sync_id text, limits jsonb, wanted int, unused int)
        ) with ordinality as a (sync_id, limits, wanted, unused, place)
        inner join sluice_internal.syncs as y on y.sync_id = a.sync_id collate "C"
        where
            coalesce(a.unused, 0) = 0
            and coalesce((y.rate_limit -> 'max_concurrent_requests')::int, 0) = 0
            -- nothing that the vendor said holds its requests back
            and not exists (
                select
                from sluice_internal.rate_signals as s
                where
                    s.scope = coalesce('credential:' || y.credential_id, 'sync:' || y.sync_id)
                    and (
                        s.quiet_until > v_now
                        or (s.remaining is not null and (s.restore_rate is not null or s.resets_at > v_now))
                    )
            )
    ),
    windows as materialized (
        select k.place, l.scope, l.name, l.allowed, l.seconds, l.unit, count(*) over (partition by l.scope, l.name) as askers
        from wanted as k
        cross join lateral sluice_internal._rate_limits(k.sync, k.limits, 1) as l
    ),
    held as materialized (
        select w.*, r as taken
        from windows as w
        inner join sluice_internal.rate_windows as r
            on r.scope = w.scope collate "C" and r.name = w.name collate "C"
        where w.askers = 1
        -- in one transaction with others: nobody waits for anybody here
        for update of r skip locked
    ),
    free as materialized (
        select
            h.*,
            least(
                floor(l.units / h.unit + 1e-9),
                -- A grant is what the rate allows in its lifetime, one request at least.
                greatest(floor(h.allowed * least(1, h.seconds / 20) / h.seconds / h.unit), 1)
            ) as requests
        from held as h
        -- A tenth of it, one request at least, is for writes alone.
        cross join lateral sluice_internal._rate_left(
            h.taken, h.allowed - least(greatest(h.unit, floor(h.allowed / 10)), h.allowed - h.unit), h.seconds, v_now
        ) as l
    ),
    grants as materialized (
        select k.place, least(k.wanted, min(f.requests))::int as granted, least(1, min(f.seconds) / 20) as lasts
        from wanted as k
        left join free as f on f.place = k.place
        group by k.place, k.wanted
        having
            coalesce(min(f.requests), 1) >= 1
            and count(f.place) = (select count(*) from windows as w where w.place = k.place)
    ),
    drawn as (
        update sluice_internal.rate_windows as r
        set (ends, amounts) = (
            select d.ends, d.amounts
            from sluice_internal._rate_drawn(
                (f.taken).ends, (f.taken).amounts, f.seconds, g.granted * f.unit, v_now, v_now
            ) as d
        )
        from free as f
        inner join grants as g on g.place = f.place
        where r.scope = f.scope collate "C" and r.name = f.name collate "C"
    )
    select g.place::int, g.granted, g.lasts, v_now
    from grants as g;
end
$$;

comment on function sluice_internal._rate_take_usual(jsonb) is
'_rate_take_many, as far as it is the usual case: windows with room that nobody else of the same call draws from or has locked, no places, nothing given back, and a vendor that said nothing that still counts. Answers those by their place in asked, from 1; the others take _rate_take_many. Locks their rows of rate_windows (skips locked ones).';
