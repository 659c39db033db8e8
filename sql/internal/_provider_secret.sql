create or replace function sluice_internal._provider_secret(provider text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        (
            select format('credential "%s"', c.credential_id)
            from sluice_internal.credentials as c
            where c.provider = _provider_secret.provider
            limit 1
        ),
        (
            select format('OAuth app "%s"', a.oauth_app_id)
            from sluice_internal.oauth_apps as a
            where a.provider = _provider_secret.provider
            limit 1
        )
    );
$$;

comment on function sluice_internal._provider_secret(text) is
'A credential or an OAuth app of the provider, in words: a secret that its document says where to send. Null if there is none.';
