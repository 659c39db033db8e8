create or replace function sluice_internal._unsubscription_ask(sync_id text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_webhook sluice_internal.webhooks;
begin
    select w.* into v_webhook
    from sluice_internal.webhooks as w
    where w.sync_id = _unsubscription_ask.sync_id and w.enabled
    for no key update;
    if not found then
        return;
    end if;
    perform sluice_internal._unsubscription_put(v_webhook, y.credential_id)
    from sluice_internal.syncs as y
    where y.sync_id = v_webhook.sync_id;
    update sluice_internal.webhooks as w
    set enabled = false, subscribe_at = null, poller_id = null, epoch = w.epoch + 1
    where w.sync_id = v_webhook.sync_id;
    perform pg_notify('sluice_subscriptions', '');
end
$$;

comment on function sluice_internal._unsubscription_ask(text) is
'A sync''s subscription is wanted no more: pollers remove it at the vendor, whatever becomes of the sync. Nothing, where none was asked for. Locks the sync''s entry in webhooks.';
