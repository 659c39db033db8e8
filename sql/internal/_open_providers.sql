-- Generated from the providers by `make docs`; not to be edited.
create or replace view sluice_internal._open_providers as
select
    null::text as provider,
    null::text as form
where false;

comment on view sluice_internal._open_providers is
'The providers whose accounts have collections of their own, and the form of those names, as a regular expression.';
