create or replace function sluice_internal._sync_due(poller_id text)
returns table (
    due int,
    next_in interval,
    held int
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    select
        (count(*) filter (where not h.held and r.next_attempt_at <= clock_timestamp()))::int,
        min(r.next_attempt_at) filter (where not h.held and r.next_attempt_at > clock_timestamp()) - clock_timestamp(),
        (count(*) filter (where h.held and r.poller_id <> _sync_due.poller_id collate "C"))::int
    from sluice_internal.sync_runs as r
    inner join sluice_internal.syncs as y on y.sync_id = r.sync_id
    cross join lateral (
        select exists (
            select from sluice_internal.pollers as p
            where p.poller_id = r.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        ) as held
    ) as h
    where not y.paused;
end
$$;

comment on function sluice_internal._sync_due(text) is
'How many syncs wait for a poller now, and how long until the next one does (null: none is planned), and how many other pollers hold.';
