create or replace function sluice_internal._subscription_secret(
    sync_id text,
    poller_id text,
    epoch bigint,
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
    perform sluice_internal._authorize(null, 'poller');
    perform
    from sluice_internal.webhooks as w
    where
        w.sync_id = _subscription_secret.sync_id collate "C"
        and w.poller_id = _subscription_secret.poller_id collate "C" and w.epoch = _subscription_secret.epoch
    for no key update;
    if not found then
        return false;
    end if;
    perform sluice_internal._webhook_secret(_subscription_secret.sync_id, _subscription_secret.sealed, _subscription_secret.key_version);
    return true;
end
$$;

comment on function sluice_internal._subscription_secret(text, text, bigint, bytea, int) is
'Stores a secret that the vendor shows only when a subscription is made. False if another poller has taken over, or the webhooks were switched off. Locks the entry in webhooks.';
