create or replace function sluice.provider_info(provider text)
returns sluice.providers
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_row sluice.providers;
begin
    select p.* into v_row from sluice.providers as p where p.provider = provider_info.provider;
    if not found then
        raise exception using
            errcode = 'SL105',
            message = format('provider "%s" does not exist', left(coalesce(provider_info.provider, 'null'), 200)),
            hint = format('There are: %s.', (select string_agg(p.provider, ', ' order by p.provider) from sluice.providers as p));
    end if;
    return v_row;
end
$$;

comment on function sluice.provider_info(text) is
'A provider. Its collections are in provider_collections and provider_fields, the document of one''s own in provider_documents. Errors: SL105.';
