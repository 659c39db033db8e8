"""Single objects that somebody wants to be fetched: what the vendor sent word of, and what is retried from quarantine.

They are fetched beside a turn's feeds and committed by themselves. What goes wrong with one of them stops neither the others nor the
feeds: it is tried again later and later. Word of an object that comes after it was taken makes it wanted once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from pgsluice.db import wanting
from pgsluice.db.statements import Database
from pgsluice.db.wanting import Wanted
from pgsluice.poller import room
from pgsluice.poller.page import Batch
from pgsluice.poller.storing import Store, bounded
from pgsluice.poller.troubles import Found, Objects
from pgsluice.providers.base import Hint
from pgsluice.providers.errors import ProviderError, RateLimited, Unauthorized

# How many are fetched at once, and how often a turn that lasts looks for more, in seconds.
AT_ONCE: Final = 8
LOOK: Final = 1.0

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class Wanting:
    """The wanted objects of one turn. `pool`: for looking at what is wanted, which is no sign of life of the turn. `young`: leaves out of a
    batch what is too old for the sync."""

    def __init__(self, store: Store, pool: Database, objects: Objects, young: Callable[[Batch], Batch], stopping: asyncio.Event) -> None:
        self._store = store
        self._pool = pool
        self._objects = objects
        self._young = young
        self._stopping = stopping
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._feeds_ended = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self, *, at_once: bool) -> None:
        """Fetches what is wanted until the feeds are read. `at_once`: there is something. Most turns are over before they look for it."""
        if at_once:
            self._start()
        else:
            self._timer = asyncio.get_running_loop().call_later(LOOK, self._start)

    async def finish(self) -> None:
        """The feeds are read: what is wanted from now on the next turn fetches, which begins at once then.

        Raises what came of it: Unauthorized, RateLimited, SluiceError, Stopped.
        """
        self._feeds_ended.set()
        for task in self.leave():
            await task

    def leave(self) -> Sequence[asyncio.Task[None]]:
        """Begins nothing more; what is under way."""
        if self._timer is not None:
            self._timer.cancel()
        return () if self._task is None else (self._task,)

    def _start(self) -> None:
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        await self._fetch_all()
        while not self._feeds_ended.is_set():
            try:
                async with asyncio.timeout(LOOK):
                    await self._feeds_ended.wait()
            except TimeoutError:
                await self._fetch_all()

    async def _fetch_all(self) -> None:
        while not self._stopping.is_set() and (wanted := await bounded(wanting.take(self._pool, self._store.poller_id, self._store.sync))):
            await self._fetch(wanted)

    async def _fetch(self, wanted: Sequence[Wanted]) -> None:
        with room.Held():
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._one(Hint(each.collection_id, each.upstream_id, each.held))) for each in wanted]
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from None
            batch, settled, failed, found = Batch(), [], [], Found()
            for each, task in zip(wanted, tasks, strict=True):
                answer = task.result()
                if answer is None:
                    failed.append((each.collection_id, each.upstream_id))
                    continue
                batch.add(answer.answers)
                settled.append({"collection_id": each.collection_id, "upstream_id": each.upstream_id})
                found.errors |= answer.errors
                found.restart += answer.restart
            facts = {"settled": settled} | ({"restart": list(dict.fromkeys(found.restart))} if found.restart else {})
            if settled:
                await self._store.settle_wanted(self._young(batch), facts, wanted[0].clock)
        if failed:
            given_up = await self._store.put_off_wanted(failed)
            if given_up:
                log.warning("objects were not fetched for a day, and are given up", sync=self._store.sync_id, objects=given_up)
        await self._objects.report(found)

    async def _one(self, hint: Hint) -> Found | None:
        """What a hint leads to; None if it cannot be fetched now."""
        async with self._slots:
            try:
                return await self._objects.of((hint,))
            except (RateLimited, Unauthorized):
                raise
            except ProviderError as exc:
                log.warning("object not fetched", sync=self._store.sync_id, collection=hint.collection_id, code=exc.code, error=exc.message)
                return None
