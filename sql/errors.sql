create or replace view sluice.errors as
select *
from (values
    ('SL001', 'invalid_argument', 422, 'An argument is missing, malformed or out of range.'),
    ('SL002', 'not_authorized', 403, 'The role that calls may not do this.'),
    ('SL003', 'isolation_level', 422, 'The call needs a READ COMMITTED transaction.'),
    ('SL004', 'not_supported', 422, 'This release cannot do this yet.'),
    ('SL101', 'unknown_stream', 404, 'No stream has this id.'),
    ('SL102', 'unknown_sync', 404, 'No sync has this id.'),
    ('SL103', 'unknown_consumer', 404, 'No consumer has this id.'),
    ('SL104', 'unknown_credential', 404, 'No credential has this id.'),
    ('SL105', 'unknown_provider', 422, 'No provider has this name.'),
    ('SL106', 'unknown_collection', 422, 'The provider or the sync has no such collection.'),
    ('SL110', 'id_taken', 409, 'The id is in use.'),
    ('SL111', 'in_use', 409, 'Something else still needs the object.'),
    ('SL120', 'stale_token', 409, 'A token names no message that may be acknowledged, and strict was asked for.'),
    ('SL130', 'lease_lost', 409, 'Another poller works on the sync now.'),
    ('SL201', 'vendor_unauthorized', 502, 'The vendor refused the credential.'),
    ('SL202', 'vendor_forbidden', 502, 'The credential may not read this.'),
    ('SL203', 'vendor_refused', 502, 'The vendor refused the request.'),
    ('SL204', 'vendor_unreadable', 502, 'The vendor''s reply is not what its API documents.'),
    ('SL205', 'vendor_unavailable', 502, 'The vendor cannot be reached or failed.'),
    ('SL206', 'vendor_rate_limited', 502, 'The vendor asked to slow down.'),
    ('SL207', 'vendor_list_broken', 502, 'The vendor''s list repeats itself, so its end cannot be found.'),
    ('SL208', 'credential_malformed', 422, 'The secret does not have the form the vendor gives out.'),
    ('SL209', 'address_refused', 422, 'The address is private or local and was not allowed.'),
    ('SL301', 'master_key_missing', 500, 'Secrets cannot be sealed or opened without the master key.'),
    ('SL302', 'secret_unreadable', 500, 'The master key does not open this secret.'),
    ('SL401', 'database_unavailable', 503, 'The database cannot be reached.'),
    ('SL402', 'already_running', 409, 'pgsluice runs on this data folder already.'),
    ('SL403', 'port_in_use', 409, 'The address is taken by another program.'),
    ('SL404', 'data_folder_not_ours', 403, 'The data folder belongs to someone else or is something else.'),
    ('SL405', 'migration_failed', 500, 'The database could not be brought to this release.'),
    ('SL406', 'settings_invalid', 422, 'A setting is malformed.'),
    ('SL407', 'database_not_migrated', 503, 'The database lacks pgsluice''s schema or an update of it.'),
    ('SL408', 'embedded_failed', 500, 'The embedded Postgres could not be started.')
) as e (code, name, http_status, meaning);

comment on view sluice.errors is 'Every SQLSTATE of pgsluice''s own: code, name, HTTP status, meaning.';
