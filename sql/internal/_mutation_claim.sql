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
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    -- One at a time: what another claim takes now does not show yet, and a write to the same object that commits now would go beside it.
    perform pg_advisory_xact_lock(sluice_internal._lock_key(9, 0, 0));
    return query
    with open as materialized (
        select i.mutation_no, i.item_no, i.first_sent_at is not null as sent_before
        from sluice_internal.mutation_items as i
        inner join sluice_internal.syncs as y on y.sync_id = i.sync_id
        where
            i.status in ('queued', 'sending')
            and y.deleting_since is null
            and i.next_attempt_at <= clock_timestamp()
            and not y.paused
            and (_mutation_claim.busy_sync_ids is null or i.sync_id <> all(_mutation_claim.busy_sync_ids collate "C"))
            and (_mutation_claim.busy_providers is null or y.provider <> all(_mutation_claim.busy_providers collate "C"))
            and (
                i.status = 'queued'
                or not exists (
                    select from sluice_internal.pollers as p
                    where p.poller_id = i.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
                )
            )
            -- more for a request that has a first item: it takes no place of its own
            and (
                _mutation_claim.only_sync_id is null
                or (
                    i.sync_id = _mutation_claim.only_sync_id collate "C"
                    and i.collection_id = _mutation_claim.only_collection_id collate "C"
                    and _mutation_claim.only_kind = (
                        select m.kind from sluice_internal.mutations as m where m.mutation_no = i.mutation_no
                    )
                )
            )
            -- no more of a sync than may be under way: they would hold up the writes of others
            and (
                _mutation_claim.only_sync_id is not null
                or coalesce((y.rate_limit -> 'max_concurrent_requests')::int, 0) = 0
                or (y.rate_limit -> 'max_concurrent_requests')::int > (
                    select count(*)
                    from sluice_internal.mutation_items as b
                    where
                        b.sync_id = i.sync_id and b.status in ('queued', 'sending')
                        and (b.status = 'sending' or (b.mutation_no, b.item_no) < (i.mutation_no, i.item_no))
                        and b.next_attempt_at <= clock_timestamp()
                        and (b.mutation_no, b.item_no) <> (i.mutation_no, i.item_no)
                )
            )
            -- writes to one object run in order; an unknown one holds up the next. Numbers are given out before the commit: one
            -- with a lower number may come while a higher one is under way, waits for that, and does not keep it from being taken over
            and not exists (
                select from sluice_internal.mutation_items as e
                where
                    e.sync_id = i.sync_id and e.collection_id = i.collection_id and e.upstream_id = i.upstream_id
                    and e.status in ('queued', 'sending', 'unknown')
                    and case
                        when (e.mutation_no, e.item_no) < (i.mutation_no, i.item_no) then i.status = 'queued' or e.status <> 'queued'
                        else i.status = 'queued' and e.status <> 'queued'
                    end
            )
            and not exists (
                select from sluice_internal.mutation_items as e
                where
                    e.sync_id = i.sync_id and e.collection_id = i.collection_id and md5(e.match_value) = md5(i.match_value)
                    and e.match_value is not null
                    and e.status in ('queued', 'sending', 'unknown')
                    and case
                        when (e.mutation_no, e.item_no) < (i.mutation_no, i.item_no) then i.status = 'queued' or e.status <> 'queued'
                        else i.status = 'queued' and e.status <> 'queued'
                    end
            )
        order by i.next_attempt_at, i.mutation_no, i.item_no
        limit _mutation_claim.max_items
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
