create or replace function sluice.mutation_result(mutation_id text)
returns setof sluice.mutation_items
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize_mutation(mutation_result.mutation_id, 'reader');
    return query
    select i.* from sluice.mutation_items as i where i.mutation_id = mutation_result.mutation_id collate "C" order by i.item_no;
end
$$;

comment on function sluice.mutation_result(text) is
'What became of each item of a mutation, in the order sent: status queued, sending, succeeded, failed, unknown or cancelled, the vendor''s id and error. Errors: SL108.';
