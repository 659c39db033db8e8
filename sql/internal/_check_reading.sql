create or replace function sluice_internal._check_reading(batch_size int)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception using
            errcode = 'SL003',
            message = format('consumers need READ COMMITTED, not %s', upper(current_setting('transaction_isolation'))),
            hint = 'Begin with: begin isolation level read committed. A fixed snapshot would hand out a message twice.';
    end if;
    if _check_reading.batch_size is null or _check_reading.batch_size not between 1 and 1000 then
        raise exception using
            errcode = 'SL001',
            message = format('batch_size must be 1 to 1000, not %s', coalesce(_check_reading.batch_size::text, 'null')),
            hint = 'Call again for more.';
    end if;
end
$$;

comment on function sluice_internal._check_reading(int) is
'Raises SL003 outside READ COMMITTED, SL001 for a batch_size that is not 1 to 1000.';
