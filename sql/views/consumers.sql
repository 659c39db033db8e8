create or replace view sluice.consumers as
select
    c.consumer_id,
    s.stream_id,
    c.deliver_policy,
    c.ack_wait,
    c.max_deliver,
    c.metadata,
    c.created_at,
    c.max_ack_pending,
    c.filter,
    c.paused
from sluice_internal.consumers as c
inner join sluice_internal.streams as s on s.stream_no = c.stream_no;

comment on view sluice.consumers is 'The consumers and their settings; consumer_info has their numbers.';
