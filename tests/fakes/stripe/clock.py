"""The vendor's clock, which a test moves: retention, idempotency keys, `created`, the `Date` header all follow it."""

from __future__ import annotations

import threading
import time

DAY = 86400


class Clock:
    """Unix seconds. Runs along with the real time from where it was set, or stands still when frozen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = 0.0
        self._frozen: float | None = None

    def time(self) -> float:
        with self._lock:
            return self._read()

    def now(self) -> int:
        return int(self.time())

    def _read(self) -> float:
        return time.time() + self._offset if self._frozen is None else self._frozen

    def freeze(self, at: float | None = None) -> int:
        """Stands still at `at`, or at the present time; answers the time."""
        with self._lock:
            self._frozen = self._read() if at is None else float(at)
            return int(self._frozen)

    def run(self) -> None:
        """Runs again, from where it stands."""
        with self._lock:
            self._offset = self._read() - time.time()
            self._frozen = None

    def set(self, to: float) -> None:
        with self._lock:
            self._move(to - self._read())

    def advance(self, seconds: float) -> int:
        with self._lock:
            self._move(seconds)
            return int(self._read())

    def _move(self, seconds: float) -> None:
        if self._frozen is None:
            self._offset += seconds
        else:
            self._frozen += seconds
