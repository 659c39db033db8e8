create or replace function sluice_internal._wanted_put_off(
    sync_id text,
    poller_id text,
    epoch bigint,
    objects jsonb
)
returns int
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
    v_given_up int;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_wanted_put_off.sync_id, _wanted_put_off.poller_id, _wanted_put_off.epoch);
    update sluice_internal.wanted_objects as o
    set
        attempt = o.attempt + 1,
        next_at = clock_timestamp() + least(interval '5 seconds' * 2 ^ least(o.attempt, 10), interval '1 hour'),
        taken_at = null
    from jsonb_to_recordset(_wanted_put_off.objects) as i (collection_id text, upstream_id text)
    where
        o.sync_id = v_run.sync_id
        and o.collection_id = i.collection_id collate "C" and o.upstream_id = i.upstream_id collate "C" and o.taken_at is not null;
    -- A day of asking: what the vendor does not give by then is found by reading everything, if at all.
    delete from sluice_internal.wanted_objects as o where o.sync_id = v_run.sync_id and o.attempt >= 30;
    get diagnostics v_given_up = row_count;
    if v_given_up > 0 then
        insert into sluice_internal.webhook_deltas (sync_id, dropped) values (v_run.sync_id, v_given_up);
    end if;
    return v_given_up;
end
$$;

comment on function sluice_internal._wanted_put_off(text, text, bigint, jsonb) is
'Wanted objects that cannot be fetched now: [{collection_id, upstream_id}]; they are tried again later and later, and given up after about a day (how many). Errors: SL130.';
