"""Opens connections to Postgres, and waits for a database that is away.

Everything that fails here is a `SluiceError`: SL406 when the settings are wrong (waiting would not help), SL401 when the database is away.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgsluice.db.errors import DatabaseUnavailable, from_database, make

T = TypeVar("T")

# Only where the connection string says nothing else. A peer that vanished without a word (power, firewall) is noticed after
# keepalives_idle + interval * count = 25 s, and after 20 s when data is on the way, instead of the two hours of the kernel's defaults.
_DEFAULTS: Final = {
    "application_name": "pgsluice",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


@contextmanager
def translated() -> Iterator[None]:
    """Turns what psycopg raises into a `SluiceError`."""
    try:
        yield
    except psycopg.Error as exc:
        raise from_database(exc) from None


def _words(conninfo: str) -> dict[str, Any]:
    try:
        return conninfo_to_dict(conninfo)
    except psycopg.Error:
        # Without the cause: libpq quotes what it cannot parse, password and all.
        raise make(
            "the connection string cannot be read",
            code="SL406",
            hint="PGSLUICE_DATABASE_URL looks like postgresql://user@host:5432/database or host=… dbname=…",
        ) from None


def complete(conninfo: str) -> str:
    """`conninfo` (key=value words or a URL) with our defaults for what it leaves open. SL406 if it cannot be parsed."""
    given = _words(conninfo)
    return make_conninfo(conninfo, **{key: value for key, value in _DEFAULTS.items() if given.get(key) is None})


def describe(conninfo: str) -> str:
    """Where `conninfo` leads, in words fit for a log: never the password, never the whole string."""
    given = _words(conninfo)
    host = given.get("host") or given.get("hostaddr") or "the local socket"
    port = f":{given['port']}" if given.get("port") else ""
    return f"database {given.get('dbname') or given.get('user') or 'default'} on {host}{port}"


def connect(conninfo: str, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection in autocommit mode; `options` are those of `psycopg.connect` (`row_factory`, `prepare_threshold` ...)."""
    with translated():
        return psycopg.Connection.connect(complete(conninfo), **{"autocommit": True, **options})


async def connect_async(conninfo: str, **options: Any) -> psycopg.AsyncConnection[tuple[Any, ...]]:
    """As `connect`, for asyncio."""
    with translated():
        return await psycopg.AsyncConnection.connect(complete(conninfo), **{"autocommit": True, **options})


# A prepared statement that the server no longer takes: its result type changed (0A000, after an upgrade of the schema), it is unknown on
# this server (26000) or known there already (42P05, both from a pooler that switches servers).
_STALE: Final = frozenset({"0A000", "26000", "42P05"})


def forget_plans(conn: psycopg.Connection[Any] | psycopg.AsyncConnection[Any], exc: psycopg.Error) -> bool:
    """Whether a call failed only because its prepared statement is stale, before it did anything, and may be made once more.

    If so the connection prepares nothing from now on. Inside a transaction the answer is no: that one has failed as a whole.
    """
    idle = conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    if not idle or exc.sqlstate not in _STALE or (exc.sqlstate == "0A000" and "cached plan" not in str(exc)):
        return False
    conn.prepare_threshold = None
    return True


def waits(
    window: float,
    *,
    longest: float = 5.0,
    clock: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
) -> Iterator[float]:
    """Seconds to wait before each next attempt, until `window` seconds have passed since the first one.

    Starts near 0.1 s, doubles up to `longest`; each wait is drawn from the upper half of its step, so that many processes which lost the
    same database do not come back in one wave. The last wait is cut to end with the window.
    """
    end = clock() + window
    step = 0.1
    while (left := end - clock()) > 0:
        yield min(left, step * (0.5 + jitter() / 2))
        step = min(longest, step * 2)


def _quiet(_error: DatabaseUnavailable, _seconds: float) -> None:
    """Says nothing while waiting."""


def retry_while_away(
    action: Callable[[], T],
    *,
    window: float,
    on_wait: Callable[[DatabaseUnavailable, float], None] = _quiet,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> T:
    """What `action` returns, called again while it raises SL401, for `window` seconds in all; then the last SL401.

    `action` must be safe to repeat, and must open its own connection: the old one is dead. `on_wait(error, seconds)` runs before each wait.
    """
    for seconds in waits(window, clock=clock, jitter=jitter):
        try:
            return action()
        except DatabaseUnavailable as error:
            on_wait(error, seconds)
            sleep(seconds)
    return action()


async def retry_while_away_async(
    action: Callable[[], Awaitable[T]],
    *,
    window: float,
    on_wait: Callable[[DatabaseUnavailable, float], None] = _quiet,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
) -> T:
    """As `retry_while_away`, for asyncio."""
    for seconds in waits(window, clock=clock, jitter=jitter):
        try:
            return await action()
        except DatabaseUnavailable as error:
            on_wait(error, seconds)
            await sleep(seconds)
    return await action()
