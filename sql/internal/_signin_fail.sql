create or replace function sluice_internal._signin_fail(
    poller_id text,
    signin_id text,
    error jsonb
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    perform sluice_internal._signin_ended(s.signin_id, null, _signin_fail.error)
    from sluice_internal.oauth_signins as s
    where s.signin_id = _signin_fail.signin_id collate "C" and s.poller_id = _signin_fail.poller_id collate "C";
end
$$;

comment on function sluice_internal._signin_fail(text, text, jsonb) is
'A consent came to nothing, and why ({code, message, details, hint}); nothing is done if another poller has it.';
