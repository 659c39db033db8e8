"""Which turns a poller has under way, how many more it may begin, and from when on it looks for syncs that are due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final

from pgsluice.db.leases import ClaimedSync
from pgsluice.db.statements import Connection, Pool

# Seconds after which a turn that did not call the database is waiting for its vendor. It costs a socket and its memory then, and gives its
# place away: vendors that hang or drip hold up nobody. So many turns for each place are the end of it.
SLOW: Final = 5.0
TURNS_A_PLACE: Final = 8
# Slow ones are looked for so often while all places are taken.
LOOK: Final = 1.0
# What fell due long ago and is still there (a poller died, a sync was created in a long transaction) is looked for less often: under an
# old snapshot that is a walk over all that was claimed since. So many seconds apart, and never more than this share of the time.
WALK: Final = 2.0
WALK_SHARE: Final = 0.02
# Between the clock that a row is written with and its commit.
SLACK: Final = timedelta(seconds=5)


class Lent:
    """A pool as one turn uses it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._calls = 0
        self._used = time.monotonic()

    @property
    def quiet(self) -> float:
        """Seconds since the turn's last call of the database ended; 0 while there is one."""
        return 0.0 if self._calls else time.monotonic() - self._used

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        self._calls += 1
        try:
            async with self._pool.connection() as conn:
                yield conn
        finally:
            self._calls -= 1
            self._used = time.monotonic()


class Places:
    """The turns under way, in `size` places. `news` is set when one ends while none was free, and when one has failed."""

    def __init__(self, size: int, news: asyncio.Event) -> None:
        self._size = size
        self._news = news
        self._turns: dict[asyncio.Task[None], Lent] = {}
        self._failures: list[BaseException] = []
        self._wanted = False

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        return set(self._turns)

    def free(self) -> int:
        """How many turns may begin now."""
        busy = len(self._turns)
        if busy >= self._size:
            busy -= sum(lent.quiet > SLOW for lent in self._turns.values())
        free = min(self._size - busy, self._size * TURNS_A_PLACE - len(self._turns))
        self._wanted = free <= 0
        return max(free, 0)

    def start(self, work: Callable[[Lent], Coroutine[Any, Any, None]], pool: Pool) -> None:
        lent = Lent(pool)
        task = asyncio.ensure_future(work(lent))
        self._turns[task] = lent
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._turns.pop(task, None)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            self._failures.append(failure)
        if failure is not None or self._wanted:
            self._news.set()

    async def until_news(self, seconds: float, *, ends: bool = False) -> None:
        """Until there is news, or `seconds` have passed. `ends`: each turn that ends is news. Raises what a turn raised."""
        self._wanted = self._wanted or ends
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        if self._failures:
            raise self._failures.pop()


class Horizon:
    """From when on due syncs are looked for: the oldest first, without looking again and again at those that were claimed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: tuple[datetime, float] | None = None  # nothing that fell due before waits, as of then; it moves on with time
        self._still = True  # while more is due than is taken, it does not
        self._walk_at = 0.0  # the next look at all
        self._walk_again = 0.0  # not earlier, whatever happens
        self._walking = 0.0

    def hurry(self) -> None:
        """Something was announced: it may be older than the horizon."""
        self._walk_at = min(self._walk_at, self._walk_again)

    def since(self) -> datetime | None:
        """For the next claim. None: whatever is due."""
        now = self._clock()
        self._walking = now if now >= self._walk_at or self._known is None else 0.0
        return None if self._walking else self.moment

    @property
    def moment(self) -> datetime | None:
        """Where the horizon is; None: not known yet."""
        if self._known is None:
            return None
        moment, at = self._known
        return moment - SLACK + timedelta(seconds=0.0 if self._still else self._clock() - at)

    def note(self, claimed: Sequence[ClaimedSync], asked: int) -> None:
        """What the claim brought."""
        now = self._clock()
        if self._walking:
            self._walk_again = now + (now - self._walking) / WALK_SHARE
            self._walk_at = max(now + WALK, self._walk_again)
        if not claimed:
            if self._still and self._known is not None:
                # Nothing is left: time goes on from where it stood. Conservative by as long as that was.
                self._known, self._still = (self._known[0], now), False
            return
        self._still = len(claimed) == asked
        last = max(sync.due_at or sync.clock for sync in claimed) if self._still else claimed[0].clock
        self._known = (last, now)
