create or replace function sluice_internal._signin_credential(
    provider text,
    account text
)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    return coalesce(
        (
            select c.credential_id from sluice_internal.credentials as c
            where c.provider = _signin_credential.provider and c.account = _signin_credential.account collate "C"
        ),
        gen_random_uuid()::text
    );
end
$$;

comment on function sluice_internal._signin_credential(text, text) is
'The id under which the credential of that account is to be sealed: that of the one it has, or a new one.';
