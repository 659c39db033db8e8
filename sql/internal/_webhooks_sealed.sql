create or replace function sluice_internal._webhooks_sealed(newest int)
returns table (
    sync_id text,
    sealed bytea,
    key_version int
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    return query
    select w.sync_id, s.sealed, s.key_version
    from sluice_internal.webhooks as w
    cross join lateral (values (w.sealed, w.key_version), (w.former_sealed, w.former_key_version)) as s (sealed, key_version)
    where s.sealed is not null and s.key_version <> _webhooks_sealed.newest
    order by w.sync_id;
end
$$;

comment on function sluice_internal._webhooks_sealed(int) is
'The webhook secrets that another version of the master key than this one sealed.';
