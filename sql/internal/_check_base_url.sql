create or replace function sluice_internal._check_base_url(
    base_url text,
    former text
)
returns void
language plpgsql
immutable
as $$
begin
    if _check_base_url.base_url <> coalesce(_check_base_url.former, '') and _check_base_url.base_url <> '' then
        raise exception using
            errcode = 'SL001',
            message = format('another base_url needs the secret along with it: %s', left(_check_base_url.base_url, 200)),
            hint = 'Nothing was changed. A stored secret is sent to no address that whoever knows it did not name: give it once more.';
    end if;
end
$$;

comment on function sluice_internal._check_base_url(text, text) is
'Raises SL001 where a secret that stays would be sent to another address than before. Runs under its caller''s settings.';
