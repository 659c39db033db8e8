"""What many workers and writers saw, kept under one lock, and what must hold of it: the other side of the database's promises."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Ledger:
    """One consumer's deliveries as its workers saw them. `held` is filled once a delivery is committed, emptied before an ack is sent."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    held: dict[str, str] = field(default_factory=dict)  # upstream_id -> token
    newest: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # highest updated_idx delivered
    acked: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # highest updated_idx known to be acked
    doubtful: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # acks of which no answer came
    deliveries: int = 0

    def delivered(self, batch: list[Any]) -> None:
        """A committed delivery: these are held from now on."""
        self.seen(batch)
        with self.lock:
            for message in batch:
                assert message.upstream_id not in self.held, f"in flight twice: {self.held[message.upstream_id]} and {message.ack_token}"
                self.held[message.upstream_id] = message.ack_token

    def seen(self, batch: list[Any]) -> None:
        """A delivery, perhaps in a transaction that is still open."""
        with self.lock:
            for message in batch:
                self.deliveries += 1
                name, idx = message.upstream_id, message.updated_idx
                assert name not in self.held, f"{name} is in flight twice: {self.held[name]} and {message.ack_token}"
                assert idx >= self.newest[name], f"{name} went back from {self.newest[name]} to {idx}"
                assert idx > self.acked[name], f"{name} came back at {idx} after its ack"
                self.newest[name] = idx

    def let_go(self, batch: list[Any]) -> None:
        with self.lock:
            for message in batch:
                assert self.held.pop(message.upstream_id) == message.ack_token

    def done(self, batch: list[Any]) -> None:
        with self.lock:
            for message in batch:
                self.acked[message.upstream_id] = max(self.acked[message.upstream_id], message.updated_idx)

    def unanswered(self, batch: list[Any]) -> None:
        with self.lock:
            for message in batch:
                self.doubtful[message.upstream_id].add(message.updated_idx)


class Deadline:
    """True for a number of seconds."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def __bool__(self) -> bool:
        return time.monotonic() < self._end
