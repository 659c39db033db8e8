create or replace function sluice_internal._signin_claim(poller_id text)
returns table (
    signin_id text,
    bound_to text,
    provider text,
    kind text,
    oauth_app_id text,
    client_id text,
    client_sealed bytea,
    client_key_version int,
    base_url text,
    redirect_uri text,
    scopes text[],
    "values" jsonb,
    verifier bytea,
    verifier_key_version int,
    answer bytea,
    answer_key_version int
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
    perform sluice_internal._authorize(null, 'poller');
    -- Without a lock first: mostly there is nothing.
    if not exists (select from sluice_internal.oauth_signins as s where s.answered_at is not null and s.finished_at is null) then
        return;
    end if;
    -- A code does not live long, and nobody waits for it any more.
    perform sluice_internal._signin_ended(s.signin_id, null, jsonb_build_object(
        'code', 'SL177', 'message', 'no poller took the sign-in up in time', 'details', null,
        'hint', 'see that one runs (pgsluice up, pgsluice poll), and sign in again'
    ))
    from sluice_internal.oauth_signins as s
    where s.answered_at < clock_timestamp() - interval '5 minutes' and s.finished_at is null;
    select s.* into v_signin
    from sluice_internal.oauth_signins as s
    where
        s.answered_at is not null and s.finished_at is null
        -- whoever asked the vendor may be alive, and only have lost the database: a code is not shown twice
        and (s.taken_at is null or s.taken_at < clock_timestamp() - interval '40 seconds')
        and not exists (
            select from sluice_internal.pollers as p
            where p.poller_id = s.poller_id and p.heartbeat_at > clock_timestamp() - interval '10 seconds'
        )
    order by s.answered_at
    limit 1
    for update skip locked;
    if not found then
        return;
    end if;
    update sluice_internal.oauth_signins as s
    set poller_id = _signin_claim.poller_id, taken_at = clock_timestamp()
    where s.signin_id = v_signin.signin_id;
    return query
    select
        v_signin.signin_id, encode(v_signin.state_digest, 'hex'), a.provider, v_signin.kind, a.oauth_app_id, a.client_id, a.sealed,
        a.key_version, a.base_url, v_signin.redirect_uri, v_signin.scopes, v_signin."values", v_signin.verifier,
        v_signin.verifier_key_version, v_signin.answer, v_signin.answer_key_version
    from sluice_internal.oauth_apps as a
    where a.oauth_app_id = v_signin.oauth_app_id;
end
$$;

comment on function sluice_internal._signin_claim(text) is
'Takes a consent that the vendor answered and that no living poller has, nor one that took it so lately that its answer may still come; no row where there is none. bound_to: what its sealed values are bound to. Ends those that waited for 5 minutes. Locks the consent (skips locked ones).';
