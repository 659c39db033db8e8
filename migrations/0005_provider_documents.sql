-- Providers that users describe by a document of their own.

create table sluice_internal.provider_documents (
    provider text collate "C" primary key check (provider ~ '^[a-z][a-z0-9_]{0,39}$'),
    document jsonb not null check (jsonb_typeof(document) = 'object'),
    source text check (octet_length(source) <= 1048576),
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
comment on table sluice_internal.provider_documents is 'Any REST or GraphQL API, described by one document (docs/how-to/rest.md).';
comment on column sluice_internal.provider_documents.document is 'Its values, which pollers read.';
comment on column sluice_internal.provider_documents.source is 'Its text as it was written, with comments; null where it came without.';
