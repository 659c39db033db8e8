create or replace function sluice_internal._record_write_each(
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
    v_stream_id text;
    v_sequence regclass := format('sluice_internal.position_%s', _record_write_each.stream_no)::regclass;
    v_read_until timestamptz := case when _record_write_each.read_from is not null then clock_timestamp() end;
    v_round int := 1;
    v_rounds int;
    v_new int;
    v_changed int;
    v_unchanged int;
    v_refused int;
    v_unclear jsonb;
    v_lost bigint[];
begin
    select s.stream_id into v_stream_id from sluice_internal.streams as s where s.stream_no = _record_write_each.stream_no;
    new := 0;
    changed := 0;
    unchanged := 0;
    refused := 0;
    -- An object that stands in the call more than once is written in rounds, in the order given.
    loop
        with item as materialized (
            select
                coalesce(i.collection_id, _record_write_each.collection_id) as collection_id,
                i.upstream_id,
                case when i.data <> 'null' then i.data end as data,
                i.upstream_created_at,
                i.upstream_updated_at,
                coalesce(i.deleted, false) as deleted,
                i.ordinality,
                row_number() over (
                    partition by coalesce(i.collection_id, _record_write_each.collection_id), i.upstream_id
                    order by i.ordinality
                ) as round
            from rows from (
                jsonb_to_recordset(_record_write_each.records) as (
                    collection_id text,
                    upstream_id text,
                    data jsonb,
                    upstream_created_at timestamptz,
                    upstream_updated_at timestamptz,
                    deleted boolean
                )
            ) with ordinality as i (
                collection_id, upstream_id, data, upstream_created_at, upstream_updated_at, deleted, ordinality
            )
        ),
        judged as materialized (
            select
                i.*,
                case
                    when r.record_no is null then 'new'
                    else sluice_internal._verdict(
                        r.upstream_updated_at, r.read_from, r.read_until, r.deleted, r.data,
                        i.upstream_updated_at, _record_write_each.read_from, v_read_until, i.deleted, i.data
                    )
                end as verdict,
                r.record_no
            from item as i
            left join lateral (
                select o.*
                from sluice.records as o
                where
                    o.sync_id = _record_write_each.sync_id collate "C"
                    and o.collection_id = i.collection_id collate "C"
                    and o.upstream_id = i.upstream_id collate "C"
                offset 0
            ) as r on true
            where i.round = v_round and (v_lost is null or i.ordinality = any(v_lost))
        ),
        written as (
            -- The verdict is asked again under the row's lock: another writer may have come first.
            insert into sluice.records as r (
                sync_id, collection_id, upstream_id, updated_idx, upstream_created_at, upstream_updated_at, deleted, data,
                stream_id, read_from, read_until
            )
            select
                _record_write_each.sync_id, n.collection_id, n.upstream_id, n.next_idx, n.upstream_created_at,
                n.upstream_updated_at, n.deleted, n.data, v_stream_id, _record_write_each.read_from, v_read_until
            from (
                select j.*, nextval(v_sequence) as next_idx
                from (select * from judged where verdict in ('new', 'changed') order by ordinality offset 0) as j
                offset 0
            ) as n
            order by n.collection_id, n.upstream_id
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
        touched as (
            update sluice.records as r
            set upstream_updated_at = j.upstream_updated_at
            from judged as j
            where
                j.verdict = 'touched'
                and r.record_no = j.record_no
                and (r.upstream_updated_at < j.upstream_updated_at or r.upstream_updated_at is null)
        ),
        noted as (
            insert into sluice_internal.ingests (stream_no, sync_id, collection_ids, record_nos, updated_idxs, firsts)
            select
                _record_write_each.stream_no,
                _record_write_each.sync_id,
                case
                    when min(w.collection_id) = max(w.collection_id) then array[min(w.collection_id)]
                    else array_agg(w.collection_id order by w.updated_idx)
                end,
                array_agg(w.record_no order by w.updated_idx),
                array_agg(w.updated_idx order by w.updated_idx),
                array_agg(w.first order by w.updated_idx)
            from written as w
            having count(*) > 0
        )
        select
            (select count(*) from written as w where w.first),
            (select count(*) from written as w where not w.first),
            count(*) filter (where j.verdict = 'refused'),
            jsonb_agg(jsonb_build_object('collection_id', j.collection_id, 'upstream_id', j.upstream_id))
                filter (where j.verdict = 'unclear'),
            count(*) filter (where j.verdict in ('unchanged', 'touched')),
            case when count(*) filter (where j.verdict in ('new', 'changed')) > (select count(*) from written) then (
                select array_agg(l.ordinality)
                from judged as l
                where
                    l.verdict in ('new', 'changed')
                    and (l.collection_id, l.upstream_id) not in (select w.collection_id, w.upstream_id from written as w)
            ) end,
            (select max(i.round) from item as i)
        into v_new, v_changed, v_refused, v_unclear, v_unchanged, v_lost, v_rounds
        from judged as j;
        new := new + v_new;
        changed := changed + v_changed;
        unchanged := unchanged + v_unchanged;
        refused := refused + v_refused;
        if v_unclear is not null then
            unclear := coalesce(unclear, '[]') || v_unclear;
        end if;
        -- Another writer came first: look again at those records, and at no others. Their locks are held by now, so the order
        -- of locks stays; looking at all would lock what was unchanged a moment ago, and two writers could deadlock.
        continue when v_lost is not null;
        exit when v_round >= coalesce(v_rounds, 0);
        v_round := v_round + 1;
    end loop;
end
$$;

comment on function sluice_internal._record_write_each(int, text, text, jsonb, timestamptz) is
'_record_write in the general way: objects that stand in the call more than once, in rounds; those of which another writer came first, again.';
