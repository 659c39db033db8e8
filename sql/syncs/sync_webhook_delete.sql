create or replace function sluice.sync_webhook_delete(sync_id text)
returns sluice.sync_webhooks
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(sync_webhook_delete.sync_id, 'admin');
    v_webhook sluice.sync_webhooks;
begin
    perform sluice_internal._unsubscription_ask(v_known.sync_id);
    update sluice_internal.webhooks as w
    set
        enabled = false, subscribe_at = null, subscribed_at = null, address = null, poller_id = null, epoch = w.epoch + 1,
        error = null, error_since = null,
        sealed = null, key_version = null, former_sealed = null, former_key_version = null, former_until = null
    where w.sync_id = v_known.sync_id;
    select w.* into v_webhook from sluice.sync_webhooks as w where w.sync_id = v_known.sync_id;
    return v_webhook;
end
$$;

comment on function sluice.sync_webhook_delete(text) is
'Switches a sync''s webhooks off and forgets their secrets: whatever comes is refused from now on, and polling goes on. What pollers subscribed to at the vendor they remove there; an endpoint that was made by hand is to be deleted by hand. Locks the sync''s entry in webhooks. Errors: SL102, SL165.';
