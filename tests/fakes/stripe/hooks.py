"""Webhooks: each event is sent to the endpoints that want it, signed, and sent again until somebody answers 2xx.

https://docs.stripe.com/webhooks: "Stripe attempts to deliver events … for up to three days with an exponential back off", in no promised
order, perhaps twice. Here the first pause is `webhook_pause` seconds, and after `webhook_tries` attempts the event is given up.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, PriorityQueue
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from fakes.stripe.store import Record, World

if TYPE_CHECKING:
    from fakes.stripe.clock import Clock
    from fakes.stripe.writing import Settings

_direct = build_opener(ProxyHandler({}))


def signature(body: bytes, secrets: Sequence[str], at: int) -> str:
    """The value of Stripe-Signature. https://docs.stripe.com/webhooks#verify-manually"""
    made = [hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={value}" for value in made), f"v0={'0' * 64}"])


@dataclass(order=True)
class _Sending:
    due: float
    number: int
    endpoint: str
    url: str
    event_id: str
    body: bytes
    tries: int = 0


@dataclass(frozen=True)
class Sent:
    """One attempt. `status` 0: nobody answered."""

    endpoint: str
    event_id: str
    status: int
    tries: int


class Hooks:
    """Sends in a thread of its own, begun with the first event that somebody wants."""

    def __init__(self, clock: Clock, settings: Settings, stopping: threading.Event) -> None:
        self._clock = clock
        self._settings = settings
        self._stopping = stopping
        self._queue: PriorityQueue[_Sending] = PriorityQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._number = 0
        self._former: dict[str, list[str]] = {}  # endpoint → secrets that are being rolled
        self._rolls: dict[str, int] = {}
        self.sent: list[Sent] = []

    def secrets(self, endpoint: str) -> list[str]:
        """What signs: the newest first."""
        return [self._secret(endpoint), *self._former.get(endpoint, [])]

    def _secret(self, endpoint: str) -> str:
        return "whsec_" + hashlib.sha256(f"{endpoint} {self._rolls.get(endpoint, 0)}".encode()).hexdigest()[:32]

    def roll(self, endpoint: str, *, both: bool) -> str:
        """A new secret; with `both` the former one signs too."""
        former = self._secret(endpoint)
        self._rolls[endpoint] = self._rolls.get(endpoint, 0) + 1
        self._former[endpoint] = [former] if both else []
        return self._secret(endpoint)

    def tell(self, world: World, event: Record) -> None:
        """Sends an event to whoever wants its type."""
        type_ = event.doc.get("type", "")
        for record in list(world.collection("webhook_endpoint")):
            doc = record.doc
            if doc["status"] == "enabled" and ({type_, "*"} & set(doc["enabled_events"])):
                self.send(doc["id"], doc["url"], event.id, event.text)

    def send(self, endpoint: str, url: str, event_id: str, body: bytes) -> None:
        with self._lock:
            self._number += 1
            self._queue.put(_Sending(time.monotonic(), self._number, endpoint, url, event_id, body))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="stripe-hooks", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                sending = self._queue.get(timeout=0.2)
            except Empty:
                continue
            pause = sending.due - time.monotonic()
            if pause > 0:
                # What comes meanwhile goes first.
                self._queue.put(sending)
                time.sleep(min(pause, 0.02))
                continue
            self._attempt(sending)

    def _attempt(self, sending: _Sending) -> None:
        at = self._clock.now()
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"}
        headers["Stripe-Signature"] = signature(sending.body, self.secrets(sending.endpoint), at)
        try:
            with _direct.open(Request(sending.url, sending.body, headers), timeout=10) as reply:
                status = int(reply.status)
        except HTTPError as error:
            status = error.code
        except (URLError, OSError):
            status = 0
        sending.tries += 1
        self.sent.append(Sent(sending.endpoint, sending.event_id, status, sending.tries))
        if not 200 <= status < 300 and sending.tries < self._settings.webhook_tries:
            sending.due = time.monotonic() + self._settings.webhook_pause * 2 ** (sending.tries - 1)
            self._queue.put(sending)
