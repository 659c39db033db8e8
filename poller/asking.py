"""One sync's requests: sent, read by its provider, and sent again where that is likely to help soon."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from pgsluice.poller.transport import Transport
from pgsluice.providers.base import Change, Credential, Cursor, Feed, Hint, Page, Provider, Refused, Request, Response
from pgsluice.providers.errors import ProviderError, RateLimited
from pgsluice.providers.limits import Backoff

FETCHES: Final = 8  # objects behind hints that are asked for at once
# A pause of up to so many seconds that the vendor asks for is waited for under the lease; a longer one gives the sync back.
SHORT_PAUSE: Final = 5.0
# A hiccup does not break a sync: a page is asked for twice more, at once nearly. An object behind a hint is asked for more often, since
# with it the whole page of hints would have to be fetched again, and would run into the same limit again.
PAGE_TRIES: Final = 2
HINT_TRIES: Final = 8
BETWEEN: Final = Backoff(base=0.5, cap=2.0)  # limits are counted by the second
# A reply of more bytes is read in a thread: the heartbeats must not wait for it.
LARGE_REPLY: Final = 1024 * 1024

T = TypeVar("T")


async def _unlimited() -> None:
    """The pace of a sync without a rate limit."""


class Stopped(Exception):
    """The turn ends early; the page at hand was committed or dropped, the next one was not begun."""


class Vendor:
    """A provider's account, as one sync may ask it. Raises ProviderError, SL209, and Stopped once `stopping` is set while it waits.

    `pace`: asked before each request, how many seconds the sync's rate limit makes it wait; not again once it has said None.
    """

    def __init__(
        self,
        provider: Provider,
        credential: Credential,
        transport: Transport,
        stopping: asyncio.Event,
        patience: float = SHORT_PAUSE,
        *,
        pace: Callable[[], Awaitable[float | None]] = _unlimited,
    ) -> None:
        self._provider = provider
        self._credential = credential
        self._transport = transport
        self._stopping = stopping
        self._patience = patience
        self._pace = pace
        self._limited = True  # until `pace` says otherwise
        self._quiet_until = float("-inf")  # the vendor asked for a pause

    async def page(self, feed: Feed, cursor: Cursor | None) -> Page:
        """The next page of a feed."""
        request = self._provider.request(feed, cursor, self._credential)
        return await self._ask(request, lambda response: self._provider.read(feed, cursor, response), PAGE_TRIES)

    async def objects(self, hints: Sequence[Hint]) -> list[Change | Refused]:
        """What the hints speak of, as it is now, in their order; all of them or an error."""
        slots = asyncio.Semaphore(FETCHES)

        async def one(hint: Hint) -> Change | Refused:
            async with slots:
                request = self._provider.fetch(hint, self._credential)
                return await self._ask(request, lambda response: self._provider.read_fetched(hint, response), HINT_TRIES)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(hint)) for hint in hints]
        except ExceptionGroup as failures:
            # One is enough, and the others are cancelled or say the same.
            raise failures.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _ask(self, request: Request, read: Callable[[Response], T], tries: int) -> T:
        """What `read` makes of the reply; asks up to `tries` times more."""
        for attempt in range(tries):
            try:
                return await self._once(request, read)
            except ProviderError as exc:
                await self._pause(exc, attempt)
        return await self._once(request, read)

    async def _once(self, request: Request, read: Callable[[Response], T]) -> T:
        while (seconds := self._quiet_until - time.monotonic()) > 0:
            await self._wait(seconds)
        if self._limited:
            pause = await self._pace()
            self._limited = pause is not None
            if pause:
                await self._wait(pause)
        response = await self._transport.send(request)
        return await asyncio.to_thread(read, response) if len(response.body) > LARGE_REPLY else read(response)

    async def _pause(self, error: ProviderError, attempt: int) -> None:
        """Waits before the next try, if the wait is short; else hands the error on."""
        asked = error.retry_after if isinstance(error, RateLimited) else None
        if not error.retryable or (asked or 0.0) > self._patience:
            raise error
        chance = random.random()  # noqa: S311  jitter
        seconds = BETWEEN.delay(attempt, chance, asked)
        if isinstance(error, RateLimited):
            # One refusal speaks for all requests of this sync.
            self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)
        await self._wait(seconds)

    async def _wait(self, seconds: float) -> None:
        await wait(seconds, self._stopping)


async def wait(seconds: float, stopping: asyncio.Event) -> None:
    """Waits. Raises Stopped once `stopping` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
    raise Stopped
