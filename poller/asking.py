"""One sync's requests: sent, read by its provider, and sent again where that is likely to help soon."""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar
from urllib.parse import urlsplit

from pgsluice.poller import room
from pgsluice.poller.renewing import Tokens
from pgsluice.poller.sharing import Account, Gate, Stopped, wait
from pgsluice.poller.transport import Transport
from pgsluice.providers.base import (
    Change,
    Collection,
    Credential,
    Cursor,
    Feed,
    Hint,
    Limit,
    Page,
    Partial,
    Refused,
    Request,
    Response,
    Signals,
    Write,
    Written,
)
from pgsluice.providers.errors import Paced, ProviderError, RateLimited, Refused4xx, Unauthorized, Unreadable
from pgsluice.providers.limits import MAX_RETRY_AFTER, Backoff
from pgsluice.providers.protocol import Provider
from pgsluice.providers.webhooks import Subscribed, Subscription

__all__ = ["SHORT_PAUSE", "Account", "Stopped", "Vendor", "wait"]

FETCHES: Final = 8  # objects behind hints that are asked for at once
MOST_PIECES: Final = 10_000  # replies that one object may take
# A pause of up to so many seconds that the vendor asks for is waited for under the lease; a longer one gives the sync back.
SHORT_PAUSE: Final = 5.0
# A hiccup does not break a sync: a page is asked for twice more, at once nearly. An object behind a hint is asked for more often, since
# with it the whole page of hints would have to be fetched again, and would run into the same limit again.
PAGE_TRIES: Final = 2
HINT_TRIES: Final = 8
BETWEEN: Final = Backoff(base=0.5, cap=2.0)  # limits are counted by the second
# All that a request for a file may say of itself: another host gets nothing that opens the account.
HARMLESS: Final = frozenset({"accept", "accept-encoding", "range", "if-range"})
# A reply of more bytes is read in a thread: the heartbeats must not wait for it.
LARGE_REPLY: Final = 1024 * 1024

T = TypeVar("T")


