create or replace view sluice.views as
select
    'sluice_views.' || v.view_name as view_name,
    v.collection_id,
    v.stream_id,
    v.sync_id,
    f.fields,
    v.fields_left_out,
    v.created_at,
    v.refreshed_at
from sluice_internal.typed_views as v
cross join lateral (
    select count(*)::int as fields
    from sluice_internal.typed_view_fields as t
    where t.view_name = v.view_name
) as f;

comment on view sluice.views is
'The typed views that view_create made. fields: how many columns of data they have; fields_left_out: how many had no room.';
