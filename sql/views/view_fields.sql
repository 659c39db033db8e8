create or replace view sluice.view_fields as
select
    'sluice_views.' || f.view_name as view_name,
    f.place,
    f.column_name,
    f.field,
    case when f.kind in ('time', 'unixtime') then 'timestamptz' else f.kind end as type
from sluice_internal.typed_view_fields as f;

comment on view sluice.view_fields is 'The columns of the typed views and the field of data that each shows.';
