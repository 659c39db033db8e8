"""`async for message in aclient.consume("billing")`, and `aclient.run("billing", handler)`: as `consume`, for asyncio.

Each ending means what it means there. The leases are kept by a task: what blocks the event loop for longer than two thirds of `ack_wait`
loses its message.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self, Unpack

from pgsluice.db.connect import connect_async, waits
from pgsluice.db.consume import SIGNALS, stale, strict_ack
from pgsluice.db.errors import DatabaseUnavailable
from pgsluice.db.link import say_in_log
from pgsluice.db.messages import ACK, GIVEN_BACK, Message
from pgsluice.db.statements import Connection, run
from pgsluice.db.taking import Options, Taker, names
from pgsluice.db.waiting import first


class AsyncConsume:
    """The messages of a consumer, as an asynchronous iterable. `async with` closes it, and tells failures from other endings."""

    def __init__(
        self,
        conninfo: str,
        consumer_id: str,
        *,
        stop: asyncio.Event | None = None,
        signals: bool = False,
        transaction: bool = False,
        **options: Unpack[Options],
    ) -> None:
        """As `Consume`, with an event of asyncio's."""
        self._conninfo = conninfo
        self._make: Callable[[], Taker] = lambda: Taker(conninfo, consumer_id, **options)
        self._say = options.get("say", say_in_log)
        self._transaction = transaction
        self._stop = stop
        self._signals = signals
        self._taker: Taker | None = None
        self._at_hand: Message | None = None
        self._writers: list[Connection] = []
        self._stopper: asyncio.Task[None] | None = None
        self._handled = False
        self._entered = False
        self._asked = False
        self._loop: AsyncGenerator[Message, None] | None = None  # inside `async with`, which closes it

    async def __aenter__(self) -> Self:
        self._entered = True
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        if self._loop is not None:
            await self._loop.aclose()  # a transaction is rolled back before its message is given back
        if isinstance(exc, Exception) and self._at_hand is not None:
            self._at_hand.nack()
        self._entered = False
        await self._close()

    def __aiter__(self) -> AsyncGenerator[Message, None]:
        loop = self._messages(self._loop)
        if self._entered:
            self._loop = loop
        return loop

    async def _messages(self, left: AsyncGenerator[Message, None] | None) -> AsyncGenerator[Message, None]:
        """`left`: an earlier loop, which was left."""
        if left is not None:
            await left.aclose()
            if self._at_hand is not None:
                self._at_hand.decide(GIVEN_BACK)
        try:
            while (message := await self._next()) is not None:
                self._at_hand = message
                async with self._handling(message):
                    yield message
                self._at_hand = None
        finally:
            if not self._entered:
                await self._close()

    async def run(self, handler: Callable[[Message], Awaitable[object]], *, workers: int = 1) -> None:
        """Awaits `handler` for every message, `workers` at a time, until it is stopped. What fails comes again after a growing delay."""
        slots = asyncio.Semaphore(workers)
        working: set[asyncio.Task[None]] = set()
        async with self:
            try:
                while await slots.acquire() and (message := await self._next()) is not None:
                    task = asyncio.create_task(self._work(handler, message, slots))
                    working.add(task)
                    task.add_done_callback(working.discard)
            except BaseException:
                for task in working:
                    task.cancel()
                raise
            finally:
                await asyncio.gather(*working, return_exceptions=True)

    async def _work(self, handler: Callable[[Message], Awaitable[object]], message: Message, slots: asyncio.Semaphore) -> None:
        try:
            async with self._handling(message):
                await handler(message)
        except Exception as exc:  # noqa: BLE001  whatever it is, the message failed, and the next one may not
            message.nack()
            self._say("a message failed", error=f"{type(exc).__name__}: {exc}", **names(message))
        finally:
            slots.release()

    def stop(self) -> None:
        """Ends the loop when it asks for its next message, also before it begins."""
        self._asked = True
        if self._taker is not None:
            self._taker.stop_soon()

    @property
    def stopping(self) -> asyncio.Event:
        """Set once it ends, for a handler that wants to know."""
        assert self._taker is not None
        return self._taker.stopping

    # ------------------------------------------------------------ how

    async def _next(self) -> Message | None:
        if self._taker is None:
            self._taker = self._make()
            self._catch_signals()
            if self._stop is not None:
                self._stopper = asyncio.create_task(self._stop_with(self._stop))
        if self._asked or (self._stop is not None and self._stop.is_set()):
            return None
        return await self._taker.next()

    async def _stop_with(self, event: asyncio.Event) -> None:
        await event.wait()
        self.stop()

    @asynccontextmanager
    async def _handling(self, message: Message) -> AsyncIterator[None]:
        """As `Consume._handling`."""
        if not self._transaction:
            yield
            message.decide(ACK)
            return
        assert self._taker is not None
        taker = self._taker
        message.deferred = True
        acked = False
        try:
            conn = await self._connection()
            try:
                async with conn.transaction() as block:
                    message.conn = conn
                    yield
                    acked = message.settling = message.verdict in {None, ACK}
                    if acked:
                        with stale(message):
                            statement, parameters = strict_ack(taker.consumer_id, message)
                            await run(conn, statement, *parameters)
                    else:
                        block.force_rollback = True
            finally:
                self._writers.append(conn)
        except BaseException:
            acked = False
            message.undecide()
            if not message.stale:
                raise
            self._say("lost a message", **names(message))
        finally:
            message.conn = None
            if acked or message.lost:
                taker.held.forget(message)
            else:
                taker.held.release(message)

    async def _connection(self) -> Connection:
        """One that nobody writes with. Comes back when it was lost."""
        assert self._taker is not None
        while self._writers:
            conn = self._writers.pop()
            if not conn.closed:
                return conn
        pauses = waits(float("inf"))
        while True:
            try:
                return await connect_async(self._conninfo)
            except DatabaseUnavailable:
                if self._taker.stopping.is_set():
                    raise
                await first(next(pauses), self._taker.stopping)

    def _catch_signals(self) -> None:
        if self._signals and threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
            self._handled = True

    def _on_signal(self) -> None:
        self._give_signals_back()
        self.stop()

    def _give_signals_back(self) -> None:
        if self._handled:
            for number in SIGNALS:
                asyncio.get_running_loop().remove_signal_handler(number)
            self._handled = False

    async def aclose(self) -> None:
        """Ends it now: sends what was decided, gives back the rest, closes the connections."""
        self._asked = True
        await self._close()

    async def _close(self) -> None:
        taker, self._taker = self._taker, None
        self._at_hand = None
        if taker is None:
            return
        if self._stopper is not None:
            self._stopper.cancel()
            with suppress(asyncio.CancelledError):
                await self._stopper
        try:
            await taker.close()
        finally:
            self._give_signals_back()
            for conn in self._writers:
                await conn.close()
            self._writers.clear()
