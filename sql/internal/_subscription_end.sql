create or replace function sluice_internal._subscription_end(
    sync_id text,
    poller_id text,
    epoch bigint,
    again_in interval,
    address text default null,
    error jsonb default null,
    notices text[] default '{}'
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_known sluice_internal.webhooks;
    v_words text;
begin
    perform sluice_internal._authorize(null, 'poller');
    select w.* into v_known
    from sluice_internal.webhooks as w
    where
        w.sync_id = _subscription_end.sync_id collate "C"
        and w.poller_id = _subscription_end.poller_id collate "C" and w.epoch = _subscription_end.epoch
    for no key update;
    if not found then
        return false;
    end if;
    update sluice_internal.webhooks as w
    set
        poller_id = null,
        address = coalesce(_subscription_end.address, w.address),
        subscribed_at = case when _subscription_end.error is null then clock_timestamp() else w.subscribed_at end,
        error = _subscription_end.error,
        error_since = case when _subscription_end.error is not null then coalesce(w.error_since, clock_timestamp()) end,
        attempt = case when _subscription_end.error is null then 0 else w.attempt end,
        -- asked for again meanwhile: then once more
        subscribe_at = case
            when w.attempt = 0 then w.subscribe_at
            when w.enabled then clock_timestamp() + _subscription_end.again_in
        end
    where w.sync_id = v_known.sync_id;
    if _subscription_end.error is not null and v_known.error is null then
        perform sluice_internal._notice(v_known.sync_id, 'webhooks_broken', _subscription_end.error);
    elsif _subscription_end.error is null and v_known.error is not null then
        perform sluice_internal._notice(v_known.sync_id, 'webhooks_recovered');
    end if;
    foreach v_words in array _subscription_end.notices loop
        perform sluice_internal._notice(
            v_known.sync_id, 'webhooks_renewed', jsonb_build_object('code', null, 'message', v_words, 'details', null, 'hint', null)
        );
    end loop;
    return true;
end
$$;

comment on function sluice_internal._subscription_end(text, text, bigint, interval, text, jsonb, text[]) is
'The subscription is as it should be (error null), or why not; it is looked at once more in again_in. Notices: what the vendor had dropped; when it breaks, and when it recovers. False if another poller has taken over. Locks the entry in webhooks.';
