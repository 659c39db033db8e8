create or replace function sluice_internal._ingest_tidy(most int)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from sluice_internal.pollers as p where p.heartbeat_at > clock_timestamp() - interval '10 seconds'
    ) then
        perform sluice_internal._positions_trim(_ingest_tidy.most), sluice_internal._times_trim(_ingest_tidy.most);
    end if;
end
$$;

comment on function sluice_internal._ingest_tidy(int) is
'What pollers do by themselves, and somebody has to do where there are none: trims the log of positions and its times, looking at up to most rows. Locks what that locks.';
