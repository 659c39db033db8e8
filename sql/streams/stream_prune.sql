create or replace function sluice.stream_prune(
    stream_id text,
    older_than interval,
    force boolean default false
)
returns table (
    removed int,
    held int,
    held_by text,
    more boolean
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_stream sluice_internal.streams := sluice_internal._authorize(coalesce(stream_prune.stream_id, ''), 'admin');
    v_most constant int := 5000;
    v_at timestamptz;
    v_until bigint;
    v_after bigint := 0;
    v_chosen bigint[];
    v_held bigint[];
    v_by text;
begin
    if stream_prune.older_than between interval '0' and interval '1000 years' then
        v_at := clock_timestamp() - stream_prune.older_than;
    else
        raise exception using
            errcode = 'SL001',
            message = 'older_than must be an age, such as 30 days',
            hint = 'Tombstones that were committed earlier than that are removed; 0 means any age.';
    end if;
    -- The place before the first that was written since; null: nothing was, all is older.
    v_until := least(
        (
            select t.idx
            from sluice_internal.stream_times as t
            where t.stream_no = v_stream.stream_no and t.at > v_at
            order by t.at
            limit 1
        ),
        (
            select min(i.updated_idxs[1]) - 1
            from sluice_internal.ingests as i
            where i.stream_no = v_stream.stream_no and i.created_at > v_at
        )
    );
    if stream_prune.older_than = interval '0' then
        v_until := null;
    end if;
    removed := 0;
    held := 0;
    loop
        select array_agg(c.record_no) into v_chosen
        from (
            select r.record_no
            from sluice.records as r
            where
                r.stream_id = v_stream.stream_id and r.deleted and r.record_no > v_after
                and (r.updated_idx <= v_until or v_until is null)
            order by r.record_no
            limit v_most
            for update skip locked
        ) as c;
        exit when v_chosen is null;
        v_after := v_chosen[cardinality(v_chosen)];
        if not coalesce(stream_prune.force, false) then
            select array_agg(h.record_no), min(h.consumer_id) into v_held, v_by
            from (
                select t.record_no, t.consumer_id
                from sluice_internal._records_held(v_stream.stream_no, v_chosen) as t
                union
                select d.record_no, c.consumer_id
                from sluice_internal.consumers as c
                inner join sluice_internal.dead_letters as d on d.consumer_no = c.consumer_no and d.record_no = any(v_chosen)
                where c.stream_no = v_stream.stream_no
            ) as h;
            held_by := coalesce(held_by, v_by);
            held := held + coalesce((select count(distinct u.no) from unnest(v_held) as u (no)), 0);
            v_chosen := array(select unnest(v_chosen) except select unnest(v_held));
        end if;
        removed := removed + sluice_internal._records_forget(v_stream.stream_no, v_chosen);
        more := removed >= v_most;
        exit when more;
    end loop;
    more := coalesce(more, false);
    return next;
end
$$;

comment on function sluice.stream_prune(text, interval, boolean) is
'Removes tombstones of a stream that were committed longer ago than older_than, about 5,000 a call: more says that a further call has work. One that a consumer has not settled yet, or that is a dead letter, stays and counts as held; held_by is such a consumer. With force it goes all the same, and that consumer never gets it. Locks the tombstones (skips locked ones). Errors: SL001, SL101.';
