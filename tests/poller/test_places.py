"""How many turns a poller begins, and from when on it looks for syncs: no sockets, no database, and a clock of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pgsluice.db.leases import ClaimedSync
from pgsluice.poller import places
from pgsluice.poller.places import SLACK, WALK, WALK_SHARE, Horizon, Lent, Places

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SYNC = ClaimedSync("s", 1, "p", (), None, 0, (), NOON, due_at=NOON)


class NoPool:
    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        yield


def test_a_turn_that_waits_for_its_vendor_gives_its_place_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SLOW", 0.05)

    async def main() -> None:
        taken = Places(2, asyncio.Event())
        end = asyncio.Event()

        async def hangs(_lent: Lent) -> None:
            await end.wait()

        async def works(lent: Lent) -> None:
            async with lent.connection():
                await end.wait()

        for work in (hangs, works):
            taken.start(work, NoPool())
        assert taken.free() == 0
        await asyncio.sleep(0.1)
        # The one that is in a call of the database keeps its place, however long that takes.
        assert taken.free() == 1
        for _ in range(100):
            if taken.free():
                taken.start(hangs, NoPool())
                await asyncio.sleep(0.06)
        # Sockets and memory are not endless.
        assert len(taken.tasks) == 2 * places.TURNS_A_PLACE
        end.set()
        await asyncio.gather(*taken.tasks)
        assert taken.free() == 2

    asyncio.run(main())


def test_what_a_turn_raises_is_news() -> None:
    async def main() -> None:
        taken = Places(2, asyncio.Event())

        async def fails(_lent: Lent) -> None:
            raise ValueError

        taken.free()
        taken.start(fails, NoPool())
        with pytest.raises(ValueError):  # noqa: PT011  it says no more
            await taken.until_news(30)

    asyncio.run(main())


def test_an_end_is_news_only_while_no_place_was_free() -> None:
    async def main() -> None:
        news = asyncio.Event()
        taken = Places(2, news)

        async def ends(_lent: Lent) -> None:
            pass

        taken.free()
        taken.start(ends, NoPool())
        await asyncio.gather(*taken.tasks)
        await asyncio.sleep(0)
        assert not news.is_set()
        for _ in range(2):
            taken.start(ends, NoPool())
        assert taken.free() == 0
        await taken.until_news(30)
        assert news.is_set()

    asyncio.run(main())


def test_all_is_looked_at_now_and_then() -> None:
    now = [100.0]
    horizon = Horizon(lambda: now[0])

    def claim(took: float, *syncs: ClaimedSync, asked: int = 10) -> datetime | None:
        since = horizon.since()
        now[0] += took
        horizon.note(syncs, asked)
        return since

    assert claim(0.0) is None
    assert claim(0.001, SYNC) is None, "nothing is known before the first sync"
    assert claim(0.001) == NOON - SLACK
    now[0] += 1
    later = claim(0.001)
    assert later is not None
    assert timedelta(seconds=0.9) < later - (NOON - SLACK) < timedelta(seconds=1.1), "the horizon moves on with time"
    now[0] += WALK
    assert claim(1.0) is None, "what fell due long ago is found"
    horizon.hurry()
    now[0] += 1
    assert claim(0.001) is not None, "however often it is hurried, the share of long looks is bounded"
    now[0] += 1 / WALK_SHARE
    assert claim(0.001) is None


def test_while_more_is_due_than_there_are_places_the_horizon_stands_at_the_last_one() -> None:
    now = [100.0]
    horizon = Horizon(lambda: now[0])
    horizon.since()
    horizon.note([replace(SYNC, due_at=NOON - timedelta(hours=n)) for n in (3, 2)], 2)
    now[0] += 1
    assert horizon.since() == NOON - timedelta(hours=2) - SLACK
    horizon.note([], 2)
    now[0] += 0.5
    assert (horizon.since() or NOON) - (NOON - timedelta(hours=2) - SLACK) == timedelta(seconds=0.5)
