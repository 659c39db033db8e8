create or replace function sluice_internal._check_oauth_app(
    oauth_app_id text,
    provider text
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_provider text;
begin
    if _check_oauth_app.oauth_app_id is null then
        return;
    end if;
    select a.provider into v_provider
    from sluice_internal.oauth_apps as a
    where a.oauth_app_id = _check_oauth_app.oauth_app_id collate "C"
    for key share;
    if not found then
        raise exception using
            errcode = 'SL175',
            message = format('OAuth app "%s" does not exist', left(_check_oauth_app.oauth_app_id, 200)),
            hint = 'List them with: select oauth_app_id, provider from sluice.oauth_apps';
    end if;
    if v_provider <> _check_oauth_app.provider then
        raise exception using
            errcode = 'SL001',
            message = format(
                'OAuth app "%s" is one of %s, not of %s', left(_check_oauth_app.oauth_app_id, 200), v_provider, _check_oauth_app.provider
            ),
            hint = 'Name an app of the credential''s provider.';
    end if;
end
$$;

comment on function sluice_internal._check_oauth_app(text, text) is
'Raises SL175 for an OAuth app that does not exist, SL001 for one of another provider; null is none. Locks it against deletion.';
