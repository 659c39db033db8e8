"""Which feeds of a sync can be asked now, and when the next one can."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from pgsluice.db.leases import ClaimedSync
from pgsluice.poller.storing import Store, whole
from pgsluice.providers.base import Feed, Page

# Lists of one sync that are read side by side, parts of a list included; feeds of changes come on top.
FEEDS: Final = 4
# Fresh changes do not wait for a long backfill: beside it the feeds of changes are asked this often, in seconds.
CHANGES_EVERY: Final = 5.0


@dataclass(frozen=True)
class Unit:
    """What is read page by page: a feed, or one part of it. `name`: what its cursor is stored under."""

    name: str
    feed: Feed


class Plan:
    """One turn's view of a sync's feeds. What is done and where each one is, the store knows."""

    def __init__(self, sync: ClaimedSync, feeds: Sequence[Feed], store: Store) -> None:
        self._feeds = feeds
        self._store = store
        self._lists_at_once = min(FEEDS, sync.max_concurrent_requests or FEEDS)
        now = time.monotonic()
        self._resting = {state.feed: now + state.wait for state in sync.feeds if state.wait > 0}
        self._drained: dict[str, float] = {}  # feed of changes -> when it had no more
        self._jobs: set[str] = set()  # units that wait for something that is under way at the vendor
        self._left_out: set[str] = set()  # for the rest of this turn
        self.backfilled = float("-inf")  # when the last page of a list was committed

    def ready(self, busy: Collection[str]) -> list[Unit]:
        """What can be asked now, beside what is being read (`busy`), in the order to begin."""
        lists = [name for name in busy if self._feed(name).kind != "changes"]
        free = self._lists_at_once - len(lists)
        units = [unit for unit in self._waiting() if unit.name not in busy and not self._rests(unit.name)]
        changes = [unit for unit in units if unit.feed.kind == "changes"]
        return [*changes, *[unit for unit in units if unit.feed.kind != "changes"][: max(free, 0)]]

    def next_in(self, *, jobs: bool = False) -> float | None:
        """Seconds until something can be asked that cannot now; None: nothing will by itself. `jobs`: of those that wait for a vendor."""
        now = time.monotonic()
        times = [
            self._resting[unit.name] - now for unit in self._waiting() if self._rests(unit.name) and (not jobs or unit.name in self._jobs)
        ]
        if not jobs and self.backfilling:
            # One that rests is counted above: it would be asked about again and again.
            drained = [(name, at) for name, at in self._drained.items() if name not in self._left_out and not self._rests(name)]
            times += [at + CHANGES_EVERY - now for _, at in drained]
        return max(min(times), 0.0) if times else None

    @property
    def backfilling(self) -> bool:
        """Whether there are lists to read now."""
        return any(unit.feed.kind != "changes" and not self._rests(unit.name) for unit in self._waiting())

    @property
    def complete(self) -> bool:
        """Whether every backfill is read to its end."""
        return all(feed.kind != "backfill" or feed.name in self._store.done for feed in self._feeds)

    def leave_out(self, name: str) -> None:
        """Not asked again in this turn."""
        self._left_out.add(name)

    def note(self, unit: Unit, page: Page) -> None:
        """A page was committed."""
        now = time.monotonic()
        if unit.feed.kind != "changes":
            self.backfilled = now
        elif page.more:
            self._drained.pop(unit.name, None)
        else:
            self._drained[unit.name] = now
        if page.wait:
            self._resting[unit.name] = now + page.wait
        unfinished = page.more or (unit.feed.kind != "changes" and not page.done)
        (self._jobs.add if page.wait and unfinished else self._jobs.discard)(unit.name)

    def rest(self, sweep: Feed) -> None:
        """A pass is through. Whether the next one is due, the database knows at the next claim."""
        self._left_out.add(sweep.name)

    # ------------------------------------------------------------ what is to be read, sooner or later

    def _waiting(self) -> list[Unit]:
        cursors = self._store.cursors
        begun = [feed for feed in self._feeds if all(cursors.get(name) is not None for name in feed.after)]
        lists = self._has_lists()
        units = [unit for feed in begun for unit in self._units(feed, lists=lists)]
        return [unit for unit in units if unit.name not in self._left_out and whole(unit.name) not in self._left_out]

    def _units(self, feed: Feed, *, lists: bool) -> list[Unit]:
        name = feed.name
        if feed.kind == "changes":
            return [Unit(name, feed)] if self._has_news(name, lists=lists) else []
        if feed.kind == "backfill" and name in self._store.done:
            return []
        if feed.kind == "sweep" and not self._may_sweep(feed):
            return []
        parts = self._store.parts(name)
        return [Unit(part, feed) for part in parts] or [Unit(name, feed)]

    def _may_sweep(self, sweep: Feed) -> bool:
        """A first reading goes before the first pass, and a conclusion before the next one."""
        first = [feed for feed in self._feeds if feed.kind == "backfill" and feed.name not in self._store.done]
        return sweep.name not in self._store.concluding and not any(set(feed.collection_ids) & set(sweep.collection_ids) for feed in first)

    def _has_news(self, name: str, *, lists: bool) -> bool:
        if name not in self._drained:
            return True
        return time.monotonic() - self._drained[name] > CHANGES_EVERY if lists else self.backfilled > self._drained[name]

    def _has_lists(self) -> bool:
        return any(self._is_read(feed) and feed.name not in self._left_out and not self._rests(feed.name) for feed in self._feeds)

    def _is_read(self, feed: Feed) -> bool:
        if feed.kind == "sweep":
            return self._may_sweep(feed)
        return feed.kind == "backfill" and feed.name not in self._store.done

    def _rests(self, name: str) -> bool:
        return self._resting.get(name, 0.0) > time.monotonic()

    def _feed(self, name: str) -> Feed:
        return next(feed for feed in self._feeds if feed.name == whole(name))
