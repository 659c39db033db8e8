create or replace function sluice_internal._subscription_lose(
    credential_id text,
    former_account text
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_left record;
begin
    for v_left in
        select w.sync_id, w.address
        from sluice_internal.webhooks as w
        inner join sluice_internal.syncs as y on y.sync_id = w.sync_id
        where y.credential_id = _subscription_lose.credential_id and w.enabled
        order by w.sync_id
    loop
        if _subscription_lose.former_account is null then
            update sluice_internal.webhooks as w set subscribe_at = clock_timestamp(), attempt = 0 where w.sync_id = v_left.sync_id;
            continue;
        end if;
        perform sluice_internal._subscription_move(v_left.sync_id, null);
        if v_left.address is not null then
            perform sluice_internal._notice(v_left.sync_id, 'webhooks_left', jsonb_build_object(
                'code', null,
                'message', format(
                    'the webhook subscription of the account %s is left behind at the vendor: its secret was replaced',
                    _subscription_lose.former_account
                ),
                'details', null,
                'hint', format('delete it there; it sends to %s', v_left.address)
            ));
        end if;
    end loop;
    perform pg_notify('sluice_subscriptions', '');
end
$$;

comment on function sluice_internal._subscription_lose(text, text) is
'A credential has another secret: subscriptions of its syncs are looked at now. former_account: the one that it opened, where it opens another one now; a notice of each sync says what is left behind there, and it is subscribed to anew. Locks their entries in webhooks.';
