create or replace function sluice_internal._credential_mend(credential_ids text[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    update sluice_internal.sync_runs as r
    set next_attempt_at = clock_timestamp()
    from sluice_internal.syncs as y
    where y.sync_id = r.sync_id and y.credential_id = any(_credential_mend.credential_ids);
    update sluice_internal.sync_feeds as f
    set next_attempt_at = null
    from sluice_internal.syncs as y
    where y.sync_id = f.sync_id and y.credential_id = any(_credential_mend.credential_ids) and f.error is not null;
    delete from sluice_internal.credential_renewals as r
    where r.credential_id = any(_credential_mend.credential_ids) and r.error is not null;
    update sluice_internal.mutation_items as i
    set next_attempt_at = clock_timestamp()
    from sluice_internal.syncs as y
    where y.sync_id = i.sync_id and y.credential_id = any(_credential_mend.credential_ids) and i.status = 'queued';
    perform pg_notify('sluice_poller', '');
    perform pg_notify('sluice_mutations', '');
end
$$;

comment on function sluice_internal._credential_mend(text[]) is
'What waits for these credentials is tried again at once, and a refused renewal is forgotten: they have a new secret, or their app has.';
