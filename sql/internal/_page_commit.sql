create or replace function sluice_internal._page_commit(
    sync_id text,
    poller_id text,
    epoch bigint,
    feed text,
    cursor jsonb,
    done boolean,
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
begin
    perform sluice_internal._authorize(null, 'poller');
    return query
    select c.*
    from sluice_internal._pages_commit(
        _page_commit.sync_id,
        _page_commit.poller_id,
        _page_commit.epoch,
        jsonb_build_array(
            jsonb_build_object(
                'feed', _page_commit.feed, 'cursor', _page_commit.cursor, 'done', _page_commit.done,
                'read_from', _page_commit.read_from, 'facts', _page_commit.facts, 'records', jsonb_array_length(_page_commit.records)
            )
        ),
        _page_commit.records,
        _page_commit.quarantine,
        _page_commit.read_from
    ) as c;
end
$$;

comment on function sluice_internal._page_commit(text, text, bigint, text, jsonb, boolean, jsonb, jsonb, timestamptz, jsonb) is
'Writes one page and moves the feed''s cursor, in one transaction and only under the lease. records as in _record_write; quarantine: [{collection_id, upstream_id, raw (base64), reason}]. facts, each of which may be left out: more, first (a reading from the start begins with this page), last (false: a piece of a page, the cursor stays), wait (seconds until the feed is asked again), total, parts [{name, cursor}], restart [feeds to be read again]. refetch: the objects whose reads overlap and differ; if there are any, the cursor stays until a later call brings them. Errors: SL130.';
