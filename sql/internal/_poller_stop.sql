create or replace function sluice_internal._poller_stop(poller_id text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.sync_runs as r
    set poller_id = null
    where r.poller_id = _poller_stop.poller_id collate "C";
    delete from sluice_internal.pollers as p where p.poller_id = _poller_stop.poller_id collate "C";
    perform pg_notify('sluice_poller', '');
end
$$;

comment on function sluice_internal._poller_stop(text) is 'A poller ends: its syncs are free at once, and the others are woken.';
