from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgsluice.db import leases
from pgsluice.db.client import Client
from pgsluice.db.connect import connect_async
from pgsluice.db.errors import LeaseLost
from pgsluice.db.secrets import open_sealed, parse_key

KEY = parse_key("00" * 32)
Work = Callable[[leases.Connection], Awaitable[Any]]


@pytest.fixture
def polled(db: str) -> str:
    with Client.connect(db, master_key=KEY) as client:
        client.stream_create("s")
        client.credential_create("stripe", "k", "stripe_key", secret={"secret": "sk_test_x"})
        client.sync_create("s", "stripe", "y", collection_ids=["stripe:customer"], credential_id="k")
    return db


def run(conninfo: str, work: Work) -> Any:
    async def main() -> Any:
        async with await connect_async(conninfo) as conn:
            return await work(conn)

    return asyncio.run(main())


async def claimed(conn: leases.Connection, poller: str = "p") -> leases.ClaimedSync:
    await leases.heartbeat(conn, poller, "here", 1)
    (sync,) = await leases.claim(conn, poller, 10)
    return sync


def test_a_turn_from_claim_to_finish(polled: str) -> None:
    async def work(conn: leases.Connection) -> None:
        assert (await leases.due(conn, "p")).due == 1
        sync = await claimed(conn)
        assert (sync.sync_id, sync.provider, sync.collection_ids, sync.attempt, sync.feeds) == ("y", "stripe", ("stripe:customer",), 0, ())
        assert sync.credential is not None
        assert open_sealed(sync.credential.sealed, "k", KEY, sync.credential.key_version) == {"secret": "sk_test_x"}
        assert "sealed=" not in repr(sync)
        read_from = await leases.clock(conn)
        record = b'{"collection_id": "stripe:customer", "upstream_id": "cus_1", "data": {"n": 1.10}}'
        refused = {"collection_id": "stripe:customer", "upstream_id": "cus_2", "raw": base64.b64encode(b"\x00").decode(), "reason": "a NUL"}
        page = leases.NewPage("stripe:customer", {"after": "cus_1"}, True, [record], read_from, [refused])
        result = await leases.commit_pages(conn, "p", sync, [page])
        assert (result.new, result.changed, result.unchanged, result.refused, result.refetch) == (1, 0, 0, 0, ())
        assert result.clock > read_from
        await leases.release(conn, "p", sync)
        again = await claimed(conn)
        assert again.epoch > sync.epoch
        assert again.feeds == (leases.FeedState("stripe:customer", {"after": "cus_1"}, True),)
        await leases.finish(conn, "p", again, timedelta(hours=1))
        due = await leases.due(conn, "p")
        assert due.due == 0
        assert due.next_in is not None
        assert due.next_in > timedelta(minutes=50)

    run(polled, work)
    with Client.connect(polled) as client:
        assert client.records()[0]["data"] == {"n": Decimal("1.10")}
        assert client.quarantine()[0]["reason"] == "a NUL"
        assert client.syncs()[0]["status"] == "active"


def test_a_lost_lease(polled: str) -> None:
    async def work(conn: leases.Connection) -> None:
        sync = await claimed(conn)
        await leases.stop(conn, "p")
        await claimed(conn, "other")
        page = leases.NewPage("stripe:customer", {}, False, [], await leases.clock(conn))
        for late in (
            leases.commit_pages(conn, "p", sync, [page]),
            leases.finish(conn, "p", sync, timedelta(1)),
            leases.fail(conn, "p", sync, status="error", error={"code": "SL205", "message": "m"}, retry_in=timedelta(1)),
        ):
            with pytest.raises(LeaseLost):
                await late
        await leases.release(conn, "p", sync)

    run(polled, work)


