-- The roles of pgsluice, for the whole cluster. None can log in: grant them to the logins that need them.
create role sluice_owner nologin;
create role sluice_reader nologin;
create role sluice_consumer nologin;
create role sluice_mutator nologin;
create role sluice_poller nologin;
create role sluice_admin nologin;
create role sluice_server nologin noinherit;

grant sluice_reader to sluice_consumer;
grant sluice_reader to sluice_mutator;
grant sluice_reader to sluice_poller;
grant sluice_consumer to sluice_admin;
grant sluice_mutator to sluice_admin;
-- The server may act as each of these, and has none of their rights until it does.
grant sluice_reader to sluice_server;
grant sluice_consumer to sluice_server;
grant sluice_mutator to sluice_server;
grant sluice_admin to sluice_server;
