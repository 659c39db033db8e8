create or replace function sluice_internal._mutation_retry(
    mutation_no bigint,
    item_no int,
    poller_id text,
    epoch int,
    retry_in interval,
    was_sent boolean,
    error jsonb
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform sluice_internal._authorize(null, 'poller');
    update sluice_internal.mutation_items as i
    set
        status = 'queued',
        poller_id = null,
        first_sent_at = case when _mutation_retry.was_sent then i.first_sent_at end,
        next_attempt_at = clock_timestamp() + _mutation_retry.retry_in,
        error = _mutation_retry.error
    where
        i.mutation_no = _mutation_retry.mutation_no and i.item_no = _mutation_retry.item_no
        and i.status = 'sending' and i.poller_id = _mutation_retry.poller_id collate "C" and i.epoch = _mutation_retry.epoch;
    return found;
end
$$;

comment on function sluice_internal._mutation_retry(bigint, int, text, int, interval, boolean, jsonb) is
'Puts an item back for a later attempt (rate limit, vendor down, SIGTERM); was_sent: the vendor may have done it already, in this attempt or an earlier one. False if it was taken over.';
