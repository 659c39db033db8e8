create or replace function sluice_internal._webhook_open(sync_id text)
returns table (
    sync_id text,
    provider text,
    document text,
    sealed bytea,
    key_version int,
    former_sealed bytea,
    former_key_version int,
    account text,
    credential_id text,
    credential_kind text,
    credential_sealed bytea,
    credential_key_version int,
    oauth_app_id text,
    client_sealed bytea,
    client_key_version int
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
select
    y.sync_id,
    y.provider,
    (select d.document::text from sluice_internal.provider_documents as d where d.provider = y.provider),
    w.sealed,
    w.key_version,
    case when w.former_until > clock_timestamp() then w.former_sealed end,
    w.former_key_version,
    k.account,
    k.credential_id,
    k.kind,
    k.sealed,
    k.key_version,
    a.oauth_app_id,
    a.sealed,
    a.key_version
from sluice_internal.syncs as y
left join sluice_internal.webhooks as w on w.sync_id = y.sync_id
left join sluice_internal.credentials as k on k.credential_id = y.credential_id
left join sluice_internal.oauth_apps as a on a.oauth_app_id = k.oauth_app_id
where y.sync_id = _webhook_open.sync_id collate "C";
end;

comment on function sluice_internal._webhook_open(text) is
'What the server needs to tell a genuine delivery from a forged one: the provider (document: of a user''s own), the sync''s sealed webhook secrets, the client secret of the OAuth app that its credential was obtained through, the account. No row: no such sync.';
