create or replace function sluice_internal._unsubscription_end(
    unsubscription_no bigint,
    poller_id text,
    epoch bigint,
    again_in interval default null,
    error jsonb default null
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_known sluice_internal.unsubscriptions;
    v_wanted boolean;
begin
    perform sluice_internal._authorize(null, 'poller');
    select u.* into v_known
    from sluice_internal.unsubscriptions as u
    where
        u.unsubscription_no = _unsubscription_end.unsubscription_no
        and u.poller_id = _unsubscription_end.poller_id collate "C" and u.epoch = _unsubscription_end.epoch
    for update;
    if not found then
        return false;
    end if;
    -- Switched on again meanwhile: whoever subscribes puts in order what is there. With another credential he does not see it.
    v_wanted := exists (
        select
        from sluice_internal.webhooks as w
        inner join sluice_internal.syncs as y on y.sync_id = w.sync_id
        where w.sync_id = v_known.sync_id and w.enabled and y.credential_id is not distinct from v_known.credential_id
    );
    if _unsubscription_end.again_in is not null and not v_wanted and v_known.since > clock_timestamp() - interval '1 day' then
        update sluice_internal.unsubscriptions as u
        set poller_id = null, next_at = clock_timestamp() + _unsubscription_end.again_in
        where u.unsubscription_no = v_known.unsubscription_no;
        return false;
    end if;
    delete from sluice_internal.unsubscriptions as u where u.unsubscription_no = v_known.unsubscription_no;
    if _unsubscription_end.error is null and not v_wanted then
        -- Both credentials may open the same account: then what is new there may be gone with it.
        update sluice_internal.webhooks as w
        set subscribe_at = clock_timestamp(), attempt = 0
        where w.sync_id = v_known.sync_id and w.enabled;
        perform pg_notify('sluice_subscriptions', '');
    end if;
    if _unsubscription_end.error is null or v_wanted then
        return false;
    end if;
    perform from sluice_internal.syncs as y where y.sync_id = v_known.sync_id for key share;
    if found then
        perform sluice_internal._notice(v_known.sync_id, 'webhooks_left', _unsubscription_end.error);
    end if;
    return true;
end
$$;

comment on function sluice_internal._unsubscription_end(bigint, text, bigint, interval, jsonb) is
'A subscription is removed at its vendor (error null), or why not: it is tried again in again_in, for a day, and given up without it. True if it is given up; then the sync has a notice, if it is still there. Locks the entry in unsubscriptions.';
