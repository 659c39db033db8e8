"""Webhooks of the stand-ins: sent by a thread, one after the other, each again until somebody answers 2xx or the tries are used up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Empty, Queue
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

_direct = build_opener(ProxyHandler({}))
# What is sent: headers and body, made anew for each attempt, since its time is signed. The argument: how often it was tried before.
Made = Callable[[int], tuple[Mapping[str, str], bytes]]


@dataclass
class _Sending:
    url: str
    made: Made
    given_up: Callable[[], None]
    tries: int = 0


class Sender:
    """`statuses`: the answer to each attempt, 0 where nobody answered."""

    def __init__(self, tries: int = 8, pause: float = 0.2) -> None:
        self.tries, self.pause = tries, pause
        self.statuses: list[int] = []
        self._queue: Queue[_Sending] = Queue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def send(self, url: str, made: Made, given_up: Callable[[], None] = lambda: None) -> None:
        with self._lock:
            self._queue.put(_Sending(url, made, given_up))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(15)

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                sending = self._queue.get(timeout=0.2)
            except Empty:
                continue
            self._attempt(sending)

    def _attempt(self, sending: _Sending) -> None:
        headers, body = sending.made(sending.tries)
        try:
            with _direct.open(Request(sending.url, body, dict(headers)), timeout=10) as reply:
                status = int(reply.status)
        except HTTPError as error:
            status = error.code
        except (URLError, OSError):
            status = 0
        sending.tries += 1
        self.statuses.append(status)
        if 200 <= status < 300:
            return
        if sending.tries >= self.tries:
            sending.given_up()
        elif not self._stopping.wait(self.pause):
            self._queue.put(sending)
