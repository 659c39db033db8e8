create or replace function sluice.sync_webhook_info(sync_id text)
returns sluice.sync_webhooks
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_checked sluice_internal.syncs := sluice_internal._authorize_sync(sync_webhook_info.sync_id, 'reader');
    v_webhook sluice.sync_webhooks;
begin
    select w.* into v_webhook from sluice.sync_webhooks as w where w.sync_id = v_checked.sync_id;
    return v_webhook;
end
$$;

comment on function sluice.sync_webhook_info(text) is
'What a sync''s vendor sends by itself: subscription, secrets (how many), counts. Errors: SL102.';
