create or replace function sluice_internal._webhook_reseal(
    sync_id text,
    old_sealed bytea,
    sealed bytea,
    key_version int
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    update sluice_internal.webhooks as w
    set
        sealed = case when w.sealed = _webhook_reseal.old_sealed then _webhook_reseal.sealed else w.sealed end,
        key_version = case when w.sealed = _webhook_reseal.old_sealed then _webhook_reseal.key_version else w.key_version end,
        former_sealed = case when w.former_sealed = _webhook_reseal.old_sealed then _webhook_reseal.sealed else w.former_sealed end,
        former_key_version = case
            when w.former_sealed = _webhook_reseal.old_sealed then _webhook_reseal.key_version else w.former_key_version
        end
    where
        w.sync_id = _webhook_reseal.sync_id collate "C"
        and _webhook_reseal.old_sealed in (w.sealed, w.former_sealed);
    return found;
end
$$;

comment on function sluice_internal._webhook_reseal(text, bytea, bytea, int) is
'Stores the same webhook secret sealed with another master key; false, and nothing done, if it changed meanwhile.';
