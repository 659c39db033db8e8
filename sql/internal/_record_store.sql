create or replace function sluice_internal._record_store(
    sync_id text,
    collection_id text,
    records jsonb,
    read_from timestamptz,
    out new int,
    out changed int,
    out unchanged int,
    out refused int,
    out unclear jsonb
)
language plpgsql
volatile
as $$
#variable_conflict use_column
declare
    v_before sluice_internal.syncs;
    v_after sluice_internal.syncs;
    v_erased int[];
    v_done record;
begin
    -- A fixed snapshot would not show below what was changed meanwhile; this waits for it, or ends here (40001).
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        perform from sluice_internal.syncs as y where y.sync_id = _record_store.sync_id collate "C" for share;
    end if;
    select y.* into v_before from sluice_internal.syncs as y where y.sync_id = _record_store.sync_id collate "C";
    refused := 0;
    if v_before.moving_from is not null then
        perform sluice_internal._records_follow(v_before.sync_id, v_before.stream_no, _record_store.collection_id, _record_store.records);
    end if;
    if v_before.erasures > 0 then
        v_erased := sluice_internal._erased_among(v_before.sync_id, _record_store.collection_id, _record_store.records);
        if v_erased <> '{}' then
            refused := cardinality(v_erased);
            records := (
                select coalesce(jsonb_agg(e.value order by e.ordinality), '[]')
                from jsonb_array_elements(_record_store.records) with ordinality as e (value, ordinality)
                where e.ordinality <> all(v_erased)
            );
        end if;
    end if;
    v_done := sluice_internal._record_write(
        v_before.stream_no, _record_store.sync_id, _record_store.collection_id, _record_store.records, _record_store.read_from
    );
    new := v_done.new;
    changed := v_done.changed;
    unchanged := v_done.unchanged;
    refused := refused + v_done.refused;
    unclear := v_done.unclear;
    -- What was ordered while this wrote: whoever ordered it looks for open writers, or waits for the record, and finds this transaction
    -- there unless it had committed before this statement began.
    select y.* into v_after from sluice_internal.syncs as y where y.sync_id = _record_store.sync_id collate "C";
    if v_after.stream_no is distinct from v_before.stream_no
        or v_after.moving_from is distinct from v_before.moving_from
        or v_after.deleting_since is not null
        or v_after.erasures <> v_before.erasures
        or v_after.collection_ids <> v_before.collection_ids
    then
        perform sluice_internal._record_recheck(
            v_after, _record_store.sync_id, _record_store.collection_id, _record_store.records, v_before.stream_no
        );
    end if;
end
$$;

comment on function sluice_internal._record_store(text, text, jsonb, timestamptz) is
'_record_write for a sync as it is: not what was erased (counted as refused), into the stream where the sync is now, and nothing that came to an end meanwhile. Errors: SL102, SL106, SL165. Runs under its caller''s settings.';
