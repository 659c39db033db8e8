create or replace function sluice_internal._signin_open(
    oauth_app_id text,
    kind text,
    redirect_url text default null,
    state text default null,
    scopes text[] default null,
    vendor_values jsonb default null,
    name text default null,
    metadata jsonb default null
)
returns table (
    signin_id text,
    start_token text,
    expires_at timestamptz
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_app sluice_internal.oauth_apps;
    -- 366 random bits, of which the digest keeps 256
    v_token text := encode(sha256(
        uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
    ), 'hex');
begin
    perform sluice_internal._authorize(null, 'admin');
    select a.* into v_app from sluice_internal.oauth_apps as a where a.oauth_app_id = _signin_open.oauth_app_id collate "C" for key share;
    if not found then
        raise exception using
            errcode = 'SL175',
            message = format('OAuth app "%s" does not exist', left(_signin_open.oauth_app_id, 200)),
            hint = 'List them with: select oauth_app_id, provider from sluice.oauth_apps';
    end if;
    if _signin_open.redirect_url is not null and _signin_open.redirect_url <> all(v_app.redirect_urls) then
        raise exception using
            errcode = 'SL176',
            message = format('redirect_url "%s" is not allowed for this OAuth app', left(_signin_open.redirect_url, 200)),
            hint = 'Add it to redirect_urls of the OAuth app, letter for letter: else anybody could lead your users elsewhere.';
    end if;
    if octet_length(_signin_open.state) > 5120 then
        raise exception using
            errcode = 'SL001', message = 'state must have at most 5120 bytes', hint = 'Send a key, and keep the rest with you.';
    end if;
    delete from sluice_internal.oauth_signins as s where s.created_at < clock_timestamp() - interval '1 day';
    return query
    insert into sluice_internal.oauth_signins as s (
        signin_id, oauth_app_id, kind, redirect_url, state, scopes, "values", name, metadata
    )
    values (
        encode(sha256(convert_to(v_token, 'UTF8')), 'hex'), v_app.oauth_app_id, _signin_open.kind, _signin_open.redirect_url,
        _signin_open.state, coalesce(nullif(_signin_open.scopes, '{}'), v_app.scopes), coalesce(_signin_open.vendor_values, '{}'),
        _signin_open.name, _signin_open.metadata
    )
    returning s.signin_id, v_token, s.created_at + interval '5 minutes';
end
$$;

comment on function sluice_internal._signin_open(text, text, text, text, text[], jsonb, text, jsonb) is
'A consent is to be asked for: answers what stands in its start address, good once within 5 minutes. Without redirect_url the browser stays here. Errors: SL001, SL175, SL176.';
