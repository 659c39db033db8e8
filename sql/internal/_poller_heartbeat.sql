create or replace function sluice_internal._poller_heartbeat(
    poller_id text,
    host text,
    pid int
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    insert into sluice_internal.pollers as p (poller_id, host, pid)
    values (_poller_heartbeat.poller_id, _poller_heartbeat.host, _poller_heartbeat.pid)
    on conflict (poller_id) do update set heartbeat_at = clock_timestamp();
    delete from sluice_internal.pollers as p where p.heartbeat_at < clock_timestamp() - interval '1 day';
    perform sluice_internal._fold_counts();
    perform sluice_internal._webhooks_fold();
end
$$;

comment on function sluice_internal._poller_heartbeat(text, text, int) is
'Says that a poller lives, every 2 s; after 10 s of silence others take its syncs. Folds counters on the way.';
