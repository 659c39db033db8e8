create or replace function sluice_internal._webhook_secret(
    sync_id text,
    sealed bytea,
    key_version int
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into sluice_internal.webhooks as w (sync_id, sealed, key_version)
    values (_webhook_secret.sync_id, _webhook_secret.sealed, _webhook_secret.key_version)
    on conflict (sync_id) do update set
        sealed = excluded.sealed,
        key_version = excluded.key_version,
        former_sealed = w.sealed,
        former_key_version = w.key_version,
        former_until = case when w.sealed is not null then clock_timestamp() + interval '1 day' end;
end
$$;

comment on function sluice_internal._webhook_secret(text, bytea, int) is
'A new secret of a sync''s webhooks; the one before it is taken for another day, since a vendor signs with both while it rolls them.';
