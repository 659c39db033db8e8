create or replace function sluice_internal._renumber(
    stream_no int,
    record_nos bigint[],
    updated_idxs bigint[],
    firsts boolean[]
)
returns void
language plpgsql
volatile
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
    v_sequence regclass := 'sluice_internal.position_' || _renumber.stream_no;
    v_lanes int := (select s.lanes from sluice_internal.streams as s where s.stream_no = _renumber.stream_no);
begin
    with renumbered as (
        update sluice.records as r
        set updated_idx = n.next_idx
        from (
            select u.record_no, u.updated_idx, u.first, nextval(v_sequence) as next_idx
            from unnest(_renumber.record_nos, _renumber.updated_idxs, _renumber.firsts) as u (record_no, updated_idx, first)
            offset 0
        ) as n
        -- written again in this transaction: the later write has its own number
        where r.record_no = n.record_no and r.updated_idx = n.updated_idx
        returning r.record_no, r.updated_idx, n.first
    )
    insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
    select _renumber.stream_no, n.record_no % v_lanes, n.first, n.updated_idx, n.record_no
    from renumbered as n;
end
$$;

comment on function sluice_internal._renumber(int, bigint[], bigint[], boolean[]) is
'Numbers records anew, in the order in which they were written, and puts them into their lanes. Under the stream''s commit lock.';
