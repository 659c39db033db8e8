create or replace function sluice_internal._check_sync(
    provider text,
    collection_ids text[],
    credential_id text,
    metadata jsonb,
    sync_frequency interval
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_collection_id text;
    v_credential_provider text;
begin
    if not exists (select from sluice.providers as p where p.provider = _check_sync.provider) then
        raise exception using
            errcode = 'SL105',
            message = format('provider "%s" does not exist', left(coalesce(_check_sync.provider, 'null'), 200)),
            hint = format('There are: %s.', (select string_agg(p.provider, ', ' order by p.provider) from sluice.providers as p));
    end if;
    -- Against a provider_delete of this moment.
    perform from sluice_internal.provider_documents as d where d.provider = _check_sync.provider collate "C" for key share;
    select u.id into v_collection_id
    from unnest(_check_sync.collection_ids) as u (id)
    where
        u.id is null or case _check_sync.provider
            when 'push' then u.id !~ '^push:.' or octet_length(u.id) > 200
            else u.id not in (
                select c.collection_id from sluice.provider_collections as c where c.provider = _check_sync.provider
                union all
                select d.collection_id
                from sluice_internal.described_collections as d
                where d.credential_id = _check_sync.credential_id collate "C"
            ) and not sluice_internal._collection_open(_check_sync.provider, u.id)
        end
    limit 1;
    if found then
        raise exception using
            errcode = 'SL106',
            message = format(
                'provider "%s" has no collection "%s"', _check_sync.provider, left(coalesce(v_collection_id, 'null'), 200)
            ),
            hint = coalesce(
                'There are: ' || (
                    select string_agg(c.collection_id, ', ' order by c.collection_id)
                    from sluice.provider_collections as c
                    where c.provider = _check_sync.provider
                ) || '.',
                'A collection is named provider:object, for example push:order.'
            );
    end if;
    if _check_sync.provider <> 'push' and cardinality(_check_sync.collection_ids) = 0 then
        raise exception using
            errcode = 'SL001',
            message = 'collection_ids is empty',
            hint = 'Name what to sync; select collection_id from sluice.provider_collections lists it.';
    end if;
    if _check_sync.provider = 'push' and _check_sync.credential_id is not null then
        raise exception using errcode = 'SL001', message = 'a push sync takes no credential', hint = 'Leave credential_id out.';
    end if;
    if _check_sync.provider <> 'push' and _check_sync.credential_id is null then
        raise exception using
            errcode = 'SL001',
            message = format('a sync of %s needs a credential', _check_sync.provider),
            hint = 'Give credential_id; make one with: pgsluice credential create';
    end if;
    if _check_sync.provider <> 'push' then
        select c.provider into v_credential_provider
        from sluice_internal.credentials as c
        where c.credential_id = _check_sync.credential_id collate "C"
        for key share;
        if not found then
            raise exception using
                errcode = 'SL104',
                message = format('credential "%s" does not exist', left(coalesce(_check_sync.credential_id, 'null'), 200)),
                hint = 'Make one with: pgsluice credential create';
        elsif v_credential_provider <> _check_sync.provider then
            raise exception using
                errcode = 'SL001',
                message = format(
                    'credential "%s" is for %s, not for %s', _check_sync.credential_id, v_credential_provider, _check_sync.provider
                ),
                hint = 'Choose a credential of the same provider.';
        end if;
    end if;
    if jsonb_typeof(coalesce(_check_sync.metadata, '{}')) <> 'object' then
        raise exception using errcode = 'SL001', message = 'metadata must be a JSON object', hint = 'For example {"tenant": 42}.';
    end if;
    if _check_sync.sync_frequency <= interval '0' then
        raise exception using
            errcode = 'SL001',
            message = 'sync_frequency must be longer than nothing',
            hint = 'Leave it out for continuous.';
    end if;
end
$$;

comment on function sluice_internal._check_sync(text, text[], text, jsonb, interval) is
'Raises what is wrong with the settings of a sync: SL001, SL104, SL105 or SL106. Locks the credential against deletion.';
