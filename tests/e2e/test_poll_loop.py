"""The poller that keeps running: woken by what is new, fair, and alive after what happens to its connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from e2e.polling import KINDS, NEWEST, assert_complete, connect, poller, read_once, stored, sync
from fakes.stripe import StripeFake, faults

from pgsluice.db.client import Client
from pgsluice.db.errors import DatabaseUnavailable
from pgsluice.poller import asking, loop, places, plan, storing
from pgsluice.poller.loop import Poller

TERMINATE = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


def running(db: str, script: Callable[[Poller], Awaitable[None]], **settings: Any) -> None:
    """Runs `script` beside a poller, then stops the poller, which has to end well."""

    async def main() -> None:
        started = poller(db, **{"poll_interval": 3600.0, **settings})
        task = asyncio.create_task(started.run())
        work = asyncio.ensure_future(script(started))
        try:
            await asyncio.wait({task, work}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                task.result()
            await work
        finally:
            work.cancel()
            started.stop()
            begun = time.monotonic()
            await task
            assert time.monotonic() - begun < 10

    asyncio.run(main())


async def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < end, f"not within {seconds} s"
        await asyncio.sleep(0.02)


def execute(db: str, query: str, *parameters: Any) -> list[Any]:
    with psycopg.connect(db, autocommit=True) as conn:
        found = conn.execute(query, parameters)
        return found.fetchall() if found.description else []


def active(db: str, sync_id: str = "acme") -> Callable[[], bool]:
    return lambda: sync(db, sync_id)["status"] == "active"


@NEWEST
def test_a_new_sync_wakes_a_sleeping_poller(db: str, stripe_fake: StripeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LONGEST_SLEEP", 60.0)
    stripe_fake.seed(customers=3)

    async def script(_poller: Poller) -> None:
        await until(lambda: execute(db, "select 1 from pg_stat_activity where query ilike 'listen%%' and state = 'idle'"))
        connect(db, stripe_fake)
        await until(active(db), 20)

    running(db, script)
    assert_complete(db, stripe_fake)


@NEWEST
def test_changes_arrive_by_themselves(db: str, stripe_fake: StripeFake) -> None:
    ids = stripe_fake.seed(customers=3)["customer"]
    connect(db, stripe_fake)

    async def script(_poller: Poller) -> None:
        await until(active(db))
        stripe_fake.update("customer", ids[0], name="new name")
        stripe_fake.delete("customer", ids[1])
        await until(lambda: ids[1] in stored(db, deleted=True)["customer"])
        await until(lambda: stored(db)["customer"][ids[0]]["name"] == "new name")

    running(db, script, poll_interval=0.1)


@NEWEST
def test_changes_do_not_wait_for_a_long_backfill(db: str, stripe_fake: StripeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "CHANGES_EVERY", 0.2)
    ids = stripe_fake.seed(customers=900)["customer"]
    connect(db, stripe_fake)
    early = stripe_fake.fail(faults.Hold(), path="/v1/customers", skip=2)
    late = stripe_fake.fail(faults.Hold(), path="/v1/customers", skip=5)

    async def script(_poller: Poller) -> None:
        assert await asyncio.to_thread(early.wait)
        stripe_fake.update("customer", ids[-1], name="read long ago")
        stripe_fake.create("product", name="its list comes last")
        early.release()
        assert await asyncio.to_thread(late.wait)
        # The backfill stands still in its sixth page of nine; the changes are read beside it.
        await until(lambda: stored(db)["customer"][ids[-1]]["name"] == "read long ago" and len(stored(db)["product"]) == 1)
        assert sync(db)["status"] == "backfilling"
        late.release()
        await until(active(db))

    running(db, script)
    assert_complete(db, stripe_fake)


@NEWEST
def test_a_poller_that_has_nothing_to_do_stops_at_once(db: str) -> None:
    async def script(_poller: Poller) -> None:
        await until(lambda: execute(db, "select 1 from sluice_internal.pollers"))

    begun = time.monotonic()
    running(db, script)
    assert time.monotonic() - begun < 5
    assert execute(db, "select 1 from sluice_internal.pollers") == []


def test_lost_connections_in_the_middle_of_a_page(db: str, stripe_fake: StripeFake) -> None:
    stripe_fake.seed(customers=350)
    connect(db, stripe_fake)
    page = stripe_fake.fail(faults.Hold(), path="/v1/customers", skip=2)

    async def script(_poller: Poller) -> None:
        assert await asyncio.to_thread(page.wait)
        assert len(await asyncio.to_thread(execute, db, TERMINATE)) >= 4
        page.release()
        # Well before a lease would have run out.
        await until(active(db), 8)

    running(db, script)
    assert_complete(db, stripe_fake)


@NEWEST
def test_a_lost_connection_of_one_turn(db: str, stripe_fake: StripeFake) -> None:
    """Also when only the connection of one turn goes: the poller itself lives on, and must not keep what it no longer works on."""
    stripe_fake.seed(customers=350)
    connect(db, stripe_fake)
    page = stripe_fake.fail(faults.Hold(), path="/v1/customers", skip=2)

    async def script(_poller: Poller) -> None:
        assert await asyncio.to_thread(page.wait)
        await until(lambda: len(stored(db)["customer"]) == 200)  # the two pages before the one that is held
        # Turns share their connections with chores, whose call may have been the last: all but those of the poller itself.
        query = f"{TERMINATE} and query !~* '^listen|_poller_heartbeat|_sync_claim|_sync_due'"
        assert await asyncio.to_thread(execute, db, query)
        page.release()
        await until(active(db), 8)

    running(db, script)
    assert_complete(db, stripe_fake)
    # What was committed is not read again; of what was not, the page under way and the one asked for beside it at most.
    asked = [request.params.get("starting_after") for request in stripe_fake.requests if request.path == "/v1/customers"]
    assert [asked.count(after) for after in dict.fromkeys(asked)][:2] == [1, 1]
    assert len(asked) <= 4 + 2


def test_a_record_that_somebody_holds(db: str, stripe_fake: StripeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "DATABASE_CALL", 0.5)
    customer = stripe_fake.create("customer", name="a")["id"]
    connect(db, stripe_fake)
    assert read_once(db)["acme"].outcome == "caught_up"
    stripe_fake.update("customer", customer, name="b")
    with psycopg.connect(db) as conn:
        conn.execute("select from sluice.records for update")
        tally = read_once(db)["acme"]
        assert (tally.outcome, tally.error["code"]) == ("error", "57014")
        assert "pg_stat_activity" in tally.error["hint"]
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, stripe_fake)


@NEWEST
def test_a_sync_that_is_paused_in_the_middle_of_a_page(db: str, stripe_fake: StripeFake) -> None:
    stripe_fake.seed(customers=350)
    connect(db, stripe_fake)
    page = stripe_fake.fail(faults.Hold(), path="/v1/customers", skip=2)
    outcomes: list[str] = []

    async def script(started: Poller) -> None:
        started.progress = lambda tally: outcomes.append(tally.outcome)
        assert await asyncio.to_thread(page.wait)
        await until(lambda: len(stored(db)["customer"]) == 200)  # the two pages before the one that is held
        with Client.connect(db) as client:
            client.sync_pause("acme")
        page.release()
        await until(lambda: "lost" in outcomes)
        # What was asked for before the pause and came after it is not stored.
        assert len(stored(db)["customer"]) == 200
        with Client.connect(db) as client:
            client.sync_resume("acme")
        await until(active(db))

    running(db, script)
    assert_complete(db, stripe_fake)


@NEWEST
def test_several_syncs_at_once(db: str, stripe_fake: StripeFake) -> None:
    stripe_fake.seed(customers=120)
    for number in range(5):
        connect(db, stripe_fake, f"sync{number}")
    page = stripe_fake.fail(faults.Hold(), path="/v1/customers", times=5)

    async def script(_poller: Poller) -> None:
        assert await asyncio.to_thread(page.wait, 5)
        page.release()
        await until(lambda: all(active(db, f"sync{number}")() for number in range(5)))

    running(db, script)
    for number in range(5):
        assert_complete(db, stripe_fake, f"sync{number}")


@NEWEST
def test_two_pollers_share_the_work(db: str, stripe_fake: StripeFake) -> None:
    """Each sync is read by one of them: no list is asked for twice."""
    stripe_fake.seed(customers=120)
    for number in range(6):
        connect(db, stripe_fake, f"sync{number}")

    async def script(_poller: Poller) -> None:
        await until(lambda: all(active(db, f"sync{number}")() for number in range(6)))

    async def both() -> None:
        other = poller(db, workers=1, poll_interval=3600.0)
        task = asyncio.create_task(other.run())
        await asyncio.to_thread(running, db, script, workers=1)
        other.stop()
        await task

    asyncio.run(both())
    assert sum(request.path == "/v1/customers" for request in stripe_fake.requests) == 6 * 2
    assert len(stripe_fake.requests) < 6 * (2 * len(KINDS) + 4)


@NEWEST
def test_vendors_that_hang_delay_nobody(db: str, stripe_fake: StripeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than there are places, and each holds its turn until the end of the test."""
    monkeypatch.setattr(places, "SLOW", 0.2)
    monkeypatch.setattr(places, "LOOK", 0.1)
    stripe_fake.seed(customers=120)
    page = stripe_fake.fail(faults.Hold(), path="/v1/customers", times=5)
    for number in range(5):
        connect(db, stripe_fake, f"slow{number}")

    async def script(_poller: Poller) -> None:
        assert await asyncio.to_thread(page.wait, 5)
        connect(db, stripe_fake, "quick")
        await until(active(db, "quick"))
        assert not any(active(db, f"slow{number}")() for number in range(5))
        page.release()
        await until(lambda: all(active(db, f"slow{number}")() for number in range(5)))

    running(db, script, workers=2)


