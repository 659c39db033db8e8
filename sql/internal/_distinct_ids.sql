create or replace function sluice_internal._distinct_ids(ids text[])
returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return case
    when _distinct_ids.ids is not null then array(
        select u.id from unnest(_distinct_ids.ids) with ordinality as u (id, place) group by u.id order by min(u.place)
    )
end;

comment on function sluice_internal._distinct_ids(text[]) is
'Each id once, where it stands first; null of null.';
