"""Who may call what, proven by being each role. Nothing for PUBLIC, nothing in sluice_internal but what pollers and admins need."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import psycopg
import pytest
from isolation.sessions import Session, World, refused
from psycopg.conninfo import make_conninfo

from pgsluice.db import embedded

CALLS = {
    "stream_create": "select * from sluice.stream_create('new')",
    "stream_delete": "select sluice.stream_delete('empty')",
    "stream_info": "select * from sluice.stream_info('s')",
    "sync_create": "select * from sluice.sync_create('s', 'push', 'new')",
    "sync_info": "select * from sluice.sync_info('y')",
    "sync_pause": "select * from sluice.sync_pause('y')",
    "sync_resume": "select * from sluice.sync_resume('y')",
    "sync_update": "select * from sluice.sync_update('y', name => 'n')",
    "sync_restart": "select * from sluice.sync_restart('st')",
    "sync_move": "select * from sluice.sync_move('y', 'empty')",
    "sync_delete": "select * from sluice.sync_delete('y')",
    "sync_webhook_info": "select * from sluice.sync_webhook_info('st')",
    "sync_webhook_subscribe": "select * from sluice.sync_webhook_subscribe('st')",
    "sync_webhook_delete": "select * from sluice.sync_webhook_delete('st')",
    "sync_tidy": "select * from sluice.sync_tidy()",
    "stream_prune": "select * from sluice.stream_prune('s', '1 day')",
    "record_erase": "select * from sluice.record_erase('y', 'push:o', 'a')",
    "quarantine_retry": "select * from sluice.quarantine_retry()",
    "quarantine_purge": "select sluice.quarantine_purge('y')",
    "oauth_app_update": "select * from sluice.oauth_app_update('app', name => 'n')",
    "oauth_app_delete": "select sluice.oauth_app_delete('app')",
    "credential_delete": "select sluice.credential_delete('k')",
    "record_ingest": """select * from sluice.record_ingest('y', 'push:o', '[{"upstream_id": "n", "data": {}}]')""",
    "consumer_create": "select * from sluice.consumer_create('new', 's')",
    "consumer_update": "select * from sluice.consumer_update('c', max_deliver => 5)",
    "consumer_delete": "select sluice.consumer_delete('c')",
    "consumer_info": "select * from sluice.consumer_info('c')",
    "consumer_next": "select * from sluice.consumer_next('c')",
    "consumer_ack": "select * from sluice.consumer_ack('c', '{}')",
    "consumer_nack": "select * from sluice.consumer_nack('c', '{}')",
    "consumer_peek": "select * from sluice.consumer_peek('c')",
    "consumer_extend": "select * from sluice.consumer_extend('c', '{}')",
    "consumer_term": "select * from sluice.consumer_term('c', '{}')",
    "consumer_seek": "select * from sluice.consumer_seek('c', 'start')",
    "consumer_pause": "select * from sluice.consumer_pause('c')",
    "consumer_resume": "select * from sluice.consumer_resume('c')",
    "dead_letter_retry": "select sluice.dead_letter_retry('c')",
    "dead_letter_purge": "select sluice.dead_letter_purge('c')",
    "mutation_run": "select * from sluice.mutation_run('create', 'y', 'push:o', '[{}]')",
    "mutation_result": "select * from sluice.mutation_result('m')",
    "mutation_cancel": "select * from sluice.mutation_cancel('m')",
    "mutation_resolve": "select * from sluice.mutation_resolve('m', 1, 'failed')",
    "collection_refresh": "select * from sluice.collection_refresh('k')",
    "provider_create": """select * from sluice.provider_create('crm', '{"name": "crm", "collections": {"contact": {}}}')""",
    "provider_info": "select * from sluice.provider_info('stripe')",
    "provider_delete": "select sluice.provider_delete('own')",
    "view_create": "select sluice.view_create('push:order')",
    "view_info": "select * from sluice.view_info('push_order')",
    "view_delete": "select sluice.view_delete('push_order')",
    "token_create": "select * from sluice.token_create()",
    "token_revoke": "select sluice.token_revoke('t')",
}
READS = {"stream_info", "sync_info", "sync_webhook_info", "consumer_info", "consumer_peek", "mutation_result", "provider_info", "view_info"}
MAY = {
    "nobody": set(),
    "sluice_reader": READS,
    "sluice_consumer": READS | {"consumer_next", "consumer_ack", "consumer_nack", "consumer_extend", "consumer_term"},
    "sluice_mutator": READS | {"mutation_run", "mutation_cancel", "mutation_resolve"},
    "sluice_poller": READS,
    "sluice_admin": set(CALLS),
    "sluice_server": set(),
}
POLLER = {
    "_poller_heartbeat", "_poller_stop", "_sync_claim", "_sync_due", "_sync_finish", "_sync_finish_many", "_sync_fail", "_sync_release",
    "_page_commit", "_pages_commit",
    "_feeds_declare", "_feed_fail", "_sweep_conclude", "_records_trim", "_sync_tidy", "_leases_compact", "_streams_tidy",
    "_credential_sealed", "_provider_document", "_jsonb_refusal", "_rate_take", "_rate_take_many", "_rate_take_usual", "_unsubscription_claim", "_unsubscription_end", "_rate_release", "_rate_signal", "_renewal_claim", "_renewal_store",
    "_renewal_end", "_mutation_claim", "_mutation_complete", "_mutation_retry",
    "_description_claim", "_description_end", "_wanted_next", "_wanted_commit", "_wanted_put_off",
    "_subscription_claim", "_subscription_known", "_subscription_secret", "_subscription_end",
    "_signin_claim", "_signin_credential", "_signin_store", "_signin_fail",
}  # fmt: skip
ADMIN = {"_credential_put", "_credential_replace", "_credential_known", "_credential_reseal", "_credential_sealed", "_credential_change",
    "_oauth_app_put", "_oauth_app_secret", "_oauth_app_sealed", "_oauth_app_reseal", "_signin_open", "_signin_result",
    "_webhook_put", "_webhook_reseal", "_webhooks_sealed",
}  # fmt: skip
WEBHOOKS = {"_webhook_open", "_webhook_store", "_webhook_wake", "_webhook_refused"}
WAITS = {"_stream_watch", "_stream_unwatch", "_consumer_due", "_consumer_ready"}
NOBODY = f"sluice_test_nobody_{os.getpid()}"


@pytest.fixture
def filled(world: World) -> World:
    one = world.set_up()
    one.rows("select stream_create('empty')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, null, '{}')")
    one.rows("select sluice_internal._credential_put('k2', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, null, '{}')")
    one.rows("select sluice_internal._oauth_app_put('app', 'stripe', 'ca_1', '\\xc0ffee', 1)")
    one.rows("select sync_create('s', 'stripe', 'st', null, array['stripe:plan'], 'k2')")
    one.rows("""select provider_create('own', '{"name": "own", "collections": {"contact": {}}}')""")
    one.push("a", "b")
    return world


@pytest.fixture
def nobody(server: embedded.Server) -> Iterator[str]:
    with psycopg.connect(server.conninfo, autocommit=True) as admin:
        admin.execute(f"drop role if exists {NOBODY}")
        admin.execute(f"create role {NOBODY} login")
        yield NOBODY
        admin.execute(f"drop role {NOBODY}")


@pytest.fixture
def become(filled: World, nobody: str) -> Callable[[str], Session]:
    """A session that acts as a role and cannot go back: it logged in as a member of nothing else."""

    def as_role(role: str) -> Session:
        session = filled.session()
        session.rows(f"set session authorization {nobody if role == 'nobody' else role}")
        return session

    return as_role


def allowed(session: Session, statement: str) -> bool:
    session.begin()
    try:
        session.rows(statement)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState):  # the latter: a view that cannot be written
        return False
    except psycopg.Error as exc:
        assert exc.diag.message_hint  # noqa: PT017
        # What the call names is not there: it was allowed to look.
        return exc.sqlstate in {"SL004", "SL106", "SL107", "SL108", "SL170"} or bool(
            pytest.fail(str(exc)) if exc.sqlstate != "SL002" else False
        )
    else:
        return True
    finally:
        session.rollback()


def test_the_list_here_is_the_list_of_public_functions(filled: World) -> None:
    assert {name for (name,) in filled.look.rows("select proname from pg_proc where pronamespace = 'sluice'::regnamespace")} == set(CALLS)


@pytest.mark.parametrize("role", MAY)
def test_functions(become: Callable[[str], Session], role: str) -> None:
    session = become(role)
    assert {name for name, statement in CALLS.items() if allowed(session, statement)} == MAY[role]


@pytest.mark.parametrize("role", MAY)
def test_tables_and_views_can_be_read_and_never_written(become: Callable[[str], Session], filled: World, role: str) -> None:
    relations = [
        name
        for (name,) in filled.look.rows(
            "select relname from pg_class where relnamespace = 'sluice'::regnamespace and relkind in ('r', 'v')"
        )
    ]
    assert len(relations) >= 12
    session = become(role)
    for name in relations:
        assert allowed(session, f"select * from sluice.{name}") is (role not in {"nobody", "sluice_server"}), name
        assert not allowed(session, f"delete from sluice.{name}"), name
    column = filled.look.value("select attname from pg_attribute where attrelid = 'sluice.records'::regclass and attnum = 3")
    assert not allowed(session, f"update sluice.records set {column} = {column}")
    assert not allowed(
        session,
        "insert into sluice.records (sync_id, collection_id, upstream_id, updated_idx, stream_id, deleted) values ('y', 'push:o', 'z', 1, 's', true)",
    )
    assert not allowed(session, "truncate sluice.records")
    assert not allowed(session, "lock table sluice.records in access exclusive mode")


@pytest.mark.parametrize(
    "role", ["nobody", "sluice_reader", "sluice_consumer", "sluice_mutator", "sluice_poller", "sluice_admin", "sluice_server"]
)
def test_the_internal_schema(become: Callable[[str], Session], filled: World, role: str) -> None:
    session = become(role)
    tables = [
        name
        for (name,) in filled.look.rows(
            "select oid::regclass::text from pg_class where relnamespace = 'sluice_internal'::regnamespace and relkind in ('r', 'v', 'S')"
        )
    ]
    assert len(tables) >= 15
    for name in tables:
        assert not allowed(session, f"select * from {name}"), name
    open_to = {
        name
        for (name,) in filled.look.rows(
            """select proname from pg_proc where pronamespace = 'sluice_internal'::regnamespace
               and has_schema_privilege(%s, 'sluice_internal', 'usage') and has_function_privilege(%s, oid, 'execute')""",
            *[NOBODY if role == "nobody" else role] * 2,
        )
    }
    internal = {
        "sluice_poller": POLLER,
        "sluice_consumer": WAITS,
        "sluice_mutator": {"_mutation_seen"},
        "sluice_admin": ADMIN | WAITS | {"_mutation_seen"},
        "sluice_server": {"_token_check", "_signin_begin", "_signin_answer", "_signin_result"} | WAITS | WEBHOOKS,
    }
    assert open_to == internal.get(role, set())


def test_nothing_for_public(filled: World) -> None:
    found = filled.look.rows("""
        select 'schema ' || nspname from pg_namespace cross join aclexplode(coalesce(nspacl, acldefault('n', nspowner))) as a
        where nspname like 'sluice%' and a.grantee = 0
        union all
        select 'function ' || oid::regprocedure from pg_proc cross join aclexplode(coalesce(proacl, acldefault('f', proowner))) as a
        where pronamespace::regnamespace::text like 'sluice%' and a.grantee = 0
        union all
        select 'relation ' || oid::regclass
        from pg_class cross join aclexplode(coalesce(relacl, acldefault(case relkind when 'S' then 's'::"char" else 'r'::"char" end, relowner))) as a
        where relnamespace::regnamespace::text like 'sluice%' and relkind in ('r', 'v', 'S', 'm', 'p') and a.grantee = 0
    """)
    assert found == []


def test_nothing_for_public_in_what_is_made_at_run_time(filled: World, become: Callable[[str], Session]) -> None:
    admin = become("sluice_admin")
    admin.rows("select sluice.stream_create('made-by-admin')")
    test_nothing_for_public(filled)
    owners = filled.look.rows("""
        select distinct relowner::regrole::text from pg_class where relnamespace::regnamespace::text like 'sluice%' and relkind in ('r', 'v', 'S')
    """)
    assert owners == [("sluice_owner",)]


def test_the_server_acts_as_the_role_of_the_token_and_as_nothing_else(become: Callable[[str], Session], filled: World) -> None:
    server = become("sluice_server")
    for role in ("sluice_reader", "sluice_consumer", "sluice_mutator", "sluice_admin"):
        server.begin()
        server.rows(f"set local role {role}")
        assert server.value("select count(*) from sluice.records") == 2
        server.commit()
    assert not allowed(server, "select * from sluice.records")
    for role in ("sluice_owner", "sluice_poller"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.rows(f"set role {role}")


def test_the_owner_cannot_log_in(filled: World) -> None:
    flags = filled.look.rows(
        "select rolname from pg_roles where rolname like 'sluice\\_%' and rolname not like 'sluice\\_test%' and (rolcanlogin or rolsuper or rolcreaterole)"
    )
    assert flags == []


def test_a_login_in_the_role_consumer_works_from_end_to_end(filled: World, nobody: str) -> None:
    filled.look.rows(f"grant sluice_consumer to {nobody}")
    worker = Session(make_conninfo(filled.conninfo, user=nobody))
    with worker:
        filled.open.append(worker)
        got = worker.drain()
        assert sorted(m.upstream_id for m in got) == ["a", "b"]
        assert worker.nack(got[:1]) == (1, [])
        assert worker.ack([*got[1:], *worker.next()], strict=True) == (2, [])
        assert len(worker.records()) == 2
        assert [r.consumer_id for r in worker.rows("select * from consumers")] == ["c"]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            worker.push("x")


def test_a_reader_cannot_learn_a_token(become: Callable[[str], Session], filled: World) -> None:
    held = filled.look.next()
    reader = become("sluice_reader")
    assert {m.ack_token for m in reader.peek()} <= {None}
    for view in ("messages_in_flight", "dead_letters", "consumers", "records"):
        told = str(reader.rows(f"select t::text from sluice.{view} as t"))
        assert not [m.ack_token for m in held if m.ack_token in told or m.ack_token[-16:] in told]


def test_what_a_caller_puts_in_his_way_is_not_used(become: Callable[[str], Session], filled: World) -> None:
    """Functions that run as the owner find nothing through the caller's search path or temporary schema."""
    filled.look.rows(
        "create schema evil; grant all on schema evil to public; grant temporary on database current_database() to public".replace(
            "current_database()", filled.look.conn.info.dbname
        )
    )
    worker = become("sluice_consumer")
    worker.rows("""
        create function evil.trap() returns text language plpgsql as $$ begin raise exception 'trapped as %', current_user; end $$;
        create function evil.now() returns timestamptz language sql as 'select evil.trap()::timestamptz';
        create function evil.clock_timestamp() returns timestamptz language sql as 'select evil.trap()::timestamptz';
        create function evil.unnest(text[]) returns setof text language sql as 'select evil.trap()';
        create function evil.cardinality(anyarray) returns int language sql as 'select length(evil.trap())';
        create function evil.eq(text, text) returns boolean language sql as 'select evil.trap() is null';
        create operator evil.= (leftarg = text, rightarg = text, function = evil.eq);
        create temporary table records (trap int);
        create temporary table consumer_steps (trap int);
        create temporary table consumers (trap int);
        create temporary table positions (trap int);
        set search_path = pg_temp, evil, pg_catalog, sluice;
    """)
    got = worker.rows("select ack_token, upstream_id from sluice.consumer_next('c', 10)")
    assert len(got) == 2
    assert worker.rows("select accepted from sluice.consumer_ack('c', array[%s])", got[0].ack_token) == [(1,)]
    assert worker.rows("select accepted from sluice.consumer_nack('c', array[%s])", got[1].ack_token) == [(1,)]
    assert worker.rows("select num_ack_pending from sluice.consumer_info('c')") != []