@NEWEST
def test_turns_share_few_connections(db: str, stripe_fake: StripeFake) -> None:
    stripe_fake.seed(customers=3)
    for number in range(20):
        connect(db, stripe_fake, f"sync{number}")
    page = stripe_fake.fail(faults.Hold(), path="/v1/customers", times=20)

    async def script(_poller: Poller) -> None:
        assert await asyncio.to_thread(page.wait, 20)
        (connections,) = execute(
            db, "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )[0]
        assert connections <= 3 + 10
        page.release()
        await until(lambda: all(active(db, f"sync{number}")() for number in range(20)))

    running(db, script)


@NEWEST
def test_a_rate_limit_ends_by_itself(db: str, stripe_fake: StripeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PAGE_TRIES", 0)
    stripe_fake.seed(customers=120)
    connect(db, stripe_fake)
    stripe_fake.fail(faults.RateLimited(retry_after=1), path="/v1/customers")
    states: set[str] = set()

    async def script(started: Poller) -> None:
        started.progress = lambda tally: states.add(tally.outcome)
        await until(active(db))

    running(db, script)
    assert states == {"running", "rate_limited", "caught_up"}
    assert_complete(db, stripe_fake)


def test_a_database_that_is_not_there(tmp_path: Any) -> None:
    begun = time.monotonic()
    with pytest.raises(DatabaseUnavailable) as caught:
        read_once(f"host={tmp_path} dbname=nothing", database_patience=0.3)
    assert caught.value.code == "SL401"
    assert 0.3 < time.monotonic() - begun < 5
