create or replace function sluice_internal._renewal_end(
    credential_id text,
    poller_id text,
    version bigint,
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
    if _renewal_end.error is null then
        delete from sluice_internal.credential_renewals as r
        where
            r.credential_id = _renewal_end.credential_id collate "C" and r.version = _renewal_end.version
            and r.poller_id = _renewal_end.poller_id collate "C";
    else
        update sluice_internal.credential_renewals as r
        set poller_id = null, error = _renewal_end.error, failed_at = clock_timestamp()
        where
            r.credential_id = _renewal_end.credential_id collate "C" and r.version = _renewal_end.version
            and r.poller_id = _renewal_end.poller_id collate "C";
    end if;
end
$$;

comment on function sluice_internal._renewal_end(text, text, bigint, jsonb) is
'A renewal brought nothing: error is what the vendor refused it with, for everybody who holds that version; null: the next one may try.';
