"""One sync's share of what all pollers have together: places among its requests, and its credential's newest secret.

Nothing is counted here: windows, places and versions are in the database, so that they hold over all pollers and outlive each of them.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from pgsluice.db import secrets, shares
from pgsluice.db.errors import make
from pgsluice.db.sealed import SealedApp, SealedCredential
from pgsluice.db.statements import Database
from pgsluice.poller.exchanges import Exchanges
from pgsluice.poller.together import Together
from pgsluice.providers.base import Client, Credential, Limit, Signals
from pgsluice.providers.errors import Paced

# A poller asks for up to so many requests in one grant; the database gives no more than the rate allows in a second.
MOST: Final = 1000
# What is left is told when it is little, or this often, in seconds: not with every reply.
SAID_EVERY: Final = 1.0
LITTLE: Final = 50

T = TypeVar("T")


class Stopped(Exception):
    """The turn ends early; the page at hand was committed or dropped, the next one was not begun."""


async def wait(seconds: float, stopping: asyncio.Event) -> None:
    """Waits. Raises Stopped once `stopping` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
    raise Stopped


async def kept(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. It goes on where the caller is cancelled: a call of the database that many share is not torn."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_forget)
        raise


def _forget(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()


@dataclass(frozen=True)
class Desk:
    """Where a sync asks for its shares."""

    database: Database = field(repr=False)
    poller_id: str
    key: secrets.MasterKey | None = field(repr=False)
    grants: Together[Mapping[str, Any], shares.Grant] | None = field(default=None, repr=False)  # those of many syncs in one call
    exchanges: Exchanges | None = field(default=None, repr=False)  # None: a renewal lasts no longer than who wants it


@dataclass(frozen=True)
class Account:
    """A sync (None: the credential itself is asked something), and its credential in the version that was claimed at `clock`."""

    desk: Desk
    sync_id: str | None
    credential: SealedCredential | None = None
    clock: datetime | None = None
    places: bool = True  # whether its requests may need places (max_concurrent_requests)

    @property
    def credential_id(self) -> str | None:
        return None if self.credential is None else self.credential.credential_id

    @property
    def renew_in(self) -> float:
        """Seconds until the secret is to be renewed."""
        if self.credential is None or self.credential.renew_at is None or self.clock is None:
            return float("inf")
        return (self.credential.renew_at - self.clock).total_seconds()


def opened(whose: str, credential: SealedCredential | None, key: secrets.MasterKey | None) -> Credential:
    """The credential of `whose` (in words), unsealed. SL104 where there is none, SL301 without a master key, SL302 with a wrong one."""
    if credential is None:
        raise make(f"{whose} has no credential", code="SL104", hint="create one, and the sync anew with it")
    if key is None:
        raise make(
            "there is no master key to open the credential with",
            code="SL301",
            hint="set PGSLUICE_MASTER_KEY or PGSLUICE_MASTER_KEY_FILE to the key it was sealed with",
        )
    secret = secrets.open_sealed(credential.sealed, credential.credential_id, key, credential.key_version)
    client = None if credential.app is None else _client(credential.app, key)
    return Credential(credential.kind, secret, credential.base_url, client, credential.expires_at)


def _client(app: SealedApp, key: secrets.MasterKey) -> Client:
    secret = secrets.open_sealed(app.sealed, secrets.of_oauth_app(app.oauth_app_id), key, app.key_version)
    return Client(app.client_id, secret["client_secret"])


class Gate:
    """Lets the requests of one sync through as its limits, its credential's and the vendor allow.

    Grants that the database gives are used up here, within their time. Safe for concurrent use in one event loop.
    """

    def __init__(
        self, account: Account, limits: tuple[Limit, ...], stopping: asyncio.Event, patience: float, *, writes: bool = False
    ) -> None:
        self._desk = account.desk
        self._sync_id = account.sync_id
        self._credential_id = account.credential_id
        self._limits = [{"name": limit.name, "allowed": limit.allowed, "seconds": limit.seconds} for limit in limits]
        self._stopping = stopping
        self._patience = patience
        self._writes = writes
        self._places = account.places
        self._asking = asyncio.Lock()
        self._waiting = 0
        self._left = 0
        self._given = 0
        self._until = float("-inf")
        self._drawn_at: datetime | None = None
        self._closed_until = float("-inf")
        self._wanted = 1
        self._said = float("-inf")

    async def enter(self, cost: float = 1.0) -> UUID | None:
        """Waits until a request may leave. What it answers is for `leave` when that is over. Raises Paced if it is far off, and Stopped."""
        begun = time.monotonic()
        self._waiting += 1
        try:
            while True:
                async with self._asking:
                    if (seconds := self._closed_until - time.monotonic()) <= 0:
                        if self._take(cost):
                            return None
                        grant, place = await self._ask(cost)
                        if grant.granted:
                            return place
                        seconds = grant.wait
                        self._closed_until = max(self._closed_until, time.monotonic() + seconds)
                await self._pause(seconds, begun)
        finally:
            self._waiting -= 1

    async def leave(self, place: UUID) -> None:
        """The request is over: what `enter` answered is free."""
        await kept(shares.rate_release(self._desk.database, place))

    async def heard(self, signals: Signals | None) -> None:
        """What a reply said of the vendor's budget."""
        if signals is None:
            return
        now = time.monotonic()
        if signals.wait:
            self.close(signals.wait)
        elif signals.remaining is None or (signals.remaining > LITTLE and now < self._said + SAID_EVERY):
            return
        self._said = now
        await kept(
            shares.rate_signal(
                self._desk.database,
                self._sync_id,
                credential_id=self._credential_id,
                wait=signals.wait,
                remaining=signals.remaining,
                resets_in=signals.resets_in,
                restore_rate=signals.restore_rate,
            )
        )

    def close(self, seconds: float) -> None:
        """Nothing goes through for so long; what was granted is not used."""
        self._closed_until = max(self._closed_until, time.monotonic() + seconds)
        self._until = float("-inf")

    def _take(self, cost: float) -> bool:
        if cost != 1.0 or self._left == 0 or time.monotonic() > self._until:
            return False
        self._left -= 1
        return True

    async def _ask(self, cost: float) -> tuple[shares.Grant, UUID | None]:
        """A new grant, and the place that its first request has, if it needs one. That request is the caller's."""
        # What was used up in time is asked for twice as large, what was not half.
        self._wanted = min(self._wanted * 2, MOST) if self._left == 0 and self._given else max(self._wanted // 2, 1)
        asked = time.monotonic()
        unused, self._left = self._left if self._drawn_at is not None else 0, 0
        wanted = max(self._wanted, self._waiting) if cost == 1.0 else 1
        if self._desk.grants is not None and cost == 1.0 and not (self._writes or self._places):
            # Whoever is cancelled here leaves a grant of a second behind, and no place.
            grant, hold_id = await self._desk.grants.ask(self._question(wanted, unused)), None
        else:
            grant, hold_id = await self._held(cost, wanted, unused)
        # From before the call, so that it is over here before it is there.
        self._until = asked + grant.lasts
        self._given, self._left, self._drawn_at = grant.granted, max(grant.granted - 1, 0), grant.drawn_at
        return grant, hold_id

    def _question(self, wanted: int, unused: int) -> dict[str, Any]:
        ask: dict[str, Any] = {"sync_id": self._sync_id, "credential_id": self._credential_id, "limits": self._limits, "wanted": wanted}
        if unused and self._drawn_at is not None:
            ask |= {"unused": unused, "unused_from": self._drawn_at.isoformat()}
        return ask

    async def _held(self, cost: float, wanted: int, unused: int) -> tuple[shares.Grant, UUID | None]:
        hold_id = uuid4()
        taking = asyncio.ensure_future(
            shares.rate_take(
                self._desk.database,
                self._desk.poller_id,
                self._sync_id,
                limits=self._limits,
                wanted=wanted,
                cost=cost,
                writes=self._writes,
                hold_id=hold_id,
                unused=unused,
                unused_from=self._drawn_at,
                credential_id=self._credential_id,
            )
        )
        try:
            grant = await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The answer may be on its way, and a place of the sync with it. What fails then is the session's end, and said elsewhere.
            asyncio.ensure_future(self._given_up(taking, hold_id)).add_done_callback(_forget)
            raise
        return grant, hold_id if grant.held else None

    async def _given_up(self, taking: asyncio.Future[shares.Grant], hold_id: UUID) -> None:
        if (await taking).held:
            await shares.rate_release(self._desk.database, hold_id)

    async def _pause(self, seconds: float, begun: float) -> None:
        waited = time.monotonic() - begun
        if seconds > self._patience or waited > 4 * self._patience:
            raise Paced(
                "the limit on requests leaves no room just now",
                retry_after=seconds,
                hint="nothing is wrong: it goes on by itself; the limit is the sync's rate_limit, or what the vendor allows the account",
            )
        # Not all at the same moment.
        await wait(seconds + random.random() * min(seconds / 10 + 0.01, 0.1), self._stopping)  # noqa: S311
