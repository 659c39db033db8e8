create or replace function sluice_internal._subscription_known(
    sync_id text,
    poller_id text,
    epoch bigint
)
returns table (
    sealed bytea,
    key_version int
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    select w.sealed, w.key_version
    from sluice_internal.webhooks as w
    where
        w.sync_id = _subscription_known.sync_id collate "C"
        and w.poller_id = _subscription_known.poller_id collate "C" and w.epoch = _subscription_known.epoch
        and w.sealed is not null;
end
$$;

comment on function sluice_internal._subscription_known(text, text, bigint) is
'The secret that a sync''s deliveries are signed with so far, for the poller that looks after its subscription; no row where there is none, or another poller has taken over.';
