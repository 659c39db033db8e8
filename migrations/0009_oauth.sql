-- How customers' accounts are connected: OAuth apps at vendors, and the consents that are being asked for.

create table sluice_internal.oauth_apps (
    oauth_app_id text collate "C" primary key check (octet_length(oauth_app_id) between 1 and 200),
    provider text not null,
    client_id text not null check (octet_length(client_id) between 1 and 1000),
    sealed bytea not null,
    key_version int not null,
    version bigint not null default 1,
    name text,
    base_url text,
    scopes text[] collate "C" not null default '{}',
    redirect_urls text[] collate "C" not null default '{}',
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
comment on table sluice_internal.oauth_apps is
'Apps at vendors through which credentials are obtained; the client secret sealed by the application (AES-256-GCM, oauth_app_id authenticated).';
comment on column sluice_internal.oauth_apps.version is 'Rises with each client secret.';
comment on column sluice_internal.oauth_apps.scopes is 'Asked for where a consent names none; empty: the provider''s own.';
comment on column sluice_internal.oauth_apps.redirect_urls is 'Where a browser may be sent after a consent: these addresses and no other.';

alter table sluice_internal.credentials
add column oauth_app_id text collate "C" references sluice_internal.oauth_apps,
add column scopes text[] collate "C";
create index credentials_by_oauth_app on sluice_internal.credentials (oauth_app_id) where oauth_app_id is not null;
comment on column sluice_internal.credentials.scopes is 'What the vendor granted, where it says so.';

create table sluice_internal.oauth_signins (
    signin_id text collate "C" primary key check (octet_length(signin_id) = 64),
    oauth_app_id text collate "C" not null references sluice_internal.oauth_apps on delete cascade,
    kind text not null,
    redirect_url text,
    state text check (octet_length(state) <= 5120),
    scopes text[] collate "C" not null default '{}',
    "values" jsonb not null default '{}' check (jsonb_typeof("values") = 'object'),
    name text,
    metadata jsonb check (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz not null default clock_timestamp(),
    begun_at timestamptz,
    state_digest bytea unique check (octet_length(state_digest) = 32),
    browser_digest bytea check (octet_length(browser_digest) = 32),
    redirect_uri text,
    verifier bytea,
    verifier_key_version int,
    answered_at timestamptz,
    answer bytea,
    answer_key_version int,
    poller_id text collate "C",
    taken_at timestamptz,
    finished_at timestamptz,
    credential_id text collate "C",
    error jsonb,
    check ((begun_at is null) = (state_digest is null)),
    check ((begun_at is null) = (redirect_uri is null)),
    check (answered_at is null or begun_at is not null),
    check ((finished_at is null) = (num_nonnulls(credential_id, error) = 0)),
    check (num_nonnulls(credential_id, error) <= 1),
    check (finished_at is null or num_nonnulls(verifier, answer) = 0)
);
create index oauth_signins_by_app on sluice_internal.oauth_signins (oauth_app_id);
create index oauth_signins_by_age on sluice_internal.oauth_signins (created_at);
create index oauth_signins_answered on sluice_internal.oauth_signins (answered_at) where answered_at is not null and finished_at is null;
comment on table sluice_internal.oauth_signins is
'Consents that were asked for in the last day: begun by a browser, answered by the vendor, turned into a credential by a poller.';
comment on column sluice_internal.oauth_signins.signin_id is 'SHA-256 of what stands in the start address, which is kept nowhere.';
comment on column sluice_internal.oauth_signins.state_digest is 'SHA-256 of the state that the vendor was given; state itself is the caller''s own.';
comment on column sluice_internal.oauth_signins.answer is 'The query of the callback, sealed; forgotten at the end, like the verifier.';
