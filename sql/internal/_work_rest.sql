create or replace function sluice_internal._work_rest(
    work sluice_internal.sync_work,
    most int
)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_count int;
    v_stream_no int;
begin
    if work.kind = 'drop' then
        delete from sluice_internal.sync_work as w where w.sync_id = work.sync_id;
        return true;
    end if;
    if work.kind = 'move' then
        select y.stream_no into v_stream_no from sluice_internal.syncs as y where y.sync_id = work.sync_id;
        update sluice_internal.mutations as m
        set stream_no = v_stream_no
        where m.sync_id = work.sync_id and m.stream_no <> v_stream_no;
        update sluice_internal.syncs as y set moving_from = null where y.sync_id = work.sync_id;
        delete from sluice_internal.sync_work as w where w.sync_id = work.sync_id;
        return true;
    end if;
    delete from sluice_internal.quarantine as q
    where q.quarantine_id in (select t.quarantine_id from sluice_internal.quarantine as t where t.sync_id = work.sync_id limit most);
    get diagnostics v_count = row_count;
    if v_count = most then
        return false;
    end if;
    delete from sluice_internal.mutation_items as i
    where (i.mutation_no, i.item_no) in (
        select t.mutation_no, t.item_no
        from sluice_internal.mutations as m
        inner join sluice_internal.mutation_items as t on t.mutation_no = m.mutation_no
        where m.sync_id = work.sync_id
        limit most
    );
    get diagnostics v_count = row_count;
    if v_count = most then
        return false;
    end if;
    delete from sluice_internal.ingests as i where i.sync_id = work.sync_id;
    delete from sluice_internal.count_deltas as c where c.sync_id = work.sync_id;
    delete from sluice_internal.record_counts as c where c.sync_id = work.sync_id;
    delete from sluice_internal.syncs as y where y.sync_id = work.sync_id;
    return true;
end
$$;

comment on function sluice_internal._work_rest(sluice_internal.sync_work, int) is
'What is left once the records are done: the end of the work (true), or another piece on the way to it. A deleted sync''s id is free then.';
