create or replace function sluice_internal._rate_take(sync_id text)
returns interval
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_limit jsonb;
    v_pause interval;
    v_now timestamptz := clock_timestamp();
    v_next_at timestamptz;
begin
    perform sluice_internal._authorize(null, 'poller');
    select y.rate_limit into v_limit from sluice_internal.syncs as y where y.sync_id = _rate_take.sync_id collate "C";
    if coalesce((v_limit -> 'allowed_requests')::numeric, 0) = 0 then
        return null;
    end if;
    -- Evenly spaced, so that no window of that length, wherever it begins, has more.
    v_pause := make_interval(secs => ((v_limit -> 'interval')::numeric / (v_limit -> 'allowed_requests')::numeric)::double precision);
    insert into sluice_internal.sync_paces as p (sync_id, next_at)
    values (_rate_take.sync_id, v_now + v_pause)
    on conflict (sync_id) do update set next_at = greatest(p.next_at, v_now) + v_pause
    returning p.next_at into v_next_at;
    return greatest(v_next_at - v_pause - v_now, '0');
end
$$;

comment on function sluice_internal._rate_take(text) is
'Takes the next place among the requests of a sync: how long to wait before sending, null for a sync without a limit. Requests of all pollers are spaced by interval / allowed_requests. Locks the sync''s pace for the moment. Outside a transaction only.';
