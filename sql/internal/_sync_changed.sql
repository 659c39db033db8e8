create or replace function sluice_internal._sync_changed(
    old sluice_internal.syncs,
    new sluice_internal.syncs,
    drop_records boolean
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_added text[] := array(select unnest(new.collection_ids) except select unnest(old.collection_ids));
    v_dropped text[] := array(select unnest(old.collection_ids) except select unnest(new.collection_ids));
begin
    if v_added <> '{}' and exists (
        select from sluice_internal.sync_work as w where w.sync_id = old.sync_id and w.collection_ids && v_added
    ) then
        perform sluice_internal._check_idle(old.sync_id);
    end if;
    if coalesce(new.max_age_days > old.max_age_days, old.max_age_days is not null and new.max_age_days is null) then
        delete from sluice_internal.sync_feeds as f where f.sync_id = old.sync_id;
        v_added := new.collection_ids;
    end if;
    if v_dropped <> '{}' then
        perform sluice_internal._feeds_forget(old.sync_id, v_dropped);
        if drop_records then
            perform sluice_internal._check_idle(old.sync_id);
            insert into sluice_internal.sync_work (sync_id, kind, collection_ids, phase) values (old.sync_id, 'drop', v_dropped, 'records');
        end if;
    end if;
    if v_added || v_dropped <> '{}' or new.credential_id is distinct from old.credential_id then
        update sluice_internal.webhooks as w
        set subscribe_at = clock_timestamp(), attempt = 0
        where w.sync_id = old.sync_id and w.enabled;
        if found then
            perform pg_notify('sluice_subscriptions', '');
        end if;
    end if;
    if new.credential_id is distinct from old.credential_id then
        perform sluice_internal._subscription_move(old.sync_id, old.credential_id);
    end if;
    if v_added || v_dropped <> '{}' or new.credential_id is distinct from old.credential_id
        or new.sync_frequency is distinct from old.sync_frequency or new.rate_limit is distinct from old.rate_limit
    then
        -- The turn at hand works on what was: it ends, and another begins.
        perform sluice_internal._lease_end(old.sync_id);
        update sluice_internal.sync_runs as r
        set
            attempt = 0,
            backfill_completed_at = case when v_added = '{}' then r.backfill_completed_at end,
            status = case when v_added <> '{}' and r.status = 'active' then 'backfilling' else r.status end
        where r.sync_id = old.sync_id;
    end if;
end
$$;

comment on function sluice_internal._sync_changed(sluice_internal.syncs, sluice_internal.syncs, boolean) is
'What follows from changed settings: feeds of dropped collections go, added ones are read, the turn at hand ends. The caller holds the sync.';
