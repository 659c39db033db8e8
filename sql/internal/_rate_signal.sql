create or replace function sluice_internal._rate_signal(
    sync_id text,
    wait double precision,
    remaining double precision,
    resets_in double precision,
    restore_rate double precision,
    credential_id text default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_sync sluice_internal.syncs;
    v_now timestamptz := clock_timestamp();
    -- Whatever a vendor asks for: an hour at most.
    v_quiet timestamptz := v_now + make_interval(secs => least(greatest(_rate_signal.wait, 0), 3600));
    v_resets timestamptz := v_now + make_interval(secs => least(greatest(_rate_signal.resets_in, 0), 86400));
begin
    perform sluice_internal._authorize(null, 'poller');
    select y.* into v_sync from sluice_internal.syncs as y where y.sync_id = _rate_signal.sync_id collate "C";
    if not found then
        select c.credential_id into v_sync.credential_id
        from sluice_internal.credentials as c
        where c.credential_id = _rate_signal.credential_id collate "C";
        if not found then
            return;
        end if;
    end if;
    insert into sluice_internal.rate_signals as s (
        scope, sync_id, credential_id, quiet_until, remaining, resets_at, restore_rate, said_at
    )
    values (
        coalesce('credential:' || v_sync.credential_id, 'sync:' || v_sync.sync_id),
        case when v_sync.credential_id is null then v_sync.sync_id end,
        v_sync.credential_id,
        v_quiet,
        _rate_signal.remaining,
        v_resets,
        _rate_signal.restore_rate,
        v_now
    )
    on conflict (scope) do update set
        quiet_until = greatest(s.quiet_until, excluded.quiet_until),
        -- Of one window the lowest number is the newest: what was drawn since is not in an older reply.
        remaining = case
            when excluded.remaining is null then s.remaining
            when excluded.restore_rate is null and s.resets_at > v_now and excluded.resets_at < s.resets_at + interval '2 seconds'
                then least(s.remaining, excluded.remaining)
            else excluded.remaining
        end,
        resets_at = case when excluded.remaining is null then s.resets_at else excluded.resets_at end,
        restore_rate = case when excluded.remaining is null then s.restore_rate else excluded.restore_rate end,
        said_at = case when excluded.remaining is null then s.said_at else excluded.said_at end;
end
$$;

comment on function sluice_internal._rate_signal(text, double precision, double precision, double precision, double precision, text) is
'What a vendor said of its budget, for all syncs of the credential (of the sync, or where there is none the named one): wait seconds of silence (an hour at most), what remains until it resets in so many seconds or is refilled by restore_rate a second. Locks one row of rate_signals.';
