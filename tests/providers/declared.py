"""A declared provider driven by a function from requests to replies: what a poller does, without sockets and database."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import yaml

from pgsluice.providers.base import Change, Credential, Cursor, Feed, Page, Refused, Request, Response
from pgsluice.providers.rest import Rest
from pgsluice.providers.rest_check import checked

NOW = 1_720_000_000
Server = Callable[[Request], Response]


def provider(collections: str, **head: Any) -> Rest:
    """A provider with these collections (YAML) and a key in a header."""
    data = {
        "name": "acme",
        "base_url": "https://api.acme.test/v1",
        "auth": {"key": {"fields": {"secret": {"description": "a key"}}, "bearer": "{credential.secret}"}},
        **head,
        "collections": yaml.safe_load(collections),
    }
    _, document = checked(json.dumps(data, default=str))
    return Rest(document)


CREDENTIAL = Credential("acme_key", {"secret": "k-123"})


def reply(body: Any, status: int = 200, *, now: float = NOW, url: str = "https://api.acme.test/v1/things", **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    date = {"date": format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": "application/json", **date, **named}, raw, url, datetime(2031, 1, 1, tzinfo=UTC))


def feed(rest: Rest, name: str, kind: str = "") -> Feed:
    wanted = f"acme:{name}" + (f":{kind}" if kind else "")
    return next(found for found in rest.feeds([f"acme:{name}"]) if found.name == wanted)


class Reader:
    """One feed, read page by page; its cursor goes through JSON each time, as through the database."""

    def __init__(self, rest: Rest, source: Feed, server: Server, cursor: Cursor | None = None) -> None:
        self.rest, self.feed, self.server, self.cursor = rest, source, server, cursor
        self.asked: list[Request] = []
        self.pages: list[Page] = []

    def page(self) -> Page:
        request = self.rest.request(self.feed, self.cursor, CREDENTIAL)
        self.asked.append(request)
        found = self.rest.read(self.feed, self.cursor, self.server(request))
        self.cursor = json.loads(json.dumps(found.cursor))
        self.pages.append(found)
        return found

    def all(self, most: int = 200) -> list[Change | Refused]:
        """Until nothing more is to be had now."""
        found: list[Change | Refused] = []
        for _ in range(most):
            page = self.page()
            found += [*page.changes, *page.refused]
            if page.done or not page.more:
                return found
        raise AssertionError(f"no end after {most} pages")

    def ids(self) -> list[str]:
        return [str(change.upstream_id) for change in self.all()]


def query(request: Request) -> Mapping[str, str]:
    return dict(request.params)


def things(count: int) -> list[dict[str, Any]]:
    return [{"id": f"t{number:03}", "n": number} for number in range(count)]
