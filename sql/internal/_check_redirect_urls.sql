create or replace function sluice_internal._check_redirect_urls(redirect_urls text[])
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_wrong text;
begin
    select u.url into v_wrong
    from unnest(_check_redirect_urls.redirect_urls) as u (url)
    -- an address to be compared as a whole: no login, no fragment, no pattern
    where u.url is null or u.url !~* '^https?://[^/?#@[:space:]*]+([/?][^#[:space:]*]*)?$' or octet_length(u.url) > 2000
    limit 1;
    if found then
        raise exception using
            errcode = 'SL001',
            message = format('redirect_urls: "%s" is no address that a browser may be sent to', left(v_wrong, 200)),
            hint = 'Whole addresses, each as it will be named: https://app.example.com/connected; no login, no fragment, no *.';
    end if;
end
$$;

comment on function sluice_internal._check_redirect_urls(text[]) is 'Raises SL001 for what is no whole http(s) address.';
