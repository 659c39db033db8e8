create or replace view sluice.mutations as
select
    m.mutation_id,
    s.stream_id,
    m.sync_id,
    m.collection_id,
    m.kind,
    case
        when m.finished_at is null then case when i.sending then 'running' else 'queued' end
        when i.unknown > 0 then 'unknown'
        when i.failed = i.items then 'failed'
        when i.cancelled = i.items then 'cancelled'
        when i.succeeded = i.items then 'succeeded'
        else 'partial'
    end as status,
    i.items,
    i.succeeded,
    i.failed,
    i.unknown,
    i.cancelled,
    m.match_on,
    m.idempotency_key,
    m.created_at,
    m.finished_at,
    m.if_match
from sluice_internal.mutations as m
inner join sluice_internal.streams as s on s.stream_no = m.stream_no
cross join lateral (
    select
        count(*) as items,
        count(*) filter (where t.status = 'succeeded') as succeeded,
        count(*) filter (where t.status = 'failed') as failed,
        count(*) filter (where t.status = 'unknown') as unknown,
        count(*) filter (where t.status = 'cancelled') as cancelled,
        coalesce(bool_or(t.status <> 'queued'), false) as sending
    from sluice_internal.mutation_items as t
    where t.mutation_no = m.mutation_no
) as i;

comment on view sluice.mutations is
'Requested writes. status: queued, running; when every item is final succeeded, failed, cancelled, partial, or unknown: it cannot be known whether the vendor did an item. Kept for 90 days after that, unknown ones until somebody resolves them.';
