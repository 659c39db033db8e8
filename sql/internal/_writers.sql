create or replace function sluice_internal._writers()
returns text[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(array_agg(distinct l.virtualtransaction), '{}')
        from pg_locks as l
        where
            l.locktype = 'relation'
            and l.database = (select d.oid from pg_database as d where d.datname = current_database())
            and l.relation = 'sluice.records'::regclass
            and l.mode = 'RowExclusiveLock'
            and l.pid is distinct from pg_backend_pid()
    );
end
$$;

comment on function sluice_internal._writers() is
'The open transactions, other than this one, that have written records: by their names in pg_locks, so that no other database and no reader counts.';
