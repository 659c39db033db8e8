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
    delete from sluice_internal.rate_holds as h where h.poller_id = _poller_stop.poller_id collate "C";
    -- Put back: first_sent_at stays, so that the next attempt knows that the vendor may have done it.
    update sluice_internal.mutation_items as i
    set status = 'queued', poller_id = null
    where i.status = 'sending' and i.poller_id = _poller_stop.poller_id collate "C";
    if found then
        perform pg_notify('sluice_mutations', '');
    end if;
    delete from sluice_internal.pollers as p where p.poller_id = _poller_stop.poller_id collate "C";
    perform pg_notify('sluice_poller', '');
end
$$;

comment on function sluice_internal._poller_stop(text) is
'A poller ends: its syncs, writes and places among requests are free at once, and the others are woken.';
