"""One sync's turn: its feeds, several side by side, read page by page until it is caught up.

It holds no rules: those of vendors are in `providers/`, those of the data in `sql/`. Which feed is next is in `plan`, what becomes of
errors in `troubles`. Of each feed the next page is asked for while the one before is committed; pages of a feed are committed in order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from pgsluice.db import secrets
from pgsluice.db.leases import ClaimedSync
from pgsluice.db.shares import Grant
from pgsluice.db.statements import Database
from pgsluice.poller import room
from pgsluice.poller.asking import SHORT_PAUSE, Account, Stopped, Vendor, wait
from pgsluice.poller.exchanges import Exchanges
from pgsluice.poller.page import Batch
from pgsluice.poller.plan import Plan, Unit
from pgsluice.poller.session import end
from pgsluice.poller.sharing import Desk, opened
from pgsluice.poller.storing import Outdated, Step, Store, whole
from pgsluice.poller.tally import Tally
from pgsluice.poller.together import Together
from pgsluice.poller.transport import Transport
from pgsluice.poller.troubles import OF_ONE_FEED, Objects, Troubles
from pgsluice.poller.wanting import Wanting
from pgsluice.providers import registry
from pgsluice.providers.base import Change, Cursor, Feed, Hint, Page
from pgsluice.providers.errors import ProviderError

__all__ = ["Stopped", "Tally", "Turn"]

# Seconds in all that a turn waits for vendors' jobs; then the sync is given back, and goes on when the job is to be asked about.
JOBS: Final = 30.0
# Seconds of one turn that go into removing what has grown too old (max_age_days).
TRIMMING: Final = 10.0
# Seconds for which nothing else is to be read, so that one feed is read by the turn's own task.
ALONE: Final = 60.0
# Objects that a sweep's pass did not see and that are asked for one by one, before they count as gone. Of more, the list is believed.
DOUBTFUL: Final = 100

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


@dataclass(frozen=True)
class Read:
    """A page that came, the database's clock before it was asked for, and the reading of its feed that it belongs to."""

    page: Page
    read_from: datetime
    version: int
    first: bool
    held: room.Held


@dataclass(frozen=True)
class Ahead:
    """A page that is asked for while the one before it is committed."""

    unit: Unit
    cursor: Cursor
    version: int
    held: room.Held
    task: asyncio.Task[Read]


