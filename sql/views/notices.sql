create or replace view sluice.notices as
select
    n.notice_id,
    s.stream_id,
    n.sync_id,
    n.kind,
    n.error,
    n.created_at
from sluice_internal.notices as n
inner join sluice_internal.syncs as y on y.sync_id = n.sync_id
inner join sluice_internal.streams as s on s.stream_no = y.stream_no;

comment on view sluice.notices is 'When a connection broke, and when it recovered.';
