"""Pages that wait for storage are stored in one transaction: together or not at all, and none suffers from another."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import psycopg
import pytest
from e2e.polling import KEY, NEWEST, Process, assert_complete, connect, process, sync, until
from fakes.stripe import StripeFake

from pgsluice.db import leases, statements
from pgsluice.db.client import Client
from pgsluice.db.connect import connect_async
from pgsluice.db.errors import LeaseLost
from pgsluice.poller import storing
from pgsluice.poller.page import Batch
from pgsluice.poller.storing import Step, Store
from pgsluice.poller.tally import Tally
from pgsluice.providers.base import Change, Feed

KINDS = ("customer", "product", "price", "plan")
FEEDS = tuple(Feed(f"stripe:{kind}", "backfill", (f"stripe:{kind}",)) for kind in KINDS)


class World:
    """A sync that is held, and its store."""

    def __init__(self, conn: leases.Connection, claimed: leases.ClaimedSync) -> None:
        self.conn = conn
        self.sync = claimed
        self.tally = Tally("y")
        self.store = Store(conn, "p", claimed, self.tally)

    def page(self, kind: str, *ids: str, raw: bytes = b'{"n": 1}', read_from: datetime | None = None, done: bool = True) -> Awaitable[Any]:
        collection = f"stripe:{kind}"
        batch = Batch([Change(collection, upstream_id, raw) for upstream_id in ids])
        step = Step(collection, {"after": ids[-1]}, done, self.store.versions[collection], {"more": not done})
        return self.store.commit(step, batch, read_from or self.sync.clock)

    async def rows(self, query: str) -> list[dict[str, Any]]:
        return await statements.run(self.conn, query)

    async def cursors(self) -> dict[str, Any]:
        found = await self.rows("select feed, cursor_state from sluice_internal.sync_feeds")
        return {row["feed"].removeprefix("stripe:"): row["cursor_state"] and row["cursor_state"]["after"] for row in found}

    async def transactions(self) -> list[set[str]]:
        """The records by the transaction that wrote them."""
        found = await self.rows("select array_agg(upstream_id) as ids from sluice.records group by xmin::text order by min(record_no)")
        return [set(row["ids"]) for row in found]


def on(db: str, work: Callable[[World], Awaitable[None]]) -> None:
    with Client.connect(db, master_key=KEY) as client:
        client.stream_create("s")
        client.credential_create("stripe", "k", "stripe_key", secret={"secret": "sk_test_x"})
        client.sync_create("s", "stripe", "y", collection_ids=[f"stripe:{kind}" for kind in KINDS], credential_id="k")

    async def main() -> None:
        async with await connect_async(db) as conn:
            await leases.heartbeat(conn, "p", "here", 1)
            (claimed,) = await leases.claim(conn, "p", 1, ignore_schedule=True)
            world = World(conn, claimed)
            await world.store.declare(FEEDS)
            await work(world)

    asyncio.run(main())


def test_what_waits_is_stored_together(db: str) -> None:
    async def work(world: World) -> None:
        # The first one finds nobody; while it is stored the others come.
        await asyncio.gather(*(world.page(kind, f"{kind}-1", f"{kind}-2") for kind in KINDS))
        assert [len(ids) for ids in await world.transactions()] == [2, 6]
        assert await world.cursors() == {kind: f"{kind}-2" for kind in KINDS}
        assert world.store.done == {f"stripe:{kind}" for kind in KINDS}
        assert (world.tally.new, world.tally.unchanged) == (8, 0)
        (row,) = await world.rows("select sum(records)::int as records, sum(pages)::int as pages from sluice_internal.sync_feeds")
        assert (row["records"], row["pages"]) == (8, 4)

    on(db, work)


def test_a_large_page_goes_alone(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "MAX_COMMIT", 8_000)

    async def work(world: World) -> None:
        large = b'{"n": "%s"}' % (b"x" * 5_000)
        await asyncio.gather(*(world.page(kind, f"{kind}-1", raw=large) for kind in KINDS))
        assert [len(ids) for ids in await world.transactions()] == [1, 1, 1, 1]

    on(db, work)


def test_what_postgres_refuses_in_one_page_stops_no_other(db: str) -> None:
    async def work(world: World) -> None:
        bad = world.page("price", "price-1", raw=b'{"n": "\\u0000"}')
        await asyncio.gather(world.page("customer", "c-1"), world.page("product", "p-1"), bad, world.page("plan", "plan-1"))
        assert await world.cursors() == {"customer": "c-1", "product": "p-1", "price": "price-1", "plan": "plan-1"}
        found = await world.rows("select upstream_id from sluice_internal.quarantine")
        assert [row["upstream_id"] for row in found] == ["price-1"]
        assert sum(len(ids) for ids in await world.transactions()) == 3

    on(db, work)


def test_only_the_cursor_of_the_page_in_doubt_stays(db: str) -> None:
    async def work(world: World) -> None:
        await world.page("product", "p-1", raw=b'{"n": 0}', done=False)
        again = await asyncio.gather(
            world.page("customer", "c-1"),
            # read in the same interval as before, and different
            world.page("product", "p-1", "p-2", raw=b'{"n": 1}'),
            world.page("plan", "plan-1"),
        )
        assert [[hint.upstream_id for hint in hints] for hints in again] == [[], ["p-1"], []]
        assert await world.cursors() == {"customer": "c-1", "product": "p-1", "plan": "plan-1", "price": None}
        assert "stripe:product" not in world.store.done
        assert [len(ids) for ids in await world.transactions()] == [1, 1, 2]

    on(db, work)


def test_without_the_lease_none_is_stored(db: str) -> None:
    async def work(world: World) -> None:
        await world.page("customer", "c-1")
        await leases.stop(world.conn, "p")
        found = await asyncio.gather(*(world.page(kind, f"{kind}-2") for kind in KINDS), return_exceptions=True)
        assert [type(each) for each in found] == [LeaseLost] * 4
        assert await world.transactions() == [{"c-1"}]

    on(db, work)


HOLD = """
create function public.hold() returns trigger language plpgsql as $$
begin
    if new.feed <> 'events' and current_setting('test.pages', true) = '1' then
        perform pg_advisory_xact_lock(4242);  -- at the second page of one transaction
    elsif new.feed <> 'events' then
        perform pg_advisory_xact_lock_shared(4241);  -- at the first one
    end if;
    perform set_config('test.pages', '1', true);
    return null;
