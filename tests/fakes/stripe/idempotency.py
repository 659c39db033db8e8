"""Idempotency-Key: the first result is replayed for a day: https://docs.stripe.com/api/idempotent_requests."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from fakes.stripe import errors
from fakes.stripe.clock import DAY


@dataclass
class Saved:
    path: str
    params: str
    since: float
    request: str
    status: int = 0  # 0: still being worked on
    body: bytes = b""


class Keys:
    """Results by (API key, idempotency key)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._saved: dict[tuple[str, str], Saved] = {}

    def claim(self, owner: str, key: str, new: Saved) -> Saved | None:
        """The stored result to replay; None: the caller works, and then calls `save` or `forget`."""
        if len(key) > 255:
            raise errors.ApiError(400, "Idempotency keys can have up to 255 characters.")
        with self._lock:
            saved = self._saved.get((owner, key))
            if saved is None or (saved.status and new.since - saved.since >= DAY):
                self._saved[owner, key] = new
                return None
        if saved.path != new.path:
            raise errors.key_reused_elsewhere(key, saved.path, new.path)
        if saved.params != new.params:
            raise errors.key_reused(key)
        if not saved.status:
            raise errors.key_in_use(key)
        return saved

    def save(self, owner: str, key: str, status: int, body: bytes) -> None:
        with self._lock:
            saved = self._saved[owner, key]
            saved.status, saved.body = status, body

    def forget(self, owner: str, key: str) -> None:
        with self._lock:
            self._saved.pop((owner, key), None)

    def clear(self) -> None:
        with self._lock:
            self._saved.clear()
