"""What a sync would hold: the provider's feeds over real HTTP, without a database. A sync's own engine is tested elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from pgsluice.providers.base import Change, Credential, Feed, Hint, Page, Partial, Refused, Request, Response
from pgsluice.providers.protocol import Provider

Cursor = Mapping[str, Any]
Doc = dict[str, Any]


class Reader:
    """Reads feeds to their end. `records`: collection → id → object. Every page's cursor goes through JSON, as in the database."""

    def __init__(self, provider: Provider, credential: Credential, collection_ids: list[str] | None = None, *, parts: bool = True) -> None:
        self.provider = provider
        self.credential = credential
        self.feeds = provider.feeds(collection_ids)
        self.parts = parts
        self.cursors: dict[str, Cursor | None] = {}
        self.records: dict[str, dict[str, Doc]] = {}
        self.deleted: set[tuple[str, str]] = set()
        self.refused: list[Refused] = []
        self.requests: list[Request] = []
        self.restarted: list[str] = []
        self.between: Callable[[Feed, Cursor | None], None] = lambda _feed, _cursor: None
        self._client = httpx.Client(trust_env=False, timeout=60)

    def close(self) -> None:
        self._client.close()

    def begin(self) -> None:
        """All there is: the feeds of changes take their place, and each collection is listed."""
        self.poll()
        for feed in self.feeds:
            if feed.kind == "backfill":
                self.pass_through(feed)

    def poll(self) -> None:
        """What has changed."""
        for feed in self.feeds:
            if feed.kind == "changes":
                self._follow(feed)

    def sweep(self) -> None:
        """A pass of each sweep; what did not come up is gone."""
        for feed in self.feeds:
            if feed.kind == "sweep":
                seen = self.pass_through(feed)
                for collection_id in feed.collection_ids:
                    kept = self.records.setdefault(collection_id, {})
                    for upstream_id in [name for name in kept if (collection_id, name) not in seen]:
                        del kept[upstream_id]

    def pass_through(self, feed: Feed, cursor: Cursor | None = None) -> set[tuple[str, str]]:
        """Lists from `cursor` to the end; a long list's parts too. Answers what came."""
        seen: set[tuple[str, str]] = set()
        for _ in range(10_000):
            page = self._page(feed, cursor)
            seen |= self._take(page)
            cursor = page.cursor
            if page.parts and self.parts:
                for part in page.parts:
                    seen |= self.pass_through(feed, part.cursor)
                return seen
            if page.done:
                return seen
            assert page.more or page.wait is not None
        raise AssertionError("it does not end")

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        reply = self._client.request(
            request.method, request.url, params=list(request.params) or None, headers=request.headers, content=request.body
        )
        return Response(reply.status_code, {name.lower(): value for name, value in reply.headers.items()}, reply.content,
                        str(reply.url), datetime.now(UTC))  # fmt: skip

    def _follow(self, feed: Feed) -> None:
        for _ in range(10_000):
            page = self._page(feed, self.cursors.get(feed.name))
            self._take(page)
            self.cursors[feed.name] = page.cursor
            self.restarted += page.restart
            if not page.more:
                return
        raise AssertionError("it does not end")

    def _page(self, feed: Feed, cursor: Cursor | None) -> Page:
        cursor = None if cursor is None else json.loads(json.dumps(cursor))
        self.between(feed, cursor)
        return self.provider.read(feed, cursor, self.send(self.provider.request(feed, cursor, self.credential)))

    def _take(self, page: Page) -> set[tuple[str, str]]:
        self.refused += page.refused
        seen = self._store(page.changes)
        for hint in page.hints:
            seen |= self._store(self.whole(hint))
        return seen

    def whole(self, hint: Hint | None) -> list[Change | Refused]:
        found: list[Change | Refused] = []
        while hint is not None:
            answer = self.provider.read_fetched(hint, self.send(self.provider.fetch(hint, self.credential)))
            if not isinstance(answer, Partial):
                return [*found, answer]
            found += answer.changes
            hint = answer.hint
        return found

    def _store(self, changes: Iterable[Change | Refused]) -> set[tuple[str, str]]:
        seen = set()
        for change in changes:
            if isinstance(change, Refused):
                self.refused.append(change)
                continue
            seen.add((change.collection_id, change.upstream_id))
            kept = self.records.setdefault(change.collection_id, {})
            if change.deleted:
                kept.pop(change.upstream_id, None)
                self.deleted.add((change.collection_id, change.upstream_id))
            else:
                kept[change.upstream_id] = json.loads(change.raw or b"{}")
        return seen
