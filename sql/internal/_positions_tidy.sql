create or replace function sluice_internal._positions_tidy()
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform sluice_internal._authorize(null, 'poller');
    return sluice_internal._positions_trim(5000);
end
$$;

comment on function sluice_internal._positions_tidy() is
'_positions_trim for pollers, up to 5,000 entries. Locks what that locks.';