class Vendor:
    """A provider's account, as one sync may ask it. Raises ProviderError, SluiceError, and Stopped once `stopping` is set while it waits.

    Safe for concurrent use in one event loop. `account`: what is shared with other pollers, limits and tokens; without it there are none.
    `writes`: it is used for writes, which have a share of the limits of their own.
    """

    def __init__(
        self,
        provider: Provider,
        credential: Credential,
        transport: Transport,
        stopping: asyncio.Event,
        patience: float = SHORT_PAUSE,
        *,
        account: Account | None = None,
        writes: bool = False,
    ) -> None:
        self._provider = provider
        self._transport = transport
        self._stopping = stopping
        self._patience = patience
        self._tokens = Tokens(provider, credential, transport, stopping, patience, account)
        self._account = account
        self._budget = () if account is None else provider.budget(credential)
        self._writes = writes
        self._gates: dict[str | None, Gate] = {}  # one for each limit that a request has by itself
        self._pause_until = float("-inf")  # without a gate: the vendor asked for a pause

    # ------------------------------------------------------------ reading

    async def page(self, feed: Feed, cursor: Cursor | None) -> Page:
        """The next page of a feed."""

        def build(credential: Credential) -> Request:
            request = self._provider.request(feed, cursor, credential)
            if cursor is not None and not request.elsewhere:
                _same_place(request, self._provider.request(feed, None, credential))
            return request

        return await self._ask(build, lambda response: self._provider.read(feed, cursor, response), PAGE_TRIES)

    async def described(self) -> tuple[Collection, ...]:
        """The collections that this account has; none where the provider has nothing to ask."""
        found: list[Collection] = []
        cursor: Cursor | None = None
        for _ in range(MOST_PIECES):
            if self._provider.describe(cursor, self._tokens.credential) is None:
                break
            build = functools.partial(self._description, cursor)
            said = await self._ask(build, functools.partial(self._provider.read_described, cursor), PAGE_TRIES)
            found += said.collections
            cursor = said.cursor
            if cursor is None:
                break
        return tuple(found)

    def _description(self, cursor: Cursor | None, credential: Credential) -> Request:
        request = self._provider.describe(cursor, credential)
        assert request is not None
        return request

    async def subscribed(self, cursor: Cursor | None, wanted: Subscription) -> Subscribed | None:
        """One step of seeing to it that the vendor sends word as it is wanted; None: nothing is to be asked (any more)."""

        def asked(credential: Credential) -> Request | None:
            return self._provider.subscribe(cursor, wanted.address, wanted.collection_ids, credential, wanted.secret)

        if asked(self._tokens.credential) is None:
            return None

        def build(credential: Credential) -> Request:
            request = asked(credential)
            assert request is not None
            return request

        # Once: what makes a subscription is not to be done twice; the next look finds what there is.
        return await self._ask(build, lambda response: self._provider.read_subscribed(cursor, response, wanted), 0)

    async def objects(self, hints: Sequence[Hint]) -> list[Change | Refused]:
        """What the hints speak of, as it is now, in their order; all of them or an error."""
        slots = asyncio.Semaphore(FETCHES)

        async def one(hint: Hint) -> list[Change | Refused]:
            async with slots:
                return await self._whole(hint)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(hint)) for hint in hints]
        except ExceptionGroup as failures:
            # One is enough, and the others are cancelled or say the same.
            raise failures.exceptions[0] from None
        return [change for task in tasks for change in task.result()]

    async def _whole(self, hint: Hint) -> list[Change | Refused]:
        """What one hint speaks of, in as many requests as it takes."""
        found: list[Change | Refused] = []
        for _ in range(MOST_PIECES):
            answer = await self._fetched(hint)
            if not isinstance(answer, Partial):
                return [*found, answer]
            found += answer.changes
            if answer.hint is None:
                return found
            hint = answer.hint
        raise Unreadable(
            f"an object did not come to an end in {MOST_PIECES:,} replies",
            details=f"{hint.collection_id} {hint.upstream_id}",
            hint="nothing is lost; it is read again later",
        )

    async def _fetched(self, hint: Hint) -> Change | Refused | Partial:
        return await self._ask(
            lambda credential: self._provider.fetch(hint, credential),
            lambda response: self._provider.read_fetched(hint, response),
            HINT_TRIES,
        )

    # ------------------------------------------------------------ writing

    async def write(self, writes: Sequence[Write], sending: Callable[[], Awaitable[None]]) -> tuple[Written | ProviderError, ...]:
        """What became of each. `sending` is called when the request is about to leave, and may raise to keep it back. Not tried again."""
        return await self._allowed(
            lambda credential: self._provider.write(writes, credential),
            lambda response: self._provider.read_written(writes, response),
            sending,
        )

    # ------------------------------------------------------------ one request

    async def _ask(self, build: Callable[[Credential], Request], read: Callable[[Response], T], tries: int) -> T:
        """What `read` makes of the reply; asks up to `tries` times more. room.Crowded for a page that is read ahead of another one."""
        for attempt in range(tries):
            try:
                return await self._roomy(build, read)
            except ProviderError as exc:
                await self._pause(exc, attempt)
        return await self._roomy(build, read)

    async def _roomy(self, build: Callable[[Credential], Request], read: Callable[[Response], T]) -> T:
        """Once, and once more when there is room, if there was none for a large reply."""
        try:
            return await self._allowed(build, read)
        except room.Crowded:
            await room.wide()
        return await self._allowed(build, read)

    async def _allowed(
        self, build: Callable[[Credential], Request], read: Callable[[Response], T], sending: Callable[[], Awaitable[None]] | None = None
    ) -> T:
        """Once, and once more with another secret where the vendor refused this one and there is one."""
        used = await self._tokens.fresh()
        try:
            return await self._once(build(used), read, sending)
        except Unauthorized:
            if not await self._tokens.refused(used):
                raise
        return await self._once(build(self._tokens.credential), read, sending)

    async def _once(self, request: Request, read: Callable[[Response], T], sending: Callable[[], Awaitable[None]] | None) -> T:
        loop = asyncio.get_running_loop()
        while (seconds := self._pause_until - loop.time()) > 0:
            await self._wait(seconds)
        if request.elsewhere:
            _carries_nothing(request)
        gate = None if request.elsewhere else self._gate(request.limit)
        place = None if gate is None else await gate.enter(request.cost)
        try:
            if sending is not None:
                await sending()
            response = await self._transport.send(request)
        finally:
            if gate is not None and place is not None:
                await gate.leave(place)
        signals = None if request.elsewhere else self._provider.signals(response)
        try:
            found = await asyncio.to_thread(read, response) if len(response.body) > LARGE_REPLY else read(response)
        except RateLimited as exc:
            await self._heard(gate, _louder(signals, exc.retry_after))
            raise
        await self._heard(gate, signals)
        return found

    def _gate(self, limit: Limit | None) -> Gate | None:
        if self._account is None:
            return None
        name = None if limit is None else limit.name
        if name not in self._gates:
            limits = self._budget if limit is None else (*self._budget, limit)
            self._gates[name] = Gate(self._account, limits, self._stopping, self._patience, writes=self._writes)
        return self._gates[name]

    async def _heard(self, gate: Gate | None, signals: Signals | None) -> None:
        if gate is None or signals is None:
            return
        if signals.wait:
            for each in self._gates.values():
                each.close(signals.wait)
        await gate.heard(signals)

    async def _pause(self, error: ProviderError, attempt: int) -> None:
        """Waits before the next try, if the wait is short; else hands the error on."""
        asked = error.retry_after if isinstance(error, RateLimited) else None
        if not error.retryable or isinstance(error, Paced) or (asked or 0.0) > self._patience:
            raise error
        chance = random.random()  # noqa: S311  jitter
        seconds = BETWEEN.delay(attempt, chance, asked)
        if isinstance(error, RateLimited):
            # One refusal speaks for all requests of this sync.
            self._pause_until = max(self._pause_until, asyncio.get_running_loop().time() + seconds)
        await self._wait(seconds)

    async def _wait(self, seconds: float) -> None:
        await wait(seconds, self._stopping)


