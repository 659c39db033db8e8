create or replace function sluice.provider_create(
    provider text,
    document jsonb,
    source text default null,
    replace boolean default false,
    readdress boolean default false
)
returns sluice.providers
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_missing text;
    v_former jsonb;
    v_place text;
    v_secret text;
    v_row sluice.providers;
begin
    perform sluice_internal._authorize(null, 'admin');
    if provider_create.provider is null or provider_create.provider !~ '^[a-z][a-z0-9_]{0,39}$'
        or jsonb_typeof(provider_create.document -> 'collections') is distinct from 'object'
        or provider_create.document ->> 'name' is distinct from provider_create.provider
    then
        raise exception using
            errcode = 'SL150',
            message = 'this is no document of that provider',
            detail = 'its name must be the provider''s, in small letters, digits and _, and collections an object',
            hint = 'pgsluice provider check FILE names everything that is wrong with one.';
    end if;
    if exists (select from sluice_internal._builtin_providers as b where b.provider = provider_create.provider) then
        raise exception using
            errcode = 'SL110',
            message = format('the provider "%s" comes with this release', provider_create.provider),
            hint = 'Choose another name for the document.';
    end if;
    select d.document into v_former
    from sluice_internal.provider_documents as d
    where d.provider = provider_create.provider collate "C"
    for update;
    if found and not coalesce(provider_create.replace, false) then
        raise exception using
            errcode = 'SL110',
            message = format('the provider "%s" exists', provider_create.provider),
            hint = 'Say replace to store this document in the place of the other.';
    end if;
    select format('sync "%s" reads %s', y.sync_id, u.id) into v_missing
    from sluice_internal.syncs as y
    cross join lateral unnest(y.collection_ids) as u (id)
    where
        y.provider = provider_create.provider
        and not provider_create.document -> 'collections' ? substr(u.id, length(provider_create.provider) + 2)
    limit 1;
    if v_missing is not null then
        raise exception using
            errcode = 'SL111',
            message = format('the new document lacks a collection: %s', v_missing),
            hint = 'Keep the collection, or take it out of the sync first.';
    end if;
    -- Whoever may store documents need not know the secrets: a host of their own would tell them.
    if v_former is not null and not coalesce(provider_create.readdress, false) then
        v_secret := sluice_internal._provider_secret(provider_create.provider);
        select min(n.place) into v_place
        from sluice_internal._document_places(provider_create.document) as n (place)
        where n.place not in (select o.place from sluice_internal._document_places(v_former) as o (place));
        if v_secret is not null and v_place is not null then
            raise exception using
                errcode = 'SL111',
                message = format('the new document would send the secret of %s to another place: %s', v_secret, left(v_place, 300)),
                hint = 'Nothing was changed. Give the document another name, delete the credentials and apps first, or, if you may decide'
                || ' that: pgsluice provider add --replace --readdress';
        end if;
    end if;
    insert into sluice_internal.provider_documents as d (provider, document, source)
    values (provider_create.provider, provider_create.document, provider_create.source)
    on conflict (provider) do update
    set document = excluded.document, source = excluded.source, updated_at = clock_timestamp();
    -- What accounts said was said of the document before it.
    delete from sluice_internal.described_collections as k
    using sluice_internal.credentials as c
    where c.provider = provider_create.provider and k.credential_id = c.credential_id collate "C";
    perform sluice_internal._description_ask(c.credential_id)
    from sluice_internal.credentials as c
    where c.provider = provider_create.provider;
    select p.* into v_row from sluice.providers as p where p.provider = provider_create.provider;
    return v_row;
end
$$;

comment on function sluice.provider_create(text, jsonb, text, boolean, boolean) is
'Stores a provider of your own: any REST or GraphQL API, described by a document (docs/how-to/rest.md), with its text as source. With replace it takes the place of an earlier one, from each sync''s next turn on; while there are credentials or OAuth apps of it, one that sends secrets elsewhere than the earlier one is refused, unless readdress says so. Check it before: pgsluice provider check. Locks the provider''s row. Errors: SL110, SL111, SL150.';
