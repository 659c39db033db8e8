create or replace function sluice_internal._mutation_claim(
    poller_id text,
    max_items int,
    only_sync_id text default null,
    only_collection_id text default null,
    only_kind text default null,
    busy_sync_ids text[] default null,
    busy_providers text[] default null
)
returns table (
    mutation_no bigint,
    item_no int,
    epoch int,
    sync_id text,
    collection_id text,
    kind text,
    upstream_id text,
    data jsonb,
    vendor_key text,
    attempt int,
    first_sent_at timestamptz,
    provider text,
    credential_id text,
    sealed bytea,
    key_version int,
    credential_kind text,
    base_url text,
    clock timestamptz,
    sent_before boolean,
    match_on text,
    if_match text,
    credential_version bigint,
    credential_renew_at timestamptz,
    oauth_app_id text,
    client_id text,
    client_sealed bytea,
    client_key_version int
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_now timestamptz := clock_timestamp();
    v_living text[];
    v_front int := 100;
    v_sync_ids text[];
    v_mutation_nos bigint[] := '{}';
    v_item_nos int[] := '{}';
    v_looked int;
begin
    perform sluice_internal._authorize(null, 'poller');
    -- One at a time: what another claim takes now does not show yet, and a write to the same object that commits now would go beside it.
    perform pg_advisory_xact_lock(sluice_internal._lock_key(9, 0, 0));
    v_living := array(
        select p.poller_id from sluice_internal.pollers as p where p.heartbeat_at > clock_timestamp() - interval '10 seconds'
    );
    -- Those of the dead: there are no more than pollers had under way.
    select coalesce(array_agg(d.mutation_no), '{}'), coalesce(array_agg(d.item_no), '{}') into v_mutation_nos, v_item_nos
    from (
        select i.mutation_no, i.item_no
        from sluice_internal.mutation_items as i
        inner join sluice_internal.syncs as y on y.sync_id = i.sync_id
        inner join sluice_internal.mutations as m on m.mutation_no = i.mutation_no
        where
            i.status = 'sending' and i.poller_id <> all(v_living)
            and not y.paused and y.deleting_since is null
            and (_mutation_claim.busy_sync_ids is null or i.sync_id <> all(_mutation_claim.busy_sync_ids collate "C"))
            and (_mutation_claim.busy_providers is null or y.provider <> all(_mutation_claim.busy_providers collate "C"))
            and (
                _mutation_claim.only_sync_id is null
                or (
                    i.sync_id = _mutation_claim.only_sync_id collate "C"
                    and i.collection_id = _mutation_claim.only_collection_id collate "C"
                    and m.kind = _mutation_claim.only_kind
                )
            )
            and not sluice_internal._mutation_behind(
                i.mutation_no, i.item_no, i.status, i.sync_id, i.collection_id, i.upstream_id, i.match_value
            )
        order by i.next_attempt_at, i.mutation_no, i.item_no
        limit _mutation_claim.max_items
    ) as d;
    if _mutation_claim.only_sync_id is null then
        -- The syncs that stand in front of the queue: those of all the queue are looked for only where these may not have enough.
        select coalesce(array_agg(distinct f.sync_id), '{}'), count(*) into v_sync_ids, v_looked
        from (
            select i.sync_id
            from sluice_internal.mutation_items as i
            where i.status = 'queued' and i.next_attempt_at <= v_now
            order by i.next_attempt_at, i.mutation_no, i.item_no
            limit v_front
        ) as f;
    else
        v_sync_ids := array[_mutation_claim.only_sync_id];
        v_looked := 0;
    end if;
    while cardinality(v_mutation_nos) < _mutation_claim.max_items and v_sync_ids <> '{}' loop
        select v_mutation_nos || array_agg(c.mutation_no), v_item_nos || array_agg(c.item_no) into v_mutation_nos, v_item_nos
        from (
            select q.mutation_no, q.item_no
            from unnest(v_sync_ids) as w (sync_id)
            inner join sluice_internal.syncs as y on y.sync_id = w.sync_id collate "C"
            cross join lateral (
                select coalesce((y.rate_limit -> 'max_concurrent_requests')::int, 0) as places
                offset 0
            ) as l
            cross join lateral (
                -- No more of a sync than may be under way: they would hold up the writes of others. More for a request that has a first
                -- item takes no place of its own.
                select case
                    when _mutation_claim.only_sync_id is not null or l.places = 0 then _mutation_claim.max_items
                    else least(
                        _mutation_claim.max_items,
                        l.places - (
                            select count(*)
                            from (
                                select from sluice_internal.mutation_items as b
                                where b.sync_id = y.sync_id and b.status = 'sending'
                                limit l.places
                            ) as s
                        )
                    )
                end::int as places
                offset 0
            ) as r
            cross join lateral sluice_internal._mutation_front(
                y.sync_id, v_now, r.places, _mutation_claim.only_collection_id, _mutation_claim.only_kind
            ) as q
            where
                not y.paused and y.deleting_since is null
                and (_mutation_claim.busy_sync_ids is null or y.sync_id <> all(_mutation_claim.busy_sync_ids collate "C"))
                and (_mutation_claim.busy_providers is null or y.provider <> all(_mutation_claim.busy_providers collate "C"))
            order by q.next_attempt_at, q.mutation_no, q.item_no
            limit _mutation_claim.max_items - cardinality(v_mutation_nos)
        ) as c;
        exit when v_looked < v_front or cardinality(v_mutation_nos) >= _mutation_claim.max_items;
        v_looked := 0;
        -- all others, each found by one step in the index
        v_sync_ids := array(
            with recursive waiting as (
                select min(i.sync_id) as sync_id from sluice_internal.mutation_items as i where i.status = 'queued'
                union all
                select (
                    select min(i.sync_id) from sluice_internal.mutation_items as i where i.status = 'queued' and i.sync_id > w.sync_id
                )
                from waiting as w
                where w.sync_id is not null
            )
            select w.sync_id from waiting as w where w.sync_id <> all(v_sync_ids)
        );
    end loop;
    return query
    with open as materialized (
        select i.mutation_no, i.item_no, i.first_sent_at is not null as sent_before
        from unnest(v_mutation_nos, v_item_nos) as c (mutation_no, item_no)
        inner join sluice_internal.mutation_items as i on i.mutation_no = c.mutation_no and i.item_no = c.item_no
        -- looked at again: it may have been cancelled, or put back by a poller that was thought dead
        where
            i.next_attempt_at <= clock_timestamp()
            and (i.status = 'queued' or (i.status = 'sending' and i.poller_id <> all(v_living)))
        for update of i skip locked
    ),
    claimed as (
        update sluice_internal.mutation_items as i
        set
            status = 'sending',
            poller_id = _mutation_claim.poller_id,
            epoch = i.epoch + 1,
            attempt = i.attempt + 1,
            first_sent_at = coalesce(i.first_sent_at, clock_timestamp())
        from open as o
        where i.mutation_no = o.mutation_no and i.item_no = o.item_no
        returning i.*, o.sent_before
    )
    select
        c.mutation_no,
        c.item_no,
        c.epoch,
        c.sync_id,
        c.collection_id,
        m.kind,
        c.upstream_id,
        c.data,
        c.vendor_key::text,
        c.attempt,
        c.first_sent_at,
        y.provider,
        y.credential_id,
        k.sealed,
        k.key_version,
        k.kind,
        k.base_url,
        clock_timestamp(),
        c.sent_before,
        m.match_on,
        m.if_match,
        k.version,
        k.renew_at,
        a.oauth_app_id,
        a.client_id,
        a.sealed,
        a.key_version
    from claimed as c
    inner join sluice_internal.mutations as m on m.mutation_no = c.mutation_no
    inner join sluice_internal.syncs as y on y.sync_id = c.sync_id
    left join sluice_internal.credentials as k on k.credential_id = y.credential_id
    left join sluice_internal.oauth_apps as a on a.oauth_app_id = k.oauth_app_id
    order by c.mutation_no, c.item_no;
end
$$;

comment on function sluice_internal._mutation_claim(text, int, text, text, text, text[], text[]) is
'Takes up to max_items items to send, oldest first, writes to one object in order, also those of a poller that died while sending (sent_before is then true, and first_sent_at says since when). only_…: more of that sync, collection and kind, for the same request. busy_…: nothing of these, whose share of what the poller sends at once is used up. Locks claims, which wait for each other, and the items (skips locked ones).';
