"""Trying a provider out: a page or two of each collection, read from the live API and kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from pgsluice.db.errors import SluiceError
from pgsluice.poller.transport import Transport
from pgsluice.providers.base import Change, Credential, Cursor, Feed, Hint, Page
from pgsluice.providers.errors import NotPolled, ProviderError
from pgsluice.providers.protocol import Provider

PAGES: Final = 2
# Requests for one collection: one that has parents takes some before its own first page comes.
_MOST: Final = 12


@dataclass
class Trial:
    """What came of one collection. `findings`: what a person should know, in sentences; `error`: why it cannot be read."""

    collection_id: str
    records: int = 0
    without_id: int = 0
    requests: int = 0
    updated_at: int = 0  # records that have one
    order: str | None = None  # of updated_at: asc, desc, mixed
    ends: bool = False  # the list was read to its end
    remaining: float | None = None  # of the vendor's budget, as a reply said
    changes_asked: bool = False
    fetched: bool | None = None
    findings: list[str] = field(default_factory=list)
    error: dict[str, str | None] | None = None

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


async def tried(provider: Provider, credential: Credential, collection_ids: Sequence[str], *, allow_private: bool) -> list[Trial]:
    """Each collection, one after the other."""
    async with Transport(allow_private=allow_private) as transport:
        try:
            credential = await _with_token(provider, credential, transport)
        except ProviderError as exc:
            return [Trial(collection_id, error=exc.as_dict()) for collection_id in collection_ids]
        return [await _Try(provider, credential, transport, collection_id).run() for collection_id in collection_ids]


async def _with_token(provider: Provider, credential: Credential, transport: Transport) -> Credential:
    """With a token, where the credential gets one by itself. A refresh token is left alone: a vendor may take it once only."""
    if credential.secret.get("access_token") or credential.secret.get("refresh_token"):
        return credential
    request = provider.renew(replace(credential, now=datetime.now(UTC)))
    if request is None:
        return credential
    renewed = provider.read_renewed(credential, await transport.send(request))
    return replace(credential, secret=renewed.secret, base_url=renewed.base_url or credential.base_url)


class _Try:
    def __init__(self, provider: Provider, credential: Credential, transport: Transport, collection_id: str) -> None:
        self.provider, self.credential, self.transport = provider, credential, transport
        self.trial = Trial(collection_id)
        self.changes: list[Change] = []

    async def run(self) -> Trial:
        try:
            feeds = self.provider.feeds([self.trial.collection_id])
            for feed in feeds:
                if feed.kind == "backfill":
                    await self._list(feed)
                elif feed.kind == "changes":
                    await self._page(feed, None)
                    self.trial.changes_asked = True
            await self._one()
        except (ProviderError, SluiceError) as exc:
            self.trial.error = exc.as_dict()
        self._conclude()
        return self.trial

    async def _list(self, feed: Feed) -> None:
        cursor: Cursor | None = None
        pages = 0
        while pages < PAGES and self.trial.requests < _MOST:
            page = await self._page(feed, cursor)
            pages += bool(page.changes or page.refused or page.done)
            self.changes += page.changes
            self.trial.records += len(page.changes) + len(page.refused)
            self.trial.without_id += sum(refused.upstream_id is None for refused in page.refused)
            if page.done:
                self.trial.ends = True
                return
            cursor = page.cursor

    async def _page(self, feed: Feed, cursor: Cursor | None) -> Page:
        response = await self.transport.send(self.provider.request(feed, cursor, self.credential))
        self.trial.requests += 1
        said = self.provider.signals(response)
        if said is not None and said.remaining is not None:
            self.trial.remaining = said.remaining
        return self.provider.read(feed, cursor, response)

    async def _one(self) -> None:
        if not self.changes:
            return
        last = self.changes[-1]
        hint = Hint(self.trial.collection_id, last.upstream_id)
        try:
            request = self.provider.fetch(hint, self.credential)
        except NotPolled:
            return
        self.trial.fetched = False
        found = self.provider.read_fetched(hint, await self.transport.send(request))
        self.trial.requests += 1
        self.trial.fetched = isinstance(found, Change) and (last.deleted or not found.deleted)
        if not self.trial.fetched:
            self.trial.findings.append(f"asked for by itself, {last.upstream_id} is not there: look at fetch")

    def _conclude(self) -> None:
        trial = self.trial
        times = [change.upstream_updated_at for change in self.changes if change.upstream_updated_at is not None]
        trial.updated_at = len(times)
        if len(set(times)) > 1:
            trial.order = "asc" if times == sorted(times) else "desc" if times == sorted(times, reverse=True) else "mixed"
        ids = [change.upstream_id for change in self.changes]
        if trial.without_id:
            trial.findings.append(f"{trial.without_id} records have no id: look at id")
        if len(set(ids)) < len(ids):
            trial.findings.append(f"{len(ids) - len(set(ids))} records came twice: look at the paging")
        if trial.error is None and not trial.records:
            trial.findings.append("no record came: the account has none, or records leads elsewhere")
        if trial.records and not trial.updated_at and trial.changes_asked:
            trial.findings.append("no record has a readable updated_at: look at its path and format")
