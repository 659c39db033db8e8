create or replace function sluice.quarantine_retry(
    sync_id text default null,
    collection_id text default null,
    upstream_id text default null,
    quarantine_id bigint default null
)
returns table (
    stored int,
    refused int,
    wanted int
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_item sluice_internal.quarantine;
    v_reason text;
    v_done record;
    v_wanted text[] := '{}';
begin
    perform sluice_internal._authorize(null, 'admin');
    stored := 0;
    refused := 0;
    for v_item in
        select q.*
        from sluice_internal.quarantine as q
        inner join sluice_internal.syncs as y on y.sync_id = q.sync_id
        where
            y.deleting_since is null
            and (quarantine_retry.sync_id is null or q.sync_id = quarantine_retry.sync_id collate "C")
            and (quarantine_retry.collection_id is null or q.collection_id = quarantine_retry.collection_id collate "C")
            and (quarantine_retry.upstream_id is null or q.upstream_id = quarantine_retry.upstream_id collate "C")
            and (quarantine_retry.quarantine_id is null or q.quarantine_id = quarantine_retry.quarantine_id)
        order by q.sync_id, q.collection_id, q.upstream_id, q.quarantine_id
        limit 1000
        for update of q skip locked
    loop
        v_reason := sluice_internal._quarantine_refusal(v_item.raw);
        if v_item.upstream_id is null then
            v_reason := coalesce(v_reason, 'it has no id');
        end if;
        if v_reason is null then
            -- as read when it was kept: what was read since then is newer
            v_done := sluice_internal._record_store(
                v_item.sync_id, v_item.collection_id,
                jsonb_build_array(jsonb_build_object(
                    'upstream_id', v_item.upstream_id, 'data', convert_from(v_item.raw, 'UTF8')::jsonb
                )),
                v_item.created_at
            );
            stored := stored + 1;
            delete from sluice_internal.quarantine as q where q.quarantine_id = v_item.quarantine_id;
        else
            refused := refused + 1;
            update sluice_internal.quarantine as q
            set reason = v_reason
            where q.quarantine_id = v_item.quarantine_id and v_item.upstream_id is not null;
        end if;
        if v_item.upstream_id is not null then
            insert into sluice_internal.wanted_objects (sync_id, collection_id, upstream_id)
            select v_item.sync_id, v_item.collection_id, v_item.upstream_id
            from sluice_internal.sync_runs as r
            where r.sync_id = v_item.sync_id
            on conflict do nothing;
            if found then
                v_wanted := v_wanted || v_item.sync_id;
            end if;
        end if;
    end loop;
    wanted := cardinality(v_wanted);
    if wanted > 0 then
        update sluice_internal.sync_runs as r
        set next_attempt_at = clock_timestamp()
        where r.sync_id in (select distinct u.id from unnest(v_wanted) as u (id)) and r.status <> 'rate_limited';
        perform pg_notify('sluice_poller', '');
    end if;
    return next;
end
$$;

comment on function sluice.quarantine_retry(text, text, text, bigint) is
'Tries again to store what is in quarantine, up to 1,000 objects a call: all, or those of a sync, a collection, an object, or one entry. Answers how many were stored, and have left the quarantine, how many still cannot be, and how many objects the next turn of their sync fetches once more (every one that has an id, where there is a vendor to ask). Locks the entries (skips locked ones) and the records. Errors: SL002.';
