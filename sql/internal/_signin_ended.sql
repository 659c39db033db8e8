create or replace function sluice_internal._signin_ended(
    signin_id text,
    credential_id text,
    error jsonb
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    update sluice_internal.oauth_signins as s
    set
        finished_at = clock_timestamp(), credential_id = _signin_ended.credential_id, error = _signin_ended.error, poller_id = null,
        verifier = null, answer = null
    where s.signin_id = _signin_ended.signin_id collate "C" and s.finished_at is null;
    perform pg_notify('sluice_signin_done', _signin_ended.signin_id);
end
$$;

comment on function sluice_internal._signin_ended(text, text, jsonb) is
'A consent has led to a credential, or to an error; its secrets are forgotten, and whoever waits is told.';
