"""What becomes of errors that concern one feed or one object: it is left out and told of, and the others are read all the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from pgsluice.db.leases import ClaimedSync
from pgsluice.poller.plan import Plan, Unit
from pgsluice.poller.storing import Store, whole
from pgsluice.poller.tally import Tally
from pgsluice.providers import limits
from pgsluice.providers.base import Change, Cursor, Feed, Hint, Page, Refused
from pgsluice.providers.errors import Forbidden, ListBroken, NotPolled, ProviderError, Refused4xx, Unavailable, Unreadable

# A refused key and a rate limit concern all of a sync's feeds.
OF_ONE_FEED: Final = (Forbidden, Refused4xx, ListBroken, Unreadable, Unavailable)
# So many feeds in a row that a vendor does not answer, and it is the vendor: the turn ends.
DOWN: Final = 3
FETCHES: Final = 8  # objects behind hints that are asked for at once

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class Asked(Protocol):
    """A vendor, as far as it is asked here."""

    async def page(self, feed: Feed, cursor: Cursor | None) -> Page: ...

    async def objects(self, hints: Sequence[Hint]) -> list[Change | Refused]: ...


class Troubles:
    """The feeds of a sync that cannot be read now. `names`: those that could not when they were last asked."""

    def __init__(self, sync: ClaimedSync, feeds: Sequence[Feed], store: Store, plan: Plan) -> None:
        self._feeds = {feed.name: feed for feed in feeds}
        self._sync_id = sync.sync_id
        self._store = store
        self._plan = plan
        self._attempts = {state.feed: state.attempt for state in sync.feeds}
        self.names = {state.feed for state in sync.feeds if state.error is not None and whole(state.feed) in self._feeds}
        self._errors: dict[str, ProviderError] = {}  # met in this turn
        self._unanswered = 0

    async def left_out(self, unit: Unit, error: ProviderError) -> None:
        """Notes that a feed cannot be read, and leaves it out for the rest of the turn. Raises `error` if the vendor is down altogether."""
        self._unanswered += isinstance(error, Unavailable)
        if self._unanswered >= DOWN:
            raise error
        await self.fail(unit.name, error)

    async def fail(self, name: str, error: ProviderError) -> None:
        chance = random.random()  # noqa: S311  jitter
        delay = limits.next_delay(error, self._attempts.get(name, 0), chance)
        # A broken list goes on where its provider says: the stored place leads into the same trap again.
        cursor = error.cursor if isinstance(error, ListBroken) else None
        await self._store.fail(name, error, delay, cursor)
        if self._feeds[whole(name)].kind == "sweep" and not isinstance(error, Unavailable):
            self._store.forget(whole(name))
        self._plan.leave_out(name)
        self.names.add(name)
        self._errors[name] = error
        log.warning("collection cannot be read", sync=self._sync_id, feed=name, code=error.code, error=error.message)

    def mended(self, name: str) -> None:
        self._unanswered = 0
        if name not in self._errors:
            self.names.discard(name)

    def is_forbidden(self, feed: str) -> bool:
        return isinstance(self._errors.get(feed), Forbidden)

    def report(self, tally: Tally) -> None:
        """Tells the tally what cannot be read. Raises an error if that is all that the sync has."""
        met = [self._errors[feed] for feed in self._errors]
        if not met:
            return
        failing = {collection_id for name in self.names for collection_id in self._feeds[whole(name)].collection_ids}
        if failing >= {collection_id for feed in self._feeds.values() for collection_id in feed.collection_ids}:
            raise met[0]
        tally.outcome = "partial"
        tally.error = {**met[0].as_dict(), "message": f"{next(iter(self._errors))}: {met[0].message}"}


@dataclass
class Found:
    """What hints led to. `restart`: feeds of collections that may not be read any more, to be read anew once they may."""

    answers: list[Change | Refused] = field(default_factory=list)
    restart: tuple[str, ...] = ()
    errors: dict[str, ProviderError] = field(default_factory=dict)


class Objects:
    """Fetches what hints speak of. One that may not be read goes into quarantine by its name, and stops nothing."""

    def __init__(self, vendor: Asked, feeds: Sequence[Feed], troubles: Troubles) -> None:
        self._vendor = vendor
        self._lists = [feed for feed in feeds if feed.kind == "backfill"]
        self._troubles = troubles

    async def of(self, hints: Sequence[Hint], known: Sequence[Change] | None = None) -> Found:
        """`known`: the states that made them doubtful, in the order they came: the last one counts where a vendor has lists only."""
        found = Found()
        states = {(change.collection_id, change.upstream_id): change for change in known or ()}
        slots = asyncio.Semaphore(FETCHES)
        forbidden: dict[str, Forbidden] = {}

        async def one(hint: Hint) -> list[Change | Refused]:
            async with slots:
                try:
                    if hint.collection_id in forbidden:
                        raise forbidden[hint.collection_id]
                    return await self._vendor.objects((hint,))
                except NotPolled:
                    if known is None:
                        raise
                    return [states[hint.collection_id, hint.upstream_id]]
                except Forbidden as exc:
                    if await self._is_forbidden(hint.collection_id, exc, found):
                        forbidden[hint.collection_id] = exc
                    return [_refused(hint, exc)]

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(hint)) for hint in hints]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        found.answers = [answer for task in tasks for answer in task.result()]
        return found

    async def report(self, found: Found) -> None:
        """After the commit: tells of the collections that may not be read any more."""
        for name, error in found.errors.items():
            await self._troubles.fail(name, error)

    async def _is_forbidden(self, collection_id: str, error: Forbidden, found: Found) -> bool:
        """Whether the collection as a whole may not be read: changes are missed then, so that its list is read again once it may."""
        lists = [feed for feed in self._lists if collection_id in feed.collection_ids]
        for feed in lists:
            if feed.name in found.errors or self._troubles.is_forbidden(feed.name):
                return True
            try:
                await self._vendor.page(feed, None)
            except Forbidden:
                found.errors[feed.name] = error
                found.restart += (feed.name,)
                return True
            except ProviderError:
                continue
        return False


def _refused(hint: Hint, error: ProviderError) -> Refused:
    return Refused(hint.collection_id, hint.upstream_id, b"", f"the vendor does not give it: {error.message}")
