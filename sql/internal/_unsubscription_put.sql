create or replace function sluice_internal._unsubscription_put(
    webhook sluice_internal.webhooks,
    credential_id text
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into sluice_internal.unsubscriptions (sync_id, provider, credential_id, address, tag, next_at)
    select
        y.sync_id, y.provider, _unsubscription_put.credential_id, webhook.address, webhook.tag,
        -- A poller is just looking after it, and may make one yet.
        clock_timestamp() + case when webhook.poller_id is null then interval '0' else interval '1 minute' end
    from sluice_internal.syncs as y
    where y.sync_id = webhook.sync_id;
end
$$;

comment on function sluice_internal._unsubscription_put(sluice_internal.webhooks, text) is
'What pollers subscribed to for this entry of webhooks, which the caller has locked, is to be removed at the vendor with that credential.';
