"""The sockets: one thread a connection, on loopback only. Written on the standard library, since a fault needs the bare socket: a body
shorter than its Content-Length, a connection that is reset."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fakes.stripe.engine import Engine
from fakes.stripe.wire import Reply, Request

Control = Callable[[str, dict[str, Any]], Any]
CONTROL = "/_fake/"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, port: int, engine: Engine, control: Control) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.engine = engine
        self.control = control
        self.crashes: list[str] = []  # our own mistakes, which must fail the test
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
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            self.crashes.append(traceback.format_exc())

    def stop(self) -> None:
        """Ends kept-alive connections too: their threads would read for ever."""
        self.engine.stopping.set()
        self.shutdown()
        with self._guard:
            left = list(self._open)
        for connection in left:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the other side was faster
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Quiet: the engine keeps a log of its own."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            # The client died while it was sending: half a request is none.
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        if path.startswith(CONTROL):
            self._send(self._controlled(path, body))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.server.engine.handle(Request(self.command, path, query, body, headers)))

    def _controlled(self, path: str, body: bytes) -> Reply:
        try:
            answer = self.server.control(path.removeprefix(CONTROL), json.loads(body or b"{}"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            return Reply(500, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        return Reply(200, json.dumps({"result": answer}).encode())

    def _send(self, reply: Reply) -> None:
        if reply.reset:
            self._reset()
            return
        headers = {
            "Date": formatdate(self.server.engine.clock.time(), usegmt=True),
            "Content-Type": reply.content_type,
            "Content-Length": str(len(reply.body)),
            **reply.headers,
        }
        reason = HTTPStatus(reply.status).phrase
        head = f"HTTP/1.1 {reply.status} {reason}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        self.wfile.write(head.encode("latin-1") + reply.body[: reply.sent])
        if reply.sent is not None:
            self.close_connection = True

    def _reset(self) -> None:
        """Closes under the base class's hands: its own end would first say goodbye (FIN), which is not a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True
