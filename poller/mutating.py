"""Writes on their way to vendors: claimed, put together into requests, and sent side by side by `poller/writing.py`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from pgsluice.db import secrets, writes
from pgsluice.db.errors import DatabaseUnavailable, SluiceError, make
from pgsluice.db.writes import ClaimedItem
from pgsluice.poller.knowing import know
from pgsluice.poller.session import Session
from pgsluice.poller.sharing import Desk
from pgsluice.poller.transport import Transport
from pgsluice.poller.writing import Attempt, as_write
from pgsluice.providers import registry
from pgsluice.providers.errors import ProviderError, UnknownProvider

# Requests of one poller at once; of these for one sync and for one provider: a vendor that does not answer holds each of its requests for
# half a minute, and the writes to others must not wait behind them.
AT_ONCE: Final = 32
OF_SYNC: Final = 8
OF_PROVIDER: Final = 24
# Claimed in steps, after each of which it is seen who has had enough.
STEP: Final = 4
# Items of a poller that died, and of syncs that were resumed, are found this often; nothing announces them.
LONGEST_SLEEP: Final = 2.0
# `poll --once` waits for its own next attempts if they are no further away, in seconds.
SOON: Final = 10.0


class Writer:
    """The writes of one session of a poller. `tasks`: the requests under way, with an item of each. `ended`: see `Attempt`."""

    def __init__(
        self,
        session: Session,
        transport: Transport,
        key: secrets.MasterKey | None,
        stopping: asyncio.Event,
        ended: Counter[str],
    ) -> None:
        self.tasks: dict[asyncio.Task[None], ClaimedItem] = {}
        self._session = session
        self._transport = transport
        self._key = key
        self._stopping = stopping
        self._ended = ended
        self._later: list[float] = []  # when what was put back is due, by the monotonic clock

    async def serve(self) -> None:
        """Sends what there is to send, for ever. Raises DatabaseUnavailable."""
        while True:
            full = await self._begin()
            await self._until_news(None if full else LONGEST_SLEEP)

    async def drain(self) -> int:
        """Sends what there is to send now, and what it puts back for a moment; how many items are to be tried again later.

        Raises DatabaseUnavailable.
        """
        while True:
            await self._begin()
            if not self.tasks and not any(due < time.monotonic() + SOON for due in self._later):
                return len(self._later)
            await self._until_news(LONGEST_SLEEP)

    async def _begin(self) -> bool:
        """Starts as many as are free; whether all are busy now."""
        now = time.monotonic()
        self._session.wanted.clear()
        self._later = [due for due in self._later if due > now]
        while (free := AT_ONCE - len(self.tasks)) > 0:
            wanted = min(free, STEP)
            claimed = await self._claimed(wanted)
            for items in claimed:
                self.tasks[asyncio.ensure_future(self._request(items))] = items[0]
            if sum(map(len, claimed)) < wanted:
                return False
        return True

    async def _claimed(self, requests: int) -> list[list[ClaimedItem]]:
        """Items for so many requests at most (a few more where the last ones differ), those of one together."""
        session = self._session
        alike: dict[tuple[str | None, ...], list[ClaimedItem]] = {}

        def sort(items: Sequence[ClaimedItem]) -> None:
            for item in items:
                # What is meant for one version of an object goes in a request of its own.
                alone = item.upstream_id if item.if_match is not None else None
                alike.setdefault((item.sync_id, item.collection_id, item.kind, item.match_on, alone, _together(item)), []).append(item)

        under_way = self.tasks.values()
        first = await writes.claim(
            session,
            session.poller_id,
            requests,
            # no whole step more, so that it stays their share
            busy_sync_ids=_beyond(OF_SYNC - STEP, (item.sync_id for item in under_way)),
            busy_providers=_beyond(OF_PROVIDER - STEP, (item.provider for item in under_way)),
        )
        await know(session, {item.provider for item in first})
        sort(first)
        for items in list(alike.values()):
            if (room := _size(items[0]) - len(items)) > 0:
                sort(await writes.claim(session, session.poller_id, room, like=items[0]))
        return [items[at : at + _size(items[0])] for items in alike.values() for at in range(0, len(items), _size(items[0]))]

    async def _until_news(self, seconds: float | None) -> None:
        """Until one ends, something new is to be sent or is due, or `seconds` have passed. None: all are busy. Raises what one raised."""
        woken = asyncio.ensure_future(self._session.wanted.wait())
        listening = set() if seconds is None else {woken}
        if seconds is not None and self._later:
            seconds = min(seconds, max(min(self._later) - time.monotonic(), 0.01))
        try:
            done, _ = await asyncio.wait({*self.tasks, *listening}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
        for task in [task for task in self.tasks if task in done]:
            del self.tasks[task]
            task.result()

    async def _request(self, items: list[ClaimedItem]) -> None:
        desk = Desk(self._session, self._session.poller_id, self._key, exchanges=self._session.exchanges)
        attempt = Attempt(items, desk, self._transport, self._stopping, ended=self._ended)
        try:
            pauses = await attempt.run()
        except DatabaseUnavailable:
            raise
        except SluiceError as exc:
            # What became of it is not stored. A new session, under a new id, takes the items over.
            raise make(exc.message, code="SL401", details=exc.details, hint=exc.hint) from exc
        self._later += [time.monotonic() + pause for pause in pauses]


def _beyond(count: int, names: Iterable[str]) -> list[str]:
    """The names that occur more often than `count`."""
    return [name for name, times in Counter(names).items() if times > count]


def _together(item: ClaimedItem) -> str:
    """What the items of one request have in common by their vendor's ways."""
    try:
        return registry.get(item.provider).together(as_write(item))
    except ProviderError:
        # Said of the item when it is sent.
        return item.vendor_key


def _size(item: ClaimedItem) -> int:
    """How many such items one request may carry."""
    try:
        return max(registry.get(item.provider).batch_size(item.kind, item.collection_id), 1)
    except UnknownProvider:
        # Said of the item when it is sent.
        return 1
