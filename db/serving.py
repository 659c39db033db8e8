"""The HTTP server's side of the database: one transaction a request, under the role of its token, and word of what others committed.

An answer is the JSON text that Postgres made: it is not parsed on its way to the socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, LiteralString, NamedTuple

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from pgsluice.db.connect import complete, connect_async, forget_plans, translated, waits
from pgsluice.db.errors import SluiceError, from_database, make

Connection = psycopg.AsyncConnection[Any]

# scope of a token -> the role that a request with it acts as
ROLES: Final[dict[str, LiteralString]] = {
    "read": "set local role sluice_reader",
    "consume": "set local role sluice_consumer",
    "mutate": "set local role sluice_mutator",
    "manage": "set local role sluice_admin",
    "open": "reset role",
}
_SHORT: Final = "set_config('pgsluice.autocommit', 'on', true)"  # the transaction ends with this call: no lane stays locked
_CHECK: Final[LiteralString] = f"select {_SHORT}, sluice_internal._token_check(%s, %s)"
_NO_CHECK: Final[LiteralString] = f"select {_SHORT}"
# The scope of what a browser may do without a token: the server's own login, and the functions that are meant for it.
OPEN: Final = "open"
# Seconds that a request waits for a connection.
QUEUE: Final = 10.0


class Token(NamedTuple):
    """What a request showed: its text, or None for the bootstrap token, which was checked already and has every scope."""

    text: str | None


class Ask(NamedTuple):
    """A statement that answers one row with one JSON text, and the scope it needs."""

    scope: str
    statement: LiteralString
    parameters: Sequence[Any] | Mapping[str, Any] = ()


class _Raw(Loader):
    """Text as the bytes that came."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class Store:
    """A pool of connections. `open` it in the event loop that uses it."""

    def __init__(self, conninfo: str, *, connections: int, statement_timeout: float) -> None:
        self.conninfo = complete(conninfo)
        self._timeout = f"{int(statement_timeout * 1000)}"
        self._pool = AsyncConnectionPool(
            self.conninfo,
            min_size=1,
            max_size=connections,
            max_waiting=connections * 50,
            timeout=QUEUE,
            reconnect_timeout=5.0,
            open=False,
            kwargs={"autocommit": True, "prepare_threshold": 2, "application_name": "pgsluice-server"},
            configure=self._configure,
            name="pgsluice-server",
        )

        self._checking: asyncio.Task[None] | None = None
        self._probe: Connection | None = None
        self._probing = asyncio.Lock()

    async def open(self) -> None:
        """Begins to connect; does not wait for it."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close(timeout=1)
        if self._probe is not None:
            await self._probe.close()

    async def _configure(self, conn: Connection) -> None:
        conn.adapters.register_loader("text", _Raw)
        # To compile what reads a view of many collections takes seconds, to run it milliseconds.
        await conn.execute("select set_config('statement_timeout', %s, false), set_config('jit', 'off', false)", (self._timeout,))

    async def check(self, token: Token, scope: str) -> None:
        """Raises SL140 or SL002 for a token that may not."""
        await self.run(token, Ask(scope, "select null"))

    async def run(self, token: Token, ask: Ask, *more: Ask) -> bytes:
        """The JSON text of the last answer; b"null" where there is none. All in one transaction, under the scope of the first.

        Raises any SluiceError, SL141 when no connection is free.
        """
        try:
            return await self._transaction(token, ask.scope, (ask, *more))
        except psycopg.Error as exc:
            if _broken(exc):
                # The others of the pool broke with it. Not asked again here: it may have been done.
                self._look_after_pool()
            raise _translated(exc) from None

    async def own(self, statement: LiteralString, parameters: Sequence[Any]) -> bytes:
        """The JSON text of one statement that the server runs in its own name, in a transaction of its own. As `run`."""
        try:
            async with self._pool.connection() as conn:
                try:
                    row = await (await conn.execute(statement, parameters)).fetchone()
                except psycopg.Error as exc:
                    forget_plans(conn, exc)
                    raise
        except psycopg.Error as exc:
            if _broken(exc):
                self._look_after_pool()
            raise _translated(exc) from None
        return b"null" if row is None or row[0] is None else row[0]

    def _look_after_pool(self) -> None:
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._pool.check())

    async def _transaction(self, token: Token, scope: str, asks: Sequence[Ask]) -> bytes:
        async with self._pool.connection() as conn:
            try:
                async with conn.pipeline():
                    await conn.execute("begin")
                    if token.text is None:
                        await conn.execute(_NO_CHECK)
                    else:
                        await conn.execute(_CHECK, (token.text, scope))
                    await conn.execute(ROLES[scope])
                    for ask in asks:
                        cursor = await conn.execute(ask.statement, ask.parameters)
                    await conn.execute("commit")
                row = await cursor.fetchone()
            except psycopg.Error as exc:
                forget_plans(conn, exc)
                raise
        return b"null" if row is None or row[0] is None else row[0]

    async def ready(self) -> None:
        """Raises SL401 or SL407 if a request could not be served now. On a connection of its own, kept: the pool may be busy."""
        async with self._probing:
            fresh = self._probe is None or self._probe.closed
            try:
                await self._look()
            except (SluiceError, TimeoutError) as exc:
                if fresh and isinstance(exc, SluiceError):
                    raise
                # The connection was lost since the last call; what counts is whether a new one can be had.
                await self._look()

    async def _look(self) -> None:
        try:
            with translated():
                if self._probe is None or self._probe.closed:
                    self._probe = await connect_async(self.conninfo, connect_timeout=3)
                async with asyncio.timeout(5):
                    await self._probe.execute("select from sluice_internal._token_check('', '') as t where false")
        except BaseException:
            if self._probe is not None:
                await self._probe.close()
                self._probe = None
            raise


def _broken(exc: psycopg.Error) -> bool:
    # 57P0x: ended by the server; None: libpq found the connection dead.
    lost = exc.sqlstate is None or exc.sqlstate in {"57P01", "57P02", "57P03"}
    return isinstance(exc, psycopg.OperationalError) and lost and not isinstance(exc, PoolTimeout | TooManyRequests)


def _translated(exc: psycopg.Error) -> SluiceError:
    if isinstance(exc, TooManyRequests):
        return make("too many requests wait for the database", code="SL141", hint="try again in a moment")
    if isinstance(exc, PoolTimeout):
        return make("no database connection is free", code="SL141", hint="check that the database runs; then try again in a moment")
    if exc.sqlstate == "57014":
        return make("the database took too long", code="SL141", hint="try again, with a smaller batch or less at once")
    return from_database(exc)


class Hub:
    """Tells waiting requests that something was committed: one connection listens, another holds the locks that make commits notify."""

    def __init__(self, conninfo: str, say: Callable[[str], None]) -> None:
        self._conninfo = conninfo
        self._say = say
        self._events: dict[str, set[asyncio.Event]] = {}
        self._held: dict[str, int] = {}  # stream -> how many waiting requests its lock is held for
        self._lock = asyncio.Lock()
        self._watcher: Connection | None = None

    async def run(self) -> None:
        """Listens until it is cancelled; comes back by itself after a lost database."""
        pauses = waits(float("inf"), longest=2.0)
        while True:
            try:
                async with await connect_async(self._conninfo) as listener, await connect_async(self._conninfo) as watcher:
                    with translated():
                        await listener.execute("listen sluice_streams")
                        await listener.execute("listen sluice_mutation_done")
                        await listener.execute("listen sluice_signin_done")
                        self._watcher, self._held = watcher, {}
                        self._wake_all()
                        pauses = waits(float("inf"), longest=2.0)
                        async for notice in listener.notifies():
                            self._wake(f"{notice.channel} {notice.payload}")
            except SluiceError as exc:
                self._say(exc.message)
            finally:
                self._watcher = None
                self._wake_all()
            await asyncio.sleep(next(pauses))

    def _wake(self, topic: str) -> None:
        for event in self._events.get(topic, ()):
            event.set()

    def _wake_all(self) -> None:
        for topic in self._events:
            self._wake(topic)

    @asynccontextmanager
    async def mutation(self, mutation_id: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set when the mutation is finished, or may be."""
        async with self._event(f"sluice_mutation_done {mutation_id}") as event:
            yield event

    @asynccontextmanager
    async def signin(self, signin_id: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set when the consent is finished, or may be."""
        async with self._event(f"sluice_signin_done {signin_id}") as event:
            yield event

    @asynccontextmanager
    async def stream(self, consumer_id: str) -> AsyncIterator[asyncio.Event | None]:
        """An event that is set when something was committed to the consumer's stream. None: nobody can tell just now, look again soon."""
        stream_id = await self._watch(consumer_id)
        if stream_id is None:
            yield None
            return
        try:
            async with self._event(f"sluice_streams {stream_id}") as event:
                yield event
        finally:
            await asyncio.shield(self._unwatch(stream_id))

    @asynccontextmanager
    async def _event(self, topic: str) -> AsyncIterator[asyncio.Event]:
        event = asyncio.Event()
        self._events.setdefault(topic, set()).add(event)
        try:
            yield event
        finally:
            self._events[topic].discard(event)
            if not self._events[topic]:
                del self._events[topic]

    async def _watch(self, consumer_id: str) -> str | None:
        found: str | None = await self._ask("select sluice_internal._stream_watch(%s)", consumer_id)
        if found is not None:
            self._held[found] = self._held.get(found, 0) + 1
        return found

    async def _unwatch(self, stream_id: str) -> None:
        # Not what a lost connection held.
        if self._held.get(stream_id, 0) > 0:
            self._held[stream_id] -= 1
            await self._ask("select sluice_internal._stream_unwatch(%s)", stream_id)

    async def due(self, consumer_id: str) -> float | None:
        """Seconds until a leased or given back message may fall due; None if none is out."""
        found: datetime | None = await self._ask("select sluice_internal._consumer_due(%s)", consumer_id)
        return None if found is None else (found - datetime.now(UTC)).total_seconds()

    async def ready(self, consumer_id: str) -> bool:
        """Whether another look of the consumer may find something now, or go on past what its filter leaves out."""
        return bool(await self._ask("select sluice_internal._consumer_ready(%s)", consumer_id))

    async def _ask(self, statement: LiteralString, value: str) -> Any:
        with suppress(psycopg.Error):
            async with self._lock:
                if self._watcher is not None:
                    row = await (await self._watcher.execute(statement, (value,))).fetchone()
                    return None if row is None else row[0]
        return None
