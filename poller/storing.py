"""One sync's pages on their way into the database: records and cursor together, and what Postgres cannot store into quarantine."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import structlog

from pgsluice.db import leases, reading, wanting
from pgsluice.db.errors import DatabaseUnavailable, LeaseLost, SluiceError, make
from pgsluice.db.leases import ClaimedSync, NewPage, PageResult
from pgsluice.db.statements import Database
from pgsluice.poller.page import MAX_COMMIT, Batch
from pgsluice.poller.tally import Tally
from pgsluice.providers.base import Cursor, Feed, Hint
from pgsluice.providers.errors import ProviderError

# Seconds one call of the database may take. It waits as long as somebody's open transaction holds one of the page's records.
DATABASE_CALL: Final = 60.0
_DEADLOCKS: Final = frozenset({"40001", "40P01"})
_ATTEMPTS: Final = 4
# In place of a feed: single objects that somebody wants, whatever feed they belong to.
WANTED: Final = ""

T = TypeVar("T")

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class Outdated(Exception):
    """The feed is read again from its start: what was read before that must not move its cursor."""


@dataclass(frozen=True)
class Step:
    """Where a page takes its feed, and what else it says (as `leases.commit_pages` takes it). `version`: the reading that it belongs to."""

    feed: str
    cursor: Cursor | None
    done: bool
    version: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, Cursor]:
        return {f"{self.feed}/{part['name']}": part["cursor"] for part in self.facts.get("parts", ())}

    def piece(self) -> Step:
        """What a piece of the page that is not its last one says."""
        kept = {"last": False} | ({"first": True} if self.facts.get("first") else {})
        return replace(self, cursor=None, done=False, facts=kept)

    def going_on(self) -> Step:
        """The rest of a page of which a piece is committed."""
        return replace(self, facts={name: value for name, value in self.facts.items() if name != "first"})


@dataclass(eq=False)
class _Waiting:
    """A batch that waits to be committed, then what became of it."""

    step: Step
    batch: Batch
    read_from: datetime
    result: PageResult | None = None
    error: Exception | None = None

    @property
    def stored(self) -> bool:
        return self.result is not None or self.error is not None

    @property
    def is_sociable(self) -> bool:
        """Whether it may be committed with others. What it does to other feeds, or its quarantine, must not concern them."""
        return self.step.feed != WANTED and not self.batch.refused and "restart" not in self.step.facts

    def new(self) -> NewPage:
        step = self.step
        return NewPage(step.feed, step.cursor, step.done, self.batch.stated(), self.read_from, self.batch.quarantine(), step.facts)

    def share(self, result: PageResult, *, first: bool) -> PageResult:
        """Its own part of what became of it and others; the counts of all are told with the first one."""
        refetch = result.refetch
        if refetch:
            own = {(change.collection_id, change.upstream_id) for change in self.batch.changes}
            refetch = tuple(item for item in refetch if item in own)
        return replace(result, refetch=refetch) if first else PageResult(0, 0, 0, 0, refetch, result.clock)


def whole(name: str) -> str:
    """The feed that a part belongs to; of a feed itself, it."""
    return name.partition("/")[0]


class Store:
    """A claimed sync's feeds as they are committed. Every write raises LeaseLost once another poller has the sync.

    Pages of several feeds may come at once: one transaction at a time, with all that waits when it begins.
    """

    def __init__(self, conn: Database, poller_id: str, sync: ClaimedSync, tally: Tally) -> None:
        self._conn = conn
        self.poller_id = poller_id
        self.sync = sync
        self.sync_id = sync.sync_id
        self._tally = tally
        self._one_by_one = asyncio.Lock()
        self._waiting: list[_Waiting] = []
        self.cursors: dict[str, Cursor | None] = {state.feed: state.cursor for state in sync.feeds}
        self.done = {state.feed for state in sync.feeds if state.done}
        self.concluding = {state.feed for state in sync.feeds if state.concluding}
        self.versions: defaultdict[str, int] = defaultdict(int)
        self._put_off: dict[str, tuple[Step, datetime]] = {}
        # The database's clock behind the last commit: nothing that is asked for from now on can be older.
        self.clock: datetime = sync.clock

    async def declare(self, feeds: Sequence[Feed]) -> None:
        """Tells the database what is read for this sync, where it does not know yet."""
        known = {state.feed: (state.kind, state.collection_ids, state.every) for state in self.sync.feeds if state.kind != "part"}
        said = {feed.name: (feed.kind, feed.collection_ids, _seconds(feed.every)) for feed in feeds}
        if known == said:
            return
        for name in [name for name in self.cursors if whole(name) not in said]:
            del self.cursors[name]
            self.done.discard(name)
            self.concluding.discard(name)
        rows = [{"feed": name, "kind": kind, "collection_ids": ids, "every": every} for name, (kind, ids, every) in said.items()]
        await bounded(reading.declare(self._conn, self.poller_id, self.sync, rows))

    def parts(self, feed: str) -> list[str]:
        """The parts of a feed that are not yet read to their end."""
        if self.cursors.get(feed) is None:
            return []
        return [name for name in self.cursors if name.startswith(f"{feed}/") and name not in self.done]

    async def settle_wanted(self, batch: Batch, facts: Mapping[str, Any], read_from: datetime) -> None:
        """Commits what was fetched of them; no feed's cursor moves. What has to be fetched again stays wanted."""
        *first, last = batch.parts()
        step = Step(WANTED, None, done=False, facts=facts)
        for part in first:
            await self._store(step.piece(), part, read_from)
        await self._store(step, last, read_from)

    async def put_off_wanted(self, objects: Sequence[tuple[str, str]]) -> int:
        """These cannot be fetched now; how many were given up."""
        async with self._one_by_one:
            return await bounded(wanting.put_off(self._conn, self.poller_id, self.sync, objects))

    async def commit(self, step: Step, batch: Batch, read_from: datetime) -> tuple[Hint, ...]:
        """Commits a page; what has to be fetched again. Only the last part of a large one moves the cursor: repeating parts is silent.

        While something has to be fetched again the cursor stays: it moves with the commit of that. Raises Outdated.
        """
        if _says_nothing(step, batch) and step.version == self.versions[whole(step.feed)]:
            # To read it again would be as good as to store it: the end of the turn does that along the way.
            self._put_off[step.feed] = (step, read_from)
            self.cursors[step.feed] = step.cursor
            return ()
        *first, last = batch.parts()
        again: list[Hint] = []
        for part in first:
            again += await self._store(step.piece(), part, read_from)
            step = step.going_on()
        again += await self._store(step.piece() if again else step, last, read_from)
        return tuple(again)

    @property
    def put_off(self) -> list[dict[str, Any]]:
        """Pages that are not yet committed, as `leases.finish` takes them."""
        return [
            {"feed": step.feed, "cursor": step.cursor, "read_from": read_from.isoformat(), "facts": step.facts}
            for step, read_from in self._put_off.values()
        ]

    async def catch_up(self) -> None:
        """Commits what was put off: the turn does not come to its end."""
        for step, read_from in list(self._put_off.values()):
            await self._store(step, Batch(), read_from)

    async def fail(self, feed: str, error: ProviderError, retry_in: float, cursor: Cursor | None = None) -> None:
        """Leaves a feed out until `retry_in` seconds have passed; `cursor`: where it goes on then, None: where it is."""
        async with self._one_by_one:
            await bounded(
                reading.fail(
                    self._conn,
                    self.poller_id,
                    self.sync,
                    feed=feed,
                    error=error.as_dict(),
                    retry_in=timedelta(seconds=retry_in),
                    cursor=cursor,
                )
            )
            if cursor is not None:
                self.cursors[feed] = cursor

    async def conclude(self, feed: str, doubtful: int) -> tuple[Hint, ...] | None:
        """The next step of a sweep's conclusion; None: it was the last one.

        If it would make tombstones of up to `doubtful` objects it makes none, and answers hints at them.
        """
        async with self._one_by_one:
            step = await bounded(reading.conclude(self._conn, self.poller_id, self.sync, feed, max_doubtful=doubtful))
        self.clock = step.clock
        self._tally.changed += step.deleted
        if not step.more:
            self.concluding.discard(feed)
            return None
        return tuple(Hint(*item) for item in step.doubtful)

    async def note_seen(self, feed: str, batch: Batch, read_from: datetime) -> None:
        """Commits what the vendor answered of objects that a sweep's pass did not see."""
        await self._store(Step(feed, None, done=False, version=self.versions[feed], facts={"last": False}), batch, read_from)

    async def trim(self) -> bool:
        """The next step of removing what is older than the sync keeps; whether there is another."""
        async with self._one_by_one:
            return await bounded(reading.trim(self._conn, self.poller_id, self.sync))

    def forget(self, feed: str) -> None:
        """The feed is at its start again, as the database has it."""
        for name in [name for name in self.cursors if whole(name) == feed]:
            del self.cursors[name]
            self.done.discard(name)
            self._put_off.pop(name, None)
        self.concluding.discard(feed)
        self.versions[feed] += 1

    # ------------------------------------------------------------ one commit

    async def _store(self, step: Step, batch: Batch, read_from: datetime) -> list[Hint]:
        """Commits a batch. What Postgres cannot store goes into quarantine, the rest is stored all the same."""
        try:
            result = await self._write(step, batch, read_from)
        except SluiceError as exc:
            if not batch.changes or not _is_about_data(exc):
                raise
            if not await batch.sift(self._refusal):
                # Sound JSON, each of them: too much together, or one that a column, an index or a trigger refuses.
                if len(batch.changes) > 1:
                    one, two = batch.halves()
                    again = await self._store(step.piece(), one, read_from)
                    rest = step.going_on()
                    return again + await self._store(rest.piece() if again else rest, two, read_from)
                batch.refuse_all(exc.message)
            return await self._store(step, batch, read_from)
        self._tally.add(result, len(batch.refused))
        return [Hint(*item) for item in result.refetch]

    async def _write(self, step: Step, batch: Batch, read_from: datetime) -> PageResult:
        """Commits a batch, in one transaction with what else waits for that: nothing waits for more to come."""
        page = _Waiting(step, batch, read_from)
        self._waiting.append(page)
        try:
            async with self._one_by_one:
                if not page.stored:
                    await self._write_together(self._company(page))
        finally:
            if page in self._waiting:
                self._waiting.remove(page)
        if page.error is not None:
            raise page.error
        assert page.result is not None  # stored under the lock
        return page.result

    def _company(self, page: _Waiting) -> list[_Waiting]:
        """The page, and those that wait beside it, as far as they fit."""
        company, size = [page], page.batch.size
        if not page.is_sociable:
            return company
        for other in self._waiting:
            if other is page or other.stored or not other.is_sociable or other.step.feed in {each.step.feed for each in company}:
                continue
            size += other.batch.size
            if size > MAX_COMMIT:
                break
            company.append(other)
        return company

    async def _write_together(self, company: Sequence[_Waiting]) -> None:
        """Commits the pages as one, or if that fails each by itself, so that none suffers from another. Under the lock."""
        for page in company:
            if page.step.version != self.versions[whole(page.step.feed)]:
                page.error = Outdated()
        company = [page for page in company if not page.stored]
        if len(company) > 1:
            try:
                result = await bounded(leases.commit_pages(self._conn, self.poller_id, self.sync, [page.new() for page in company]))
            except (LeaseLost, DatabaseUnavailable):
                raise
            except SluiceError as exc:
                log.debug("pages are committed one by one", sync=self.sync.sync_id, pages=len(company), code=exc.code)
            else:
                for place, page in enumerate(company):
                    page.result = page.share(result, first=not place)
                    self._note(page.step, page.result)
        for page in company:
            if not page.stored:
                await self._write_alone(page)

    async def _write_alone(self, page: _Waiting) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                page.result = await bounded(self._committed(page))
            except (LeaseLost, DatabaseUnavailable):
                raise
            except SluiceError as exc:
                if exc.code in _DEADLOCKS and attempt < _ATTEMPTS:
                    continue
                page.error = exc
            else:
                self._note(page.step, page.result)
            return

    def _committed(self, page: _Waiting) -> Awaitable[PageResult]:
        step, batch = page.step, page.batch
        if step.feed == WANTED:
            return wanting.commit(
                self._conn,
                self.poller_id,
                self.sync,
                records=batch.records(),
                quarantine=batch.quarantine(),
                read_from=page.read_from,
                facts=step.facts,
            )
        return leases.commit_pages(self._conn, self.poller_id, self.sync, [page.new()])

    def _note(self, step: Step, result: PageResult) -> None:
        """What the database knows now."""
        self.clock = result.clock
        if step.feed == WANTED:
            for name in step.facts.get("restart", ()):
                self.forget(name)
            return
        self._put_off.pop(step.feed, None)
        if result.refetch or step.facts.get("last") is False:
            return
        self.cursors[step.feed] = step.cursor
        self.cursors.update(step.parts)
        self.done = (self.done | {step.feed}) if step.done else self.done - {step.feed, *step.parts}
        feed = whole(step.feed)
        if step.done and feed != step.feed and not self.parts(feed):
            self.done.add(feed)
        for name in step.facts.get("restart", ()):
            if name != feed:
                self.forget(name)

    async def _refusal(self, raw: str) -> str | None:
        return await bounded(leases.jsonb_refusal(self._conn, raw))


def _says_nothing(step: Step, batch: Batch) -> bool:
    """Whether a page of changes had none, and no more is to come."""
    return not (batch.changes or batch.refused or step.done) and step.facts == {"more": False}


def _seconds(every: timedelta | None) -> float | None:
    return None if every is None else every.total_seconds()


async def bounded(call: Awaitable[T]) -> T:
    """What `call` of the database returns. Cancelled after DATABASE_CALL, on the server too: code 57014, as for a statement timeout."""
    try:
        async with asyncio.timeout(DATABASE_CALL):
            return await call
    except TimeoutError:
        raise make(
            f"the database did not finish within {DATABASE_CALL:g} seconds",
            code="57014",
            hint="look for a transaction that is left open and holds records of this sync (pg_stat_activity)",
        ) from None


def _is_about_data(exc: SluiceError) -> bool:
    """Whether Postgres refused what it was given: a data exception (class 22, which reads as SL001) or a limit (class 54)."""
    return exc.code == "SL001" or exc.code[:2] in {"22", "54"}
