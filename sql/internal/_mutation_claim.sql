create or replace function sluice_internal._mutation_claim(
    poller_id text,
    max_items int
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
    sent_before boolean
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    with open as materialized (
        select i.mutation_no, i.item_no, i.first_sent_at is not null as sent_before
        from sluice_internal.mutation_items as i
        inner join sluice_internal.syncs as y on y.sync_id = i.sync_id
        where
            i.status in ('queued', 'sending')
            and i.next_attempt_at <= clock_timestamp()
            and not y.paused
            and (
                i.status = 'queued'
                or not exists (
                    select from sluice_internal.pollers as p
                    where p.poller_id = i.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
                )
            )
            -- what the sync has on the way: its other items, and the poller that reads it
            and (
                coalesce((y.rate_limit -> 'max_concurrent_requests')::int, 0) = 0
                or (y.rate_limit -> 'max_concurrent_requests')::int > (
                    select count(*)
                    from sluice_internal.mutation_items as b
                    where
                        b.sync_id = i.sync_id and b.status in ('queued', 'sending')
                        and (b.status = 'sending' or (b.mutation_no, b.item_no) < (i.mutation_no, i.item_no))
                        and b.next_attempt_at <= clock_timestamp()
                        and (b.mutation_no, b.item_no) <> (i.mutation_no, i.item_no)
                ) + (select count(*) from sluice_internal.sync_runs as r where r.sync_id = i.sync_id and r.poller_id is not null)
            )
            -- writes to one object run in order; an unknown one holds up the next
            and not exists (
                select from sluice_internal.mutation_items as e
                where
                    e.sync_id = i.sync_id and e.collection_id = i.collection_id and e.upstream_id = i.upstream_id
                    and e.status in ('queued', 'sending', 'unknown')
                    and (e.mutation_no, e.item_no) < (i.mutation_no, i.item_no)
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
        c.sent_before
    from claimed as c
    inner join sluice_internal.mutations as m on m.mutation_no = c.mutation_no
    inner join sluice_internal.syncs as y on y.sync_id = c.sync_id
    left join sluice_internal.credentials as k on k.credential_id = y.credential_id
    order by c.mutation_no, c.item_no;
end
$$;

comment on function sluice_internal._mutation_claim(text, int) is
'Takes up to max_items items to send, oldest first, writes to one object in order, also those of a poller that died while sending (sent_before is then true, and first_sent_at says since when). Locks the items (skips locked ones).';
