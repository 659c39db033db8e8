create or replace function sluice.mutation_resolve(
    mutation_id text,
    item_no int,
    status text
)
returns sluice.mutations
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_known sluice_internal.mutations := sluice_internal._authorize_mutation(mutation_resolve.mutation_id, 'mutator');
    v_mutation sluice.mutations;
begin
    if mutation_resolve.status is null or mutation_resolve.status not in ('succeeded', 'failed', 'queued') then
        raise exception using
            errcode = 'SL001',
            message = 'status must be succeeded, failed or queued',
            hint = 'Look at the vendor first: succeeded if the write is there, failed to leave it, queued to send it again.';
    end if;
    update sluice_internal.mutation_items as i
    set
        status = mutation_resolve.status,
        finished_at = case when mutation_resolve.status <> 'queued' then clock_timestamp() end,
        error = case when mutation_resolve.status = 'failed' then i.error end,
        vendor_key = case when mutation_resolve.status = 'queued' then gen_random_uuid() else i.vendor_key end,
        first_sent_at = case when mutation_resolve.status <> 'queued' then i.first_sent_at end,
        next_attempt_at = clock_timestamp()
    where i.mutation_no = v_known.mutation_no and i.item_no = mutation_resolve.item_no and i.status = 'unknown';
    if not found then
        raise exception using
            errcode = 'SL001',
            message = format('item %s of this mutation is not in the state unknown', mutation_resolve.item_no),
            hint = 'Only what cannot be known needs a decision; mutation_result shows the states.';
    end if;
    if mutation_resolve.status = 'queued' then
        update sluice_internal.mutations as m set finished_at = null where m.mutation_no = v_known.mutation_no;
        perform pg_notify('sluice_mutations', '');
    end if;
    select m.* into v_mutation from sluice.mutations as m where m.mutation_id = v_known.mutation_id;
    return v_mutation;
end
$$;

comment on function sluice.mutation_resolve(text, int, text) is
'Decides an item whose outcome is unknown: succeeded, failed, or queued to send it once more. Answers the mutation. Errors: SL001, SL108.';