def _louder(signals: Signals | None, asked: float | None) -> Signals | None:
    """The signals of a refusal: silence for as long as it asks for, bounded, whatever else it says."""
    if asked is None:
        return signals
    seconds = min(max(asked, signals.wait or 0.0 if signals else 0.0), MAX_RETRY_AFTER)
    if signals is None:
        return Signals(wait=seconds)
    return Signals(seconds, signals.remaining, signals.resets_in, signals.restore_rate)


def _carries_nothing(request: Request) -> None:
    """Refuses to ask another place for a file with anything that could be a secret of the account."""
    named = sorted(name for name in request.headers if name.lower() not in HARMLESS)
    if named or request.body is not None or request.method != "GET":
        raise Refused4xx(
            "a request to another place than the vendor's would carry more than its address",
            details=", ".join(named) or request.method,
            hint="the credential is not sent to another place; this is an error of the provider",
        )


def _same_place(request: Request, first: Request) -> None:
    """Refuses an address to go on at that is not where the list began: it would get the credential."""
    if request.url == first.url:
        return
    try:
        here, there = _origin(request.url), _origin(first.url)
    except ValueError:
        raise Refused4xx("the address of the next page is no URL", hint="the vendor's reply names it; look there") from None
    if here != there:
        raise Refused4xx(
            f"the next page is said to be at {here[0]}://{here[1]}, and the list is at {there[0]}://{there[1]}",
            hint="the credential is not sent to another place; if the vendor moved, correct the base_url of the credential",
        )


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").rstrip("."), parts.port or (443 if scheme == "https" else 80)
