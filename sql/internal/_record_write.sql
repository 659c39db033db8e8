create or replace function sluice_internal._record_write(
    stream_no int,
    sync_id text,
    collection_id text,
    records jsonb,
    read_from timestamptz,
    out new int,
    out changed int,
    out unchanged int,
    out refused int,
    out unclear jsonb
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_memoize = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
    v_sequence regclass := 'sluice_internal.position_' || _record_write.stream_no;
    v_read_until timestamptz := case when _record_write.read_from is not null then clock_timestamp() end;
    v_items int := jsonb_array_length(_record_write.records);
    v_written int := 0;
    v_is_first boolean := coalesce(current_setting('sluice.touched_streams', true), '') = '';
    -- A session that says that it commits at once may hold the stream's commit lock while it writes. A transaction that has written before
    -- is not believed; the two times do not tell, since they differ for each statement whose parameters come apart from it.
    v_is_alone boolean := coalesce(current_setting('pgsluice.autocommit', true), '') = 'on' and pg_current_xact_id_if_assigned() is null;
    v_timeout text;
    v_waits text;
    v_known int;
    v_same int;
    v_done record;
    v_rest record;
begin
    perform sluice_internal._touch_stream(_record_write.stream_no);
    new := 0;
    changed := 0;
    unchanged := 0;
    refused := 0;
    -- A fixed snapshot may show as unchanged what was changed since. Locking what is there makes Postgres say so (40001).
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        perform
        from jsonb_to_recordset(_record_write.records) as i (collection_id text, upstream_id text)
        inner join sluice.records as r
            on r.sync_id = _record_write.sync_id collate "C"
            and r.collection_id = coalesce(i.collection_id, _record_write.collection_id) collate "C"
            and r.upstream_id = i.upstream_id collate "C"
        order by r.collection_id, r.upstream_id
        for share of r;
    end if;
    if v_items > 1 then
        -- compressed or out of line, it would be opened for each object
        records := _record_write.records #> '{}';
        -- As the first and the last are, the others are, too, usually.
        select count(r.verdict), count(*) filter (where r.verdict = 'unchanged') into v_known, v_same
        from (values (_record_write.records -> 0), (_record_write.records -> -1)) as e (value)
        left join lateral (
            select sluice_internal._verdict(
                o.upstream_updated_at, o.read_from, o.read_until, o.deleted, o.data,
                (e.value ->> 'upstream_updated_at')::timestamptz, _record_write.read_from, v_read_until,
                coalesce((e.value ->> 'deleted')::boolean, false), nullif(e.value -> 'data', 'null')
            ) as verdict
            from sluice.records as o
            where
                o.sync_id = _record_write.sync_id collate "C"
                and o.collection_id = coalesce(e.value ->> 'collection_id', _record_write.collection_id) collate "C"
                and o.upstream_id = (e.value ->> 'upstream_id') collate "C"
            offset 0
        ) as r on true;
        if v_same = 2 then
            select count(*) into v_same
            from jsonb_array_elements(_record_write.records) as e (value)
            cross join lateral (
                select sluice_internal._verdict(
                    o.upstream_updated_at, o.read_from, o.read_until, o.deleted, o.data,
                    (e.value ->> 'upstream_updated_at')::timestamptz, _record_write.read_from, v_read_until,
                    coalesce((e.value ->> 'deleted')::boolean, false), nullif(e.value -> 'data', 'null')
                ) as verdict
                from sluice.records as o
                where
                    o.sync_id = _record_write.sync_id collate "C"
                    and o.collection_id = coalesce(e.value ->> 'collection_id', _record_write.collection_id) collate "C"
                    and o.upstream_id = (e.value ->> 'upstream_id') collate "C"
                offset 0
            ) as r
            where r.verdict = 'unchanged';
            if v_same = v_items then
                unchanged := v_items;
                return;
            end if;
        elsif v_known = 0 and v_is_first then
            -- All new: a plain insert, which costs less than one that knows what to do about a conflict. Once a transaction,
            -- since many subtransactions in one make the snapshots of others dear.
            begin
                if v_is_alone then
                    -- The numbers drawn under the commit lock stand. Who holds it must not wait for a record: others may hold that
                    -- until their commit, for which they need the lock.
                    if pg_advisory_xact_lock(sluice_internal._lock_key(1, _record_write.stream_no, 0)) is null then
                        null;
                    end if;
                    v_timeout := current_setting('lock_timeout');
                    v_waits := set_config('lock_timeout', '5ms', true);
                end if;
                with written as (
                    insert into sluice.records as r (
                        sync_id, collection_id, upstream_id, updated_idx, upstream_created_at, upstream_updated_at, deleted, data,
                        stream_id, read_from, read_until
                    )
                    select
                        _record_write.sync_id, n.collection_id, n.upstream_id, n.next_idx,
                        (n.value ->> 'upstream_created_at')::timestamptz,
                        (n.value ->> 'upstream_updated_at')::timestamptz,
                        coalesce((n.value ->> 'deleted')::boolean, false),
                        nullif(n.value -> 'data', 'null'),
                        (select t.stream_id from sluice_internal.streams as t where t.stream_no = _record_write.stream_no),
                        _record_write.read_from, v_read_until
                    from (
                        select d.collection_id, d.upstream_id, d.next_idx, _record_write.records -> (d.place - 1) as value
                        from (
                            select
                                coalesce(e.value ->> 'collection_id', _record_write.collection_id) as collection_id,
                                e.value ->> 'upstream_id' as upstream_id,
                                e.place::int as place,
                                nextval(v_sequence) as next_idx
                            from jsonb_array_elements(_record_write.records) with ordinality as e (value, place)
                            offset 0
                        ) as d
                        order by d.collection_id, d.upstream_id
                        offset 0
                    ) as n
                    returning r.collection_id, r.record_no, r.updated_idx
                )
                insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
                select
                    _record_write.stream_no,
                    _record_write.sync_id,
                    case
                        when min(w.collection_id) = max(w.collection_id) then array[min(w.collection_id)]
                        else array_agg(w.collection_id)
                    end,
                    array_agg(w.record_no),
                    array_agg(w.updated_idx),
                    array_fill(true, array[count(*)::int])
                from (select * from written order by updated_idx offset 0) as w
                having count(*) > 0
                returning cardinality(firsts) into new;
                if v_is_alone then
                    v_timeout := set_config('lock_timeout', v_timeout, true);
                end if;
                return;
            exception when unique_violation or lock_not_available then
                -- somebody was or is there, or an object stands in the call twice: nothing was written, no lock is held
                new := 0;
            end;
        end if;
    end if;
    if v_items > 1 and v_items = (
        -- an object may stand in the call twice: then not here
        select count(*)
        from (
            select
            from jsonb_array_elements(_record_write.records) as e (value)
            group by e.value ->> 'collection_id', e.value ->> 'upstream_id'
        ) as g
    ) then
        if v_known = 0 then
            with written as (
                insert into sluice.records as r (
                    sync_id, collection_id, upstream_id, updated_idx, upstream_created_at, upstream_updated_at, deleted, data,
                    stream_id, read_from, read_until
                )
                select
                    _record_write.sync_id, n.collection_id, n.upstream_id, n.next_idx,
                    (n.value ->> 'upstream_created_at')::timestamptz,
                    (n.value ->> 'upstream_updated_at')::timestamptz,
                    coalesce((n.value ->> 'deleted')::boolean, false),
                    nullif(n.value -> 'data', 'null'),
                    (select t.stream_id from sluice_internal.streams as t where t.stream_no = _record_write.stream_no),
                    _record_write.read_from, v_read_until
                from (
                    select d.collection_id, d.upstream_id, d.next_idx, _record_write.records -> (d.place - 1) as value
                    from (
                        select
                            coalesce(e.value ->> 'collection_id', _record_write.collection_id) as collection_id,
                            e.value ->> 'upstream_id' as upstream_id,
                            e.place::int as place,
                            nextval(v_sequence) as next_idx
                        from jsonb_array_elements(_record_write.records) with ordinality as e (value, place)
                        offset 0
                    ) as d
                    order by d.collection_id, d.upstream_id
                    offset 0
                ) as n
                on conflict on constraint records_key do update set
                    updated_idx = excluded.updated_idx,
                    upstream_created_at = coalesce(excluded.upstream_created_at, r.upstream_created_at),
                    upstream_updated_at = greatest(excluded.upstream_updated_at, r.upstream_updated_at),
                    deleted = excluded.deleted,
                    data = coalesce(excluded.data, r.data),
                    read_from = excluded.read_from,
                    read_until = excluded.read_until
                where sluice_internal._verdict(
                    r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                    excluded.upstream_updated_at, excluded.read_from, excluded.read_until, excluded.deleted, excluded.data
                ) = 'changed'
                returning r.collection_id, r.record_no, r.updated_idx, (r.xmax = 0) as first
            )
            insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
            select
                _record_write.stream_no,
                _record_write.sync_id,
                case when min(w.collection_id) = max(w.collection_id) then array[min(w.collection_id)] else array_agg(w.collection_id) end,
                array_agg(w.record_no),
                array_agg(w.updated_idx),
                array_agg(w.first)
            from (select * from written order by updated_idx offset 0) as w
            having count(*) > 0
            returning cardinality(firsts), cardinality(array_positions(firsts, true)) into v_written, new;
            new := coalesce(new, 0);
            v_written := coalesce(v_written, 0);
            changed := v_written - new;
            if v_written = v_items then
                return;
            end if;
            -- The others stood there already, and are locked by now, all in the order of their keys. What was written comes up as
            -- unchanged.
        end if;
        with judged as materialized (
            -- without the data, which is taken out of the call once more: cheaper than to carry it along
            select
                coalesce(i.collection_id, _record_write.collection_id) as collection_id,
                i.upstream_id,
                i.place,
                i.upstream_created_at,
                i.upstream_updated_at,
                i.deleted,
                case
                    when r.record_no is null then 'new'
                    else sluice_internal._verdict(
                        r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                        i.upstream_updated_at, _record_write.read_from, v_read_until, i.deleted, i.data
                    )
                end as verdict
            from (
                select
                    e.value ->> 'collection_id' as collection_id,
                    e.value ->> 'upstream_id' as upstream_id,
                    nullif(e.value -> 'data', 'null') as data,
                    (e.value ->> 'upstream_created_at')::timestamptz as upstream_created_at,
                    (e.value ->> 'upstream_updated_at')::timestamptz as upstream_updated_at,
                    coalesce((e.value ->> 'deleted')::boolean, false) as deleted,
                    e.place::int as place
                from jsonb_array_elements(_record_write.records) with ordinality as e (value, place)
                offset 0
            ) as i
            left join lateral (
                select o.*
                from sluice.records as o
                where
                    o.sync_id = _record_write.sync_id collate "C"
                    and o.collection_id = coalesce(i.collection_id, _record_write.collection_id) collate "C"
                    and o.upstream_id = i.upstream_id collate "C"
                offset 0
            ) as r on true
        ),
        written as (
            insert into sluice.records as r (
                sync_id, collection_id, upstream_id, updated_idx, upstream_created_at, upstream_updated_at, deleted, data,
                stream_id, read_from, read_until
            )
            select
                _record_write.sync_id, n.collection_id, n.upstream_id, n.next_idx, n.upstream_created_at, n.upstream_updated_at,
                n.deleted, nullif(_record_write.records -> (n.place - 1) -> 'data', 'null'), s.stream_id,
                _record_write.read_from, v_read_until
            from (
                select d.*
                from (
                    select j.*, nextval(v_sequence) as next_idx
                    from (select * from judged where verdict in ('new', 'changed') order by place offset 0) as j
                    offset 0
                ) as d
                order by d.collection_id, d.upstream_id
                offset 0
            ) as n
            cross join (
                select t.stream_id from sluice_internal.streams as t where t.stream_no = _record_write.stream_no offset 0
            ) as s
            on conflict on constraint records_key do update set
                updated_idx = excluded.updated_idx,
                upstream_created_at = coalesce(excluded.upstream_created_at, r.upstream_created_at),
                upstream_updated_at = greatest(excluded.upstream_updated_at, r.upstream_updated_at),
                deleted = excluded.deleted,
                data = coalesce(excluded.data, r.data),
                read_from = excluded.read_from,
                read_until = excluded.read_until
            where sluice_internal._verdict(
                r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                excluded.upstream_updated_at, excluded.read_from, excluded.read_until, excluded.deleted, excluded.data
            ) = 'changed'
            returning r.collection_id, r.upstream_id, r.record_no, r.updated_idx, (r.xmax = 0) as first
        ),
        noted as (
            insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
            select
                _record_write.stream_no,
                _record_write.sync_id,
                case when min(w.collection_id) = max(w.collection_id) then array[min(w.collection_id)] else array_agg(w.collection_id) end,
                array_agg(w.record_no),
                array_agg(w.updated_idx),
                array_agg(w.first)
            from (select * from written order by updated_idx offset 0) as w
            having count(*) > 0
        ),
        -- everything but the usual is left to the general way
        rest as (
            select array_agg(j.place order by j.place) as places
            from judged as j
            where
                j.verdict in ('touched', 'refused', 'unclear')
                or (
                    j.verdict <> 'unchanged'
                    and (select count(*) from written as w) < (select count(*) from judged as k where k.verdict in ('new', 'changed'))
                    and (j.collection_id, j.upstream_id) not in (select w.collection_id, w.upstream_id from written as w)
                )
        )
        select
            (select count(*) from written as w where w.first) as new,
            (select count(*) from written as w where not w.first) as changed,
            (select count(*) from judged as j where j.verdict = 'unchanged') as unchanged,
            r.places
        into v_done
        from rest as r;
        new := new + v_done.new;
        changed := changed + v_done.changed;
        unchanged := v_done.unchanged - v_written;
        if v_done.places is null then
            return;
        end if;
        records := (select jsonb_agg(_record_write.records -> (p.place - 1) order by p.place) from unnest(v_done.places) as p (place));
    end if;
    v_rest := sluice_internal._record_write_each(
        _record_write.stream_no, _record_write.sync_id, _record_write.collection_id, _record_write.records, _record_write.read_from
    );
    new := new + v_rest.new;
    changed := changed + v_rest.changed;
    unchanged := unchanged + v_rest.unchanged;
    refused := v_rest.refused;
    unclear := v_rest.unclear;
end
$$;

comment on function sluice_internal._record_write(int, text, text, jsonb, timestamptz) is
'Writes an array of {collection_id, upstream_id, data, upstream_created_at, upstream_updated_at, deleted} into records, at once visible to this transaction; their final updated_idx is decided at commit (_number_ingest). read_from: when the vendor was asked, on the database''s clock, null for pushed records. Locks the written records, in key order.';
