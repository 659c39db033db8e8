create or replace function sluice.provider_delete(provider text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_user text;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform from sluice_internal.provider_documents as d where d.provider = provider_delete.provider collate "C" for update;
    if not found then
        raise exception using
            errcode = 'SL105',
            message = format('there is no provider "%s" of your own', left(coalesce(provider_delete.provider, 'null'), 200)),
            hint = 'What comes with this release cannot be deleted.';
    end if;
    select coalesce(
        (select format('sync "%s"', y.sync_id) from sluice_internal.syncs as y where y.provider = provider_delete.provider limit 1),
        -- A document of that name to come would get it.
        sluice_internal._provider_secret(provider_delete.provider)
    ) into v_user;
    if v_user is not null then
        raise exception using
            errcode = 'SL111',
            message = format('the provider "%s" is used by %s', provider_delete.provider, v_user),
            hint = 'Delete its syncs, credentials and OAuth apps first.';
    end if;
    delete from sluice_internal.provider_documents as d where d.provider = provider_delete.provider collate "C";
end
$$;

comment on function sluice.provider_delete(text) is
'Deletes a provider of your own that no sync, no credential and no OAuth app uses. Locks its row. Errors: SL105, SL111.';
