-- Generated from the providers by `make docs`; not to be edited.
create or replace view sluice_internal._open_providers as
select *
from (values
    ('hubspot', 'hubspot:([0-9]{1,3}-[0-9]{1,15}|p[0-9]{0,15}_[a-z0-9_]{1,100}|[a-z_]{1,40})'),
    ('salesforce', 'salesforce:[a-z][a-z0-9_]{0,79}')
) as v (provider, form);

comment on view sluice_internal._open_providers is
'The providers whose accounts have collections of their own, and the form of those names, as a regular expression.';
