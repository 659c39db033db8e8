create or replace function sluice_internal._pages_settle(
    sync_id text,
    records jsonb,
    quarantine jsonb,
    read_from timestamptz
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_came jsonb := coalesce(_pages_settle.quarantine, '[]') || coalesce(_pages_settle.records, '[]');
begin
    delete from sluice_internal.quarantine as q
    using jsonb_to_recordset(v_came) as i (collection_id text, upstream_id text, raw text)
    where
        q.sync_id = _pages_settle.sync_id collate "C"
        and q.collection_id = i.collection_id collate "C"
        and (q.upstream_id = i.upstream_id collate "C" or (i.upstream_id is null and q.raw = decode(i.raw, 'base64')));
    if _pages_settle.quarantine <> '[]' then
        perform sluice_internal._quarantine_put(_pages_settle.sync_id, _pages_settle.quarantine);
    end if;
    delete from sluice_internal.wanted_objects as o
    using jsonb_to_recordset(v_came) as i (collection_id text, upstream_id text)
    where
        o.sync_id = _pages_settle.sync_id collate "C"
        and o.collection_id = i.collection_id collate "C" and o.upstream_id = i.upstream_id collate "C"
        -- word of it that came after it was asked for is about something newer
        and o.held is null and o.since < _pages_settle.read_from;
end
$$;

comment on function sluice_internal._pages_settle(text, jsonb, jsonb, timestamptz) is
'What came with a page is in quarantine no more, unless it came unreadable, and is wanted no more, unless there was word of it since it was asked for.';
