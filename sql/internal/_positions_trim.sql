create or replace function sluice_internal._positions_trim(most int)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_trim record;
    v_done record;
begin
    -- The lock of the folding, which counts into the same rows: neither waits for the other.
    if current_setting('transaction_isolation') <> 'read committed'
        or not pg_try_advisory_xact_lock(sluice_internal._lock_key(3, 0, 0))
    then
        return false;
    end if;
    select t.*, s.stream_no is null as gone into v_trim
    from sluice_internal.stream_trims as t
    left join lateral (select x.stream_no from sluice_internal.streams as x where x.stream_no = t.stream_no offset 0) as s on true
    where t.lane is not null or s.stream_no is null or t.replaced >= greatest(10000, t.kept)
    order by t.lane is null, t.replaced desc
    limit 1;
    if not found then
        return false;
    end if;
    -- One statement: an entry and its record by one snapshot. Whoever reads by an older one still sees both as they were.
    with seen as materialized (
        select p.ctid, p.lane, p.updated_idx, p.record_no
        from sluice_internal.positions as p
        where
            p.stream_no = v_trim.stream_no
            and (p.lane, p.updated_idx) > (coalesce(v_trim.lane, 0::smallint), coalesce(v_trim.after_idx, 0))
        order by p.lane, p.updated_idx
        limit _positions_trim.most
    ),
    dead as materialized (
        select s.ctid
        from seen as s
        where
            not exists (
                select from sluice.records as r where r.record_no = s.record_no and r.updated_idx = s.updated_idx offset 0
            )
            -- The newest of a lane stays: it tells how far the stream is.
            and (
                v_trim.gone
                or exists (
                    select
                    from sluice_internal.positions as n
                    where n.stream_no = v_trim.stream_no and n.lane = s.lane and n.updated_idx > s.updated_idx
                    offset 0
                )
            )
    ),
    removed as (
        delete from sluice_internal.positions as p
        where p.ctid = any(array(select d.ctid from dead as d))
    )
    select
        (select count(*) from seen) as seen,
        (select count(*) from dead) as removed,
        l.lane,
        l.updated_idx
    into v_done
    from (select) as one
    left join lateral (select s.lane, s.updated_idx from seen as s order by s.lane desc, s.updated_idx desc limit 1) as l on true;
    if v_done.seen = _positions_trim.most then
        update sluice_internal.stream_trims as t
        set
            lane = v_done.lane,
            after_idx = v_done.updated_idx,
            pass_kept = coalesce(t.pass_kept, 0) + v_done.seen - v_done.removed,
            -- what is replaced from now on is for the next pass
            replaced = case when t.lane is null then 0 else t.replaced end
        where t.stream_no = v_trim.stream_no;
    elsif v_trim.gone then
        delete from sluice_internal.stream_times as t where t.stream_no = v_trim.stream_no;
        delete from sluice_internal.stream_trims as t where t.stream_no = v_trim.stream_no;
    else
        update sluice_internal.stream_trims as t
        set
            lane = null,
            after_idx = null,
            pass_kept = null,
            kept = coalesce(t.pass_kept, 0) + v_done.seen - v_done.removed,
            replaced = case when t.lane is null then 0 else t.replaced end
        where t.stream_no = v_trim.stream_no;
    end if;
    return true;
end
$$;

comment on function sluice_internal._positions_trim(int) is
'Removes entries of a stream''s log that no record carries any more, looking at up to most of them; false if no stream has that many: as many as are current, and 10,000 at least, or any of a stream that is deleted. Readers miss nothing: they step over such entries. Locks the folding of counters (tried, never waited for) and those rows.';
