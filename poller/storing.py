"""One sync's pages on their way into the database: records and cursor together, and what Postgres cannot store into quarantine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Any, Final, TypeVar

import psycopg

from pgsluice.db import leases
from pgsluice.db.errors import SluiceError, make
from pgsluice.db.leases import ClaimedSync, PageResult
from pgsluice.poller.page import Batch
from pgsluice.poller.tally import Tally
from pgsluice.providers.base import Cursor, Hint

# Seconds one call of the database may take. It waits as long as somebody's open transaction holds one of the page's records.
DATABASE_CALL: Final = 60.0
_DEADLOCKS: Final = frozenset({"40001", "40P01"})
_ATTEMPTS: Final = 4

T = TypeVar("T")


class Store:
    """A claimed sync's feeds as they are committed. Every write raises LeaseLost once another poller has the sync."""

    def __init__(self, conn: psycopg.AsyncConnection[Any], poller_id: str, sync: ClaimedSync, tally: Tally) -> None:
        self._conn = conn
        self._poller_id = poller_id
        self._sync = sync
        self._tally = tally
        self.cursors: dict[str, Cursor | None] = {state.feed: state.cursor for state in sync.feeds}
        self.done = {state.feed for state in sync.feeds if state.done}
        # The database's clock behind the last commit: nothing that is asked for from now on can be older.
        self.clock: datetime = sync.clock

    async def move(self, feed: str, cursor: Cursor | None) -> None:
        """Puts a feed to another place, without records; None is its start."""
        await self.commit(feed, cursor, False, Batch(), self.clock)

    async def commit(self, feed: str, cursor: Cursor | None, done: bool, batch: Batch, read_from: datetime) -> tuple[Hint, ...]:
        """Commits a page; what has to be fetched again. Only the last part of a large one moves the cursor: repeating parts is silent.

        While something has to be fetched again the cursor stays: it moves with the commit of that.
        """
        *first, last = batch.parts()
        again: list[Hint] = []
        for part in first:
            again += await self._keeping_place(feed, part, read_from)
        if again:
            again += await self._keeping_place(feed, last, read_from)
        else:
            again += await self._store(feed, cursor, done, last, read_from)
        if not again:
            self.cursors[feed] = cursor
            self.done = (self.done | {feed}) if done else self.done - {feed}
        return tuple(again)

    async def _keeping_place(self, feed: str, batch: Batch, read_from: datetime) -> list[Hint]:
        return await self._store(feed, self.cursors.get(feed), feed in self.done, batch, read_from)

    async def _store(self, feed: str, cursor: Cursor | None, done: bool, batch: Batch, read_from: datetime) -> list[Hint]:
        """Commits a batch. What Postgres cannot store goes into quarantine, the rest is stored all the same."""
        try:
            result = await self._write(feed, cursor, done, batch, read_from)
        except SluiceError as exc:
            if not batch.changes or not _is_about_data(exc):
                raise
            if not await batch.sift(self._refusal):
                # Sound JSON, each of them: too much together, or one that a column, an index or a trigger refuses.
                if len(batch.changes) > 1:
                    one, two = batch.halves()
                    again = await self._keeping_place(feed, one, read_from)
                    if again:
                        return again + await self._keeping_place(feed, two, read_from)
                    return await self._store(feed, cursor, done, two, read_from)
                batch.refuse_all(exc.message)
            return await self._store(feed, cursor, done, batch, read_from)
        self.clock = result.clock
        self._tally.add(result, len(batch.refused))
        return [Hint(*item) for item in result.refetch]

    async def _write(self, feed: str, cursor: Cursor | None, done: bool, batch: Batch, read_from: datetime) -> PageResult:
        records, quarantine = batch.records(), batch.quarantine()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await bounded(
                    leases.commit_page(
                        self._conn,
                        self._poller_id,
                        self._sync,
                        feed=feed,
                        cursor=cursor,
                        done=done,
                        records=records,
                        quarantine=quarantine,
                        read_from=read_from,
                    )
                )
            except SluiceError as exc:
                if exc.code not in _DEADLOCKS or attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    async def _refusal(self, raw: str) -> str | None:
        return await bounded(leases.jsonb_refusal(self._conn, raw))


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
