create or replace function sluice_internal._mutation_erase(
    sync_id text,
    collection_id text,
    upstream_id text
)
returns int
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_error constant jsonb := '{"code": "SL004", "message": "the object was erased", "details": null, "hint": null}';
    v_nos bigint[];
begin
    with wiped as (
        update sluice_internal.mutation_items as i
        set
            data = null,
            upstream_id = null,
            match_value = null,
            error = case when i.status in ('failed', 'unknown', 'sending') then v_error end,
            status = case i.status when 'queued' then 'cancelled' when 'sending' then 'unknown' else i.status end,
            poller_id = null,
            finished_at = coalesce(i.finished_at, clock_timestamp())
        where
            i.mutation_no in (
                select m.mutation_no
                from sluice_internal.mutations as m
                where m.sync_id = _mutation_erase.sync_id collate "C" and m.collection_id = _mutation_erase.collection_id collate "C"
            )
            and i.upstream_id = _mutation_erase.upstream_id collate "C"
        returning i.mutation_no
    )
    select array_agg(w.mutation_no) into v_nos from wiped as w;
    -- of what was asked for: a digest without a key
    update sluice_internal.mutations as m
    set request_digest = sha256(convert_to(gen_random_uuid()::text, 'UTF8'))
    where m.mutation_no = any(v_nos);
    perform sluice_internal._mutation_close(u.no) from (select distinct t.no from unnest(v_nos) as t (no)) as u;
    return coalesce(cardinality(v_nos), 0);
end
$$;

comment on function sluice_internal._mutation_erase(text, text, text) is
'Wipes data, id and error of the mutation items of one object; what was queued is cancelled, what is just being sent ends as unknown. How many. Locks them and their mutations.';
