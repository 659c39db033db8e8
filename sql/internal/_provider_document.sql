create or replace function sluice_internal._provider_document(provider text)
returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select d.document::text
    from sluice_internal.provider_documents as d
    where d.provider = _provider_document.provider collate "C";
$$;

comment on function sluice_internal._provider_document(text) is
'The document of a provider of the user''s own, as JSON text; null if there is none.';
