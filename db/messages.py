"""What a worker has in hand: messages, what is to become of each, and which leases must be kept alive. No socket, no clock of its own.

`Held` is shared by the thread that works and by the one that talks to the database.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from pgsluice.db.errors import make
from pgsluice.db.rows import Row


class Verdict(NamedTuple):
    """What is to become of a message. `delay` in seconds, of a nack; `reason` of a term."""

    kind: Literal["ack", "nack", "term"]
    delay: float = 0.0
    reason: str | None = None


ACK: Final = Verdict("ack")
GIVEN_BACK: Final = Verdict("nack")
# Seconds, and bytes.
LONGEST_DELAY: Final = 365 * 86400.0
LONGEST_REASON: Final = 1000


def growing_delay(deliver_count: int, *, longest: float = 300.0, jitter: Callable[[], float] = random.random) -> float:
    """Seconds until a message that failed comes again: about 1, 2, 4, … up to `longest`, drawn from the upper half of each step.

    The jitter keeps apart what failed together, when a service that all of them need was away.
    """
    return min(longest, float(2 ** min(deliver_count - 1, 30))) * (0.5 + jitter() / 2)


class Message:
    """One delivery of one record. `message["data"]` and `message.data` are the same.

    A message is acknowledged when the loop asks for the next one. `ack`, `nack` and `term` decide earlier or otherwise; the first word
    counts. They note it: it is sent within a fraction of a second, together with others.
    """

    ack_token: str
    sync_id: str
    collection_id: str
    upstream_id: str
    updated_idx: int
    upstream_created_at: datetime | None
    upstream_updated_at: datetime | None
    deleted: bool
    deliver_count: int
    external_id: str | None
    sync_metadata: Any
    data: Any

    def __init__(self, row: Row, held: Held, leased_at: float) -> None:
        self.row = row
        self.__dict__.update(row)
        self.conn: Any = None  # the transaction's connection, with `transaction=True`
        self.verdict: Verdict | None = None
        self.lost = False  # somebody else has it, or will: whatever is done now is done again
        self.stale = False  # its transaction learned so
        self.leased_at = leased_at
        self._held = held
        self.deferred = False  # the verdict waits for the end of the transaction
        self.settling = False  # the transaction acknowledges it: its lease is none of the keeper's business

    def __getitem__(self, name: str) -> Any:
        return self.row[name]

    def __repr__(self) -> str:
        return f"<Message {self.collection_id} {self.upstream_id} updated_idx={self.updated_idx} deliver_count={self.deliver_count}>"

    def ack(self) -> None:
        """It is done."""
        self.decide(ACK)

    def nack(self, delay: float | None = None) -> None:
        """It comes again after `delay` seconds; without, after a pause that grows with each delivery. SL001."""
        if delay is not None and not 0 <= delay <= LONGEST_DELAY:
            raise make(f"delay must be between 0 and a year, not {delay}", code="SL001", hint="it is in seconds")
        self.decide(Verdict("nack", growing_delay(self.deliver_count) if delay is None else delay))

    def term(self, reason: str | None = None) -> None:
        """It is given up, and becomes a dead letter with that reason. SL001."""
        if reason is not None and ("\0" in reason or len(reason.encode(errors="replace")) > LONGEST_REASON):
            raise make("the reason is too long, or holds a NUL", code="SL001", hint=f"at most {LONGEST_REASON} bytes of UTF-8")
        self.decide(Verdict("term", reason=reason))

    def decide(self, verdict: Verdict) -> None:
        """The first verdict counts."""
        self._held.decide(self, verdict)

    def undecide(self) -> None:
        """Takes back a verdict that waited for a transaction which was rolled back."""
        self.verdict = None


class Held:
    """The messages that are leased to this worker, and the verdicts that were not sent yet."""

    def __init__(self, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        """`wake` is called, from whatever thread, when there is a first verdict to send or a first lease to keep."""
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._queue: deque[Message] = deque()
        self._open: dict[str, Message] = {}
        self._decided: list[Message] = []
        self._decided_at = 0.0

    def add(self, found: Iterable[Row], leased_at: float) -> None:
        with self._lock:
            messages = [Message(row, self, leased_at) for row in found]
            self._queue.extend(messages)
            self._open.update({message.ack_token: message for message in messages})
        self._wake()

    def pop(self) -> Message | None:
        """The next message to work on."""
        with self._lock:
            while self._queue:
                message = self._queue.popleft()
                if not message.lost:
                    return message
        return None

    def decide(self, message: Message, verdict: Verdict) -> None:
        with self._lock:
            if message.verdict is None:
                message.verdict = verdict
                if not message.deferred:
                    self._put(message)

    def release(self, message: Message) -> None:
        """Sends the verdict that waited for the end of a transaction."""
        with self._lock:
            message.deferred = message.settling = False
            if message.verdict is not None:
                self._put(message)

    def forget(self, message: Message) -> None:
        """It was settled elsewhere."""
        with self._lock:
            self._open.pop(message.ack_token, None)

    def _put(self, message: Message) -> None:
        # What was lost is another's by now: nothing is said about it.
        if self._open.pop(message.ack_token, None) is None:
            return
        if not self._decided:
            self._decided_at = self._clock()
            self._wake()
        self._decided.append(message)

    def give_back(self) -> None:
        """Everything that nothing was decided about comes again at once."""
        with self._lock:
            self._queue.clear()
            for message in list(self._open.values()):
                message.deferred = False
                message.verdict = GIVEN_BACK
                self._put(message)

    def decided(self, *, acks: bool = True, others: bool = True) -> list[Message]:
        """Takes out what is to be sent: the caller sends it or puts it back."""
        with self._lock:
            found: list[Message] = []
            left: list[Message] = []
            for message in self._decided:
                (found if (acks if message.verdict == ACK else others) else left).append(message)
            self._decided = left
            return found

    def put_back(self, messages: list[Message]) -> None:
        """They could not be sent."""
        with self._lock:
            self._decided = [*messages, *self._decided]

    def send_at(self, linger: float) -> float:
        """When the oldest verdict must be sent; infinity if there is none."""
        with self._lock:
            return self._decided_at + linger if self._decided else math.inf

    def extend_at(self, every: float) -> float:
        """When leases must be extended; infinity if there is none."""
        with self._lock:
            return min((message.leased_at for message in self._open.values() if not message.settling), default=math.inf) + every

    def leased(self) -> list[str]:
        with self._lock:
            return [token for token, message in self._open.items() if not message.settling]

    def extended(self, tokens: Collection[str], rejected: Collection[str], leased_at: float) -> list[Message]:
        """Notes new leases; answers the messages that were lost. What was decided meanwhile is none of them."""
        with self._lock:
            for token in tokens:
                if token in self._open:
                    self._open[token].leased_at = leased_at
            lost = [self._open.pop(token) for token in rejected if token in self._open and not self._open[token].settling]
            for message in lost:
                message.lost = True
            return lost
