"""HTTP on loopback for fakes and for the proxy before them, on the standard library: faults need the bare socket."""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def url(self) -> str:
        """What the caller asked for, on the host that it knows: a proxy's, if there is one."""
        return f"http://{self.headers['host']}{self.path}" + (f"?{self.query}" if self.query else "")


@dataclass
class Answer:
    """A reply to be sent. `headers`: None leaves one of the usual ones out."""

    status: int
    body: bytes = b""
    headers: dict[str, str | None] = field(default_factory=dict)
    sent: int | None = None  # only so many bytes of the body go out, then the connection ends
    drip: float = 0.0  # seconds between any two bytes
    reset: bool = False  # nothing goes out, the connection is reset


@dataclass
class Seen:
    """One request in the log."""

    method: str
    path: str
    params: dict[str, str]
    status: int


class Clock:
    """The vendor's clock: the real one, moved or standing still."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._frozen: float | None = None

    def now(self) -> float:
        return (time.time() if self._frozen is None else self._frozen) + self._offset

    def advance(self, seconds: float) -> None:
        self._offset += seconds

    def freeze(self) -> None:
        self._frozen = time.time()

    def run(self) -> None:
        """Goes on from where it stands."""
        if self._frozen is not None:
            self._offset += self._frozen - time.time()
            self._frozen = None


class Serving(ABC):
    """A server in this process, started by `with`. One request at a time is answered, whoever asks, unless `parallel`."""

    parallel = False
    latency = 0.0  # seconds before each answer

    def __init__(self) -> None:
        self.clock = Clock()
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.requests: list[Seen] = []
        self._server: _Server | None = None

    @abstractmethod
    def answer(self, asked: Asked) -> Answer: ...

    def start(self) -> Self:
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name=type(self).__name__, daemon=True).start()
        return self

    def stop(self) -> None:
        """Raises if the fake itself broke while it served: a test must not pass on that."""
        if self._server is not None:
            self.stopping.set()
            self._server.stop()
            crashes, self._server = self._server.crashes, None
            assert not crashes, "the fake broke:\n" + "\n".join(crashes)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT, without a slash at the end."""
        assert self._server is not None, "it is not running"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(self, asked: Asked) -> Answer:
        if self.latency:
            self.stopping.wait(self.latency)
        if self.parallel:
            reply = self.answer(asked)
        else:
            with self.lock:
                reply = self.answer(asked)
        self.requests.append(Seen(asked.method, asked.path, asked.params, 0 if reply.reset else reply.status))
        return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, owner: Serving) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.owner = owner
        self.crashes: list[str] = []
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            self.crashes.append(traceback.format_exc())

    def stop(self) -> None:
        self.shutdown()
        with self._guard:
            left = list(self._open)
        for connection in left:
            try:
                connection.shutdown(socket.SHUT_RDWR)  # kept alive: its thread would read for ever
            except OSError:
                continue
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True  # the client died while it was sending
            return
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.server.owner.serve(Asked(self.command, parts.path, parts.query, headers, body)))

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Quiet: `requests` is the log."""

    def _send(self, reply: Answer) -> None:
        if reply.reset:
            self._reset()
            return
        usual = {"Date": formatdate(self.server.owner.clock.now(), usegmt=True), "Content-Type": "application/json; charset=utf-8"}
        headers = {**usual, "Content-Length": str(len(reply.body)), **reply.headers}
        head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value is not None) + "\r\n"
        body = reply.body[: reply.sent]
        if reply.drip:
            self._drip(head.encode("latin-1") + body[:1], body[1:], reply.drip)
        else:
            self.wfile.write(head.encode("latin-1") + body)
        if reply.sent is not None or headers["Content-Length"] != str(len(reply.body)):
            self.close_connection = True

    def _drip(self, first: bytes, rest: bytes, seconds: float) -> None:
        self.wfile.write(first)
        for place in range(len(rest)):
            if self.server.owner.stopping.wait(seconds):
                return
            self.wfile.write(rest[place : place + 1])

    def _reset(self) -> None:
        """Closes under the base class's hands: its own end would first say goodbye (FIN), which is not a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True