def test_an_admin_may_refer_to_records_and_add_views(become: Callable[[str], Session], filled: World) -> None:
    filled.look.rows("create schema app authorization sluice_admin")
    admin = become("sluice_admin")
    admin.rows("""
        create table app.note (sync_id text, collection_id text, upstream_id text,
            foreign key (sync_id, collection_id, upstream_id) references sluice.records (sync_id, collection_id, upstream_id));
        create view app.orders as select upstream_id, data from sluice.records;
        insert into app.note values ('y', 'push:o', 'a')
    """)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        admin.rows("insert into app.note values ('y', 'push:o', 'nowhere')")
    assert admin.value("select count(*) from app.orders") == 2


def test_a_refusal_comes_before_anything_is_told(become: Callable[[str], Session], filled: World) -> None:
    """A role without the right cannot find out which ids exist."""
    session = become("sluice_reader")
    for statement in (
        "select sluice.consumer_next('nope')",
        "select sluice.stream_delete('nope')",
        "select sluice.consumer_ack('nope', null)",
    ):
        assert not allowed(session, statement)


def test_unqualified_calls_with_sluice_on_the_path(filled: World) -> None:
    assert len(filled.look.rows("select * from consumer_next('c')")) == 2
    with refused("SL103", "nope"):
        filled.look.rows("select * from consumer_next('nope')")
