"""A poller's standing in the database: its id, its connections, its heartbeat, and the wake-ups.

It lasts as long as all of its connections do. When one is lost, everything under way is dropped and a new session begins under a new
id: what the old one held is then free at once, whatever of it this process no longer knows of (a claim whose answer was lost).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psycopg
import structlog

from pgsluice.db import describing, leases, shares, signins, subscribing, writes
from pgsluice.db.connect import connect_async, translated
from pgsluice.db.errors import DatabaseUnavailable, SluiceError, make
from pgsluice.poller.exchanges import Exchanges
from pgsluice.poller.together import Together

Connection = psycopg.AsyncConnection[Any]

HEARTBEAT: Final = 2.0
# A heartbeat that takes longer is a lost database: after 10 s of silence others take the syncs.
LATE: Final = 8.0
# Seconds in which a poller that ends says so.
LEAVE: Final = 2.0
# Seconds that a cancelled call of the database has to end in order.
CANCEL: Final = 1.0
# Connections for the turns and the writes, which take one for each call and not for as long as they wait for a vendor. With those for
# claims, heartbeat and wake-ups a poller has three more. They are opened as they are wanted.
CONNECTIONS: Final = 10
# Seconds between two looks for records of deleted and moved syncs.
TIDY: Final = 1.0
# Seconds between two steps of trimming a log, which leaves the processor, and the folding of counters, to others meanwhile.
TRIM: Final = 0.02
COMPACT: Final = 10.0
# Turns that begin, or end, within so many seconds of each other ask for their first grants, or say so, in one call.
GATHER: Final = 0.002
GATHER_ENDS: Final = 0.05

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class Session:
    """Open from `run` on. `woken` is set when there is a new sync to claim, `wanted` when there is a write to send, `asked` when an account
    is to be asked for its collections, `subscribing` when a subscription is to be looked at."""

    def __init__(self, conninfo: str, connections: int = CONNECTIONS, exchanges: Exchanges | None = None) -> None:
        self.conninfo = conninfo
        self.exchanges = exchanges
        self._free = asyncio.Semaphore(connections)
        self.poller_id = f"{socket.gethostname()[:100]}-{os.getpid()}-{secrets.token_hex(8)}"
        self.woken = asyncio.Event()
        self.wanted = asyncio.Event()
        self.asked = asyncio.Event()
        self.subscribing = asyncio.Event()
        self.answered = asyncio.Event()  # a vendor answered a consent
        self.control: Connection  # for claims; not for the pages, which may wait for somebody's lock
        self.grants = Together(self._granted, pause=GATHER)
        self.ends = Together(self._finished, pause=GATHER_ENDS)
        self._stack = AsyncExitStack()
        self._idle: list[Connection] = []

    async def run(self, work: Callable[[], Awaitable[None]], *, leave: set[str], opened: Callable[[], None]) -> None:
        """Opens, does `work`, closes. DatabaseUnavailable as soon as any connection is lost: `work` is cancelled then.

        `leave`: ids of earlier sessions that could not say goodbye; this one does it for them, and adds itself if it cannot either.
        """
        leave.add(self.poller_id)
        async with self._stack:
            self.control = await self._open()
            for former in list(leave - {self.poller_id}):
                await leases.stop(self.control, former)
                leave.discard(former)
            beating, listening = await self._open(), await self._open()
            await self._beat_once(beating)
            await leases.listen(listening)
            await writes.listen(listening)
            await describing.listen(listening)
            await subscribing.listen(listening)
            await signins.listen(listening)
            opened()
            try:
                await first_of(work(), self._beat(beating), self._listen(listening), self._tidy())
            finally:
                if await self._say_goodbye():
                    leave.discard(self.poller_id)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for one call; kept for the next one if the call leaves it whole. Waits for a free one."""
        async with self._free:
            conn = self._idle.pop() if self._idle else await self._open()
            try:
                yield conn
            finally:
                if not conn.closed and conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                    self._idle.append(conn)
                else:
                    await conn.close()

    async def _granted(self, asked: Sequence[Mapping[str, Any]]) -> list[shares.Grant]:
        return await shares.rate_take_many(self, self.poller_id, asked)

    async def _finished(self, ended: Sequence[leases.Ended]) -> list[bool]:
        return await leases.finish_many(self, self.poller_id, ended)

    async def _open(self) -> Connection:
        return await self._stack.enter_async_context(await connect_async(self.conninfo))

    async def _beat_once(self, conn: Connection) -> None:
        try:
            async with asyncio.timeout(LATE):
                await leases.heartbeat(conn, self.poller_id, socket.gethostname(), os.getpid())
        except TimeoutError:
            raise make("the database does not answer", code="SL401", hint="check that the database runs and can be reached") from None

    async def _beat(self, conn: Connection) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            await self._beat_once(conn)

    async def _tidy(self) -> None:
        """Goes on, piece by piece, with what deleted and moved syncs leave to do, and keeps logs and leases short."""
        compact_at = 0.0
        while True:
            more = trimming = False
            try:
                async with self.connection() as conn:
                    more = await leases.tidy(conn)
                    trimming = await leases.trim(conn)
                    if time.monotonic() >= compact_at:
                        compact_at = time.monotonic() + COMPACT
                        await leases.compact(conn)
            except DatabaseUnavailable:
                raise
            except SluiceError as exc:
                log.warning("what is no longer needed is not being removed", code=exc.code, error=exc.message)
            await asyncio.sleep(0 if more else TRIM if trimming else TIDY)

    async def _listen(self, conn: Connection) -> None:
        events = {
            writes.CHANNEL: self.wanted,
            describing.CHANNEL: self.asked,
            subscribing.CHANNEL: self.subscribing,
            signins.CHANNEL: self.answered,
        }
        with translated():
            async for notice in conn.notifies():
                events.get(notice.channel, self.woken).set()

    async def _say_goodbye(self) -> bool:
        """Frees the syncs at once, instead of after 10 s. On a new connection: the others may be in the middle of something."""
        with suppress(SluiceError, TimeoutError):
            async with asyncio.timeout(LEAVE), await connect_async(self.conninfo) as conn:
                await leases.stop(conn, self.poller_id)
                return True
        return False


async def end(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Cancels the tasks and waits for them, not long."""
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    _, stubborn = await asyncio.wait(tasks, timeout=CANCEL)
    # psycopg waits up to ten seconds for a server that does not react; cancelled again, it closes the connection.
    for task in stubborn:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def first_of(work: Awaitable[None], *background: Awaitable[None]) -> None:
    """Runs all at once until `work` ends or one of the others fails; then ends the rest. Raises what was raised."""
    tasks = [asyncio.ensure_future(job) for job in (work, *background)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(tasks)
    for task in done:
        task.result()


def unexpected(exc: Exception) -> SluiceError:
    """A bug, in the one error shape. Where it happened, but no values: they may be a customer's."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    return make(
        f"pgsluice has a bug: {type(exc).__name__}",
        code="XX000",
        details=f"in {place}" if place else None,
        hint="please report it with this text; it is tried again by itself",
    )
