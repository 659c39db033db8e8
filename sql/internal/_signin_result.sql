create or replace function sluice_internal._signin_result(signin_id text)
returns table (
    finished boolean,
    credential_id text,
    error jsonb,
    redirect_url text,
    state text,
    answered boolean
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if not sluice_internal._authorized('server') then
        perform sluice_internal._authorize(null, 'admin');
    end if;
    return query
    select s.finished_at is not null, s.credential_id, s.error, s.redirect_url, s.state, s.answered_at is not null
    from sluice_internal.oauth_signins as s
    where s.signin_id = _signin_result.signin_id collate "C";
end
$$;

comment on function sluice_internal._signin_result(text) is
'What became of a consent, and where its browser is to go; no row: it is forgotten.';
