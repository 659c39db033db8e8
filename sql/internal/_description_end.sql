create or replace function sluice_internal._description_end(
    credential_id text,
    poller_id text,
    epoch bigint,
    collections jsonb,
    error jsonb,
    retry_in interval
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.descriptions as d
    set
        poller_id = null,
        error = _description_end.error,
        described_at = case when _description_end.error is null then clock_timestamp() else d.described_at end,
        -- asked for again meanwhile: then once more
        next_attempt_at = case
            when d.attempt = 0 then d.next_attempt_at
            when _description_end.error is not null then clock_timestamp() + _description_end.retry_in
        end
    where
        d.credential_id = _description_end.credential_id collate "C"
        and d.poller_id = _description_end.poller_id collate "C" and d.epoch = _description_end.epoch;
    if not found then
        return false;
    end if;
    if _description_end.error is null then
        delete from sluice_internal.described_collections as c where c.credential_id = _description_end.credential_id collate "C";
        insert into sluice_internal.described_collections (
            credential_id, collection_id, description, mutations, match_on, if_match, fields
        )
        select
            _description_end.credential_id,
            c.collection_id,
            c.description,
            coalesce(c.mutations, '{}'),
            coalesce(c.match_on, '{}'),
            coalesce(c.if_match, false),
            coalesce(c.fields, '[]')
        from jsonb_to_recordset(_description_end.collections) as c (
            collection_id text, description text, mutations text[], match_on text[], if_match boolean, fields jsonb
        )
        where octet_length(c.collection_id) between 1 and 200
        on conflict do nothing;
    end if;
    return true;
end
$$;

comment on function sluice_internal._description_end(text, text, bigint, jsonb, jsonb, interval) is
'Stores what an account said it has, in place of what it said before, or the error and when it is asked again (retry_in null: not by itself). False if another poller has taken over.';
