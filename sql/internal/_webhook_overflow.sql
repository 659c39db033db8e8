create or replace function sluice_internal._webhook_overflow(
    sync_id text,
    most int
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- what is found by sweeps alone is swept now; feeds of changes are read at each turn
    update sluice_internal.sync_feeds as f
    set next_attempt_at = null
    where
        f.sync_id = _webhook_overflow.sync_id and f.kind = 'sweep'
        and f.next_attempt_at is not null and f.error is null and f.completed_at is not null;
    insert into sluice_internal.webhooks as w (sync_id) values (_webhook_overflow.sync_id) on conflict do nothing;
    update sluice_internal.webhooks as w
    set overflowed_at = clock_timestamp()
    where
        w.sync_id = _webhook_overflow.sync_id
        and (w.overflowed_at is null or w.overflowed_at < clock_timestamp() - interval '1 hour');
    if found then
        perform sluice_internal._notice(_webhook_overflow.sync_id, 'webhooks_overflow', jsonb_build_object(
            'code', null,
            'message', format(
                'more than %s objects changed that are not yet fetched: all changes are read instead', _webhook_overflow.most
            ),
            'details', null, 'hint', 'nothing is lost; a higher rate_limit lets the sync keep up'
        ));
    end if;
end
$$;

comment on function sluice_internal._webhook_overflow(text, int) is
'There is no room for a hint: everything that is read again and again is read now, with a notice, one an hour at most.';
