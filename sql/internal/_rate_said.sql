create or replace function sluice_internal._rate_said(
    scope text,
    cost double precision,
    most int,
    writes boolean,
    out granted int,
    out wait double precision
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_said sluice_internal.rate_signals;
    v_left double precision;
begin
    granted := _rate_said.most;
    wait := 0;
    select s.* into v_said from sluice_internal.rate_signals as s where s.scope = _rate_said.scope;
    if not found then
        return;
    end if;
    if v_said.quiet_until > clock_timestamp() then
        granted := 0;
        wait := extract(epoch from v_said.quiet_until - clock_timestamp());
        return;
    end if;
    if v_said.remaining is null or (v_said.restore_rate is null and coalesce(v_said.resets_at <= clock_timestamp(), true)) then
        return;
    end if;
    select s.* into v_said from sluice_internal.rate_signals as s where s.scope = _rate_said.scope for update;
    -- The last place is a write's.
    v_left := v_said.remaining - case when _rate_said.writes then 0 else 1 end
        + coalesce(v_said.restore_rate * extract(epoch from clock_timestamp() - v_said.said_at)::double precision, 0);
    granted := least(_rate_said.most, floor(greatest(v_left, 0) / greatest(_rate_said.cost, 1e-9) + 1e-9)::bigint)::int;
    if granted > 0 then
        update sluice_internal.rate_signals as s
        set remaining = s.remaining - granted * _rate_said.cost
        where s.scope = _rate_said.scope;
    elsif v_said.restore_rate > 0 then
        wait := (_rate_said.cost - v_left) / v_said.restore_rate;
    else
        wait := extract(epoch from v_said.resets_at - clock_timestamp());
    end if;
end
$$;

comment on function sluice_internal._rate_said(text, double precision, int, boolean) is
'How many requests of that cost, at most so many, what the vendor last said leaves room for, and how many seconds until one. Takes them from what it said. Locks that row.';
