"""A small CRM over HTTP: companies with a cursor and a filter by time, and notes of each. What docs/how-to/rest.md describes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "crm-key-1234567890"


class Crm:
    """Its companies and notes; `clock` rises with each change."""

    def __init__(self) -> None:
        self.companies: dict[str, dict[str, Any]] = {}
        self.notes: dict[str, list[dict[str, Any]]] = {}
        self.url = ""
        self.seen: list[tuple[str, str]] = []
        self.page_size = 2
        self.fields: list[dict[str, Any]] = []
        self.gate = threading.Event()  # while it is clear, who asks for the fields waits
        self.gate.set()
        self.waiting = 0
        self.clock = 1_900_000_000

    def put(self, company_id: str, **fields: Any) -> dict[str, Any]:
        self.clock += 100
        self.companies[company_id] = {**self.companies.get(company_id, {"id": company_id}), **fields, "updated_at": self.clock}
        return self.companies[company_id]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        parts = path.removeprefix("/v1/").split("/")
        if parts == ["fields"]:
            self.waiting += 1
            self.gate.wait(60)
            start = int(query.get("start", 0))
            return 200, {"fields": self.fields[start : start + 2], "more": start + 2 < len(self.fields)}
        if parts[0] != "companies":
            return 404, {"message": "no such path"}
        if len(parts) == 1:
            return self._list(query) if method == "GET" else (201, self.put(f"c{len(self.companies) + 1:03}", **body))
        if len(parts) == 3:
            return 200, {"data": self.notes.get(parts[1], [])}
        return self._one(method, parts[1], body)

    def _list(self, query: dict[str, str]) -> tuple[int, Any]:
        since, after = int(query.get("updated_since", 0)), query.get("after", "")
        found = sorted(
            (one for one in self.companies.values() if one["updated_at"] >= since and one["id"] > after), key=lambda one: str(one["id"])
        )
        page = found[: min(int(query.get("limit", 100)), self.page_size)]
        return 200, {"data": page, "next_cursor": page[-1]["id"] if len(found) > len(page) else None}

    def _one(self, method: str, company_id: str, body: Any) -> tuple[int, Any]:
        if company_id not in self.companies:
            return 404, {"message": "no such company"}
        if method == "DELETE":
            del self.companies[company_id]
            return 204, None
        return 200, self.put(company_id, **body) if method == "PATCH" else self.companies[company_id]


@contextmanager
def running() -> Iterator[Crm]:
    crm = Crm()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            crm.seen.append((self.command, self.path))
            if self.headers.get("authorization") != f"Bearer {KEY}":
                status, found = 401, {"message": "no such key"}
            else:
                status, found = crm.answer(self.command, parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()}, body)
            raw = b"" if found is None else json.dumps(found).encode()
            self.send_response_only(status)
            self.send_header("Date", formatdate(crm.clock + 50, usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("X-RateLimit-Remaining", "97")
            self.send_header("X-RateLimit-Reset", "30")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815  http.server names them

        def log_message(self, *_: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    crm.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield crm
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
