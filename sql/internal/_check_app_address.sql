create or replace function sluice_internal._check_app_address(
    oauth_app_id text,
    base_url text,
    former_app_id text default null,
    former_base_url text default null
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_own text;
begin
    if _check_app_address.oauth_app_id is null or _check_app_address.base_url is null
        or (_check_app_address.oauth_app_id = _check_app_address.former_app_id
            and _check_app_address.base_url = _check_app_address.former_base_url)
    then
        return;
    end if;
    select a.base_url into v_own from sluice_internal.oauth_apps as a where a.oauth_app_id = _check_app_address.oauth_app_id collate "C";
    if rtrim(_check_app_address.base_url, '/') is distinct from rtrim(v_own, '/') then
        raise exception using
            errcode = 'SL001',
            message = format(
                'the client secret of OAuth app "%s" would be sent to %s, which is no address of the app',
                _check_app_address.oauth_app_id, left(_check_app_address.base_url, 200)
            ),
            hint = 'Leave base_url out, or give the app this base_url, along with its client secret.';
    end if;
end
$$;

comment on function sluice_internal._check_app_address(text, text, text, text) is
'Raises SL001 for a credential that would have the client secret of an app sent to an address which whoever gave that secret did not name; what was stored before (former_…) may stay, since vendors answer with addresses, too.';