end $$;
create trigger hold after update on sluice_internal.sync_feeds for each row when (new.pages > old.pages) execute function public.hold();
"""
STATE = "select feed, cursor_state, pages from sluice_internal.sync_feeds order by 1"
HELD = "select pid from pg_locks where locktype = 'advisory' and objid = 4242 and not granted"


@NEWEST
def test_a_poller_killed_in_the_middle_of_several_pages(db: str, stripe_fake: StripeFake) -> None:
    """Their records are written, and one of their cursors: none of it stays, and nothing is missing in the end."""
    stripe_fake.seed(customers=150, products=150, prices=150, plans=150, subscriptions=0)
    connect(db, stripe_fake, collections=[f"stripe:{kind}" for kind in KINDS])

    def state(conn: psycopg.Connection[Any]) -> Sequence[Any]:
        return conn.execute(STATE).fetchall(), conn.execute("select count(*) from sluice.records").fetchone()

    with psycopg.connect(db, autocommit=True) as conn:
        conn.execute(HOLD)
        conn.execute("select pg_advisory_lock(4241), pg_advisory_lock(4242)")
        killed = Process(db)
        try:
            # Whose second page is asked for, the first one of it waits.
            until(lambda: sum("starting_after" in asked.params for asked in stripe_fake.requests) == len(KINDS), 60)
            conn.execute("select pg_advisory_unlock(4241)")
            (backend,) = until(lambda: conn.execute(HELD).fetchone(), 60)
            before = state(conn)
            killed.send(signal.SIGKILL)
            killed.wait()
        finally:
            killed.close()
        # Its connection is gone; that is what the server finds out.
        conn.execute("select pg_terminate_backend(%s)", [backend])
        until(lambda: not conn.execute(HELD).fetchone())
        assert state(conn) == before
        conn.execute("drop function public.hold cascade")
        conn.execute("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '1 minute'")
    with process(db):
        until(lambda: sync(db)["status"] == "active", 60)
    assert_complete(db, stripe_fake, kinds=KINDS)


pytestmark = pytest.mark.timeout(120)
