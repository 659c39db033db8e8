create or replace function sluice_internal._sync_tidy()
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_work sluice_internal.sync_work;
    v_problem text;
begin
    perform sluice_internal._authorize(null, 'poller');
    select w.* into v_work
    from sluice_internal.sync_work as w
    where w.next_at <= clock_timestamp()
    order by w.next_at
    limit 1
    for update skip locked;
    if not found then
        if random() < 0.01 then
            delete from sluice_internal.notices as n
            where
                n.notice_id in (select o.notice_id from sluice_internal.notices as o order by o.notice_id limit 1000)
                and n.created_at < clock_timestamp() - interval '90 days';
            delete from sluice_internal.mutations as m
            where
                m.mutation_no in (select o.mutation_no from sluice_internal.mutations as o order by o.mutation_no limit 2000)
                and m.finished_at < clock_timestamp() - interval '90 days'
                -- of these a person has still to say what became of them
                and not exists (
                    select from sluice_internal.mutation_items as i where i.mutation_no = m.mutation_no and i.status = 'unknown'
                );
        end if;
        return false;
    end if;
    begin
        perform sluice_internal._work_step(v_work, 2000);
    exception
        -- A foreign key or a trigger of the user's own, say: it must not keep the others from their turn.
        when others then
            get stacked diagnostics v_problem = message_text;
            update sluice_internal.sync_work as w
            set waits_for = left(v_problem, 500), next_at = clock_timestamp() + interval '1 minute'
            where w.sync_id = v_work.sync_id;
    end;
    return true;
end
$$;

comment on function sluice_internal._sync_tidy() is
'One step of the work on records that waits longest (sync_delete, sync_move, dropped collections); false if none is due. What fails is tried again after a minute and says why. Notices older than 90 days go now and then, and so do mutations that ended as long ago, except unknown ones. Locks that work (skips locked ones).';
