"""Exchanges with vendors whose answer exists once: a new pair of tokens, or the tokens for a code.

What a vendor has answered is stored, whatever becomes of the turn that wanted it, of the session and of the wish that the process end.
An exchange stores on a connection of its own, and comes back while the database is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from pgsluice.db.connect import connect_async, retry_while_away_async
from pgsluice.db.statements import Connection
from pgsluice.providers.errors import Unavailable

# Seconds that a vendor has for one of them. A poller that is to end waits as long; whoever finds one begun waits longer (_renewal_claim).
LIMIT: Final = 30.0

T = TypeVar("T")


class Exchanges:
    """Those of one poller, over all of its sessions. `patience`: how long a lost database is waited for with an answer in hand."""

    def __init__(self, conninfo: str, patience: float) -> None:
        self._conninfo = conninfo
        self._patience = patience
        self._tasks: set[asyncio.Future[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """`work` on its way, to be waited for by `finished`."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # who wanted it may be gone

    async def kept(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns. It goes on where the caller is cancelled."""
        return await asyncio.shield(self.begin(work))

    async def stored(self, call: Callable[[Connection], Awaitable[T]]) -> T:
        """What `call` returns on a connection of its own, made again while the database is away. SL401 once the patience is at its end."""

        async def once() -> T:
            async with await connect_async(self._conninfo) as conn:
                return await call(conn)

        return await retry_while_away_async(once, window=self._patience)

    async def finished(self) -> None:
        """Waits for those under way, as long as a vendor and the database may take."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=LIMIT + self._patience)


async def in_time(answer: Awaitable[T]) -> T:
    """What a vendor answers within the limit. Raises Unavailable."""
    try:
        async with asyncio.timeout(LIMIT):
            return await answer
    except TimeoutError:
        raise Unavailable(f"the vendor did not answer within {LIMIT:g} seconds", hint="it is asked again, with growing pauses") from None
