create or replace function sluice_internal._rate_hold(
    sync_id text,
    poller_id text,
    hold_id uuid,
    most int,
    writes boolean
)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_scope text := 'sync:' || _rate_hold.sync_id;
    v_writes_wait_until timestamptz;
    v_held int;
begin
    insert into sluice_internal.rate_windows (scope, name, sync_id)
    values (v_scope, 'concurrent', _rate_hold.sync_id)
    on conflict do nothing;
    -- The lock first: the count below must see what others hold.
    select r.writes_wait_until into v_writes_wait_until
    from sluice_internal.rate_windows as r
    where r.scope = v_scope and r.name = 'concurrent'
    for update;
    delete from sluice_internal.rate_holds as h
    where
        h.sync_id = _rate_hold.sync_id collate "C"
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = h.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        );
    select count(*) into v_held from sluice_internal.rate_holds as h where h.sync_id = _rate_hold.sync_id collate "C";
    if v_held >= _rate_hold.most or (not _rate_hold.writes and v_writes_wait_until > clock_timestamp()) then
        if _rate_hold.writes then
            -- Reads stand back for as long as a write keeps asking.
            update sluice_internal.rate_windows as r
            set writes_wait_until = clock_timestamp() + interval '1 second'
            where r.scope = v_scope and r.name = 'concurrent';
        end if;
        return false;
    end if;
    if _rate_hold.writes and v_writes_wait_until is not null then
        update sluice_internal.rate_windows as r set writes_wait_until = null where r.scope = v_scope and r.name = 'concurrent';
    end if;
    insert into sluice_internal.rate_holds (hold_id, sync_id, poller_id)
    values (_rate_hold.hold_id, _rate_hold.sync_id, _rate_hold.poller_id);
    return true;
end
$$;

comment on function sluice_internal._rate_hold(text, text, uuid, int, boolean) is
'One more request of a sync under way, if fewer than most are; false if not. What a poller held that was silent for 10 s is free. Locks the sync''s row in rate_windows.';
