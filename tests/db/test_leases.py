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
        assert open_sealed(sync.sealed or b"", "k", KEY, sync.key_version or 0) == {"secret": "sk_test_x"}
        assert "sealed" not in repr(sync)
        read_from = await leases.clock(conn)
        record = {"collection_id": "stripe:customer", "upstream_id": "cus_1", "data": {"n": Decimal("1.10")}}
        record |= {"upstream_created_at": None, "upstream_updated_at": None, "deleted": False}
        refused = {"collection_id": "stripe:customer", "upstream_id": "cus_2", "raw": base64.b64encode(b"\x00").decode(), "reason": "a NUL"}
        page = {"feed": "stripe:customer", "cursor": {"after": "cus_1"}, "done": True, "read_from": read_from}
        result = await leases.commit_page(conn, "p", sync, records=[record], quarantine=[refused], **page)
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
        page = {"feed": "stripe:customer", "cursor": {}, "done": False, "records": "[]", "read_from": await leases.clock(conn)}
        for late in (
            leases.commit_page(conn, "p", sync, **page),
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


def test_credentials_and_refusals(polled: str) -> None:
    async def work(conn: leases.Connection) -> None:
        found = await leases.credential(conn, "k")
        assert found is not None
        assert (found.kind, found.provider, found.base_url) == ("stripe_key", "stripe", None)
        assert "sealed" not in repr(found)
        assert await leases.credential(conn, "unheard of") is None
        assert await leases.jsonb_refusal(conn, '{"a": 1}') is None
        assert await leases.jsonb_refusal(conn, '{"a": "\\u0000"}')

    run(polled, work)


def test_a_stale_plan_is_no_error(polled: str) -> None:
    async def work(conn: leases.Connection) -> None:
        for _ in range(7):
            await leases.due(conn, "p")
        with psycopg.connect(polled) as other:
            definition = other.execute("select pg_get_functiondef('sluice_internal._sync_due(text)'::regprocedure)").fetchone()[0]
            other.execute("drop function sluice_internal._sync_due(text)")
            other.execute(definition)
        assert (await leases.due(conn, "p")).due == 1

    run(polled, work)
