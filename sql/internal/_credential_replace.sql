create or replace function sluice_internal._credential_replace(
    credential_id text,
    kind text,
    sealed bytea,
    key_version int,
    base_url text,
    account text default null,
    expires_at timestamptz default null,
    name text default null,
    metadata jsonb default null
)
returns sluice.credentials
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_credential sluice.credentials;
begin
    perform sluice_internal._authorize(null, 'admin');
    update sluice_internal.credentials as c
    set
        kind = _credential_replace.kind,
        sealed = _credential_replace.sealed,
        key_version = _credential_replace.key_version,
        base_url = coalesce(_credential_replace.base_url, c.base_url),
        account = coalesce(_credential_replace.account, c.account),
        name = coalesce(_credential_replace.name, c.name),
        metadata = coalesce(_credential_replace.metadata, c.metadata),
        version = c.version + 1,
        expires_at = _credential_replace.expires_at,
        renew_at = _credential_replace.expires_at - interval '1 minute',
        updated_at = clock_timestamp()
    where c.credential_id = _credential_replace.credential_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL104',
            message = format('credential "%s" does not exist', left(_credential_replace.credential_id, 200)),
            hint = 'List the credentials with: select credential_id, provider from sluice.credentials';
    end if;
    update sluice_internal.sync_runs as r
    set next_attempt_at = clock_timestamp()
    from sluice_internal.syncs as y
    where y.sync_id = r.sync_id and y.credential_id = _credential_replace.credential_id collate "C";
    update sluice_internal.sync_feeds as f
    set next_attempt_at = null
    from sluice_internal.syncs as y
    where y.sync_id = f.sync_id and y.credential_id = _credential_replace.credential_id collate "C" and f.error is not null;
    delete from sluice_internal.credential_renewals as r where r.credential_id = _credential_replace.credential_id collate "C";
    update sluice_internal.mutation_items as i
    set next_attempt_at = clock_timestamp()
    from sluice_internal.syncs as y
    where y.sync_id = i.sync_id and y.credential_id = _credential_replace.credential_id collate "C" and i.status = 'queued';
    perform pg_notify('sluice_poller', '');
    perform pg_notify('sluice_mutations', '');
    perform sluice_internal._description_ask(_credential_replace.credential_id);
    select c.* into v_credential
    from sluice.credentials as c
    where c.credential_id = _credential_replace.credential_id collate "C";
    return v_credential;
end
$$;

comment on function sluice_internal._credential_replace(text, text, bytea, int, text, text, timestamptz, text, jsonb) is
'Gives a credential a new sealed secret (base_url, account, name and metadata null: as before); its syncs are tried again at once, and go on from where they are. Errors: SL104.';
