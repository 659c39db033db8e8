"""The HubSpot provider at its fake without a poller: the loop of `providers/base.py`, straight through."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode, urlsplit

from fakes.hubspot import TOKEN, HubSpotFake
from fakes.serving import Answer, Asked

from pgsluice.providers.base import Change, Credential, Cursor, Feed, Hint, Page, Partial, Refused, Request, Response, Write
from pgsluice.providers.hubspot import HubSpot

KEY = Credential("hubspot_key", {"secret": TOKEN})


class Driver:
    """Records as the database would have them; `log`: method and path of each request."""

    def __init__(self, fake: HubSpotFake, *collection_ids: str) -> None:
        self.fake = fake
        self.provider = HubSpot()
        self.feeds = {feed.name: feed for feed in self.provider.feeds(collection_ids)}
        self.cursors: dict[str, Cursor | None] = dict.fromkeys(self.feeds)
        self.records: dict[str, dict[str, Change]] = {}
        self.refused: list[Refused] = []
        self.log: list[str] = []

    def send(self, request: Request) -> Response:
        path = urlsplit(request.url).path
        self.log.append(f"{request.method} {path}")
        headers = {name.lower(): value for name, value in request.headers.items()} | {"host": "api.hubapi.com"}
        return self.response(
            self.fake.answer(Asked(request.method, path, urlencode(request.params), headers, request.body or b"")), request
        )

    def response(self, answer: Answer, request: Request) -> Response:
        headers = {name.lower(): value for name, value in answer.headers.items() if value is not None}
        date = formatdate(self.fake.clock.now(), usegmt=True)
        return Response(answer.status, {"date": date, **headers}, answer.body, request.url, datetime.now(UTC))

    def page(self, name: str) -> Page:
        """The next page of a feed, with all that it leads to."""
        feed, cursor = self.feeds[name], self.cursors[name]
        page = self.provider.read(feed, cursor, self.send(self.provider.request(feed, cursor, KEY)))
        self.take([*page.changes, *page.refused])
        for hint in page.hints:
            self.fetch(hint)
        # As it is stored.
        self.cursors[name] = None if feed.kind == "sweep" and page.done else json.loads(json.dumps(page.cursor))
        return page

    def read(self, name: str) -> list[Page]:
        """A feed until it has no more for now."""
        pages = [self.page(name)]
        while pages[-1].more:
            assert len(pages) < 1000
            pages.append(self.page(name))
        return pages

    def read_all(self, *kinds: str) -> None:
        for feed in self.feeds.values():
            if not kinds or feed.kind in kinds:
                self.read(feed.name)

    def fetch(self, hint: Hint | None) -> None:
        while hint is not None:
            answer = self.provider.read_fetched(hint, self.send(self.provider.fetch(hint, KEY)))
            if not isinstance(answer, Partial):
                return self.take([answer])
            self.take(answer.changes)
            hint = answer.hint
        return None

    def take(self, changes: Iterable[Change | Refused]) -> None:
        for change in changes:
            if isinstance(change, Refused):
                self.refused.append(change)
            else:
                self.records.setdefault(change.collection_id, {})[change.upstream_id] = change

    def docs(self, collection_id: str) -> dict[str, Any]:
        found = self.records.get(collection_id, {})
        return {key: json.loads(change.raw) for key, change in found.items() if not change.deleted and change.raw is not None}

    def gone(self, collection_id: str) -> set[str]:
        return {key for key, change in self.records.get(collection_id, {}).items() if change.deleted}

    def feed(self, name: str) -> Feed:
        return self.feeds[name]


def write(
    kind: str, data: object = None, *, of: str = "hubspot:contact", upstream_id: str | None = None, key: str = "k", **more: Any
) -> Write:
    return Write(kind, of, upstream_id, None if data is None else json.dumps(data).encode(), key, **more)


def begun(fake: HubSpotFake, *collection_ids: str) -> Driver:
    """All is read once, and a day has passed."""
    driver = Driver(fake, *collection_ids)
    driver.read_all("changes")
    driver.read_all("backfill")
    fake.clock.advance(86_400)
    driver.read_all("changes")
    driver.log.clear()
    return driver
