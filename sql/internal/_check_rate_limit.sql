create or replace function sluice_internal._check_rate_limit(rate_limit jsonb)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
begin
    case
        when _check_rate_limit.rate_limit is null then
            return;
        when jsonb_typeof(_check_rate_limit.rate_limit) <> 'object' then
            v_problem := 'must be a JSON object';
        when _check_rate_limit.rate_limit - 'allowed_requests' - 'interval' - 'max_concurrent_requests' <> '{}' then
            v_problem := 'has only allowed_requests, interval and max_concurrent_requests';
        else
            select format('%s must be a number, 0 to 1000000000', k.key) into v_problem
            from jsonb_each(_check_rate_limit.rate_limit) as k (key, value)
            where
                case
                    when jsonb_typeof(k.value) <> 'number' then true
                    when k.key <> 'interval' and k.value::numeric % 1 <> 0 then true
                    else k.value::numeric not between 0 and 1000000000
                end
            limit 1;
            if v_problem is null and coalesce((_check_rate_limit.rate_limit -> 'allowed_requests')::numeric, 0) > 0
                and coalesce((_check_rate_limit.rate_limit -> 'interval')::numeric, 0) = 0
            then
                v_problem := 'needs an interval in seconds beside allowed_requests';
            end if;
    end case;
    if v_problem is not null then
        raise exception using
            errcode = 'SL001',
            message = format('rate_limit %s', v_problem),
            hint = 'For example {"allowed_requests": 100, "interval": 60, "max_concurrent_requests": 0}: 100 requests a minute.';
    end if;
end
$$;

comment on function sluice_internal._check_rate_limit(jsonb) is 'Raises SL001 for a rate limit that cannot be kept.';
