create or replace function sluice.sync_delete(
    sync_id text,
    emit boolean default false
)
returns sluice.syncs
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_known sluice_internal.syncs := sluice_internal._authorize_sync(sync_delete.sync_id, 'admin', true);
    v_sync sluice.syncs;
    v_cancelled bigint[];
    v_emit boolean := coalesce(sync_delete.emit, false);
begin
    -- After a page that is being committed, and before any other.
    perform sluice_internal._hold_sync(v_known.sync_id, true);
    update sluice_internal.syncs as y
    set deleting_since = coalesce(y.deleting_since, clock_timestamp())
    where y.sync_id = v_known.sync_id;
    delete from sluice_internal.sync_runs as r where r.sync_id = v_known.sync_id;
    perform sluice_internal._unsubscription_ask(v_known.sync_id);
    with cancelled as (
        update sluice_internal.mutation_items as i
        set status = 'cancelled', finished_at = clock_timestamp()
        where i.sync_id = v_known.sync_id and i.status = 'queued'
        returning i.mutation_no
    )
    select array_agg(distinct c.mutation_no) into v_cancelled from cancelled as c;
    perform sluice_internal._mutation_close(u.no) from unnest(v_cancelled) as u (no);
    insert into sluice_internal.sync_work as w (sync_id, kind, emit, phase)
    values (v_known.sync_id, 'delete', v_emit, case when v_emit then 'tombstones' else 'records' end)
    on conflict (sync_id) do update set
        kind = excluded.kind,
        emit = excluded.emit,
        collection_ids = null,
        phase = excluded.phase,
        after_collection_id = '',
        after_upstream_id = '',
        writers = case when w.kind = 'delete' then w.writers end,
        marked_by = case when w.kind = 'delete' then w.marked_by else excluded.marked_by end,
        records = case when w.kind = 'delete' then w.records else 0 end,
        waits_for = null,
        next_at = excluded.next_at
    where (w.kind, w.emit) is distinct from (excluded.kind, excluded.emit);
    perform pg_notify('sluice_poller', '');
    select y.* into v_sync from sluice.syncs as y where y.sync_id = v_known.sync_id;
    return v_sync;
end
$$;

comment on function sluice.sync_delete(text, boolean) is
'Ends a sync, and answers it: once this commits nothing is read, written or ingested any more (queued mutations are cancelled); a subscription that pollers made at the vendor they remove there. Its records go piece by piece, by the pollers or by sync_tidy, across any crash: silently, or with emit first as tombstones, which consumers get and which stay until every consumer of the stream has settled them. Until that is finished the sync has the status deleting and its id is not free; sync_delete once more without emit waits for no consumer. Locks the sync. Errors: SL002, SL102.';