def test_a_failed_turn(polled: str) -> None:
    error = {"code": "SL201", "message": "refused", "details": None, "hint": "make a new key"}

    async def work(conn: leases.Connection) -> None:
        sync = await claimed(conn)
        await leases.fail(conn, "p", sync, status="error", error=error, retry_in=timedelta(seconds=0))
        assert (await claimed(conn)).attempt == 1

    run(polled, work)
    with Client.connect(polled) as client:
        (sync,) = client.syncs()
        assert (sync["status"], sync["error"]) == ("error", error)


def test_refusals(polled: str) -> None:
    async def work(conn: leases.Connection) -> None:
        assert await leases.jsonb_refusal(conn, '{"a": 1}') is None
        assert await leases.jsonb_refusal(conn, '{"a": "\\u0000"}')

    run(polled, work)


def test_a_stale_plan_is_no_error(polled: str) -> None:
    async def work(conn: leases.Connection) -> None:
        for _ in range(7):
            await leases.due(conn, "p")
        with psycopg.connect(polled) as other:
            definition = other.execute(
                "select pg_get_functiondef('sluice_internal._sync_due(text, timestamptz)'::regprocedure)"
            ).fetchone()[0]
            other.execute("drop function sluice_internal._sync_due(text, timestamptz)")
            other.execute(definition)
        assert (await leases.due(conn, "p")).due == 1

    run(polled, work)


def test_the_one_that_waited_longest_goes_first(polled: str) -> None:
    """Also when it was a poller that died who held it. Paused ones wait for nobody, and what is worked on is behind those that wait."""
    with Client.connect(polled) as client:
        for number in range(6):
            client.sync_create("s", "stripe", f"y{number}", collection_ids=["stripe:customer"], credential_id="k")
    with psycopg.connect(polled) as conn:
        conn.execute("update sluice_internal.syncs set paused = sync_id in ('y', 'y3')")
        conn.execute(
            "update sluice_internal.sync_runs set next_attempt_at = now() - interval '1 hour' - right(sync_id, 1)::int * interval '1 minute' where sync_id <> 'y'"
        )

    async def work(conn: leases.Connection) -> None:
        for poller in ("dead", "p"):
            await leases.heartbeat(conn, poller, "here", 1)

        async def next_of(poller: str, count: int, **options: Any) -> list[str]:
            return [sync.sync_id for sync in await leases.claim(conn, poller, count, **options)]

        (first,) = await leases.claim(conn, "dead", 1)
        assert first.sync_id == "y5"
        assert first.due_at is not None
        assert timedelta(minutes=64) < first.clock - first.due_at < timedelta(minutes=66)
        assert await next_of("p", 2) == ["y4", "y2"]
        # What fell due before is passed over, for whoever has looked there already.
        assert await next_of("p", 9, since=first.clock - timedelta(minutes=60, seconds=30)) == ["y0"]
        assert (await leases.due(conn, "p")) == leases.Due(1, None, 1)
        await conn.execute("update sluice_internal.pollers set heartbeat_at = now() - interval '11 seconds' where poller_id = 'dead'")
        assert await next_of("p", 9) == ["y1", "y5"]
        assert (await leases.due(conn, "p")) == leases.Due(0, None, 0)

    run(polled, work)


def test_two_pollers_never_claim_the_same(polled: str) -> None:
    with Client.connect(polled) as client:
        for number in range(40):
            client.sync_create("s", "stripe", f"y{number}", collection_ids=["stripe:customer"], credential_id="k")

    async def main() -> None:
        conns = [await connect_async(polled) for _ in range(4)]
        for number, conn in enumerate(conns):
            await leases.heartbeat(conn, str(number), "here", 1)
        for _ in range(5):
            found = await asyncio.gather(*(leases.claim(conn, str(number), 15) for number, conn in enumerate(conns)))
            ids = [sync.sync_id for claimed in found for sync in claimed]
            assert len(ids) == len(set(ids)) == 41
            for number, (conn, claimed) in enumerate(zip(conns, found, strict=True)):
                for sync in claimed:
                    await leases.finish(conn, str(number), sync, timedelta(0))
        for conn in conns:
            await conn.close()

    asyncio.run(main())
