"""A small vendor of our own over real HTTP, and its provider: for what no shipped provider has, or not where a test needs it.

Two collections, `customer` and `plan`, as the provider "stripe" (which the database knows). `Shop` is the vendor; `provider(…)` reads it
as the options say: with a feed of changes or without, with sweeps, with parts, with a job that takes a while. `install` puts it in the
place of Stripe, also in a process of its own: `python -c "from fakes import shop; shop.main()" poll …` with the options in SHOP.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from pgsluice.providers import registry
from pgsluice.providers.base import (
    Change,
    Collection,
    Credential,
    Cursor,
    Feed,
    Hint,
    Page,
    Part,
    Refused,
    Request,
    Response,
)
from pgsluice.providers.errors import Forbidden, Refused4xx, Unauthorized, Unavailable, Unreadable
from pgsluice.providers.protocol import Plain

KINDS = ("customer", "plan")
PAGE = 5


@dataclass
class Asked:
    path: str
    params: dict[str, str]


class Shop:
    """`objects[kind][id]`: what is there now. `fault`: asked before each answer; a status to answer with, or None."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in KINDS}
        self.passed_over: set[str] = set()  # by lists, as those do that are cut by number
        self.log: list[tuple[str, str]] = []
        self.requests: list[Asked] = []
        self.fault: Callable[[Asked], int | None] = lambda _asked: None
        self.forbidden: set[str] = set()
        self.not_ready = 0
        self._guard = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, kind: str, *ids: str, silently: bool = False, **more: Any) -> None:
        with self._guard:
            for name in ids:
                version = self.objects[kind].get(name, {}).get("version", 0) + 1
                self.objects[kind][name] = {"id": name, "version": version, "created": time.time(), **more}
                if not silently:
                    self.log.append((kind, name))

    def seed(self, kind: str, count: int, **more: Any) -> list[str]:
        ids = [f"{kind[0]}{number:04d}" for number in range(count)]
        self.put(kind, *ids, silently=True, **more)
        return ids

    def remove(self, kind: str, *ids: str, silently: bool = False) -> None:
        with self._guard:
            for name in ids:
                del self.objects[kind][name]
                if not silently:
                    self.log.append((kind, name))

    def answer(self, asked: Asked) -> tuple[int, Any]:
        self.requests.append(asked)
        status = self.fault(asked)
        if status is not None:
            return status, {"error": "as the test wants it"}
        with self._guard:
            return self._answer(asked)

    def _answer(self, asked: Asked) -> tuple[int, Any]:
        first, *rest = asked.path.strip("/").split("/")
        if first == "changes":
            after = int(asked.params.get("after", len(self.log)))
            found = self.log[after : after + PAGE]
            return 200, {"data": found, "at": after + len(found), "more": after + PAGE < len(self.log)}
        if first in self.forbidden:
            return 403, {"error": "you may not"}
        if rest:
            found_one = self.objects[first].get(rest[0])
            return (404, {}) if found_one is None else (200, found_one)
        if asked.params.get("job"):
            self.not_ready -= 1
            return 200, {"ready": self.not_ready < 0}
        low, high = asked.params.get("after", ""), asked.params.get("until", "~")
        ids = [name for name in sorted(self.objects[first]) if low < name < high and name not in self.passed_over]
        return 200, {"data": [self.objects[first][name] for name in ids[:PAGE]], "more": len(ids) > PAGE, "total": len(self.objects[first])}


