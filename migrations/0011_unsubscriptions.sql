-- Subscriptions at vendors that nobody wants any more.

create table sluice_internal.unsubscriptions (
    unsubscription_no bigint generated always as identity primary key,
    sync_id text collate "C" not null,
    provider text collate "C" not null,
    credential_id text collate "C",
    address text,
    tag text,
    since timestamptz not null default clock_timestamp(),
    next_at timestamptz not null default clock_timestamp(),
    poller_id text collate "C",
    epoch bigint not null default 0,
    attempt int not null default 0
);
create index unsubscriptions_due on sluice_internal.unsubscriptions (next_at);
create index unsubscriptions_by_sync on sluice_internal.unsubscriptions (sync_id);
comment on table sluice_internal.unsubscriptions is
'Subscriptions that are to be removed at their vendor: of syncs whose webhooks were switched off, and of syncs that are gone.';
comment on column sluice_internal.unsubscriptions.address is 'Where the vendor was to send; null where no attempt to subscribe had succeeded.';
