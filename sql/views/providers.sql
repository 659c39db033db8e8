create or replace view sluice.providers as
select
    p.provider,
    p.free_form,
    p.describes,
    true as built_in,
    null::text as title,
    null::timestamptz as updated_at
from sluice_internal._builtin_providers as p
union all
select
    d.provider,
    false as free_form,
    jsonb_path_exists(d.document, '$.collections.*.describe') as describes,
    false as built_in,
    d.document ->> 'title' as title,
    d.updated_at
from sluice_internal.provider_documents as d;

comment on view sluice.providers is
'The kinds of API that a sync can have. free_form: any collection will do; describes: what there is differs between accounts. Not built_in: described by a document of the user''s own, stored at updated_at.';
