create or replace function sluice_internal._sweep_forget(
    sync_id text,
    feed text
)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_removed int;
begin
    delete from sluice_internal.sweep_seen as s
    where s.ctid = any(array(
        select o.ctid
        from sluice_internal.sweep_seen as o
        where o.sync_id = _sweep_forget.sync_id collate "C" and o.feed = _sweep_forget.feed collate "C"
        limit 10000
    ));
    get diagnostics v_removed = row_count;
    if v_removed < 10000 then
        update sluice_internal.sync_feeds as f
        set pass_from = null, conclusion = null
        where f.sync_id = _sweep_forget.sync_id collate "C" and f.feed = _sweep_forget.feed collate "C";
        return false;
    end if;
    return true;
end
$$;

comment on function sluice_internal._sweep_forget(text, text) is
'Removes what the passes of a sweep noted, 10,000 rows at a time, and ends the conclusion with the last; whether there is more.';
