"""Brings a database to this release: tables by migration, code by replacement, in one transaction.

In order, under one advisory lock: roles, pending migrations, and if anything in `sql/` changed all of it, then the sweep of what the
previous install made and this one does not, then rights. A failure anywhere leaves the database as it was. A migration marked
`-- no transaction` is the exception: what comes before it is committed, then it runs alone.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import psycopg
from psycopg import errors, sql

from pgsluice import __version__
from pgsluice.db import ledger, rights
from pgsluice.db.connect import connect, waits
from pgsluice.db.dump import schema_dump
from pgsluice.db.errors import SluiceError, from_database, make
from pgsluice.db.install import install
from pgsluice.db.ledger import Connection
from pgsluice.db.rights import SERVER_LOGIN
from pgsluice.db.script import single_file
from pgsluice.db.sources import MIGRATIONS, SQL, Migration, Sources, read_sources, statements

__all__ = ["SERVER_LOGIN", "Report", "check_history", "migrate", "schema_dump", "single_file"]

T = TypeVar("T")

_OLDEST: Final = 150000

_BUSY: Final = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)


@dataclass
class Report:
    """What `migrate` did.

    `applied`: names of migrations. `installed`: whether `sql/` was applied. `swept`: identities of dropped objects. `lifted`: how many
    sequences were behind their tables. `left_out`: what this login's rights did not allow, in words. `statements_for_user`: SQL that makes
    up for it, to be run by somebody with more rights.
    """

    applied: list[str] = field(default_factory=list)
    installed: bool = False
    swept: list[str] = field(default_factory=list)
    lifted: int = 0
    left_out: list[str] = field(default_factory=list)
    statements_for_user: list[str] = field(default_factory=list)

    def add(self, later: Report) -> None:
        """Takes in what a further transaction of the same `migrate` did."""
        self.applied += later.applied
        self.installed |= later.installed
        self.swept += later.swept
        self.lifted += later.lifted
        self.left_out = later.left_out
        self.statements_for_user = later.statements_for_user


def migrate(
    conninfo: str,
    *,
    on_progress: Callable[[str], None] | None = None,
    set_search_path: bool = False,
    server_login: bool = False,
    sql_folder: Path = SQL,
    migrations_folder: Path = MIGRATIONS,
    patience: float = 60.0,
) -> Report:
    """Brings the database to this release; does nothing, quickly, if it is there already. Any number may run at once.

    `on_progress` is told the name of each step. `set_search_path` puts `sluice` on the database's search path; otherwise the statement that
    would is in the report. `server_login` makes a login for the HTTP server, without a
    password and with no rights but the server's. For `patience` seconds a lock that somebody holds is asked for again.
    Raises SL405 (nothing was changed), SL401 and SL406 as `connect` does.
    """
    sources = read_sources(sql_folder, migrations_folder)
    report = Report()
    with connect(conninfo, prepare_threshold=None) as conn:
        _check_server(conn)
        conn.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        conn.read_only = False
        run = _Run(conn, sources, set_search_path, on_progress or _quiet)
        while (alone := _patiently(patience, run, run.together)) is not None:
            report.add(run.report)
            _patiently(patience, run, partial(run.alone, conninfo, alone))
            report.add(run.report)
        report.add(run.report)
        if server_login:
            conn.execute(rights.MAKE_SERVER_LOGIN)
    return report


def _quiet(_step: str) -> None:
    """Progress that nobody asked for."""


def _check_server(conn: Connection) -> None:
    if conn.info.server_version < _OLDEST:
        version = conn.info.parameter_status("server_version")
        raise make(f"this is PostgreSQL {version}, and pgsluice needs 15 or newer", code="SL405", hint="upgrade the server")
    encoding = conn.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        hint = "create a database with: create database … encoding 'UTF8' template template0"
        raise make(f"the database is in {encoding}, and pgsluice needs UTF8", code="SL405", hint=hint)


def _patiently(patience: float, run: _Run, step: Callable[[], T]) -> T:
    """What `step` returns, taken again from the start for `patience` seconds while others hold what it needs."""
    pauses = waits(patience, longest=0.5)
    while True:
        run.report = Report()
        try:
            return step()
        except psycopg.Error as exc:
            pause = next(pauses, None)
            if pause is None or not _busy(exc):
                raise _failure(exc, run.step) from exc
            time.sleep(pause)


def _busy(exc: psycopg.Error) -> bool:
    # XX000 "tuple concurrently updated": another database of the cluster changed the same role.
    return isinstance(exc, _BUSY) or (isinstance(exc, errors.InternalError_) and "concurrently" in str(exc))


def _failure(exc: psycopg.Error, step: str) -> SluiceError:
    """SL405 in words that name the file; a lost connection stays SL401."""
    told = from_database(exc)
    if told.code == "SL401":
        return told
    diag = exc.diag
    place = f"{step}: {told.message}" + (f" ({diag.message_detail})" if diag.message_detail else "")
    hint = told.hint or "nothing was changed; correct the cause and run pgsluice migrate again"
    if isinstance(exc, errors.LockNotAvailable) and diag.message_primary is None:
        hint = "wait for it to end, then run pgsluice migrate again"
    elif isinstance(exc, errors.LockNotAvailable):
        hint = "another session holds a lock it needs: select * from pg_locks where not granted or mode ~ 'Exclusive'; then try again"
    elif isinstance(exc, errors.DependentObjectsStillExist):
        hint = "drop the object that depends on it, run pgsluice migrate, and create it again"
    elif isinstance(exc, errors.InsufficientPrivilege):
        hint = "run it as the owner of the database, or as a member of the role that owns the schema sluice_internal"
    return make(f"the migration failed at {place}", code="SL405", details=f"SQLSTATE {exc.sqlstate}", hint=hint)


class _Run:
    """One `migrate` of one database: the connection, what to apply, and where it is."""

    def __init__(self, conn: Connection, sources: Sources, set_search_path: bool, say: Callable[[str], None]) -> None:
        self.conn = conn
        self.sources = sources
        self.set_search_path = set_search_path
        self.say = say
        self.step = "the start"
        self.report = Report()

    def together(self) -> Migration | None:
        """All that one transaction can do. The answer, if any, is a migration that must run alone before the rest."""
        with self.conn.transaction():
            return self._everything()

    def alone(self, conninfo: str, migration: Migration) -> None:
        """Runs a `-- no transaction` migration statement by statement, while a second connection keeps other migrations out."""
        self.at(f"migrations/{migration.name}")
        with connect(conninfo, prepare_threshold=None) as guard, guard.transaction():
            ledger.hold(guard)
            guard.execute(ledger.FOUND)
            if migration.name not in ledger.applied(guard):
                self.say(migration.name)
                for statement in statements(migration.text):
                    self.conn.execute(statement)
                ledger.record_migration(guard, migration.name, migration.digest)
                self.report.applied.append(migration.name)

    def _everything(self) -> Migration | None:
        self.at("the start")
        ledger.hold(self.conn)
        lacking = rights.missing_roles(self.conn, self.sources.role_names)
        absent = self._make_roles() if lacking else []
        self._act_as_owner()
        alone = self._migrations()
        if alone is None:
            self._install(absent, lost=len(absent) < len(lacking))
            self._sequences()
            self.conn.execute("reset role")
            self._search_path()
            self.report.left_out, statements = rights.left_out(self.conn, absent, self.sources.roles)
            self.report.statements_for_user += statements
        return alone

    def at(self, step: str) -> None:
        """Notes what runs next: an error will name it."""
        self.step = step

    def _make_roles(self) -> list[str]:
        self.at("sql/roles.sql")
        rights.make_roles(self.conn, self.sources.roles)
        return rights.missing_roles(self.conn, self.sources.role_names)

    def _act_as_owner(self) -> None:
        self.at("the schemas")
        self.conn.execute(rights.JOIN)
        self.conn.execute(ledger.FOUND)

    def _migrations(self) -> Migration | None:
        done = ledger.applied(self.conn)
        check_history(self.sources.migrations, done)
        pending = self.sources.migrations[len(done) :]
        together = tuple(itertools.takewhile(lambda migration: migration.transactional, pending))
        if together:
            with self._lent_create():
                for migration in together:
                    self._migrate(migration)
        return pending[len(together)] if len(together) < len(pending) else None

    def _migrate(self, migration: Migration) -> None:
        self.at(f"migrations/{migration.name}")
        self.say(migration.name)
        self.conn.execute(migration.text)
        ledger.record_migration(self.conn, migration.name, migration.digest)
        self.report.applied.append(migration.name)

    @contextmanager
    def _lent_create(self) -> Iterator[None]:
        """The owner may make schemas meanwhile, and not afterwards."""
        self.conn.execute(rights.LEND)
        self._act_as_owner()
        yield
        self.conn.execute(rights.RETURN)
        self._act_as_owner()

    def _install(self, absent: list[str], *, lost: bool) -> None:
        """Applies `sql/` if it changed, or if it can give rights now that roles exist. `lost`: they were made just now, so a
        database that was restored on this server came without the rights that its last install gave."""
        previous = ledger.latest_install(self.conn)
        changed = previous is None or previous.digest != self.sources.digest
        if changed:
            # Roles that another database of the cluster made may lack a membership that this release gives.
            self.conn.execute("reset role")
            absent[:] = self._make_roles()
            self._act_as_owner()
        grants = rights.possible(self.sources.grants, absent)
        if changed or lost or (previous is not None and previous.grants != grants):
            self.say(f"{len(self.sources.files)} files of sql/")
            swept = install(self.conn, self.sources, previous, grants, self.at)
            self.report.installed = True
            self.report.swept = sorted(item.identity for item in swept)

    def _sequences(self) -> None:
        """Logical replication takes rows along, and no sequences."""
        self.at("the sequences")
        known = self.conn.execute("select to_regprocedure('sluice_internal._sequences_lift()') is not null").fetchone()
        if known == (True,):
            row = self.conn.execute("select sluice_internal._sequences_lift()").fetchone()
            assert row is not None  # one row, always
            self.report.lifted = row[0]

    def _search_path(self) -> None:
        self.at("the search path")
        row = self.conn.execute(
            "select current_database(), exists (select from pg_db_role_setting as s, unnest(s.setconfig) as c (line)"
            " where s.setrole = 0 and s.setdatabase = (select oid from pg_database where datname = current_database())"
            r" and c.line ~ '^search_path=.*\msluice\M')"
        ).fetchone()
        assert row is not None  # one row, always
        database, is_set = row
        if is_set:
            return
        statement = sql.SQL('alter database {} set search_path = "$user", public, sluice').format(sql.Identifier(database))
        if self.set_search_path:
            self.conn.execute(statement)
        else:
            self.report.statements_for_user.append(statement.as_string() + ";")


def check_history(migrations: tuple[Migration, ...], done: dict[str, str]) -> None:
    """SL405 unless what ran here is how `migrations` begins, byte for byte."""
    known = {migration.name: migration for migration in migrations}
    newer = [name for name in done if name not in known]
    if newer:
        hint = "start the pgsluice that migrated it, or a newer one"
        raise make(f"the database is newer than this pgsluice ({__version__}): {', '.join(newer)} ran there", code="SL405", hint=hint)
    for migration, name in zip(migrations, done, strict=False):
        if migration.name != name:
            hint = "give it the next free number: migrations run in order"
            raise make(f"migrations/{migration.name} never ran here, although {name} did", code="SL405", hint=hint)
        if migration.digest != done[name]:
            hint = "a migration that has landed is never edited: restore the file, and put the change into a new one"
            raise make(f"migrations/{name} was changed after it ran here", code="SL405", hint=hint)
