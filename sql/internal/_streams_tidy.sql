create or replace function sluice_internal._streams_tidy()
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform sluice_internal._authorize(null, 'poller');
    return sluice_internal._positions_trim(5000) or sluice_internal._times_trim(5000);
end
$$;

comment on function sluice_internal._streams_tidy() is
'A piece of what streams have to be rid of: _positions_trim or _times_trim, of up to 5,000 rows; false if there is nothing to do. Locks what those lock.';
