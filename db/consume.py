"""`for message in client.consume("billing")`, and `client.run("billing", handler)`.

    with client.consume("billing") as messages:
        for message in messages:
            handle(message)

What each ending of such a loop means for the message at hand, the one that was handed out last and nothing was decided about; everything
else that was taken is given back at once, and what was done is acknowledged:

| ending | the message at hand |
|---|---|
| the loop asks for the next one | is acknowledged |
| `break`, `return`, the iterator is thrown away | comes again at once: whoever leaves when it is done says `message.ack()` before |
| an exception, inside `with` | comes again after a delay that grows with each delivery |
| an exception, without `with` | comes again at once: Python does not tell an iterator why it is left |
| `stop`, SIGTERM, SIGINT | is finished first: the loop ends when it asks for the next one |
| the process is killed | comes again when its lease has run out (`ack_wait`) |
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Final, Self, TypeVar, Unpack

import psycopg
from psycopg.conninfo import make_conninfo

from pgsluice.db.calls import call_statement
from pgsluice.db.connect import connect, translated, waits
from pgsluice.db.errors import DatabaseUnavailable, StaleToken
from pgsluice.db.link import say_in_log
from pgsluice.db.messages import ACK, GIVEN_BACK, Message
from pgsluice.db.taking import Options, Taker, names

T = TypeVar("T")
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
# Seconds between two looks at a `stop` event of the caller's, which wakes nobody by itself.
LOOK: Final = 0.1


class Engine:
    """A `Taker` in an event loop of its own, in a thread of its own: leases are kept while the caller's thread works."""

    def __init__(self, make_taker: Callable[[], Taker]) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon: who forgets to close must not keep the process, and with it the leases, alive for ever.
        self._thread = threading.Thread(target=self._loop.run_forever, name="pgsluice-consume", daemon=True)
        self._thread.start()
        self.taker = self.call(_made(make_taker))

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        found: T = self.submit(coroutine).result()
        return found

    def close(self) -> None:
        try:
            self.call(self.taker.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


async def _made(make_taker: Callable[[], Taker]) -> Taker:
    return make_taker()


class Consume:
    """The messages of a consumer, as an iterable. `with` closes it, and tells failures from other endings."""

    def __init__(
        self,
        conninfo: str,
        consumer_id: str,
        *,
        stop: threading.Event | None = None,
        signals: bool = False,
        transaction: bool = False,
        **options: Unpack[Options],
    ) -> None:
        """`transaction`: each message is handled in a transaction of `message.conn`, and acknowledged in it. `stop`: ends the loop once it
        is set. `signals`: so do SIGTERM and SIGINT, in the main thread; a second one does what it did before.
        """
        self._conninfo = conninfo
        self._make = lambda: Taker(conninfo, consumer_id, **options)
        self._say = options.get("say", say_in_log)
        self._transaction = transaction
        self._stop = stop
        self._signals = signals
        self._engine: Engine | None = None
        self._at_hand: Message | None = None
        self._writer: psycopg.Connection[Any] | None = None
        self._before: dict[int, Any] = {}
        self._entered = False
        self._asked = False
        self._loop: Generator[Message, None, None] | None = None  # inside `with`, which closes it

    def __enter__(self) -> Self:
        self._entered = True
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        if self._loop is not None:
            self._loop.close()  # a transaction is rolled back before its message is given back
        if isinstance(exc, Exception) and self._at_hand is not None:
            self._at_hand.nack()
        self._entered = False
        self._close()

    def __iter__(self) -> Generator[Message, None, None]:
        loop = self._messages(self._loop)
        if self._entered:
            self._loop = loop
        return loop

    def _messages(self, left: Generator[Message, None, None] | None) -> Generator[Message, None, None]:
        """`left`: an earlier loop, which was left."""
        if left is not None:
            left.close()
            if self._at_hand is not None:
                self._at_hand.decide(GIVEN_BACK)
        try:
            while (message := self._next()) is not None:
                with self._handling(message):
                    yield message
                self._at_hand = None
        finally:
            if not self._entered:
                self._close()

    def run(self, handler: Callable[[Message], object]) -> None:
        """Calls `handler` for every message until it is stopped. One that fails comes again after a growing delay, and is logged."""
        with self:
            while (message := self._next()) is not None:
                try:
                    with self._handling(message):
                        handler(message)
                except Exception as exc:  # noqa: BLE001  whatever it is, the message failed, and the next one may not
                    message.nack()
                    self._say("a message failed", error=f"{type(exc).__name__}: {exc}", **names(message))
                self._at_hand = None

    def stop(self) -> None:
        """Ends the loop when it asks for its next message. From any thread, and before the loop begins too."""
        self._asked = True
        if self._engine is not None:
            self._engine.taker.stop_soon()

    # ------------------------------------------------------------ how

    def _next(self) -> Message | None:
        if self._engine is None:
            self._engine = Engine(self._make)
            self._catch_signals()
        taker = self._engine.taker
        while not self._stopped(taker):
            self._at_hand = taker.held.pop()
            if self._at_hand is not None:
                return self._at_hand
            if not self._fill(self._engine):
                break
        return None

    def _stopped(self, taker: Taker) -> bool:
        return self._asked or taker.stopping.is_set() or (self._stop is not None and self._stop.is_set())

    def _fill(self, engine: Engine) -> bool:
        filling = engine.submit(engine.taker.fill())
        while True:
            try:
                return bool(filling.result(None if self._stop is None else LOOK))
            except TimeoutError:
                if filling.done():
                    raise
                if self._stopped(engine.taker):
                    engine.taker.stop_soon()

    @contextmanager
    def _handling(self, message: Message) -> Iterator[None]:
        """Acknowledges it, unless something else was decided or raised; with `transaction`, together with what the caller writes."""
        if not self._transaction:
            yield
            message.decide(ACK)
            return
        assert self._engine is not None
        taker = self._engine.taker
        message.deferred = True
        acked = False
        try:
            with self._connection().transaction() as block:
                message.conn = block.connection
                yield
                acked = message.settling = message.verdict in {None, ACK}
                if acked:
                    with stale(message), translated():
                        block.connection.execute(*strict_ack(taker.consumer_id, message))
                else:
                    block.force_rollback = True
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

    def _connection(self) -> psycopg.Connection[Any]:
        """The one that the caller writes with. Comes back when it was lost."""
        pauses = waits(float("inf"))
        while self._writer is None or self._writer.closed:
            try:
                self._writer = connect(self._conninfo)
            except DatabaseUnavailable:
                if self._engine is None or self._stopped(self._engine.taker):
                    raise
                time.sleep(next(pauses))
        return self._writer

    def _catch_signals(self) -> None:
        if self._signals and threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # The second one does what it would have done without us.
        self._give_signals_back()
        self.stop()

    def _give_signals_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def close(self) -> None:
        """Ends it now: sends what was decided, gives back the rest, lets go of the thread and its connections."""
        self._asked = True
        self._close()

    def _close(self) -> None:
        engine, self._engine = self._engine, None
        self._at_hand = None
        if engine is None or sys.is_finalizing():  # at the end of the interpreter its thread stands still
            return
        try:
            engine.close()
        finally:
            self._give_signals_back()
            if self._writer is not None:
                self._writer.close()


def strict_ack(consumer_id: str, message: Message) -> tuple[bytes, list[Any]]:
    """The call that acknowledges a message, or fails together with what else its transaction did."""
    return call_statement("consumer_ack", {"consumer_id": consumer_id, "ack_tokens": [message.ack_token], "strict": True})


@contextmanager
def stale(message: Message) -> Iterator[None]:
    """Notes that the message is somebody else's; not what a handler may have raised of that kind."""
    try:
        yield
    except StaleToken:
        message.lost = message.stale = True
        raise


def conninfo_of(conn: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> str:
    """What opens another connection like this one."""
    with translated():
        words: dict[str, Any] = dict(conn.info.get_parameters())
        if conn.info.password:
            words["password"] = conn.info.password
    return make_conninfo("", **words)


class Consuming:
    """`consume` and `run` of a client."""

    conn: psycopg.Connection[Any]
    raw_json: bool

    def consume(
        self,
        consumer_id: str,
        *,
        stop: threading.Event | None = None,
        signals: bool = False,
        transaction: bool = False,
        **options: Unpack[Options],
    ) -> Consume:
        """The consumer's messages, one after the other, without end: `for message in client.consume("billing")`. On connections of its own.

        What each way of leaving the loop means stands at the top of this module. SL103, as soon as the loop begins.
        """
        options = {"raw_json": self.raw_json, **options}
        return Consume(conninfo_of(self.conn), consumer_id, stop=stop, signals=signals, transaction=transaction, **options)

    def run(
        self,
        consumer_id: str,
        handler: Callable[[Message], object],
        *,
        stop: threading.Event | None = None,
        signals: bool = True,
        transaction: bool = False,
        **options: Unpack[Options],
    ) -> None:
        """Calls `handler` for each message, until SIGTERM, SIGINT or `stop`. An exception gives the message back, for a growing delay."""
        self.consume(consumer_id, stop=stop, signals=signals, transaction=transaction, **options).run(handler)
