create or replace function sluice.quarantine_purge(
    sync_id text default null,
    collection_id text default null,
    upstream_id text default null,
    quarantine_id bigint default null
)
returns int
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_count int;
begin
    perform sluice_internal._authorize(null, 'admin');
    if coalesce(quarantine_purge.sync_id, quarantine_purge.quarantine_id::text) is null then
        raise exception using
            errcode = 'SL001',
            message = 'name the sync whose quarantine is to be emptied, or one entry',
            hint = 'For example: select quarantine_purge(''acme''). Nothing was removed.';
    end if;
    delete from sluice_internal.quarantine as q
    where
        (quarantine_purge.sync_id is null or q.sync_id = quarantine_purge.sync_id collate "C")
        and (quarantine_purge.collection_id is null or q.collection_id = quarantine_purge.collection_id collate "C")
        and (quarantine_purge.upstream_id is null or q.upstream_id = quarantine_purge.upstream_id collate "C")
        and (quarantine_purge.quarantine_id is null or q.quarantine_id = quarantine_purge.quarantine_id);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

comment on function sluice.quarantine_purge(text, text, text, bigint) is
'Removes what is in quarantine for good, and answers how many: of a sync, of one of its collections or objects, or one entry. Errors: SL001, SL002.';
