-- Writes are claimed account by account where those in front of the queue may not be sent, and those under way are found apart from those
-- that wait.

create index mutation_items_queued on sluice_internal.mutation_items (sync_id, next_attempt_at, mutation_no, item_no)
where status = 'queued';
create index mutation_items_sending on sluice_internal.mutation_items (sync_id, poller_id) where status = 'sending';
