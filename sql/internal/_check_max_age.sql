create or replace function sluice_internal._check_max_age(
    provider text,
    max_age_days int
)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if _check_max_age.max_age_days not between 1 and 36500 then
        raise exception using
            errcode = 'SL001',
            message = format('max_age_days must be 1 to 36500, not %s', _check_max_age.max_age_days),
            hint = 'Leave it out: everything is read and kept.';
    end if;
    if _check_max_age.max_age_days is not null and _check_max_age.provider = 'push' then
        raise exception using
            errcode = 'SL001',
            message = 'max_age_days does not go with the provider push',
            hint = 'Leave it out: what is kept is up to whoever pushes.';
    end if;
end
$$;

comment on function sluice_internal._check_max_age(text, int) is
'Raises SL001 for a max_age_days that a sync of that provider cannot have.';
