create or replace function sluice.sync_webhook_subscribe(sync_id text)
returns sluice.sync_webhooks
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(sync_webhook_subscribe.sync_id, 'admin');
    v_webhook sluice.sync_webhooks;
begin
    if v_known.provider = 'push' then
        raise exception using
            errcode = 'SL180',
            message = format('sync "%s" has no vendor who could send anything', v_known.sync_id),
            hint = 'Whatever feeds it calls record_ingest.';
    end if;
    -- One that is being removed just now is waited for by whoever subscribes.
    delete from sluice_internal.unsubscriptions as u
    where u.sync_id = v_known.sync_id and u.poller_id is null and u.credential_id is not distinct from v_known.credential_id;
    insert into sluice_internal.webhooks as w (sync_id, enabled, subscribe_at)
    values (v_known.sync_id, true, clock_timestamp())
    on conflict (sync_id) do update set enabled = true, subscribe_at = clock_timestamp(), attempt = 0;
    perform pg_notify('sluice_subscriptions', '');
    select w.* into v_webhook from sluice.sync_webhooks as w where w.sync_id = v_known.sync_id;
    return v_webhook;
end
$$;

comment on function sluice.sync_webhook_subscribe(text) is
'Switches a sync''s webhooks on: a poller asks the vendor now, and again every few hours, to send word of changes to this installation''s public address. Locks the sync''s entry in webhooks. Errors: SL102, SL165, SL180.';
