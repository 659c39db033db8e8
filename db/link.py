"""A connection that comes back: for a worker that is to outlive restarts of the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg

from pgsluice.db.connect import connect_async, waits
from pgsluice.db.errors import DatabaseUnavailable, SluiceError
from pgsluice.db.rows import Row
from pgsluice.db.statements import Connection, run
from pgsluice.db.waiting import first

# A word to whoever runs the worker: an event and its facts.
Say = Callable[..., None]

# Class 40: serialisation, deadlock; 53: out of something; a lock or a statement that took too long. The same call may do later.
_PASSING: Final = ("40", "53", "55P03", "57014")
_log: Final = logging.getLogger("pgsluice.consumer")


def say_in_log(event: str, **facts: Any) -> None:
    """A line in the log of the standard library, as a library should."""
    _log.warning("%s %s", event, " ".join(f"{name}={value}" for name, value in facts.items()))


def passes(exc: SluiceError) -> bool:
    """Whether waiting may mend it."""
    return isinstance(exc, DatabaseUnavailable) or exc.code.startswith(_PASSING)


class Link:
    """One connection in autocommit mode, opened when it is needed and again when it was lost. One call at a time."""

    def __init__(self, conninfo: str, *, raw_json: bool = False, say: Say = say_in_log) -> None:
        self._conninfo = conninfo
        self._raw_json = raw_json
        self._say = say
        self._lock = asyncio.Lock()
        self._conn: Connection | None = None
        self.opened = 0  # how often: what a session held is gone when this has changed

    async def ask(
        self, statement: str | bytes, parameters: Sequence[Any], *, unless: asyncio.Event, patience: float = float("inf")
    ) -> list[Row]:
        """The rows. Tried again while the database is away, until `patience` seconds passed or `unless` is set; then raises.

        A call whose answer was lost is made again, so it must be safe to repeat.
        """
        pauses = waits(patience, longest=5.0)
        away = False
        while True:
            try:
                async with self._lock:
                    found = await run(await self._connection(), statement, *parameters, raw_json=self._raw_json)
            except SluiceError as exc:
                pause = next(pauses, None)
                if pause is None or unless.is_set() or not passes(exc):
                    raise
                if not away:
                    self._say("database away", error=exc.message)
                away = True
                await first(pause, unless)
            else:
                if away:
                    self._say("database back")
                return found

    async def _connection(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = None
            conn = await connect_async(self._conninfo)
            # Every call commits at once, so it may take from every lane.
            await run(conn, "select set_config('pgsluice.autocommit', 'on', false)")
            self._conn = conn
            self.opened += 1
        return self._conn

    async def close(self) -> None:
        if self._conn is not None:
            with suppress(psycopg.Error):
                await self._conn.close()
