create or replace view sluice.provider_documents as
select
    d.provider,
    d.document,
    d.source,
    d.created_at,
    d.updated_at
from sluice_internal.provider_documents as d;

comment on view sluice.provider_documents is 'The documents that describe users'' own providers; source is the text as it was written.';
