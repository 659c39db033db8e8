create or replace function sluice_internal._wanted_commit(
    sync_id text,
    poller_id text,
    epoch bigint,
    records jsonb,
    quarantine jsonb,
    read_from timestamptz,
    facts jsonb default '{}'
)
returns table (
    new int,
    changed int,
    unchanged int,
    refused int,
    refetch jsonb,
    clock timestamptz
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run sluice_internal.sync_runs;
begin
    perform sluice_internal._authorize(null, 'poller');
    v_run := sluice_internal._lease_check(_wanted_commit.sync_id, _wanted_commit.poller_id, _wanted_commit.epoch);
    select w.new, w.changed, w.unchanged, w.refused, coalesce(w.unclear, '[]')
    into new, changed, unchanged, refused, refetch
    from sluice_internal._record_store(v_run.sync_id, null, _wanted_commit.records, _wanted_commit.read_from) as w;
    delete from sluice_internal.quarantine as q
    using jsonb_to_recordset(_wanted_commit.quarantine || _wanted_commit.records) as i (collection_id text, upstream_id text)
    where
        q.sync_id = v_run.sync_id
        and q.collection_id = i.collection_id collate "C" and q.upstream_id = i.upstream_id collate "C";
    if _wanted_commit.quarantine <> '[]' then
        perform sluice_internal._quarantine_put(v_run.sync_id, _wanted_commit.quarantine);
    end if;
    if _wanted_commit.facts ? 'restart' then
        perform sluice_internal._feeds_restart(
            v_run.sync_id, array(select r.feed from jsonb_array_elements_text(_wanted_commit.facts -> 'restart') as r (feed))
        );
    end if;
    -- Last of all: whoever brings word of one of them waits for nothing that went before.
    delete from sluice_internal.wanted_objects as o
    using jsonb_to_recordset(coalesce(_wanted_commit.facts -> 'settled', '[]')) as i (collection_id text, upstream_id text)
    where
        o.sync_id = v_run.sync_id
        and o.collection_id = i.collection_id collate "C" and o.upstream_id = i.upstream_id collate "C"
        -- after this was read there was word of it again
        and o.taken_at is not null
        and not refetch @> jsonb_build_array(jsonb_build_object('collection_id', o.collection_id, 'upstream_id', o.upstream_id));
    clock := clock_timestamp();
    return next;
end
$$;

comment on function sluice_internal._wanted_commit(text, text, bigint, jsonb, jsonb, timestamptz, jsonb) is
'Writes objects that were wanted, in one transaction and only under the lease; no feed''s cursor moves. records and quarantine as in _page_commit. facts: settled [{collection_id, upstream_id}], which are wanted no more unless there was word of them meanwhile; restart [feeds to be read again]. refetch: the objects whose reads overlap and differ; they stay wanted. Errors: SL130.';
