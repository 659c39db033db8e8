create or replace view sluice.mutation_items as
select
    m.mutation_id,
    i.item_no,
    s.stream_id,
    i.sync_id,
    i.collection_id,
    i.upstream_id,
    i.status,
    i.error,
    i.attempt,
    i.next_attempt_at,
    i.finished_at,
    i.data
from sluice_internal.mutation_items as i
inner join sluice_internal.mutations as m on m.mutation_no = i.mutation_no
inner join sluice_internal.streams as s on s.stream_no = m.stream_no;

comment on view sluice.mutation_items is
'The items of mutations: what was asked for (data), the vendor''s id, and its error as sent.';
