create or replace function sluice_internal._credential_replace(
    credential_id text,
    kind text,
    sealed bytea,
    key_version int,
    base_url text
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
    perform pg_notify('sluice_poller', '');
    select c.* into v_credential
    from sluice.credentials as c
    where c.credential_id = _credential_replace.credential_id collate "C";
    return v_credential;
end
$$;

comment on function sluice_internal._credential_replace(text, text, bytea, int, text) is
'Gives a credential a new sealed secret (base_url null: as before); its syncs are tried again at once, and go on from where they are. Errors: SL104.';
