create or replace function sluice_internal._mutation_close(mutation_no bigint)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- The lock first: of two items that end at the same time, the later one must see the earlier.
    perform from sluice_internal.mutations as m where m.mutation_no = _mutation_close.mutation_no for update;
    update sluice_internal.mutations as m
    set finished_at = clock_timestamp()
    where
        m.mutation_no = _mutation_close.mutation_no
        and m.finished_at is null
        and not exists (
            select from sluice_internal.mutation_items as i
            where i.mutation_no = _mutation_close.mutation_no and i.status in ('queued', 'sending')
        );
    if found then
        perform pg_notify('sluice_mutation_done', (
            select m.mutation_id from sluice_internal.mutations as m where m.mutation_no = _mutation_close.mutation_no
        ));
    end if;
end
$$;

comment on function sluice_internal._mutation_close(bigint) is
'Marks a mutation as finished once no item is open, and says so on the channel sluice_mutation_done. Locks its row.';
