create or replace function sluice_internal._erasure_digest(
    sync_id text,
    collection_id text,
    upstream_id text
)
returns bytea
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key bytea := (select e.key from sluice_internal.erasure_key as e);
    v_text text := jsonb_build_array(_erasure_digest.sync_id, _erasure_digest.collection_id, _erasure_digest.upstream_id)::text;
begin
    -- Hashed twice with the key, so that nothing can be put behind the text.
    return sha256(v_key || sha256(v_key || convert_to(v_text, 'UTF8')));
end
$$;

comment on function sluice_internal._erasure_digest(text, text, text) is
'The keyed digest by which an erased object is known again. Whoever has the whole database has the key too, and can try ids.';
