create or replace function sluice.token_revoke(token_id text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'admin');
    update sluice_internal.tokens as t
    set revoked_at = coalesce(t.revoked_at, clock_timestamp())
    where t.token_id = token_revoke.token_id collate "C";
    if not found then
        raise exception using
            errcode = 'SL107',
            message = format('token "%s" does not exist', left(token_revoke.token_id, 200)),
            hint = 'List the tokens with: select token_id, name, prefix from sluice.tokens';
    end if;
end
$$;

comment on function sluice.token_revoke(text) is 'Ends a token at once. Errors: SL107.';
