-- Who may call what. Nothing for PUBLIC; then one block a role. A grant to a role that could not be made is left out.
revoke all on schema sluice, sluice_internal from public;
revoke all on all tables in schema sluice, sluice_internal from public;
revoke all on all functions in schema sluice, sluice_internal from public;
revoke all on all sequences in schema sluice, sluice_internal from public;

-- reader: looks at everything, changes nothing
grant usage on schema sluice to sluice_reader;
grant usage on schema sluice_views to sluice_reader;
grant select on all tables in schema sluice to sluice_reader;
grant execute on function sluice.stream_info to sluice_reader;
grant execute on function sluice.sync_info to sluice_reader;
grant execute on function sluice.provider_info to sluice_reader;
grant execute on function sluice.consumer_info to sluice_reader;
grant execute on function sluice.consumer_peek to sluice_reader;
grant execute on function sluice.mutation_result to sluice_reader;
grant execute on function sluice.view_info to sluice_reader;
grant execute on function sluice.sync_webhook_info to sluice_reader;

-- consumer: a reader that takes and acknowledges messages
grant execute on function sluice.consumer_next to sluice_consumer;
grant execute on function sluice.consumer_ack to sluice_consumer;
grant execute on function sluice.consumer_nack to sluice_consumer;
grant execute on function sluice.consumer_extend to sluice_consumer;
grant execute on function sluice.consumer_term to sluice_consumer;
-- what a worker that waits needs; each looks whether the caller may read the consumer
grant usage on schema sluice_internal to sluice_consumer;
grant execute on function sluice_internal._stream_watch to sluice_consumer;
grant execute on function sluice_internal._stream_unwatch to sluice_consumer;
grant execute on function sluice_internal._consumer_due to sluice_consumer;
grant execute on function sluice_internal._consumer_ready to sluice_consumer;

-- mutator: a reader that asks vendors to write
grant execute on function sluice.mutation_run to sluice_mutator;
grant execute on function sluice.mutation_cancel to sluice_mutator;
grant execute on function sluice.mutation_resolve to sluice_mutator;
-- for whoever waits until consumers have what was written
grant usage on schema sluice_internal to sluice_mutator;
grant execute on function sluice_internal._mutation_seen to sluice_mutator;

-- poller: moves bytes between vendors and records
grant usage on schema sluice_internal to sluice_poller;
grant execute on function sluice_internal._jsonb_refusal to sluice_poller;
grant execute on function sluice_internal._poller_heartbeat to sluice_poller;
grant execute on function sluice_internal._poller_stop to sluice_poller;
grant execute on function sluice_internal._sync_claim to sluice_poller;
grant execute on function sluice_internal._sync_due to sluice_poller;
grant execute on function sluice_internal._sync_finish to sluice_poller;
grant execute on function sluice_internal._sync_finish_many to sluice_poller;
grant execute on function sluice_internal._sync_fail to sluice_poller;
grant execute on function sluice_internal._sync_release to sluice_poller;
grant execute on function sluice_internal._sync_tidy to sluice_poller;
grant execute on function sluice_internal._leases_compact to sluice_poller;
grant execute on function sluice_internal._streams_tidy to sluice_poller;
grant execute on function sluice_internal._page_commit to sluice_poller;
grant execute on function sluice_internal._pages_commit to sluice_poller;
grant execute on function sluice_internal._feeds_declare to sluice_poller;
grant execute on function sluice_internal._feed_fail to sluice_poller;
grant execute on function sluice_internal._sweep_conclude to sluice_poller;
grant execute on function sluice_internal._records_trim to sluice_poller;
grant execute on function sluice_internal._credential_sealed to sluice_poller;
grant execute on function sluice_internal._provider_document to sluice_poller;
grant execute on function sluice_internal._rate_take to sluice_poller;
grant execute on function sluice_internal._rate_take_many to sluice_poller;
grant execute on function sluice_internal._rate_take_usual to sluice_poller;
grant execute on function sluice_internal._rate_release to sluice_poller;
grant execute on function sluice_internal._rate_signal to sluice_poller;
grant execute on function sluice_internal._signin_claim to sluice_poller;
grant execute on function sluice_internal._signin_credential to sluice_poller;
grant execute on function sluice_internal._signin_store to sluice_poller;
grant execute on function sluice_internal._signin_fail to sluice_poller;
grant execute on function sluice_internal._renewal_claim to sluice_poller;
grant execute on function sluice_internal._renewal_store to sluice_poller;
grant execute on function sluice_internal._renewal_end to sluice_poller;
grant execute on function sluice_internal._description_claim to sluice_poller;
grant execute on function sluice_internal._description_end to sluice_poller;
grant execute on function sluice_internal._wanted_next to sluice_poller;
grant execute on function sluice_internal._wanted_commit to sluice_poller;
grant execute on function sluice_internal._wanted_put_off to sluice_poller;
grant execute on function sluice_internal._subscription_claim to sluice_poller;
grant execute on function sluice_internal._subscription_known to sluice_poller;
grant execute on function sluice_internal._subscription_secret to sluice_poller;
grant execute on function sluice_internal._subscription_end to sluice_poller;
grant execute on function sluice_internal._unsubscription_claim to sluice_poller;
grant execute on function sluice_internal._unsubscription_end to sluice_poller;
grant execute on function sluice_internal._mutation_claim to sluice_poller;
grant execute on function sluice_internal._mutation_complete to sluice_poller;
grant execute on function sluice_internal._mutation_retry to sluice_poller;

