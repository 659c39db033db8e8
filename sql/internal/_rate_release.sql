create or replace function sluice_internal._rate_release(hold_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    delete from sluice_internal.rate_holds as h where h.hold_id = _rate_release.hold_id;
end
$$;

comment on function sluice_internal._rate_release(uuid) is
'A request of a sync with max_concurrent_requests is answered: its place is free.';
