create or replace view sluice.descriptions as
select
    c.credential_id,
    c.provider,
    case
        when not coalesce(p.describes, false) then 'known'
        when d.next_attempt_at is not null and d.attempt = 0 then 'pending'
        when d.error is not null then 'failed'
        when d.described_at is not null then 'described'
        else 'pending'
    end as status,
    d.requested_at,
    d.described_at,
    d.next_attempt_at,
    d.error
from sluice_internal.credentials as c
left join sluice.providers as p on p.provider = c.provider
left join sluice_internal.descriptions as d on d.credential_id = c.credential_id;

comment on view sluice.descriptions is
'Whether it is known what collections the account behind a credential has. known: they are the same for everybody; pending: a poller is to ask; described; failed: error says why, and next_attempt_at when it is asked again.';
