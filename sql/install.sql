-- pgsluice in the database: what is loaded, in this order. psql can run it (after the migrations); so can `pgsluice migrate`.
--
--   ingest ──▶ records ──commit──▶ positions ──consumer_next──▶ consumer_steps ──consumer_ack──▶ consumer_settlements
--
-- Roles come first (roles.sql), rights last (grants.sql).

-- The register of errors, and the one gate
\ir errors.sql
\ir internal/_authorized.sql
\ir internal/_authorize.sql
\ir internal/_authorize_sync.sql
\ir internal/_authorize_consumer.sql
\ir internal/_check_id.sql
\ir internal/_hold_stream.sql
\ir internal/_lock_key.sql
\ir internal/_touch_stream.sql
\ir internal/_lock_touched.sql
\ir internal/_hold_sync.sql
\ir internal/_check_idle.sql
\ir internal/_notice.sql

-- Streams: a named set of records in the order of their last change
\ir views/streams.sql
\ir streams/stream_create.sql
\ir streams/stream_info.sql
\ir streams/stream_delete.sql

-- Records: written at once, numbered at commit
\ir internal/_certain_time.sql
\ir internal/_time_refusal.sql
\ir internal/_record_usual.sql
\ir internal/_records_refusal.sql
\ir internal/_verdict.sql
\ir internal/_record_write_each.sql
\ir internal/_record_write.sql
\ir internal/_renumber.sql
\ir internal/_number_ingest.sql
\ir internal/_fold_counts.sql
\ir internal/_records_forget.sql
\ir internal/_records_move.sql
\ir internal/_records_follow.sql
\ir internal/_erasure_digest.sql
\ir internal/_erased_among.sql
\ir internal/_record_recheck.sql
\ir internal/_record_store.sql
\ir internal/_record_write_one.sql
\ir internal/_ingest_refusal.sql
\ir records/record_ingest.sql

-- Syncs: one connection to one account
\ir internal/_builtin_providers.sql
\ir internal/_open_providers.sql
\ir internal/_builtin_collections.sql
\ir internal/_builtin_fields.sql
\ir internal/_document_collections.sql
\ir internal/_provider_document.sql
\ir views/providers.sql
\ir views/provider_documents.sql
\ir views/provider_collections.sql
\ir views/provider_fields.sql
\ir providers/provider_create.sql
\ir providers/provider_info.sql
\ir providers/provider_delete.sql
\ir views/oauth_apps.sql
\ir views/credentials.sql
\ir views/descriptions.sql
\ir views/credential_collections.sql
\ir views/credential_fields.sql
\ir internal/_description_ask.sql
\ir internal/_description_claim.sql
\ir internal/_description_end.sql
\ir collections/collection_refresh.sql
\ir views/syncs.sql
\ir views/sync_webhooks.sql
\ir views/collections.sql
\ir views/quarantine.sql
\ir views/notices.sql
\ir syncs/credential_delete.sql
\ir internal/_collection_open.sql
\ir internal/_check_sync.sql
\ir internal/_check_rate_limit.sql
\ir internal/_check_max_age.sql
\ir syncs/sync_create.sql
\ir syncs/sync_info.sql
\ir syncs/sync_pause.sql
\ir syncs/sync_resume.sql
\ir internal/_feeds_forget.sql
\ir internal/_sync_changed.sql
\ir syncs/sync_update.sql
\ir syncs/sync_restart.sql
\ir syncs/sync_move.sql
\ir syncs/sync_delete.sql

-- Webhooks: what vendors send by themselves, and what is fetched because of it
\ir internal/_wanted_put.sql
\ir internal/_wanted_next.sql
\ir internal/_wanted_commit.sql
\ir internal/_wanted_put_off.sql
\ir internal/_webhook_open.sql
\ir internal/_webhook_overflow.sql
\ir internal/_webhook_ended.sql
\ir internal/_webhook_wake.sql
\ir internal/_webhook_store.sql
\ir internal/_webhook_refused.sql
\ir internal/_webhooks_fold.sql
\ir internal/_webhook_secret.sql
\ir internal/_webhook_put.sql
\ir internal/_webhook_reseal.sql
\ir internal/_webhooks_sealed.sql
\ir internal/_subscription_claim.sql
\ir internal/_subscription_known.sql
\ir internal/_subscription_secret.sql
\ir internal/_subscription_end.sql
\ir syncs/sync_webhook_info.sql
\ir syncs/sync_webhook_subscribe.sql
\ir syncs/sync_webhook_delete.sql

