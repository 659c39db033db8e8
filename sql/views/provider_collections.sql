create or replace view sluice.provider_collections as
select *
from (values
    ('stripe', 'stripe:customer', array['create', 'update', 'delete']),
    ('stripe', 'stripe:invoice', array['create', 'update', 'delete']),
    ('stripe', 'stripe:plan', array['create', 'update', 'delete']),
    ('stripe', 'stripe:price', array['create', 'update']),
    ('stripe', 'stripe:product', array['create', 'update', 'delete']),
    ('stripe', 'stripe:subscription', array['create', 'update', 'delete'])
) as c (provider, collection_id, mutations);

comment on view sluice.provider_collections is
'The collections that each provider can read, and the kinds of mutation it takes. A push sync takes any collection named provider:object.';