class Turn:
    """The work on one claimed sync. After `seconds` it ends with Stopped between two pages, so that others get their turn."""

    def __init__(
        self,
        sync: ClaimedSync,
        conn: Database,
        poller_id: str,
        transport: Transport,
        key: secrets.MasterKey | None,
        *,
        stopping: asyncio.Event,
        progress: Callable[[Tally], None],
        tally: Tally | None = None,
        patience: float = SHORT_PAUSE,
        seconds: float = float("inf"),
        exchanges: Exchanges | None = None,
        grants: Together[Mapping[str, Any], Grant] | None = None,
        aside: Database | None = None,
    ) -> None:
        """`aside`: for looks that are no sign of life, while the turn waits for its vendor; None: as for all else.

        Raises UnknownProvider, UnknownCollection, and SluiceError for a credential that cannot be opened."""
        self.sync = sync
        self.tally = tally or Tally(sync.sync_id)
        self.stopping = stopping
        self.progress = progress
        self.begun = time.monotonic()
        self.until = self.begun + seconds
        self.since = None if sync.max_age_days is None else sync.clock - timedelta(days=sync.max_age_days)
        provider = registry.get(sync.provider)
        self.feeds: tuple[Feed, ...] = provider.feeds(sync.collection_ids, self.since)
        credential = opened(f"sync {sync.sync_id}", sync.credential, key)
        desk = Desk(conn, poller_id, key, grants, exchanges)
        account = Account(desk, sync.sync_id, sync.credential, sync.clock, places=sync.max_concurrent_requests is not None)
        self.vendor = Vendor(provider, credential, transport, stopping, patience, account=account)
        self.store = Store(conn, poller_id, sync, self.tally)
        self.plan = Plan(sync, self.feeds, self.store)
        self.troubles = Troubles(sync, self.feeds, self.store, self.plan)
        self.objects = Objects(self.vendor, self.feeds, self.troubles)
        self.wanting = Wanting(self.store, aside or conn, self.objects, self.young, stopping)
        self.readers: dict[str, asyncio.Task[None]] = {}
        self.news = asyncio.Event()  # a page was committed, so that other feeds may begin now, or a reader ended
        self.jobs_until = JOBS  # seconds of waiting that are left
        # Requests for pages at once. Without a bound of the sync's own each list that is read has one.
        self.requests = asyncio.Semaphore(sync.max_concurrent_requests or 1_000)

    @property
    def complete(self) -> bool:
        """Whether everything was read that there is, now that `run` has ended."""
        return self.plan.complete and not self.troubles.names

    async def run(self) -> None:
        """Reads until there is nothing more to read now. Raises ProviderError, SluiceError, Stopped.

        What concerns one feed is left at its feed, and `troubles` has it; it is raised if it concerns all that the sync has.
        """
        if self.stopping.is_set():
            raise Stopped
        await self.store.declare(self.feeds)
        try:
            await self._work()
        except (ProviderError, Stopped):
            await self.store.catch_up()
            raise
        await self._trim()

    async def _work(self) -> None:
        try:
            self.wanting.begin(at_once=bool(self.sync.wanted))
            await self._read_all()
            await self.wanting.finish()
        finally:
            await end([*self.wanting.leave(), *self.readers.values()])
        if self.stopping.is_set() or (self._is_over() and (self.plan.ready(()) or self.store.concluding)):
            raise Stopped
        self.troubles.report(self.tally)

    async def _read_all(self) -> None:
        while True:
            if (unit := self._alone()) is not None:
                await self._follow(unit)
                continue
            self._begin()
            if self.readers:
                await self._until_news()
                self._collect()
            elif self._is_over() or not await self._await_job():
                return

    def _alone(self) -> Unit | None:
        """The feed of changes that is all there is to read for a while: most turns are a page of it, and need no other task."""
        if self.readers or self.store.concluding or self._is_over():
            return None
        units = self.plan.ready(())
        if len(units) != 1 or units[0].feed.kind != "changes" or any(self.store.cursors.get(feed.name) is None for feed in self.feeds):
            return None
        pause = self.plan.next_in()
        return units[0] if pause is None or pause > ALONE else None

    def _begin(self) -> None:
        """Starts to read what can be read now."""
        if self._is_over():
            return
        for feed in self.store.concluding - self.readers.keys():
            self._read(feed, self._conclude(feed))
        for unit in self.plan.ready(self.readers):
            self._read(unit.name, self._follow(unit))

    def _read(self, name: str, reading: Coroutine[Any, Any, None]) -> None:
        self.readers[name] = asyncio.ensure_future(reading)
        self.readers[name].add_done_callback(lambda _: self.news.set())

    async def _until_news(self) -> None:
        """Until a page was committed, a reader ended, or a feed can be asked again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.plan.next_in()):
                await self.news.wait()
        self.news.clear()

    def _collect(self) -> None:
        """Raises what a reader raised: it ends the turn."""
        for name, task in list(self.readers.items()):
            if task.done():
                del self.readers[name]
                task.result()

    async def _await_job(self) -> bool:
        """Waits until a vendor's job is to be asked about, if that is soon; whether it was worth it."""
        pause = self.plan.next_in(jobs=True)
        if pause is None or pause > self.jobs_until:
            return False
        self.jobs_until -= pause
        await wait(pause + 0.001, self.stopping)
        return True

    def _is_over(self) -> bool:
        """Whether to begin no more pages: not before something was read, and some of the backfill if it is unfinished."""
        if self.stopping.is_set():
            return True
        if time.monotonic() <= self.until or self.tally.pages == 0:
            return False
        return self.plan.backfilled > self.begun or not self.plan.backfilling

    # ------------------------------------------------------------ one feed

    async def _follow(self, unit: Unit) -> None:
        """Reads and commits the pages of a feed until it has no more for now."""
        ahead: Ahead | None = None
        try:
            cursor, version = self.store.cursors.get(unit.name), self.store.versions[whole(unit.name)]
            while True:
                read = await (self._ask(unit, cursor, version, room.Held()) if ahead is None else self._caught_up_with(ahead))
                ahead = None
                page = read.page
                goes_on = page.more and not (page.done or page.parts or page.restart or page.wait or self._is_over())
                # Beside a page that takes the hall there is no room for the next one.
                if goes_on and not read.held.wide:
                    ahead = self._ahead(unit, page.cursor, version)
                await self._take(unit, read)
                if not goes_on or (ahead is None and self._is_over()):
                    return
                cursor = page.cursor
        except OF_ONE_FEED as exc:
            await self.troubles.left_out(unit, exc)
        except Outdated:
            return
        finally:
            if ahead is not None:
                await end([ahead.task])
                ahead.held.give_back()

    def _ahead(self, unit: Unit, cursor: Cursor, version: int) -> Ahead:
        held = room.Held(ahead=True)
        return Ahead(unit, cursor, version, held, asyncio.ensure_future(self._ask(unit, cursor, version, held)))

    async def _caught_up_with(self, ahead: Ahead) -> Read:
        """The page that was asked for ahead of another one, which is committed now."""
        ahead.held.ahead = False
        try:
            return await ahead.task
        except room.Crowded:
            return await self._ask(ahead.unit, ahead.cursor, ahead.version, ahead.held)

    async def _ask(self, unit: Unit, cursor: Cursor | None, version: int, held: room.Held) -> Read:
        async with self.requests:
            self.tally.feed = unit.name
            read_from = self.store.clock
            room.belongs_to(held)
            try:
                page = await self.vendor.page(unit.feed, cursor)
            except BaseException:
                held.give_back()
                raise
        return Read(page, read_from, version, cursor is None, held)

    async def _take(self, unit: Unit, read: Read) -> None:
        """Commits one page."""
        page = read.page
        with read.held:
            batch = Batch(list(page.changes), list(page.refused))
            found = await self.objects.of(page.hints)
            batch.add(found.answers)
            step = self._step(unit, read, found.restart)
            again = await self.store.commit(step, self.young(batch), read.read_from)
            while again:
                read_from = self.store.clock
                known, batch = batch.changes, Batch()
                batch.add((await self.objects.of(again, known)).answers)
                again = await self.store.commit(step.going_on(), self.young(batch), read_from)
        await self._note(unit, page)
        await self.objects.report(found)

    def _step(self, unit: Unit, read: Read, restart: tuple[str, ...]) -> Step:
        page = read.page
        facts: dict[str, Any] = {"more": page.more}
        if read.first and unit.name == unit.feed.name:
            facts["first"] = True
        if page.parts:
            facts["parts"] = [{"name": part.name, "cursor": part.cursor} for part in page.parts]
        if again := (*page.restart, *restart):
            facts["restart"] = list(dict.fromkeys(again))
        facts |= {name: value for name, value in (("wait", page.wait), ("total", page.total)) if value is not None}
        return Step(unit.name, page.cursor, page.done, read.version, facts)

    def young(self, batch: Batch) -> Batch:
        """Without the objects that are too old for the sync."""
        if self.since is not None:
            batch.changes = [change for change in batch.changes if not _is_older(change, self.since)]
        return batch

    async def _note(self, unit: Unit, page: Page) -> None:
        self.plan.note(unit, page)
        self.news.set()
        self.troubles.mended(unit.name)
        if page.notice:
            self.tally.notice = page.notice
            log.warning("sync notice", sync=self.tally.sync_id, feed=unit.name, notice=page.notice)
        self.tally.pages += 1
        self._show()
        if unit.feed.kind == "sweep" and unit.feed.name in self.store.done:
            self.plan.rest(unit.feed)
            await self._conclude(unit.feed.name)

    def _show(self) -> None:
        self.tally.seconds = time.monotonic() - self.begun
        self.progress(self.tally)

    # ------------------------------------------------------------ what a pass or an age ends

    async def _conclude(self, feed: str) -> None:
        """Makes tombstones of what did not come up in a complete pass, in steps; what a turn leaves of them is the next one's."""
        self.store.concluding.add(feed)
        doubtful = DOUBTFUL
        while not self._is_over():
            unseen = await self.store.conclude(feed, doubtful)
            if unseen is None:
                return
            if unseen:
                doubtful = doubtful - len(unseen) if await self._are_gone(feed, unseen) else 0

    async def _are_gone(self, feed: str, unseen: Sequence[Hint]) -> bool:
        """Asks for each of a few that did not come up: lists pass over an object now and then. Whether the vendor answered."""
        read_from = self.store.clock
        batch = Batch()
        with room.Held():
            try:
                batch.add((await self.objects.of(unseen)).answers)
            except ProviderError as exc:
                log.debug("what a sweep did not see was not asked for", sync=self.tally.sync_id, feed=feed, error=exc.message)
                return False
            await self.store.note_seen(feed, self.young(batch), read_from)
        return True

    async def _trim(self) -> None:
        if self.since is None:
            return
        until = time.monotonic() + TRIMMING
        while not self.stopping.is_set() and await self.store.trim() and time.monotonic() < until:
            pass


def _is_older(change: Change, since: datetime) -> bool:
    return change.upstream_created_at is not None and change.upstream_created_at < since
