create or replace function sluice_internal._webhook_put(
    sync_id text,
    sealed bytea,
    key_version int
)
returns sluice.sync_webhooks
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(_webhook_put.sync_id, 'admin');
    v_webhook sluice.sync_webhooks;
begin
    perform sluice_internal._webhook_secret(v_known.sync_id, _webhook_put.sealed, _webhook_put.key_version);
    select w.* into v_webhook from sluice.sync_webhooks as w where w.sync_id = v_known.sync_id;
    return v_webhook;
end
$$;

comment on function sluice_internal._webhook_put(text, bytea, int) is
'Stores the secret that signs a sync''s webhooks, sealed by the application; the one before it is taken for another day. Errors: SL102, SL165.';
