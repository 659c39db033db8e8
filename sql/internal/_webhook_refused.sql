create or replace function sluice_internal._webhook_refused(counts jsonb)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
insert into sluice_internal.webhook_deltas (sync_id, refused)
select
    y.sync_id,
    c.value::int
from jsonb_each_text(_webhook_refused.counts) as c
inner join sluice_internal.syncs as y on y.sync_id = c.key collate "C";
end;

comment on function sluice_internal._webhook_refused(jsonb) is
'How many deliveries a server refused since it last said so: {sync_id: count}.';