def _handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, said = shop.answer(Asked(parts.path, dict(parse_qsl(parts.query))))
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@dataclass(frozen=True)
class ShopProvider(Plain):
    changes: bool = True
    backfills: bool = True
    sweeps: bool = False
    parts: bool = False
    job: bool = False

    name = "stripe"
    free_form = False
    credential_kinds: Mapping[str, Any] = field(default_factory=dict)
    key_window = None
    collections: ClassVar = {f"stripe:{kind}": Collection(f"stripe:{kind}", kind) for kind in KINDS}

    def feeds(self, collection_ids: Sequence[str] | None, since: datetime | None = None) -> tuple[Feed, ...]:
        ids = tuple(collection_ids or self.collections)
        found = [Feed("changes", "changes", ids, since=since)] if self.changes else []
        after = ("changes",) if self.changes else ()
        found += [Feed(one, "backfill", (one,), after=after, since=since) for one in ids] if self.backfills else []
        day = timedelta(days=1)
        found += [Feed(f"{one}:sweep", "sweep", (one,), every=day, since=since) for one in ids] if self.sweeps else []
        return tuple(found)

    def request(self, feed: Feed, cursor: Cursor | None, credential: Credential) -> Request:
        if feed.kind == "changes":
            return _get(credential, "changes", {"after": cursor["at"]} if cursor else {})
        kind = feed.collection_ids[0].removeprefix("stripe:")
        if self.job and not (cursor and cursor.get("ready")):
            return _get(credential, kind, {"job": 1})
        return _get(credential, kind, {name: value for name, value in (cursor or {}).items() if name in {"after", "until"}})

    def read(self, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
        said = _body(response)
        if feed.kind == "changes":
            hints = dict.fromkeys(Hint(f"stripe:{kind}", name) for kind, name in said["data"] if f"stripe:{kind}" in feed.collection_ids)
            return Page({"at": said["at"]}, done=False, more=said["more"], hints=tuple(hints))
        if "ready" in said:
            return Page({"ready": said["ready"]}, done=False, more=said["ready"], wait=None if said["ready"] else 0.3)
        changes = tuple(_change(feed.collection_ids[0], item) for item in said["data"])
        place = {**(cursor or {}), "after": changes[-1].upstream_id if changes else "~"}
        if self.parts and feed.kind == "backfill" and cursor is None:
            last = changes[-1].upstream_id
            middle = f"{last[0]}{(int(last[1:]) + said['total']) // 2:04d}"
            ends = {"low": {"after": last, "until": middle}, "high": {"after": middle[:-1] + chr(ord(middle[-1]) - 1) + "~"}}
            return Page(place, done=False, more=True, changes=changes, parts=tuple(Part(name, at) for name, at in ends.items()))
        return Page(place, done=not said["more"], more=said["more"], changes=changes, total=said["total"])

    def fetch(self, hint: Hint, credential: Credential) -> Request:
        return _get(credential, f"{hint.collection_id.removeprefix('stripe:')}/{hint.upstream_id}")

    def read_fetched(self, hint: Hint, response: Response) -> Change | Refused:
        if response.status == 404:
            return Change(hint.collection_id, hint.upstream_id, None, deleted=True)
        return _change(hint.collection_id, _body(response))

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:
        pass


def _get(credential: Credential, path: str, params: Mapping[str, Any] | None = None) -> Request:
    return Request("GET", f"{credential.base_url}/{path}", tuple((name, str(value)) for name, value in (params or {}).items()))


def _body(response: Response) -> Any:
    errors = {401: Unauthorized, 403: Forbidden, 400: Refused4xx, 500: Unavailable, 418: Unreadable}
    if response.status != 200:
        raise errors[response.status](f"status {response.status}")
    return json.loads(response.body)


def _change(collection_id: str, item: Mapping[str, Any]) -> Change:
    return Change(collection_id, item["id"], json.dumps(item).encode(), datetime.fromtimestamp(item["created"], UTC))


def install(**options: bool) -> ShopProvider:
    made = ShopProvider(**options)
    registry._PROVIDERS["stripe"] = made  # type: ignore[assignment]
    return made


def main() -> None:
    """`pgsluice` with the shop, as SHOP says. With "stop_after": the poller stands still for ever after so many steps of a conclusion."""
    from pgsluice import cli  # noqa: PLC0415
    from pgsluice.db import reading  # noqa: PLC0415

    options = json.loads(os.environ["SHOP"])
    left = options.pop("stop_after", None)
    conclude = reading.conclude

    async def some(conn: Any, poller_id: str, sync: Any, feed: str, **_: Any) -> Any:
        nonlocal left
        if left is not None:
            if left == 0:
                time.sleep(3600)  # noqa: ASYNC251  (the test kills us here)
            left -= 1
        return await conclude(conn, poller_id, sync, feed, max_records=2)

    reading.conclude = some
    install(**options)
    cli.main()
