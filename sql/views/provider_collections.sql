create or replace view sluice.provider_collections as
select *
from (values
    ('stripe', 'stripe:customer'),
    ('stripe', 'stripe:invoice'),
    ('stripe', 'stripe:plan'),
    ('stripe', 'stripe:price'),
    ('stripe', 'stripe:product'),
    ('stripe', 'stripe:subscription')
) as c (provider, collection_id);

comment on view sluice.provider_collections is
'The collections that each provider can read. A push sync takes any collection named provider:object.';
