"""Work of a poller beside the turns of syncs: taken one piece at a time, done, and ended with the time of the next attempt."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from pgsluice.db import secrets
from pgsluice.db.chores import Look
from pgsluice.db.errors import DatabaseUnavailable, SluiceError
from pgsluice.db.sealed import SealedCredential
from pgsluice.poller.asking import Account, Stopped, Vendor
from pgsluice.poller.failing import Failure
from pgsluice.poller.knowing import know
from pgsluice.poller.session import Session, first_of, unexpected
from pgsluice.poller.sharing import Desk, opened
from pgsluice.poller.transport import Transport
from pgsluice.providers import registry
from pgsluice.providers.errors import ProviderError

# Pieces of one kind at once, and of these for one provider: a vendor that does not answer holds each of its own for half a minute, and the
# accounts of others must not wait behind them.
AT_ONCE: Final = 8
OF_PROVIDER: Final = 4

C = TypeVar("C", bound="Claim")


class Claim(Protocol):
    """What was claimed: an account that is to be asked."""

    @property
    def provider(self) -> str: ...
    @property
    def credential(self) -> SealedCredential | None: ...
    @property
    def clock(self) -> datetime: ...


class Job(Protocol[C]):
    """One kind of such work."""

    async def claim(self, busy_providers: Sequence[str]) -> Look[C]:
        """The next piece, which is this poller's from now on; none of these providers."""
        ...

    async def do(self, claimed: C) -> None:
        """Does it, and says so. Raises ProviderError, SluiceError, Stopped."""
        ...

    async def failed(self, claimed: C, exc: Failure) -> None:
        """Stores why it was not done, and when it is tried again."""
        ...


@dataclass(frozen=True)
class Means:
    """What work is done with, in one session of a poller."""

    session: Session
    transport: Transport
    key: secrets.MasterKey | None = field(repr=False)
    stopping: asyncio.Event

    def vendor(self, claimed: Claim, whose: str, sync_id: str | None) -> Vendor:
        """The vendor, asked for the account that was claimed, within its limits. Raises SL104, SL301, SL302."""
        credential = opened(whose, claimed.credential, self.key)
        desk = Desk(self.session, self.session.poller_id, self.key, exchanges=self.session.exchanges)
        account = Account(desk, sync_id, claimed.credential, claimed.clock)
        return Vendor(registry.get(claimed.provider), credential, self.transport, self.stopping, account=account)


class Chores(Generic[C]):
    """Does one kind of work, `AT_ONCE` pieces at once. `news`: set when there may be some. `longest`: what a poller that died had taken is
    found after so many seconds; nothing announces it."""

    def __init__(self, session: Session, job: Job[C], news: asyncio.Event, longest: float) -> None:
        self._session = session
        self._job = job
        self._news = news
        self._longest = longest
        self._looking = asyncio.Lock()
        self._under_way: Counter[str] = Counter()

    async def serve(self) -> None:
        """Does whatever is to be done, for ever. Raises DatabaseUnavailable."""
        await first_of(*(self._work() for _ in range(AT_ONCE)))

    async def drain(self) -> None:
        """Does what is to be done now. Raises DatabaseUnavailable."""
        workers = [asyncio.ensure_future(self._work_off()) for _ in range(AT_ONCE)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()

    async def _work(self) -> None:
        while True:
            async with self._looking:
                claimed = await self._next()
            await self._one(claimed)

    async def _work_off(self) -> None:
        while (look := await self._look()).claimed is not None:
            await self._one(look.claimed)

    async def _next(self) -> C:
        """Waits for one. The caller is the only one that does."""
        while True:
            self._news.clear()
            look = await self._look()
            if look.claimed is not None:
                return look.claimed
            with suppress(TimeoutError):
                async with asyncio.timeout(min(look.next_in or self._longest, self._longest)):
                    await self._news.wait()

    async def _look(self) -> Look[C]:
        """What is found counts as under way."""
        look = await self._job.claim([provider for provider, pieces in self._under_way.items() if pieces >= OF_PROVIDER])
        if look.claimed is not None:
            self._under_way[look.claimed.provider] += 1
        return look

    async def _one(self, claimed: C) -> None:
        """Raises only DatabaseUnavailable. A poller that stops leaves it to the next one."""
        try:
            await know(self._session, [claimed.provider])
            await self._job.do(claimed)
        except Stopped:
            return
        except DatabaseUnavailable:
            raise
        except (ProviderError, SluiceError) as exc:
            await self._job.failed(claimed, exc)
        except Exception as exc:  # noqa: BLE001  a bug in one provider concerns one account
            await self._job.failed(claimed, unexpected(exc))
        finally:
            self._under_way[claimed.provider] -= 1
            # There may be more of a provider that had enough under way.
            self._news.set()
