"""Acme itself: pages of things, a batch route, a token route; strict about what arrives."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class AcmeFake:
    """Behind `url`. `uses`: how often an access token opens the door. `pages`: of one thing each, endless where None."""

    def __init__(self, *, uses: int | None = None, pages: int | None = 3) -> None:
        self.uses = uses
        self.pages = pages
        self.pause = 0.0  # seconds that each request takes
        self.headers: Callable[[], dict[str, str]] = dict  # of each answer
        self.next_at: str | None = None  # where the next page is said to be
        self.arrivals: list[tuple[float, str]] = []  # when, and method and path
        self.most_at_once = 0
        self.refused_until = 0.0
        self.refusals = 0
        self.things: dict[str, dict[str, Any]] = {}
        self.batches: list[list[dict[str, Any]]] = []
        self.keys: dict[str, dict[str, Any]] = {}
        self.repeated = 0
        self.renewals = 0
        self.double = 0  # refresh tokens that came a second time
        self.revoked = False
        self.token_held: threading.Event | None = None  # the answer to a renewal waits for it
        self.token_asked = threading.Event()
        self.batch_held: threading.Event | None = None
        self.batch_asked = threading.Event()
        self._lock = threading.Lock()
        self._at_once = 0
        self._access, self._left, self._refresh = "a0", uses, "r0"
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def secret(self) -> dict[str, str]:
        return {"access_token": self._access, "refresh_token": self._refresh}

    def consent(self) -> dict[str, str]:
        """Somebody signs in anew."""
        with self._lock:
            self.revoked = False
            self._issue()
        return self.secret

    def close(self) -> None:
        for held in (self.token_held, self.batch_held):
            if held is not None:
                held.set()
        self._server.shutdown()
        self._server.server_close()

    def most_within(self, seconds: float) -> int:
        """The largest number of requests that arrived within so many seconds."""
        times = sorted(at for at, _ in self.arrivals)
        return max((sum(start <= at < start + seconds for at in times) for start in times), default=0)

    # ------------------------------------------------------------ what it does

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, Any]:
        parts = urlsplit(path)
        if parts.path == "/token":
            return self._token(json.loads(body)["refresh"])
        with self._lock:
            self.arrivals.append((time.monotonic(), f"{method} {parts.path}"))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            time.sleep(self.pause)
            return self._allowed(method, parts.path, parse_qs(parts.query), token, body)
        finally:
            with self._lock:
                self._at_once -= 1

    def _allowed(self, method: str, path: str, query: dict[str, list[str]], token: str, body: bytes) -> tuple[int, Any]:
        with self._lock:
            if time.monotonic() < self.refused_until:
                self.refusals += 1
                return 429, {}
            if token != f"Bearer {self._access}" or self._left == 0:
                return 401, {}
            self._left = None if self._left is None else self._left - 1
            if method == "POST":
                self.batches.append(json.loads(body))
                results = [self._write(item) for item in self.batches[-1]]
        if method == "POST":
            self.batch_asked.set()
            if self.batch_held is not None:
                self.batch_held.wait(60)
            return 200, {"results": results}
        if path != "/things":
            found = self.things.get(path.rpartition("/")[2])
            return (404, {}) if found is None else (200, found)
        page = int(query["page"][0])
        more = self.pages is None or page + 1 < self.pages
        answer = {"things": [{"id": f"t{page}", "n": page}], "page": page, "more": more}
        return 200, answer | ({"elsewhere": self.next_at} if self.next_at else {})

    def _token(self, refresh: str) -> tuple[int, Any]:
        with self._lock:
            if refresh != self._refresh or self.revoked:
                self.double += refresh != self._refresh
                self.revoked = True
                return 400, {"error": "invalid_grant"}
            self.renewals += 1
            self._issue()
            answer = {"access": self._access, "refresh": self._refresh, "expires_in": 3600}
        self.token_asked.set()
        if self.token_held is not None:
            self.token_held.wait(60)
        return 200, answer

    def _issue(self) -> None:
        number = int(self._access[1:]) + 1
        self._access, self._left, self._refresh = f"a{number}", self.uses, f"r{number}"

    def _write(self, item: dict[str, Any]) -> dict[str, Any]:
        if item["key"] in self.keys:
            self.repeated += 1
            return self.keys[item["key"]]
        self.keys[item["key"]] = done = self._written(item)
        return done

    def _written(self, item: dict[str, Any]) -> dict[str, Any]:
        data, known = item["data"] or {}, item["id"]
        if "bad" in data:
            return {"error": "bad data"}
        if item["kind"] == "upsert":
            known = next((name for name, thing in self.things.items() if thing.get(item["match_on"]) == data[item["match_on"]]), None)
        if item["kind"] == "delete":
            self.things.pop(known, None)
            return {"id": known}
        known = known or f"w{len(self.keys)}"
        if item["if_match"] and str(self.things.get(known, {}).get("version")) != item["if_match"]:
            return {"error": "conflict"}
        before = self.things.get(known, {"version": 0})
        self.things[known] = {**before, **data, "id": known, "version": before["version"] + 1}
        return dict(self.things[known])


class _Handler(BaseHTTPRequestHandler):
    fake: AcmeFake
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer = self.fake.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
        text = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **self.fake.headers()}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _serve  # noqa: N815  the names the server calls

    def log_message(self, *_: Any) -> None:
        pass
