create or replace function sluice_internal._ingest_refusal(
    sync sluice_internal.syncs,
    collection_id text
)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(_ingest_refusal.collection_id, '') !~ '^[a-z0-9_-]+:.+$' or octet_length(_ingest_refusal.collection_id) > 200 then
        raise exception using
            errcode = 'SL001',
            message = format('"%s" is not a collection id', left(_ingest_refusal.collection_id, 200)),
            hint = 'A collection is named provider:object, for example stripe:customer or push:order.';
    end if;
    if not coalesce(
        case
            when sync.collection_ids <> '{}' then _ingest_refusal.collection_id = any(sync.collection_ids)
            else _ingest_refusal.collection_id like 'push:%'
        end,
        false
    ) then
        raise exception using
            errcode = 'SL106',
            message = format('sync "%s" has no collection "%s"', sync.sync_id, left(_ingest_refusal.collection_id, 200)),
            hint = coalesce(
                'It has: ' || nullif(array_to_string(sync.collection_ids, ', '), '') || '.',
                'It takes any that is named push:object, for example push:order.'
            );
    end if;
end
$$;

comment on function sluice_internal._ingest_refusal(sluice_internal.syncs, text) is
'Raises what is wrong with a collection id given to record_ingest, if anything is: SL001 if it is none, SL106 if the sync does not have it.';
