create or replace function sluice_internal._verdict(
    old_version timestamptz,
    old_from timestamptz,
    old_until timestamptz,
    old_deleted boolean,
    old_data jsonb,
    new_version timestamptz,
    new_from timestamptz,
    new_until timestamptz,
    new_deleted boolean,
    new_data jsonb
)
returns text
language sql
immutable
parallel safe
return case
    when old_version > new_version then 'refused'
    -- a version that was seen before the deletion does not undo it
    when old_deleted and not new_deleted and old_version = new_version then 'refused'
    when coalesce(old_version < new_version, false) or old_from is null or new_from is null or new_from > old_until then case
        when old_deleted <> new_deleted or not coalesce(old_data = new_data, new_data is null) then 'changed'
        when old_version < new_version or (old_version is null and new_version is not null) then 'touched'
        else 'unchanged'
    end
    when old_deleted = new_deleted and coalesce(old_data = new_data, new_data is null) then 'unchanged'
    when new_until < old_from then 'refused'
    else 'unclear'
end;

comment on function sluice_internal._verdict(
    timestamptz, timestamptz, timestamptz, boolean, jsonb, timestamptz, timestamptz, timestamptz, boolean, jsonb
) is
'What an incoming state is to the stored one: changed, touched (only the version is newer), unchanged, refused (older), or unclear (two reads overlap and differ: fetch again). Versions decide; without them, or where they are equal, the intervals in which the states were read; without those, the order of commits. Inlined, so it pins no search path.';
