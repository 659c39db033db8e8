-- Generated from the providers by `make docs`; not to be edited.
create or replace view sluice_internal._builtin_providers as
select *
from (values
    ('airtable', false, false),
    ('github', false, false),
    ('hubspot', false, true),
    ('intercom', false, false),
    ('jira', false, false),
    ('linear', false, false),
    ('notion', false, false),
    ('push', true, false),
    ('salesforce', false, true),
    ('shopify', false, false),
    ('stripe', false, false),
    ('zendesk', false, false)
) as v (provider, free_form, describes);

comment on view sluice_internal._builtin_providers is
'The providers that come with this release; describes: accounts differ, so the account is asked for its collections.';
