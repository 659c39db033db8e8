create or replace function sluice.token_create(
    name text default null,
    scopes text[] default '{read,consume,mutate,manage}',
    token_id text default null,
    expires_at timestamptz default null
)
returns sluice.new_token
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_token sluice.new_token;
    v_random text;
begin
    perform sluice_internal._authorize(null, 'admin');
    if token_create.scopes is null or cardinality(token_create.scopes) = 0
        or not token_create.scopes <@ array['read', 'consume', 'mutate', 'manage']
    then
        raise exception using
            errcode = 'SL001',
            message = 'scopes must be some of read, consume, mutate, manage',
            hint = 'read looks, consume takes and acknowledges messages, mutate writes to vendors, manage does everything.';
    end if;
    if token_create.expires_at <= clock_timestamp() then
        raise exception using errcode = 'SL001', message = 'expires_at is in the past', hint = 'Leave it out for a token without end.';
    end if;
    if token_create.expires_at > '9999-12-31 23:59:59.999999+00' then
        raise exception using
            errcode = 'SL001', message = 'expires_at is after the year 9999', hint = 'Leave it out for a token without end.';
    end if;
    -- 366 random bits in base 64; without the two signs and the filling at least 30 of its 64 characters are left
    v_random := substr(
        translate(
            encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'),
            '+/=' || chr(10), ''
        ), 1, 30
    );
    v_token.token := sluice_internal._token_signed(v_random);
    v_token.token_id := sluice_internal._check_id('token_id', token_create.token_id);
    v_token.name := token_create.name;
    v_token.scopes := token_create.scopes;
    v_token.expires_at := token_create.expires_at;
    insert into sluice_internal.tokens as t (token_id, name, prefix, digest, scopes, expires_at)
    values (
        v_token.token_id, v_token.name, substr(v_token.token, 1, 10), sha256(convert_to(v_token.token, 'UTF8')), v_token.scopes,
        v_token.expires_at
    )
    on conflict (token_id) do nothing
    returning t.created_at into v_token.created_at;
    if not found then
        raise exception using
            errcode = 'SL110',
            message = format('the token id "%s" is taken', v_token.token_id),
            hint = 'Choose another id, or leave it out to have one generated.';
    end if;
    return v_token;
end
$$;

comment on function sluice.token_create(text, text[], text, timestamptz) is
'Makes an API token and answers it, for the only time: the database keeps its SHA-256 digest. scopes: some of read, consume, mutate, manage. Errors: SL001, SL110.';
