create or replace view sluice.streams as
select
    s.stream_id,
    s.lanes::int as lanes,
    s.created_at
from sluice_internal.streams as s;

comment on view sluice.streams is 'The streams.';
