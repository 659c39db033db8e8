"""One sync's turn: its feeds, read page by page until it is caught up.

It holds no rules: those of vendors are in `providers/`, those of the data in `sql/`. What it decides is only which feed is next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
import structlog

from pgsluice.db import leases, secrets
from pgsluice.db.errors import make
from pgsluice.db.leases import ClaimedSync
from pgsluice.poller.asking import SHORT_PAUSE, Stopped, Vendor
from pgsluice.poller.page import Batch
from pgsluice.poller.storing import Store
from pgsluice.poller.tally import Tally
from pgsluice.poller.transport import Transport
from pgsluice.providers import registry
from pgsluice.providers.base import Credential, Feed, Page
from pgsluice.providers.errors import Forbidden, ListBroken, ProviderError, Refused4xx

__all__ = ["Stopped", "Tally", "Turn"]

# Fresh changes do not wait for a long backfill: between its pages the feeds of changes are asked this often, in seconds.
CHANGES_EVERY: Final = 5.0
# They concern one feed: the others are read all the same, and the error is reported after that.
_OF_ONE_FEED: Final = (Forbidden, Refused4xx, ListBroken)

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class Turn:
    """The work on one claimed sync. After `seconds` it ends with Stopped between two pages, so that others get their turn."""

    def __init__(
        self,
        sync: ClaimedSync,
        conn: psycopg.AsyncConnection[Any],
        poller_id: str,
        transport: Transport,
        key: secrets.MasterKey | None,
        *,
        stopping: asyncio.Event,
        progress: Callable[[Tally], None],
        tally: Tally | None = None,
        patience: float = SHORT_PAUSE,
        seconds: float = float("inf"),
    ) -> None:
        """Raises UnknownProvider, UnknownCollection, and SluiceError for a credential that cannot be opened."""
        self.tally = tally or Tally(sync.sync_id)
        self.stopping = stopping
        self.progress = progress
        self.begun = time.monotonic()
        self.until = self.begun + seconds
        provider = registry.get(sync.provider)
        self.feeds: tuple[Feed, ...] = provider.feeds(sync.collection_ids)
        credential = opened(sync.sync_id, sync.credential_id, sync.sealed, sync.key_version, sync.kind, sync.base_url, key)
        self.vendor = Vendor(provider, credential, transport, stopping, patience, pace=lambda: leases.rate_take(conn, sync.sync_id))
        self.store = Store(conn, poller_id, sync, self.tally)
        self.broken: dict[str, ProviderError] = {}  # feeds that are left out for the rest of this turn
        self.drained: dict[str, float] = {}  # feed of changes -> when it had no more
        self.backfilled = float("-inf")  # when the last page of a backfill was committed
        self.last: Feed | None = None

    async def run(self) -> None:
        """Reads until there is nothing more to read now. Raises ProviderError, SluiceError, Stopped."""
        while (feed := self._next()) is not None:
            if self.stopping.is_set() or self._has_had_its_turn(feed):
                raise Stopped
            self.last = feed
            try:
                await self._page(feed)
            except _OF_ONE_FEED as exc:
                self.broken[feed.name] = exc
        for error in self.broken.values():
            raise error

    def _has_had_its_turn(self, following: Feed) -> bool:
        """Whether the time is over; not before something was read, and some of the backfill if it is unfinished."""
        enough = self.tally.pages > 0 and (following.kind == "changes" or self.backfilled > self.begun)
        return enough and time.monotonic() > self.until

    def _next(self) -> Feed | None:
        cursors = self.store.cursors
        ready = [feed for feed in self.feeds if feed.name not in self.broken and all(cursors.get(name) for name in feed.after)]
        backfills = [feed for feed in ready if feed.kind == "backfill" and feed.name not in self.store.done]
        changes = [feed for feed in ready if feed.kind == "changes" and self._has_news(feed, bool(backfills))]
        # Side by side: with much to read in both, they take turns.
        if changes and backfills and self.last is not None and self.last.kind == "changes":
            return backfills[0]
        return next(iter((*changes, *backfills)), None)

    def _has_news(self, feed: Feed, backfilling: bool) -> bool:
        if feed.name not in self.drained:
            return True
        drained = self.drained[feed.name]
        return time.monotonic() - drained > CHANGES_EVERY if backfilling else self.backfilled > drained

    async def _page(self, feed: Feed) -> None:
        """Reads and commits one page."""
        self.tally.feed = feed.name
        read_from = self.store.clock
        page = await self._read(feed)
        batch = Batch(list(page.changes), list(page.refused))
        batch.add(await self.vendor.objects(page.hints))
        for name in page.restart:
            # Before this page's cursor: a crash in between repeats the restart instead of losing it.
            await self.store.move(name, None)
        again = await self.store.commit(feed.name, page.cursor, page.done, batch, read_from)
        while again:
            read_from = self.store.clock
            batch = Batch()
            batch.add(await self.vendor.objects(again))
            again = await self.store.commit(feed.name, page.cursor, page.done, batch, read_from)
        self._note(feed, page)

    async def _read(self, feed: Feed) -> Page:
        cursor = self.store.cursors.get(feed.name)
        try:
            return await self.vendor.page(feed, cursor)
        except ListBroken as exc:
            # The stored place leads into the same trap again.
            if exc.cursor is not None and exc.cursor != cursor:
                await self.store.move(feed.name, exc.cursor)
            raise

    def _note(self, feed: Feed, page: Page) -> None:
        now = time.monotonic()
        if feed.kind == "backfill":
            self.backfilled = now
        elif page.more:
            self.drained.pop(feed.name, None)
        else:
            self.drained[feed.name] = now
        if page.notice:
            self.tally.notice = page.notice
            log.warning("sync notice", sync=self.tally.sync_id, feed=feed.name, notice=page.notice)
        self.tally.pages += 1
        self.tally.seconds = now - self.begun
        self.progress(self.tally)


def opened(  # noqa: PLR0917  a sealed credential as the database gives it
    sync_id: str,
    credential_id: str | None,
    sealed: bytes | None,
    key_version: int | None,
    kind: str | None,
    base_url: str | None,
    key: secrets.MasterKey | None,
) -> Credential:
    """A sync's credential, unsealed. Raises SluiceError where there is none, no master key, or the wrong one."""
    if sealed is None or credential_id is None or kind is None:
        raise make(f"sync {sync_id} has no credential", code="SL104", hint="create one, and the sync anew with it")
    if key is None:
        raise make(
            "there is no master key to open the credential with",
            code="SL301",
            hint="set PGSLUICE_MASTER_KEY or PGSLUICE_MASTER_KEY_FILE to the key it was sealed with",
        )
    return Credential(kind, secrets.open_sealed(sealed, credential_id, key, key_version or 1), base_url)
