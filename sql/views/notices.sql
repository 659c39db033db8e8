create or replace view sluice.notices as
select
    n.notice_id,
    s.stream_id,
    n.sync_id,
    n.kind,
    n.error,
    n.created_at,
    n.collection_id
from sluice_internal.notices as n
inner join sluice_internal.syncs as y on y.sync_id = n.sync_id
inner join sluice_internal.streams as s on s.stream_no = y.stream_no;

comment on view sluice.notices is
'What happened to connections, kept for 90 days: broken (error says why), recovered, moved; webhooks_left: a subscription could not be removed at the vendor; collection_broken and collection_recovered, of one collection alone. The channel sluice_notices brings the sync_id of each when it is committed.';
