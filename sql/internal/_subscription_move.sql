create or replace function sluice_internal._subscription_move(
    sync_id text,
    credential_id text
)
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
    where w.sync_id = _subscription_move.sync_id and w.enabled
    for no key update;
    if not found then
        return;
    end if;
    if _subscription_move.credential_id is not null then
        perform sluice_internal._unsubscription_put(v_webhook, _subscription_move.credential_id);
    end if;
    -- Back again, before anything was removed.
    delete from sluice_internal.unsubscriptions as u
    using sluice_internal.syncs as y
    where y.sync_id = _subscription_move.sync_id and u.sync_id = y.sync_id and u.credential_id = y.credential_id and u.poller_id is null;
    -- What the former account signs is believed no more.
    update sluice_internal.webhooks as w
    set
        subscribe_at = clock_timestamp(), subscribed_at = null, address = null, attempt = 0, poller_id = null, epoch = w.epoch + 1,
        error = null, error_since = null,
        sealed = null, key_version = null, former_sealed = null, former_key_version = null, former_until = null
    where w.sync_id = _subscription_move.sync_id;
    perform pg_notify('sluice_subscriptions', '');
end
$$;

comment on function sluice_internal._subscription_move(text, text) is
'A sync is of another account now. What pollers subscribed to for it is made anew, and with the credential named here, the former one, they remove what is left behind (null: its secret is gone). Nothing, where no poller subscribes. Locks the sync''s entry in webhooks.';
