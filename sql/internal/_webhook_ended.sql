create or replace function sluice_internal._webhook_ended(
    sync_id text,
    words text
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into sluice_internal.webhooks as w (sync_id) values (_webhook_ended.sync_id) on conflict do nothing;
    update sluice_internal.webhooks as w
    set ended_at = clock_timestamp()
    where w.sync_id = _webhook_ended.sync_id and (w.ended_at is null or w.ended_at < clock_timestamp() - interval '1 hour');
    if found then
        perform sluice_internal._notice(_webhook_ended.sync_id, 'webhook_ended', jsonb_build_object(
            'code', null,
            'message', left(_webhook_ended.words, 1000),
            'details', null,
            'hint', 'the vendor said so; it is being asked now, and if it refuses, the sync is in error'
        ));
    end if;
end
$$;

comment on function sluice_internal._webhook_ended(text, text) is
'The vendor says that the access has ended: a notice, one an hour at most. Whether it is so the next turn of the sync finds out.';
