create or replace function sluice_internal._feeds_forget(
    sync_id text,
    collection_ids text[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- with their parts; what also speaks of others is declared anew by the next turn
    delete from sluice_internal.sync_feeds as f
    where
        f.sync_id = _feeds_forget.sync_id
        and (split_part(f.feed, '/', 1) = any(_feeds_forget.collection_ids) or (
            f.collection_ids <> '{}' and f.collection_ids <@ _feeds_forget.collection_ids
        ));
    delete from sluice_internal.wanted_objects as o
    where o.sync_id = _feeds_forget.sync_id and o.collection_id = any(_feeds_forget.collection_ids);
end
$$;

comment on function sluice_internal._feeds_forget(text, text[]) is
'Forgets how far these collections of a sync have been read.';