-- Pollers: what moves bytes between vendors and records
\ir internal/_check_oauth_app.sql
\ir internal/_check_redirect_urls.sql
\ir internal/_credential_mend.sql
\ir internal/_credential_put.sql
\ir internal/_credential_change.sql
\ir internal/_credential_replace.sql
\ir internal/_credential_sealed.sql
\ir internal/_credential_known.sql
\ir internal/_credential_reseal.sql
\ir internal/_oauth_app_put.sql
\ir internal/_oauth_app_secret.sql
\ir internal/_oauth_app_sealed.sql
\ir internal/_oauth_app_reseal.sql
\ir oauth_apps/oauth_app_update.sql
\ir oauth_apps/oauth_app_delete.sql
\ir internal/_signin_open.sql
\ir internal/_signin_begin.sql
\ir internal/_signin_answer.sql
\ir internal/_signin_result.sql
\ir internal/_signin_ended.sql
\ir internal/_signin_claim.sql
\ir internal/_signin_fail.sql
\ir internal/_signin_credential.sql
\ir internal/_signin_store.sql
\ir internal/_renewal_claim.sql
\ir internal/_renewal_store.sql
\ir internal/_renewal_end.sql
\ir internal/_jsonb_refusal.sql
\ir internal/_poller_heartbeat.sql
\ir internal/_poller_stop.sql
\ir internal/_lease_check.sql
\ir internal/_run_succeeded.sql
\ir internal/_lease_end.sql
\ir internal/_sync_claim.sql
\ir internal/_sync_due.sql
\ir internal/_sync_finish.sql
\ir internal/_sync_finish_many.sql
\ir internal/_sync_fail.sql
\ir internal/_sync_release.sql
\ir internal/_feeds_restart.sql
\ir internal/_feeds_declare.sql
\ir internal/_feed_fail.sql
\ir internal/_sweep_saw.sql
\ir internal/_sweep_forget.sql
\ir internal/_sweep_conclude.sql
\ir internal/_records_trim.sql
\ir internal/_page_note.sql
\ir internal/_pages_settle.sql
\ir internal/_pages_commit.sql
\ir internal/_page_commit.sql
\ir internal/_rate_limits.sql
\ir internal/_rate_free.sql
\ir internal/_rate_draw.sql
\ir internal/_rate_hold.sql
\ir internal/_rate_said.sql
\ir internal/_rate_take.sql
\ir internal/_rate_take_many.sql
\ir internal/_rate_release.sql
\ir internal/_rate_signal.sql

-- Consumers: read, acknowledge, redeliver
\ir internal/_hold_consumer.sql
\ir internal/_random_bits.sql
\ir internal/_ack_token.sql
\ir internal/_wake.sql
\ir internal/_wake_freed.sql
\ir internal/_lane_state.sql
\ir internal/_live_messages.sql
\ir internal/_lane_busy.sql
\ir internal/_lanes_ready.sql
\ir internal/_lane_due.sql
\ir internal/_filter_patterns.sql
\ir internal/_filter_matches.sql
\ir internal/_check_filter.sql
\ir internal/_check_reading.sql
\ir internal/_check_tokens.sql
\ir internal/_lane_trim.sql
\ir internal/_leases_compact.sql
\ir internal/_lane_recover.sql
\ir internal/_steps_due.sql
\ir internal/_steps_open.sql
\ir internal/_lane_take.sql
\ir internal/_take_many.sql
\ir internal/_num_ack_pending.sql
\ir internal/_next_lanes.sql
\ir internal/_first_lane.sql
\ir internal/_progress.sql
\ir internal/_next_bounded.sql
\ir internal/_settle_each.sql
\ir internal/_settle_leases.sql
\ir internal/_settle.sql
\ir views/consumers.sql
\ir views/messages_in_flight.sql
\ir views/dead_letters.sql
\ir internal/_move_cursors.sql
\ir internal/_start_new_consumer.sql
\ir internal/_start_of.sql
\ir internal/_time_of.sql
\ir internal/_check_consumer.sql
\ir consumers/consumer_create.sql
\ir consumers/consumer_update.sql
\ir consumers/consumer_info.sql
\ir consumers/consumer_delete.sql
\ir consumers/consumer_next.sql
\ir consumers/consumer_peek.sql
\ir consumers/consumer_ack.sql
\ir consumers/consumer_nack.sql
\ir consumers/consumer_extend.sql
\ir consumers/consumer_term.sql
\ir consumers/consumer_seek.sql
\ir consumers/consumer_pause.sql
\ir consumers/consumer_resume.sql
\ir consumers/dead_letter_retry.sql
\ir consumers/dead_letter_purge.sql

-- Ends: records that go, one by one or piece by piece
\ir internal/_writers.sql
\ir internal/_records_held.sql
\ir internal/_records_tombstone.sql
\ir internal/_work_choose.sql
\ir internal/_work_left.sql
\ir internal/_work_records.sql
\ir internal/_work_rest.sql
\ir internal/_work_step.sql
\ir internal/_sync_tidy.sql
\ir syncs/sync_tidy.sql
\ir streams/stream_prune.sql
\ir internal/_mutation_erase.sql
\ir records/record_erase.sql
\ir internal/_quarantine_refusal.sql
\ir records/quarantine_retry.sql
\ir records/quarantine_purge.sql

-- Waiting for messages
\ir internal/_stream_watch.sql
\ir internal/_stream_unwatch.sql
\ir internal/_consumer_due.sql
\ir internal/_consumer_ready.sql

-- Mutations: writes back to vendors
\ir views/mutations.sql
\ir views/mutation_items.sql
\ir internal/_authorize_mutation.sql
\ir internal/_check_matching.sql
\ir internal/_collection_writes.sql
\ir internal/_check_mutation.sql
\ir internal/_mutation_close.sql
\ir mutations/mutation_run.sql
\ir mutations/mutation_result.sql
\ir mutations/mutation_cancel.sql
\ir mutations/mutation_resolve.sql
\ir internal/_mutation_claim.sql
\ir internal/_mutation_complete.sql
\ir internal/_mutation_retry.sql
\ir internal/_mutation_seen.sql

-- Typed views: a collection as a table with columns, to read and to write
\ir internal/_time_pattern.sql
\ir internal/_view_expression.sql
\ir internal/_view_sample.sql
\ir internal/_view_column.sql
\ir internal/_view_infer.sql
\ir internal/_view_value.sql
\ir internal/_view_changes.sql
\ir internal/_view_write.sql
\ir internal/_view_make.sql
\ir internal/_collection_known.sql
\ir internal/_authorize_view.sql
\ir views/views.sql
\ir views/view_fields.sql
\ir views/view_create.sql
\ir views/view_info.sql
\ir views/view_delete.sql

-- Tokens: access over HTTP
\ir views/tokens.sql
\ir internal/_token_signed.sql
\ir internal/_token_check.sql
\ir tokens/token_create.sql
\ir tokens/token_revoke.sql
