create or replace view sluice.providers as
select distinct p.provider
from (values ('push'), ('stripe')) as p (provider);

comment on view sluice.providers is 'The kinds of API that a sync can have.';
