create or replace function sluice_internal._authorize_mutation(
    mutation_id text,
    "right" text
)
returns sluice_internal.mutations
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_mutation sluice_internal.mutations;
begin
    perform sluice_internal._authorize(null, _authorize_mutation."right");
    select m.* into v_mutation
    from sluice_internal.mutations as m
    where m.mutation_id = _authorize_mutation.mutation_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL108',
            message = format('mutation "%s" does not exist', left(_authorize_mutation.mutation_id, 200)),
            hint = 'List them with: select mutation_id, status from sluice.mutations';
    end if;
    return v_mutation;
end
$$;

comment on function sluice_internal._authorize_mutation(text, text) is
'The gate for a mutation: SL002 or SL108, or the mutation.';
