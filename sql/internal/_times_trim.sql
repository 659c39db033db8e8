create or replace function sluice_internal._times_trim(most int)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_until constant timestamptz := date_trunc('minute', clock_timestamp() - interval '1 day');
    v_stream_no int;
    v_after timestamptz;
    v_seen record;
begin
    if current_setting('transaction_isolation') <> 'read committed'
        or not pg_try_advisory_xact_lock(sluice_internal._lock_key(3, 0, 0))
    then
        return false;
    end if;
    select t.stream_no, t.times_until into v_stream_no, v_after
    from sluice_internal.stream_trims as t
    where t.times_until is null or t.times_until < v_until - interval '1 hour'
    limit 1;
    if not found then
        return false;
    end if;
    with seen as materialized (
        select t.at
        from sluice_internal.stream_times as t
        where t.stream_no = v_stream_no and t.at > coalesce(v_after, '-infinity') and t.at < v_until
        order by t.at
        limit _times_trim.most
    ),
    removed as (
        delete from sluice_internal.stream_times as t
        using seen as s
        where
            t.stream_no = v_stream_no
            and t.at = s.at
            and exists (
                select
                from sluice_internal.stream_times as e
                where e.stream_no = v_stream_no and e.at >= date_trunc('minute', s.at) and e.at < s.at
                offset 0
            )
    )
    select count(*) as times, max(s.at) as last into v_seen from seen as s;
    update sluice_internal.stream_trims as t
    set times_until = case when v_seen.times = _times_trim.most then v_seen.last else v_until end
    where t.stream_no = v_stream_no;
    return true;
end
$$;

comment on function sluice_internal._times_trim(int) is
'Of what tells when a stream''s positions were committed, leaves one a minute where it is older than a day, looking at up to most of them; false if no stream has an hour of that. Whoever asks for a time then gets a moment before it. Locks the folding of counters (tried, never waited for) and those rows.';
