create or replace function sluice_internal._rate_take_many(
    poller_id text,
    asked jsonb
)
returns table (
    granted int,
    wait double precision,
    lasts double precision,
    held boolean,
    drawn_at timestamptz
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_ask record;
    v_grant record;
    v_hold_id uuid;
    v_grants jsonb := '{}';
begin
    perform sluice_internal._authorize(null, 'poller');
    for v_ask in
        select a.*
        from rows from (
            jsonb_to_recordset(_rate_take_many.asked) as (
                sync_id text, credential_id text, limits jsonb, wanted int, unused int, unused_from timestamptz
            )
        ) with ordinality as a (sync_id, credential_id, limits, wanted, unused, unused_from, place)
        -- everybody locks in this order
        order by a.credential_id collate "C" nulls last, a.sync_id collate "C"
    loop
        v_hold_id := gen_random_uuid();
        select t.* into v_grant
        from sluice_internal._rate_take(
            v_ask.sync_id, _rate_take_many.poller_id, v_ask.limits, v_ask.wanted, 1, false, v_hold_id, v_ask.unused, v_ask.unused_from,
            v_ask.credential_id
        ) as t;
        -- Set this very moment: the reading under the old settings is over, and gives no place back.
        if v_grant.held then
            delete from sluice_internal.rate_holds as h where h.hold_id = v_hold_id;
            v_grant.held := false;
        end if;
        v_grants := v_grants || jsonb_build_object(v_ask.place, to_jsonb(v_grant));
    end loop;
    return query
    select g.*
    from generate_series(1, jsonb_array_length(_rate_take_many.asked)) as n (place)
    cross join lateral jsonb_to_record(v_grants -> n.place::text) as g (
        granted int, wait double precision, lasts double precision, held boolean, drawn_at timestamptz
    )
    order by n.place;
end
$$;

comment on function sluice_internal._rate_take_many(text, jsonb) is
'_rate_take for reads of several syncs without max_concurrent_requests, one row for each of asked [{sync_id, credential_id, limits, wanted, unused, unused_from}] in its order. Locks their rows of rate_windows and rate_signals, by credential and sync.';
