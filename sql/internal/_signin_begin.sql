create or replace function sluice_internal._signin_begin(
    start_token text,
    state_digest bytea,
    browser_digest bytea,
    redirect_uri text,
    verifier bytea,
    verifier_key_version int
)
returns table (
    provider text,
    document jsonb,
    kind text,
    client_id text,
    base_url text,
    scopes text[],
    "values" jsonb
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_signin sluice_internal.oauth_signins;
begin
    perform sluice_internal._authorize(null, 'server');
    -- one statement decides: of two browsers that come at once one finds begun_at set
    update sluice_internal.oauth_signins as s
    set
        begun_at = clock_timestamp(),
        state_digest = _signin_begin.state_digest,
        browser_digest = _signin_begin.browser_digest,
        redirect_uri = _signin_begin.redirect_uri,
        verifier = _signin_begin.verifier,
        verifier_key_version = _signin_begin.verifier_key_version
    where
        s.signin_id = encode(sha256(convert_to(_signin_begin.start_token, 'UTF8')), 'hex')
        and s.begun_at is null
        and s.created_at > clock_timestamp() - interval '5 minutes'
    returning s.* into v_signin;
    if not found then
        raise exception using
            errcode = 'SL177',
            message = 'this address was used before, or is older than 5 minutes',
            hint = 'Go back to where you came from, and begin again.';
    end if;
    return query
    select a.provider, d.document, v_signin.kind, a.client_id, a.base_url, v_signin.scopes, v_signin."values"
    from sluice_internal.oauth_apps as a
    left join sluice_internal.provider_documents as d on d.provider = a.provider
    where a.oauth_app_id = v_signin.oauth_app_id;
end
$$;

comment on function sluice_internal._signin_begin(text, bytea, bytea, text, bytea, int) is
'A browser opened a start address, for the only time: keeps digests of the state that goes to the vendor and of the browser''s cookie, and the sealed verifier. Locks the consent. Errors: SL177.';
