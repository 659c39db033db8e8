"""Roles belong to the cluster and to whoever may make them: `migrate` by logins of many kinds, on a server of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from upgrade.trees import Tree

from pgsluice.db import embedded
from pgsluice.db.errors import NotAuthorized, SluiceError, from_database

OURS = ["sluice_admin", "sluice_consumer", "sluice_mutator", "sluice_owner", "sluice_poller", "sluice_reader"]


@pytest.fixture(scope="module")
def lonely(server: embedded.Server, run_root: Path) -> Iterator[embedded.Server]:
    """A server of the same version that no other test uses."""
    with embedded.start(run_root / f"roles-{server.major}-{os.getpid()}", bin_dir=server.bin_dir, durable=False) as own:
        yield own


class Cluster:
    """Databases and logins on a server that starts without any."""

    def __init__(self, server: embedded.Server, admin: psycopg.Connection) -> None:
        self.server = server
        self.admin = admin
        self.major = server.major

    def clean(self) -> None:
        for (name,) in self.admin.execute("select datname from pg_database where datname ~ '^our_'").fetchall():
            self.admin.execute(f"drop database {name} with (force)")
        for (name,) in self.admin.execute("select rolname from pg_roles where rolname ~ '^(sluice|our)_' order by 1 desc").fetchall():
            self.admin.execute(f"drop role {name}")

    def login(self, name: str, options: str = "") -> str:
        self.admin.execute(f"create role our_{name} login {options}")
        return f"our_{name}"

    def database(self, name: str, owner: str = "postgres") -> None:
        self.admin.execute(f"create database our_{name} owner {owner}")

    def address(self, login: str, database: str) -> str:
        return make_conninfo(self.server.conninfo, dbname=f"our_{database}", user=login)

    def roles(self) -> list[str]:
        return [name for (name,) in self.admin.execute("select rolname from pg_roles where rolname ~ '^sluice_' order by 1")]


@pytest.fixture
def cluster(lonely: embedded.Server) -> Iterator[Cluster]:
    with psycopg.connect(lonely.conninfo, autocommit=True) as admin:
        own = Cluster(lonely, admin)
        yield own
        own.clean()


def owners(conninfo: str) -> set[str]:
    with psycopg.connect(conninfo) as conn:
        rows = conn.execute("""
            select nspowner::regrole::text from pg_namespace where nspname ~ '^sluice'
            union select relowner::regrole::text from pg_class where relnamespace::regnamespace::text ~ '^sluice'
            union select proowner::regrole::text from pg_proc where pronamespace::regnamespace::text ~ '^sluice'
        """)
        return {name for (name,) in rows}


def may_use(conninfo: str) -> None:
    with psycopg.connect(conninfo) as conn:
        conn.execute("select * from sluice.thing_add('used')")
        assert conn.execute("select count(*) from sluice.things").fetchone() == (3,)


def test_the_owner_of_a_database_with_createrole(cluster: Cluster, tree: Tree) -> None:
    login = cluster.login("maker", "createrole")
    cluster.database("one", login)
    address = cluster.address(login, "one")
    report = tree.migrate(address, set_search_path=True)
    assert (report.installed, report.left_out, report.statements_for_user) == (True, [], [])
    assert cluster.roles() == OURS
    assert owners(address) == {"sluice_owner"}
    may_use(address)
    # An upgrade that reshapes a function and adds a table goes the same way.
    tree.write("migrations/0002_more.sql", "create table sluice_internal.more (n int); alter table sluice_internal.things add colour text;")
    tree.edit("sql/internal/_triple.sql", "returns int\n", "returns bigint\n")
    assert (tree.migrate(address).applied, tree.migrate(address).left_out) == (["0002_more.sql"], [])
    assert owners(address) == {"sluice_owner"}


def test_a_login_without_createrole_goes_without_roles(cluster: Cluster, tree: Tree) -> None:
    login = cluster.login("plain")
    cluster.database("one", login)
    address = cluster.address(login, "one")
    report = tree.migrate(address)
    assert report.installed
    assert len(report.left_out) == 1
    assert "may not create the roles sluice_owner" in report.left_out[0]
    assert report.statements_for_user[-1] == "grant sluice_reader to sluice_admin;"
    assert cluster.roles() == []
    assert owners(address) == {login}
    may_use(address)
    stranger = cluster.login("stranger")
    with psycopg.connect(cluster.address(stranger, "one")) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        conn.execute("select * from sluice.things")
    assert isinstance(from_database(caught.value), NotAuthorized)
    assert tree.migrate(address).installed is False


def test_roles_that_an_administrator_makes_later_get_their_rights(cluster: Cluster, tree: Tree) -> None:
    login = cluster.login("plain")
    cluster.database("one", login)
    address = cluster.address(login, "one")
    for statement in tree.migrate(address).statements_for_user:
        if not statement.startswith("alter database"):
            cluster.admin.execute(statement)
    report = tree.migrate(address)
    assert report.installed
    assert report.left_out == [
        f"the objects belong to {login}, not to sluice_owner",
        f"{login} is not a member of sluice_admin, sluice_poller, and may not make itself one",
    ]
    cluster.admin.execute(report.statements_for_user[-1])
    assert tree.migrate(address).left_out == [f"the objects belong to {login}, not to sluice_owner"]
    reader = cluster.login("reader", "in role sluice_reader")
    with psycopg.connect(cluster.address(reader, "one")) as conn:
        assert conn.execute("select count(*) from sluice.things").fetchone() == (2,)


def test_a_second_database_of_the_cluster_by_another_login(cluster: Cluster, tree: Tree) -> None:
    for number in ("one", "two"):
        cluster.database(number, cluster.login(number, "createrole"))
    tree.migrate(cluster.address("our_one", "one"))
    report = tree.migrate(cluster.address("our_two", "two"))
    if cluster.major < 16:  # CREATEROLE was a right over every role
        assert (report.left_out, owners(cluster.address("our_two", "two"))) == ([], {"sluice_owner"})
    else:
        assert report.left_out[0] == "the objects belong to our_two, not to sluice_owner"
        assert owners(cluster.address("our_two", "two")) == {"our_two"}
        assert report.statements_for_user[-1] == 'grant sluice_admin, sluice_poller to "our_two";'
    may_use(cluster.address("our_two", "two"))


def test_memberships_that_the_cluster_lacks_are_given_with_the_first_install(cluster: Cluster, tree: Tree) -> None:
    for role in OURS:
        cluster.admin.execute(f"create role {role} nologin")
    cluster.database("one")
    tree.migrate(cluster.address("postgres", "one"))
    assert cluster.admin.execute("select pg_has_role('sluice_admin', 'sluice_reader', 'usage')").fetchone() == (True,)


def test_a_superuser_upgrades_what_a_login_owns(cluster: Cluster, tree: Tree) -> None:
    login = cluster.login("plain")
    cluster.database("one", login)
    tree.migrate(cluster.address(login, "one"))
    tree.write("migrations/0002_more.sql", "create table sluice_internal.more (n int);")
    report = tree.migrate(cluster.address("postgres", "one"))
    assert report.applied == ["0002_more.sql"]
    assert owners(cluster.address(login, "one")) == {login}
    assert tree.migrate(cluster.address(login, "one")).installed is False


def test_a_login_that_may_not_create_anything_is_told_so(cluster: Cluster, tree: Tree) -> None:
    cluster.database("one")
    login = cluster.login("guest")
    with pytest.raises(SluiceError) as caught:
        tree.migrate(cluster.address(login, "one"))
    assert caught.value.code == "SL405"
    assert "owner of the database" in str(caught.value.hint)
    assert cluster.roles() == []


def test_a_login_that_may_not_act_as_the_owner_is_told_so(cluster: Cluster, tree: Tree) -> None:
    cluster.database("one")
    tree.migrate(cluster.address("postgres", "one"))
    login = cluster.login("guest")
    with pytest.raises(SluiceError) as caught:
        tree.migrate(cluster.address(login, "one"))
    assert caught.value.code == "SL405"
    assert "sluice_internal" in str(caught.value.hint)


def test_a_failed_first_migration_leaves_no_roles(cluster: Cluster, tree: Tree) -> None:
    cluster.database("one")
    tree.write("sql/views/things.sql", "select 1 / 0;")
    with pytest.raises(SluiceError):
        tree.migrate(cluster.address("postgres", "one"))
    assert cluster.roles() == []


@pytest.mark.parametrize("options", ["superuser", "createrole"])
def test_databases_of_one_cluster_at_once(cluster: Cluster, tree: Tree, options: str) -> None:
    login = cluster.login("maker", options)
    for number in range(6):
        cluster.database(str(number), login)
    with ThreadPoolExecutor(6) as pool:
        reports = list(pool.map(lambda number: tree.migrate(cluster.address(login, str(number)), patience=60), range(6)))
    assert [(report.installed, report.left_out) for report in reports] == [(True, [])] * 6
    assert {name for number in range(6) for name in owners(cluster.address(login, str(number)))} == {"sluice_owner"}
    assert cluster.roles() == OURS
