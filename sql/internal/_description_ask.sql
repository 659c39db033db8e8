create or replace function sluice_internal._description_ask(credential_id text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into sluice_internal.descriptions as d (credential_id)
    select c.credential_id
    from sluice_internal.credentials as c
    inner join sluice.providers as p on p.provider = c.provider and p.describes
    where c.credential_id = _description_ask.credential_id collate "C"
    on conflict on constraint descriptions_pkey do update
    set requested_at = clock_timestamp(), next_attempt_at = clock_timestamp(), attempt = 0, error = null;
    if found then
        perform pg_notify('sluice_descriptions', '');
    end if;
end
$$;

comment on function sluice_internal._description_ask(text) is
'Lets a poller ask the account what collections it has, once this commits; nothing where they are the same for everybody.';
