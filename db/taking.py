"""The engine of a worker: takes batches, waits without polling, keeps leases alive, sends verdicts. On asyncio; `consume` is its face.

Two connections: one takes, settles and extends, and is never inside anybody's transaction; the other one listens, and is only opened once
there was nothing to do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypedDict

from pgsluice.db.calls import call_statement, list_statement
from pgsluice.db.errors import SluiceError, make
from pgsluice.db.link import Link, Say, say_in_log
from pgsluice.db.messages import Held, Message, Verdict
from pgsluice.db.rows import Row
from pgsluice.db.waiting import first
from pgsluice.db.waking import Waker

# Seconds until a waiting worker looks again: for what nothing announces (an acknowledgement that frees a newer version), and while nothing
# can be announced.
LOOK_AGAIN: Final = 3.0
UNTOLD: Final = 0.5
# A message that is due now may be with somebody who is just acknowledging it.
SOON: Final = 0.05
# How long a verdict waits for company.
LINGER: Final = 0.25
# How long a worker that ends tries to say so to a database that is away. After that its leases run out by themselves.
GOODBYE: Final = 5.0
MOST: Final = 1000
FOREVER: Final = 1e6


class Options(TypedDict, total=False):
    """`batch_size`: messages that are taken at once, and the most that wait here for their turn. `once`: ends when nothing is there.
    `raw_json`: JSON as text. `say`: is told, by keywords, what a log is for.
    """

    batch_size: int
    once: bool
    raw_json: bool
    say: Say


class Taker:
    """Reads one consumer. Made in the event loop that runs it; `held` and `stop_soon` are for any thread."""

    def __init__(
        self, conninfo: str, consumer_id: str, *, batch_size: int = 10, once: bool = False, raw_json: bool = False, say: Say = say_in_log
    ) -> None:
        self.consumer_id = consumer_id
        self._batch_size = batch_size
        self._once = once
        self._say = say
        self._conninfo = conninfo
        self._link = Link(conninfo, raw_json=raw_json, say=say)
        self._waker: Waker | None = None
        self._loop = asyncio.get_running_loop()
        self._poke = asyncio.Event()
        self.stopping = asyncio.Event()
        self._closing = asyncio.Event()
        self.held = Held(self._wake)
        self._keeping: asyncio.Task[None] | None = None
        self._filling: asyncio.Task[bool] | None = None
        self._ack_wait = 60.0
        self._filtered = False
        self._progress: tuple[int, int] | None = None
        self._gone, self._patience = self._closing, float("inf")  # when a verdict is not tried any longer

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._poke.set)

    # ------------------------------------------------------------ taking

    async def fill(self) -> bool:
        """Takes a batch, waiting for one if there is none; acknowledges what is done along with it. False: it is over.

        Not cut short when the caller is cancelled: a batch that was taken and thrown away would be missed for as long as its leases run.
        """
        self._filling = asyncio.create_task(self._fill())
        return await asyncio.shield(self._filling)

    async def next(self) -> Message | None:
        """The next message; None when it is over."""
        while not self.stopping.is_set():
            message = self.held.pop()
            if message is not None:
                return message
            if not await self.fill():
                return None
        return None

    async def _fill(self) -> bool:
        try:
            if self._keeping is None:
                await self._settings()
                self._keeping = asyncio.create_task(self._keep())
            if await self._take():
                return True
            return await (self._rest() if self._once else self._wait())
        except SluiceError:
            if self.stopping.is_set():
                return False
            raise

    async def _rest(self) -> bool:
        """With `once`: whether there is more when what is at work here is done, which may have been in the way (`max_ack_pending`)."""
        while (before := len(self.held.leased())) and not self.stopping.is_set():
            await first(SOON, self.stopping)
            if len(self.held.leased()) != before and await self._take():
                return True
        return False

    async def _settings(self) -> Row:
        """The consumer's row; notes how long its leases are. SL103."""
        columns = ("stream_id", "ack_wait", "max_deliver", "filter")
        statement = list_statement("consumers", {"consumer_id": self.consumer_id}, columns=columns)
        found = await self._link.ask(*statement, unless=self.stopping)
        if not found:
            raise make(f'consumer "{self.consumer_id}" does not exist', code="SL103", hint="list them with: pgsluice consumer list")
        (row,) = found
        self._ack_wait = row["ack_wait"].total_seconds()
        if row["max_deliver"] == 1:
            # To give back what nobody looked at would make a dead letter of it.
            self._batch_size = 1
        self._filtered = row["filter"] is not None
        if self._waker is None:
            self._waker = Waker(self._conninfo, row["stream_id"], self._say)
        return row

    async def _take(self) -> bool:
        """Whether there was something; it goes on while a filter steps over entries, of which a call takes a bounded number."""
        while not await self._next():
            if not await self._stepped_over():
                return False
        return True

    async def _stepped_over(self) -> bool:
        """Whether an empty answer came nearer to what lies behind."""
        if self.stopping.is_set() or not self._filtered or not await self._value("select sluice_internal._consumer_ready(%s)"):
            return False
        (info,) = await self._link.ask(*call_statement("consumer_info", {"consumer_id": self.consumer_id}), unless=self.stopping)
        before, self._progress = self._progress, (info["num_pending"], info["num_filtered"])
        return self._progress != before

    async def _next(self) -> bool:
        await self._send(self.held.decided(acks=False))
        acks = self.held.decided(others=False)[:MOST]
        arguments: dict[str, Any] = {"consumer_id": self.consumer_id, "batch_size": self._batch_size}
        if acks:
            arguments["ack_tokens"] = [message.ack_token for message in acks]
        begun = time.monotonic()
        try:
            found = await self._link.ask(*call_statement("consumer_next", arguments), unless=self.stopping)
        except BaseException:
            self.held.put_back(acks)
            raise
        if found:
            self.held.add(found, begun)
        return bool(found)

    # ------------------------------------------------------------ waiting

    async def _wait(self) -> bool:
        """Takes a batch as soon as there is one. False: asked to stop."""
        assert self._waker is not None
        self._waker.start()
        while not self.stopping.is_set():
            stream_id = await self._value("select sluice_internal._stream_watch(%s)")
            opened = self._link.opened
            try:
                while not self.stopping.is_set():
                    self._waker.told.clear()
                    if await self._take():
                        return True
                    pause = await self._pause(stream_id)
                    if self._link.opened != opened:
                        # The session that watched was lost.
                        break
                    await first(pause, self._waker.told, self.stopping)
                    if stream_id is None:
                        break
            finally:
                if stream_id is not None and self._link.opened == opened:
                    await self._value("select sluice_internal._stream_unwatch(%s)", stream_id)
        return False

    async def _pause(self, stream_id: str | None) -> float:
        assert self._waker is not None
        if stream_id is None or not self._waker.listening:
            return UNTOLD
        due = await self._value("select extract(epoch from sluice_internal._consumer_due(%s) - clock_timestamp())::float8")
        return LOOK_AGAIN if due is None or due <= 0 else min(LOOK_AGAIN, due + SOON)

    async def _value(self, statement: str, parameter: str | None = None) -> Any:
        (row,) = await self._link.ask(statement, [self.consumer_id if parameter is None else parameter], unless=self.stopping)
        return next(iter(row.values()))

    # ------------------------------------------------------------ keeping

    async def _keep(self) -> None:
        """Extends leases and sends verdicts in time, until the end."""
        while not self._closing.is_set():
            every = self._ack_wait / 3
            pause = min(self.held.extend_at(every), self.held.send_at(LINGER)) - time.monotonic()
            if pause > 0:
                await first(min(pause, FOREVER), self._poke, self._closing)
                self._poke.clear()
                continue
            try:
                await self._send(self.held.decided())
                await self._extend(every)
            except SluiceError as exc:
                # Who takes the next batch meets it too.
                self._say("cannot keep the messages", error=exc.message)
                await first(1.0, self._closing)

    async def _extend(self, every: float) -> None:
        if self.held.extend_at(every) > time.monotonic():
            return
        tokens = self.held.leased()
        begun = time.monotonic()
        answer = await self._call("consumer_extend", tokens)
        for message in self.held.extended(tokens, answer["rejected"], begun):
            self._say("lost a message", **names(message))
        await self._settings()

    async def _send(self, messages: list[Message]) -> None:
        """Sends verdicts, those that are alike together. What cannot be sent is put back."""
        left = messages
        try:
            while left:
                verdict = left[0].verdict
                assert verdict is not None
                alike = [message for message in left if message.verdict == verdict][:MOST]
                answer = await self._settle(verdict, [message.ack_token for message in alike])
                left = [message for message in left if message not in alike]
                self._report(alike, answer["rejected"])
        finally:
            self.held.put_back(left)

    async def _settle(self, verdict: Verdict, tokens: list[str]) -> Row:
        more: dict[str, Any] = {}
        if verdict.kind == "nack":
            more["delay"] = timedelta(seconds=verdict.delay)
        elif verdict.kind == "term":
            more["reason"] = verdict.reason
        answer = await self._call(f"consumer_{verdict.kind}", tokens, **more)
        if self._waker is not None:
            # A session is not told of what it does itself, and that may have freed something, or be due soon.
            self._waker.told.set()
        return answer

    def _report(self, messages: Sequence[Message], rejected: Sequence[str]) -> None:
        for message in messages:
            if message.ack_token in rejected:
                message.lost = True
                self._say("lost a message", **names(message))

    async def _call(self, function: str, tokens: list[str], **more: Any) -> Row:
        statement = call_statement(function, {"consumer_id": self.consumer_id, "ack_tokens": tokens, **more})
        (row,) = await self._link.ask(*statement, unless=self._gone, patience=self._patience)
        return row

    # ------------------------------------------------------------ ending

    def stop_soon(self) -> None:
        """No further batch, no further message; from any thread, and from a signal handler."""
        with suppress(RuntimeError):  # the loop is closed: it is over already
            self._loop.call_soon_threadsafe(self.stopping.set)

    async def close(self) -> None:
        """Says what was decided, gives back everything else, and lets go of the database. Within seconds, even if that is away."""
        self.stopping.set()
        self._closing.set()
        for task in (self._filling, self._keeping):
            if task is not None:
                await _end(task)
        self.held.give_back()
        self._gone, self._patience = asyncio.Event(), GOODBYE
        try:
            await self._send(self.held.decided())
        except SluiceError as exc:
            self._say("could not say goodbye", error=exc.message)
        finally:
            if self._waker is not None:
                await self._waker.close()
            await self._link.close()


async def _end(task: asyncio.Task[Any]) -> None:
    """Until it is done; cancelled if that takes too long. Whoever wanted its answer has it or is gone."""
    _, pending = await asyncio.wait([task], timeout=GOODBYE)
    if pending:
        task.cancel()
        await asyncio.wait([task], timeout=GOODBYE)
    if task.done() and not task.cancelled():
        task.exception()


def names(message: Message) -> dict[str, Any]:
    """What a log says of a message."""
    words = ("sync_id", "collection_id", "upstream_id", "updated_idx", "deliver_count")
    return {name: message.row[name] for name in words}
