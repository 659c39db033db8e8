"""The poller: claims syncs that are due, works on several at once, and survives what happens to its database and its vendors."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from pgsluice.db import leases, secrets
from pgsluice.db.connect import waits
from pgsluice.db.errors import DatabaseUnavailable, LeaseLost, SluiceError
from pgsluice.db.leases import ClaimedSync
from pgsluice.db.statements import Pool
from pgsluice.poller import describing, subscribing
from pgsluice.poller.chores import Chores, Means
from pgsluice.poller.consenting import Consenting
from pgsluice.poller.describing import Describer
from pgsluice.poller.exchanges import Exchanges
from pgsluice.poller.failing import advised, delay
from pgsluice.poller.knowing import know
from pgsluice.poller.mutating import Writer
from pgsluice.poller.places import LOOK, TURNS_A_PLACE, Horizon, Places
from pgsluice.poller.pull import Stopped, Turn
from pgsluice.poller.session import Session, end, first_of, unexpected
from pgsluice.poller.settings import Settings
from pgsluice.poller.subscribing import Subscriber
from pgsluice.poller.tally import Tally
from pgsluice.poller.transport import Transport
from pgsluice.providers.errors import ProviderError, RateLimited

__all__ = ["Poller", "Settings"]

# After SIGTERM the page at hand may still be finished, but the process ends within ten seconds.
LAST_PAGE: Final = 6.0
# Syncs of a poller that died are found this often; nothing announces them.
LONGEST_SLEEP: Final = 2.0
# A poller of which nothing was heard for 10 s is dead.
DEAD: Final = 11.0
# Seconds that one sync is worked on while others may wait. To go on with it later costs two calls of the database.
TURN: Final = 15.0
# What falls due is looked for no more often than this, so that a thousand syncs are not claimed, and asked, one by one. Where they are
# asked seldom (poll_interval): half as often, since most of what a poller costs then is to wake up.
GRAIN: Final = 0.5
COARSE: Final = 1.0
# A database that was back for so many seconds is a new loss when it goes away again.
STEADY: Final = 5.0

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


def _quiet(_tally: Tally) -> None:
    """Progress that nobody asked for."""


class Poller:
    """One poller process. `stop()` ends it after the page at hand; `run` and `run_once` then return."""

    def __init__(
        self,
        conninfo: str,
        key: secrets.MasterKey | None,
        settings: Settings | None = None,
        *,
        progress: Callable[[Tally], None] = _quiet,
    ) -> None:
        self.conninfo = conninfo
        self.key = key
        self.settings = settings or Settings()
        self.progress = progress
        self._grain = min(max(GRAIN, self.settings.poll_interval / 60), COARSE)
        self.stopping = asyncio.Event()
        self.tallies: list[Tally] | None = None  # kept by run_once only
        self.writes: Counter[str] = Counter()  # items of mutations by how they ended
        self.put_back = 0  # of run_once: items that are to be tried again later
        self._exchanges = Exchanges(conninfo, self.settings.database_patience)
        self._session = Session(conninfo)
        self._places = Places(self.settings.workers, self._session.woken)
        self._opened: float | None = None  # when this session's connections were open

    def stop(self) -> None:
        """Ends the poller soon. Safe to call from a signal handler of the event loop."""
        self.stopping.set()

    async def run(self) -> None:
        """Works until `stop`. Raises SL401 once the database has been away for longer than the patience."""
        await self._patiently(
            lambda: first_of(
                self._serve(), self._writer.serve(), self._describer.serve(), self._consenting.serve(), self._subscriber.serve()
            )
        )

    async def run_once(self) -> list[Tally]:
        """Reads every sync that nobody else works on, due or not, until it is caught up; what became of each. Raises SL401 as `run`."""
        self.tallies = []
        await self._patiently(self._drain)
        return self.tallies

    # ------------------------------------------------------------ sessions

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does `work` in a session, and again in a new one after a lost database, while the patience lasts."""
        leave: set[str] = set()
        pauses: Iterator[float] = iter(())
        first = True
        sockets = self.settings.workers * TURNS_A_PLACE + 200
        async with Transport(allow_private=self.settings.allow_private_addresses, connections=sockets) as self.transport:
            try:
                while True:
                    self._session, self._opened = Session(self.conninfo, exchanges=self._exchanges), None
                    self._places = Places(self.settings.workers, self._session.woken)
                    self._writer = Writer(self._session, self.transport, self.key, self.stopping, self.writes)
                    means = Means(self._session, self.transport, self.key, self.stopping)
                    self._describer = Chores(self._session, Describer(means), self._session.asked, describing.LONGEST_SLEEP)
                    subscriber = Subscriber(means, self.settings.public_url)
                    self._subscriber = Chores(self._session, subscriber, self._session.subscribing, subscribing.LONGEST_SLEEP)
                    self._consenting = Consenting(self._session, self.transport, self.key, self._exchanges)
                    try:
                        await self._session.run(lambda: self._stoppable(work), leave=leave, opened=self._note_opened)
                    except DatabaseUnavailable as exc:
                        if first or self._was_steady():
                            pauses = waits(self.settings.database_patience)
                        first = False
                        if await self._wait_for_database(exc, next(pauses, None)):
                            continue
                    return
            finally:
                await self._exchanges.finished()

    async def _wait_for_database(self, error: DatabaseUnavailable, seconds: float | None) -> bool:
        """Whether to try again. Raises `error` when the patience is at its end."""
        if self.stopping.is_set():
            return False
        if seconds is None:
            raise error
        log.warning("database away", error=error.message, retry_in=round(seconds, 1))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        return not self.stopping.is_set()

    def _note_opened(self) -> None:
        self._opened = time.monotonic()
        log.info("poller ready", poller=self._session.poller_id, workers=self.settings.workers)

    def _was_steady(self) -> bool:
        return self._opened is not None and time.monotonic() - self._opened > STEADY

    async def _stoppable(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does `work` until it ends or the poller is to stop; then the pages at hand have LAST_PAGE to be finished."""
        working = asyncio.ensure_future(work())
        stop = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
            elif under_way := {*self._places.tasks, *self._writer.tasks}:
                working.cancel()  # begins no more turns and writes
                await asyncio.wait(under_way, timeout=LAST_PAGE)
        finally:
            await end({working, stop, *self._places.tasks, *self._writer.tasks})
            if self.stopping.is_set():
                # While this poller still counts as alive: nobody else asks the vendor in between.
                await self._exchanges.finished()

    # ------------------------------------------------------------ which syncs

    async def _serve(self) -> None:
        """Gives a free place to the sync that has waited longest, for ever."""
        session, places, horizon = self._session, self._places, Horizon()
        while True:
            if session.woken.is_set():
                horizon.hurry()
            session.woken.clear()
            free = places.free()
            claimed: Sequence[ClaimedSync] = ()
            if free:
                claimed = await leases.claim(session.control, session.poller_id, free, since=horizon.since())
                horizon.note(claimed, free)
            for sync in claimed:
                self._start(sync, TURN)
            if len(claimed) == free:
                # Nobody knows how much more is due. If no place is free, an end is news, and a slow turn is none.
                await places.until_news(0.0 if places.free() else LOOK)
            else:
                await places.until_news(self._grain if claimed else await self._next_due(horizon.moment))

    async def _next_due(self, since: datetime | None) -> float:
        due = await leases.due(self._session.control, self._session.poller_id, since=since)
        # If some are due they came this very moment, or somebody else is about to take them.
        next_in = due.next_in.total_seconds() if due.next_in is not None else LONGEST_SLEEP
        return self._grain if due.due else min(max(next_in, self._grain), LONGEST_SLEEP)

    async def _drain(self) -> None:
        """Each sync once; in a second session those that have not been concluded.

        Waits for those that another poller holds, for as long as it takes to see that one is dead.
        """
        session = self._session
        self.put_back = await self._writer.drain()
        await self._describer.drain()
        await self._subscriber.drain()
        end = time.monotonic() + DEAD
        while True:
            session.woken.clear()
            concluded = {tally.sync_id for tally in self.tallies or ()}
            claimed = await leases.claim(session.control, session.poller_id, 10_000, ignore_schedule=True)
            await self._read([sync for sync in claimed if sync.sync_id not in concluded])
            due = await leases.due(session.control, session.poller_id)
            held = due.held
            if not held:
                return
            if time.monotonic() > end:
                log.warning("left out what other pollers read", syncs=held)
                return
            await self._places.until_news(0.5)

    async def _read(self, syncs: Sequence[ClaimedSync]) -> None:
        waiting = list(reversed(syncs))
        while waiting or self._places.tasks:
            self._session.woken.clear()
            for _ in range(min(self._places.free(), len(waiting))):
                self._start(waiting.pop(), float("inf"))
            await self._places.until_news(LOOK, ends=True)

    def _start(self, sync: ClaimedSync, seconds: float) -> None:
        self._places.start(lambda lent: self._turn(sync, lent, seconds), self._session)

    # ------------------------------------------------------------ one turn

    async def _turn(self, sync: ClaimedSync, pool: Pool, seconds: float) -> None:
        """One sync until it is caught up or fails. Raises only DatabaseUnavailable."""
        begun = time.monotonic()
        tally = Tally(sync.sync_id)
        try:
            await self._pull(pool, sync, tally, seconds)
        except LeaseLost:
            tally.outcome = "lost"
            # A sync that was paused is still in our name.
            await leases.release(pool, self._session.poller_id, sync)
        tally.seconds = time.monotonic() - begun
        if self.tallies is not None:
            self.tallies.append(tally)
        _log(tally)
        self.progress(tally)

    async def _pull(self, pool: Pool, sync: ClaimedSync, tally: Tally, seconds: float) -> None:
        poller_id = self._session.poller_id
        try:
            await know(pool, [sync.provider])
            turn = Turn(
                sync,
                pool,
                poller_id,
                self.transport,
                self.key,
                stopping=self.stopping,
                progress=self.progress,
                tally=tally,
                seconds=seconds,
                exchanges=self._exchanges,
                grants=self._session.grants,
                aside=self._session,
            )
            await turn.run()
            await self._finish(pool, sync, turn)
            if sync.attempt:
                log.info("sync recovered", sync=sync.sync_id, failures=sync.attempt)
            tally.outcome = "caught_up" if tally.error is None else "partial"
        except Stopped:
            tally.outcome = "stopped"
            await leases.release(pool, poller_id, sync)
        except (DatabaseUnavailable, LeaseLost):
            raise
        except (ProviderError, SluiceError) as exc:
            await self._failed(pool, sync, tally, exc)
        except Exception as exc:  # noqa: BLE001  a bug in one provider stops one sync, not the poller
            await self._failed(pool, sync, tally, unexpected(exc))

    async def _finish(self, pool: Pool, sync: ClaimedSync, turn: Turn) -> None:
        pause = timedelta(seconds=self.settings.poll_interval)
        pages = turn.store.put_off
        together = turn.complete and turn.tally.error is None and self.tallies is None
        if together and await self._session.ends.ask(leases.Ended(sync, pause, pages)):
            return
        await leases.finish(pool, self._session.poller_id, sync, pause, complete=turn.complete, pages=pages)

    async def _failed(self, pool: Pool, sync: ClaimedSync, tally: Tally, exc: ProviderError | SluiceError) -> None:
        tally.outcome = "rate_limited" if isinstance(exc, RateLimited) else "error"
        tally.error = advised(exc, sync.credential_id)
        # A page that went through begins a new row of failures.
        retry_in = timedelta(seconds=delay(exc, 0 if tally.pages else sync.attempt))
        await leases.fail(pool, self._session.poller_id, sync, status=tally.outcome, error=tally.error, retry_in=retry_in)


def _log(tally: Tally) -> None:
    facts = {"sync": tally.sync_id, "outcome": tally.outcome, "pages": tally.pages, "seconds": round(tally.seconds, 2)}
    counts = {"new": tally.new, "changed": tally.changed, "quarantined": tally.quarantined}
    if tally.error is not None:
        say = log.error if tally.outcome == "error" else log.warning
        say(
            "sync read in part" if tally.outcome == "partial" else "sync failed",
            **facts,
            **counts,
            code=tally.error["code"],
            error=tally.error["message"],
            hint=tally.error["hint"],
        )
    elif tally.outcome == "lost":
        log.warning("sync taken over by another poller, or paused", **facts, **counts)
    elif tally.new or tally.changed or tally.quarantined:
        log.info("sync read", **facts, **counts)
    else:
        log.debug("sync read", **facts, **counts)
