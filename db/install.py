"""Applies `sql/` to a database whose tables are up to date: code by replacement, then the sweep, then rights.

`create or replace` refuses a changed shape: a function's result type or parameter names, a view's columns. And a function with a new
defaulted parameter is a second function, which makes calls of the first one ambiguous. So the files are applied in place, each function's
older overloads are dropped right after its file, and when a shape is refused the whole pass is taken back and done again with the
refused object, and what of ours leans on it, dropped beforehand. Nothing is ever dropped by cascade, nor anything that is not in the
manifest of an earlier install.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import psycopg
from psycopg import errors

from pgsluice import __version__
from pgsluice.db import ledger, rights
from pgsluice.db.errors import make
from pgsluice.db.ledger import Connection, Install, Item, Right
from pgsluice.db.sources import Sources, SqlFile

_RESHAPED: Final = (errors.InvalidFunctionDefinition, errors.InvalidTableDefinition, errors.DependentObjectsStillExist)


class _Reshaped(Exception):
    """These items must be dropped before the files are applied."""

    def __init__(self, items: Iterable[Item], cause: psycopg.Error) -> None:
        super().__init__()
        self.items = frozenset(items)
        self.cause = cause


def install(conn: Connection, sources: Sources, previous: Install | None, grants: tuple[str, ...], at: Callable[[str], None]) -> set[Item]:
    """Applies all of `sources.files` in the transaction of `conn`, gives `grants`, and records both; answers what was swept.

    `at` is told what runs next. Raises what the database raises, and SL405 where a user's own object has a name that this release needs.
    """
    if previous is not None:
        at("the rights of the previous release")
        rights.take_back(conn, [grant for grant in previous.grants if grant not in grants], previous.items)
    doomed: frozenset[Item] = frozenset()
    while True:
        try:
            # A savepoint: what it writes can be told apart in the catalogue, and taken back alone.
            with conn.transaction():
                return _Pass(conn, sources, previous, at).run(doomed, grants)
        except _Reshaped as exc:
            if exc.items <= doomed:
                raise exc.cause from None
            doomed |= exc.items


class _Pass:
    """One pass over the files, inside a savepoint."""

    def __init__(self, conn: Connection, sources: Sources, previous: Install | None, at: Callable[[str], None]) -> None:
        self.conn = conn
        self.sources = sources
        self.first = previous is None
        self.ours = previous.items if previous is not None else frozenset()
        self.at = at
        self.kept: set[Right] = set()

    def run(self, doomed: frozenset[Item], grants: tuple[str, ...]) -> set[Item]:
        before = set() if self.first else ledger.present(self.conn)
        ledger.begin_install(self.conn, __version__, self.sources.digest)
        if doomed:
            self.at("the objects whose shape changed")
            self._drop(ledger.leaning_on(self.conn, doomed) & self.ours)
        for file in self.sources.files:
            self.at(f"sql/{file.path}")
            self._apply(file)
        made = ledger.finish_install(self.conn).items
        _refuse_taken(made & before - self.ours)
        self.at("the sweep")
        gone = self._sweep(made)
        ledger.give_back(self.conn, self.kept, made)
        self._grant(grants, made)
        return gone

    def _apply(self, file: SqlFile) -> None:
        try:
            self.conn.execute(file.text)
        except _RESHAPED as exc:
            raise _Reshaped({item for item in self.ours if item.object_name == file.object_name}, exc) from None
        # At once, not in the sweep: a call in a later file must neither be ambiguous nor bind to the older overload.
        if not self.first:
            self._retire(ledger.older_overloads(self.conn, file.object_name) & self.ours)

    def _sweep(self, made: frozenset[Item]) -> set[Item]:
        """Drops what the previous install made and this one did not; answers all of that which is gone for good."""
        gone = {item for item in self.ours - made if item.type not in {"trigger", "policy"}}
        self._retire(gone & ledger.present(self.conn))
        return gone

    def _retire(self, items: set[Item]) -> None:
        try:
            self._drop(items)
        except errors.DependentObjectsStillExist as exc:
            raise _Reshaped(items, exc) from None

    def _drop(self, items: set[Item]) -> None:
        if items:
            self.kept |= ledger.rights_of_others(self.conn, items, self.sources.role_names)
            ledger.drop(self.conn, items)

    def _grant(self, grants: tuple[str, ...], made: frozenset[Item]) -> None:
        for grant in grants:
            self.at(f"sql/grants.sql, {grant}")
            rights.give(self.conn, grant, made)
        ledger.record_grants(self.conn, grants)


def _refuse_taken(items: Iterable[Item]) -> None:
    """SL405 for an object that was there, was not ours, and would now be replaced."""
    for item in items:
        raise make(
            f"{item.type} {item.identity} exists and is not part of pgsluice",
            code="SL405",
            hint=f"this release has a {item.type} of that name: rename yours, then run pgsluice migrate again",
        )
