-- Generated from the providers by `make docs`; not to be edited.
create or replace view sluice_internal._open_providers as
select *
from (values
    ('salesforce', 'salesforce:[a-z][a-z0-9_]{0,79}')
) as v (provider, form);

comment on view sluice_internal._open_providers is
'The providers whose accounts have collections of their own, and the form of those names, as a regular expression.';
