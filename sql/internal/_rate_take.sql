create or replace function sluice_internal._rate_take(
    sync_id text,
    poller_id text,
    limits jsonb,
    wanted int,
    cost double precision,
    writes boolean,
    hold_id uuid,
    unused int default 0,
    unused_from timestamptz default null,
    credential_id text default null
)
returns table (
    granted int,
    wait double precision,
    lasts double precision,
    held boolean,
    drawn_at timestamptz
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs;
    v_most int;
    v_window record;
    v_taken sluice_internal.rate_windows;
    v_free record;
    v_said record;
    v_scopes text[] := '{}';
    v_names text[] := '{}';
    v_seconds double precision[] := '{}';
    v_units double precision[] := '{}';
begin
    perform sluice_internal._authorize(null, 'poller');
    granted := greatest(_rate_take.wanted, 1);
    wait := 0;
    lasts := 1;
    held := false;
    drawn_at := clock_timestamp();
    select y.* into v_sync from sluice_internal.syncs as y where y.sync_id = _rate_take.sync_id collate "C";
    if not found then
        -- no sync, but the account itself is asked something
        select c.credential_id into v_sync.credential_id
        from sluice_internal.credentials as c
        where c.credential_id = _rate_take.credential_id collate "C";
        if not found then
            granted := 0;
            wait := 1;
            return next;
            return;
        end if;
    end if;
    v_most := (v_sync.rate_limit -> 'max_concurrent_requests')::int;
    if v_most > 0 then
        held := sluice_internal._rate_hold(v_sync.sync_id, _rate_take.poller_id, _rate_take.hold_id, v_most, _rate_take.writes);
        granted := held::int;
        wait := case when held then 0 else 0.1 end;
    end if;
    for v_window in select l.* from sluice_internal._rate_limits(v_sync, _rate_take.limits, _rate_take.cost) as l loop
        select r.* into v_taken
        from sluice_internal.rate_windows as r
        where r.scope = v_window.scope and r.name = v_window.name
        for update;
        if not found then
            insert into sluice_internal.rate_windows (scope, name, sync_id, credential_id)
            values (v_window.scope, v_window.name, v_window.sync_id, v_window.credential_id)
            on conflict do nothing;
            select r.* into v_taken
            from sluice_internal.rate_windows as r
            where r.scope = v_window.scope and r.name = v_window.name
            for update;
        end if;
        if _rate_take.unused > 0 then
            perform sluice_internal._rate_draw(
                v_window.scope, v_window.name, v_window.seconds, -_rate_take.unused::double precision, _rate_take.unused_from
            );
            select r.* into v_taken from sluice_internal.rate_windows as r where r.scope = v_window.scope and r.name = v_window.name;
        end if;
        -- A tenth of it, one request at least, is for writes alone.
        select f.free, f.wait into v_free
        from sluice_internal._rate_free(
            v_taken,
            v_window.allowed - case
                when _rate_take.writes then 0
                else least(greatest(v_window.unit, floor(v_window.allowed / 10)), v_window.allowed - v_window.unit)
            end,
            v_window.seconds,
            v_window.unit,
            clock_timestamp()
        ) as f;
        -- A grant is what the rate allows in its lifetime, one request at least.
        granted := least(
            granted,
            floor(v_free.free / v_window.unit + 1e-9),
            greatest(floor(v_window.allowed * least(1, v_window.seconds / 20) / v_window.seconds / v_window.unit), 1)
        );
        wait := greatest(wait, v_free.wait);
        v_scopes := v_scopes || v_window.scope;
        v_names := v_names || v_window.name;
        v_seconds := v_seconds || v_window.seconds;
        v_units := v_units || v_window.unit;
        lasts := least(lasts, v_window.seconds / 20);
    end loop;
    granted := greatest(granted, 0);
    if granted > 0 then
        select s.granted, s.wait into v_said
        from sluice_internal._rate_said(
            coalesce('credential:' || v_sync.credential_id, 'sync:' || v_sync.sync_id), _rate_take.cost, granted, _rate_take.writes
        ) as s;
        granted := v_said.granted;
        wait := greatest(wait, v_said.wait);
    end if;
    if granted = 0 then
        if held then
            delete from sluice_internal.rate_holds as h where h.hold_id = _rate_take.hold_id;
            held := false;
        end if;
        wait := greatest(wait, 0.02);
    else
        wait := 0;
        drawn_at := clock_timestamp();
        perform sluice_internal._rate_draw(w.scope, w.name, w.seconds, granted * w.unit, drawn_at)
        from unnest(v_scopes, v_names, v_seconds, v_units) as w (scope, name, seconds, unit);
    end if;
    return next;
end
$$;

comment on function sluice_internal._rate_take(text, text, jsonb, int, double precision, boolean, uuid, int, timestamptz, text) is
'A grant for requests of a sync (credential_id, where there is none: of the account itself): up to wanted of that cost, to be sent within lasts seconds of the call; none: ask again after wait seconds. limits: [{name, allowed, seconds}], what the vendor allows the credential. unused of an earlier grant, drawn at unused_from, come back. held: hold_id is taken until _rate_release. Locks rows of rate_windows (concurrent first, then by scope and name) and of rate_signals. Outside a transaction only.';
