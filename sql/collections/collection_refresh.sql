create or replace function sluice.collection_refresh(credential_id text)
returns sluice.descriptions
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_description sluice.descriptions;
begin
    perform sluice_internal._authorize(null, 'admin');
    perform sluice_internal._description_ask(collection_refresh.credential_id);
    select d.* into v_description
    from sluice.descriptions as d
    where d.credential_id = collection_refresh.credential_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL104',
            message = format('credential "%s" does not exist', left(coalesce(collection_refresh.credential_id, 'null'), 200)),
            hint = 'List them with: select credential_id, provider from sluice.credentials';
    end if;
    return v_description;
end
$$;

comment on function sluice.collection_refresh(text) is
'Has the account behind a credential asked again for its collections and their fields; a poller does it once this commits. Answers where that stands. credential_collections and credential_fields have what is known. Errors: SL002, SL104.';
