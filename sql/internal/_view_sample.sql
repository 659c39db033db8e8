create or replace function sluice_internal._view_sample(
    collection_id text,
    stream_id text,
    sync_id text
)
returns table (
    field text,
    seen bigint,
    fits text[]
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
with chosen as materialized (
    select y.sync_id
    from sluice_internal.syncs as y
    inner join sluice_internal.streams as s on s.stream_no = y.stream_no
    where
        s.stream_id = coalesce(_view_sample.stream_id, s.stream_id) and y.sync_id = coalesce(_view_sample.sync_id, y.sync_id)
        and exists (
            select from sluice.records as r
            where r.sync_id = y.sync_id and r.collection_id = _view_sample.collection_id
        )
    order by y.created_at desc
    limit 100
),
-- Every account has its say (accounts differ), and what came last.
sample as materialized (
    select r.record_no, r.data
    from chosen as c
    cross join lateral (
        select t.record_no, t.data
        from sluice.records as t
        where t.sync_id = c.sync_id and t.collection_id = _view_sample.collection_id
        limit 10000 / (select count(*) from chosen)
    ) as r
    union all
    select r.record_no, r.data
    from (select t.* from sluice.records as t order by t.record_no desc limit 5000) as r
    where r.collection_id = _view_sample.collection_id and r.sync_id in (select c.sync_id from chosen as c)
),
bounded as (
    select s.data, sum(pg_column_size(s.data)) over (order by s.record_no desc rows unbounded preceding) as bytes
    from sample as s
    where jsonb_typeof(s.data) = 'object'
),
entries as (
    select
        e.key,
        jsonb_typeof(e.value) as type,
        case when jsonb_typeof(e.value) = 'number' then e.value::numeric end as number,
        case when jsonb_typeof(e.value) = 'string' then left(e.value #>> '{}', 50) end as words
    from bounded as b
    cross join lateral jsonb_each(b.data) as e
    where b.bytes < 200 * 1024 * 1024
)
select
    e.key,
    count(*),
    array_remove(array[
        case when every(e.type = 'boolean') then 'boolean' end,
        case
            when every(coalesce(
                e.number between -9223372036854775808 and 9223372036854775807 and e.number % 1 = 0, false
            )) then 'bigint'
        end,
        case when every(e.number is not null) then 'numeric' end,
        case when every(coalesce(e.words ~ sluice_internal._time_pattern('timestamptz'), false)) then 'timestamptz' end,
        case when every(coalesce(e.words ~ sluice_internal._time_pattern('date'), false)) then 'date' end,
        case when every(e.words is not null) then 'text' end,
        'jsonb',
        case when every(coalesce(e.number between -62135596800 and 253402300799, false)) then 'unixtime' end,
        case
            when every(coalesce(
                e.number between -62135596800 and 253402300799 or e.words ~ sluice_internal._time_pattern('timestamptz'), false
            )) then 'time'
        end
    ], null)
from entries as e
where e.type <> 'null'
group by e.key
$$;

comment on function sluice_internal._view_sample(text, text, text) is
'The fields of a bounded sample of records (of up to 100 syncs 10,000 in all, and the latest), how often each has a value, and the kinds that all its values fit, the closest first.';
