create or replace function sluice_internal._token_check(
    token text,
    scope text
)
returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_token sluice_internal.tokens;
begin
    select t.* into v_token
    from sluice_internal.tokens as t
    where
        t.digest = sha256(convert_to(_token_check.token, 'UTF8'))
        and t.revoked_at is null
        and (t.expires_at is null or t.expires_at > clock_timestamp());
    if not found then
        raise exception using
            errcode = 'SL140',
            message = 'the token is not valid',
            hint = 'Send "Authorization: Bearer …" with a token of pgsluice token create that is neither revoked nor expired.';
    end if;
    if not (_token_check.scope = any(v_token.scopes) or 'manage' = any(v_token.scopes)
        or (_token_check.scope = 'read' and cardinality(v_token.scopes) > 0))
    then
        raise exception using
            errcode = 'SL002',
            message = format('the token lacks the scope %s', _token_check.scope),
            hint = format(
                'It has: %s. Make one with: pgsluice token create --scope %s',
                array_to_string(v_token.scopes, ', '), _token_check.scope
            );
    end if;
    return v_token.token_id;
end
$$;

comment on function sluice_internal._token_check(text, text) is
'The id of the token, if it is valid and has the scope (manage has all, every scope includes read); else SL140 or SL002.';
