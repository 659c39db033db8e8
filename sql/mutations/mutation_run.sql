create or replace function sluice.mutation_run(
    kind text,
    sync_id text,
    collection_id text,
    data jsonb,
    match_on text default null,
    idempotency_key text default null,
    if_match text default null
)
returns sluice.mutations
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs := sluice_internal._authorize_sync(mutation_run.sync_id, 'mutator');
    v_digest bytea := sha256(convert_to((
        jsonb_build_array(mutation_run.kind, mutation_run.collection_id, mutation_run.data, mutation_run.match_on)
        || case when mutation_run.if_match is null then '[]' else jsonb_build_array(mutation_run.if_match) end
    )::text, 'UTF8'));
    v_problem text;
    v_id text := gen_random_uuid()::text;
    v_no bigint;
    v_known sluice_internal.mutations;
    v_mutation sluice.mutations;
begin
    perform sluice_internal._check_mutation(
        v_sync, mutation_run.kind, mutation_run.collection_id, mutation_run.data, mutation_run.match_on, mutation_run.if_match
    );
    if mutation_run.idempotency_key is not null then
        perform sluice_internal._check_id('idempotency_key', mutation_run.idempotency_key);
        delete from sluice_internal.mutations as m
        where
            m.sync_id = v_sync.sync_id and m.idempotency_key = mutation_run.idempotency_key collate "C"
            and m.finished_at < clock_timestamp() - interval '30 days';
    end if;
    insert into sluice_internal.mutations as m (
        mutation_id, stream_no, sync_id, collection_id, kind, match_on, idempotency_key, request_digest, if_match
    )
    values (
        v_id, v_sync.stream_no, v_sync.sync_id, mutation_run.collection_id, mutation_run.kind, mutation_run.match_on,
        mutation_run.idempotency_key, v_digest, mutation_run.if_match
    )
    on conflict do nothing
    returning m.mutation_no into v_no;
    if not found then
        -- The key is taken: the same request gets the same mutation, once that is committed.
        select m.* into v_known
        from sluice_internal.mutations as m
        where m.sync_id = v_sync.sync_id and m.idempotency_key = mutation_run.idempotency_key collate "C";
        if v_known.request_digest is distinct from v_digest then
            raise exception using
                errcode = 'SL112',
                message = format('the idempotency key "%s" was used for another request', mutation_run.idempotency_key),
                hint = 'Use a new key for a new request; a key is kept for 30 days.';
        end if;
        v_id := v_known.mutation_id;
    else
        insert into sluice_internal.mutation_items (mutation_no, item_no, sync_id, collection_id, upstream_id, data, match_value)
        select
            v_no,
            d.ordinality,
            v_sync.sync_id,
            mutation_run.collection_id,
            case when mutation_run.kind in ('update', 'delete') then d.item ->> 'upstream_id' end,
            case mutation_run.kind when 'delete' then null when 'update' then d.item -> 'data' else d.item end,
            (d.item #> string_to_array(mutation_run.match_on, '.'))::text
        from jsonb_array_elements(mutation_run.data) with ordinality as d (item, ordinality);
        perform pg_notify('sluice_mutations', '');
    end if;
    select m.* into v_mutation from sluice.mutations as m where m.mutation_id = v_id collate "C";
    return v_mutation;
end
$$;

comment on function sluice.mutation_run(text, text, text, jsonb, text, text, text) is
'Asks a vendor to write, in the caller''s transaction: a poller sends it once this commits. data is an array: create, the vendor''s object; update, {upstream_id, data}; delete, {upstream_id}; upsert, the vendor''s object, found by its field match_on (a.b: the field b of the object a). if_match: the version that the one object must still have. With an idempotency_key (kept for 30 days, per sync) the same request again answers the same mutation, another one SL112. Answers the mutation; mutation_result has what became of each item. Errors: SL001, SL004, SL102, SL106, SL112.';
