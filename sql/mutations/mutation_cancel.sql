create or replace function sluice.mutation_cancel(mutation_id text)
returns sluice.mutations
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_known sluice_internal.mutations := sluice_internal._authorize_mutation(mutation_cancel.mutation_id, 'mutator');
    v_mutation sluice.mutations;
begin
    update sluice_internal.mutation_items as i
    set status = 'cancelled', finished_at = clock_timestamp()
    where i.mutation_no = v_known.mutation_no and i.status = 'queued' and i.first_sent_at is null;
    perform sluice_internal._mutation_close(v_known.mutation_no);
    select m.* into v_mutation from sluice.mutations as m where m.mutation_id = v_known.mutation_id;
    return v_mutation;
end
$$;

comment on function sluice.mutation_cancel(text) is
'Takes back the items that were not sent yet; the others go on. Answers the mutation. Locks those items. Errors: SL108.';