-- server: checks tokens and waits; for everything else it acts as the role that the token's scope stands for
grant usage on schema sluice_internal to sluice_server;
grant execute on function sluice_internal._token_check to sluice_server;
-- what a browser does without a token
grant execute on function sluice_internal._signin_begin to sluice_server;
grant execute on function sluice_internal._signin_answer to sluice_server;
grant execute on function sluice_internal._signin_result to sluice_server;
grant execute on function sluice_internal._stream_watch to sluice_server;
grant execute on function sluice_internal._stream_unwatch to sluice_server;
grant execute on function sluice_internal._consumer_due to sluice_server;
grant execute on function sluice_internal._consumer_ready to sluice_server;
-- webhooks come without a token: whether they are genuine the server finds out before it stores anything
grant execute on function sluice_internal._webhook_open to sluice_server;
grant execute on function sluice_internal._webhook_store to sluice_server;
grant execute on function sluice_internal._webhook_wake to sluice_server;
grant execute on function sluice_internal._webhook_refused to sluice_server;

-- admin: everything above, and creates, changes and deletes
grant usage on schema sluice_internal to sluice_admin;
grant execute on all functions in schema sluice to sluice_admin;
grant execute on function sluice_internal._credential_put to sluice_admin;
grant execute on function sluice_internal._credential_replace to sluice_admin;
grant execute on function sluice_internal._credential_change to sluice_admin;
grant execute on function sluice_internal._oauth_app_put to sluice_admin;
grant execute on function sluice_internal._oauth_app_secret to sluice_admin;
grant execute on function sluice_internal._oauth_app_sealed to sluice_admin;
grant execute on function sluice_internal._oauth_app_reseal to sluice_admin;
grant execute on function sluice_internal._signin_open to sluice_admin;
grant execute on function sluice_internal._signin_result to sluice_admin;
grant execute on function sluice_internal._credential_known to sluice_admin;
grant execute on function sluice_internal._credential_sealed to sluice_admin;
grant execute on function sluice_internal._credential_reseal to sluice_admin;
grant execute on function sluice_internal._webhook_put to sluice_admin;
grant execute on function sluice_internal._webhook_reseal to sluice_admin;
grant execute on function sluice_internal._webhooks_sealed to sluice_admin;
grant references on table sluice.records to sluice_admin;
