create or replace function sluice_internal._signin_answer(
    state_digest bytea,
    browser_digest bytea,
    answer bytea,
    answer_key_version int,
    refusal jsonb default null
)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_signin sluice_internal.oauth_signins;
    v_wrong text;
begin
    perform sluice_internal._authorize(null, 'server');
    -- Digests are compared, so how long a comparison takes says nothing of the state itself.
    select s.* into v_signin from sluice_internal.oauth_signins as s where s.state_digest = _signin_answer.state_digest for update;
    v_wrong := case
        when not found then 'its state is not one that was given out here'
        when v_signin.answered_at is not null or v_signin.finished_at is not null then 'it was used before'
        when v_signin.begun_at < clock_timestamp() - interval '10 minutes' then 'it is older than 10 minutes'
        when v_signin.browser_digest is distinct from _signin_answer.browser_digest then 'it was begun in another browser'
    end;
    if v_wrong is not null then
        raise exception using
            errcode = 'SL177',
            message = format('this answer to a sign-in does not count: %s', v_wrong),
            hint = 'Nothing was changed. Go back to where you came from, and begin again.';
    end if;
    if _signin_answer.refusal is not null then
        update sluice_internal.oauth_signins as s
        set answered_at = clock_timestamp(), finished_at = clock_timestamp(), error = _signin_answer.refusal, verifier = null
        where s.signin_id = v_signin.signin_id;
        return v_signin.signin_id;
    end if;
    update sluice_internal.oauth_signins as s
    set answered_at = clock_timestamp(), answer = _signin_answer.answer, answer_key_version = _signin_answer.answer_key_version
    where s.signin_id = v_signin.signin_id;
    perform pg_notify('sluice_signins', '');
    return v_signin.signin_id;
end
$$;

comment on function sluice_internal._signin_answer(bytea, bytea, bytea, int, jsonb) is
'The vendor''s answer came, for the only time, in the browser that began: a poller is to turn it into a credential; with refusal the consent has ended. Locks the consent. Errors: SL177.';
