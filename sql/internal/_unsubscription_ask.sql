create or replace function sluice_internal._unsubscription_ask(sync_id text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform from sluice_internal.webhooks as w where w.sync_id = _unsubscription_ask.sync_id for no key update;
    insert into sluice_internal.unsubscriptions (sync_id, provider, credential_id, address, tag, next_at)
    select
        w.sync_id, y.provider, y.credential_id, w.address, w.tag,
        -- A poller is just looking after it, and may make one yet.
        clock_timestamp() + case when w.poller_id is null then interval '0' else interval '1 minute' end
    from sluice_internal.webhooks as w
    inner join sluice_internal.syncs as y on y.sync_id = w.sync_id
    where w.sync_id = _unsubscription_ask.sync_id and w.enabled;
    if found then
        update sluice_internal.webhooks as w
        set enabled = false, subscribe_at = null, poller_id = null, epoch = w.epoch + 1
        where w.sync_id = _unsubscription_ask.sync_id;
        perform pg_notify('sluice_subscriptions', '');
    end if;
end
$$;

comment on function sluice_internal._unsubscription_ask(text) is
'A sync''s subscription is wanted no more: pollers remove it at the vendor, whatever becomes of the sync. Nothing, where none was asked for. Locks the sync''s entry in webhooks.';
