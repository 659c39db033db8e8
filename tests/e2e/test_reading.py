"""Sweeps, parts, jobs, ages and changed settings, with a vendor of our own over HTTP (`fakes.shop`), and pollers that are killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from e2e.polling import KEY, NEWEST, Process, poller, read_once, sync, until
from fakes import shop as shops
from fakes.shop import Shop

from pgsluice.db.client import Client
from pgsluice.poller import pull
from pgsluice.providers import registry

DAY = 86_400.0
pytestmark = NEWEST


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(registry, "_PROVIDERS", dict(registry._PROVIDERS))
    with Shop() as shop:
        yield shop


def connect(db: str, shop: Shop, *kinds: str, **options: Any) -> None:
    with Client.connect(db, master_key=KEY) as client:
        client.stream_create("s")
        client.credential_create("stripe", "k", "stripe_key", secret={"secret": "sk_test_shop"}, base_url=shop.url)
        ids = [f"stripe:{kind}" for kind in kinds or shops.KINDS]
        client.sync_create("s", "stripe", "acme", collection_ids=ids, credential_id="k", **options)


def rows(db: str, query: str) -> list[Any]:
    with psycopg.connect(db, autocommit=True) as conn:
        done = conn.execute(query)
        return done.fetchall() if done.description else []


def stored(db: str, *, deleted: bool = False) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {kind: {} for kind in shops.KINDS}
    for collection_id, upstream_id, data in rows(
        db, f"select collection_id, upstream_id, data from sluice.records where deleted = {deleted}"
    ):
        found[collection_id.removeprefix("stripe:")][upstream_id] = data
    return found


def assert_complete(db: str, shop: Shop) -> None:
    assert stored(db) == json.loads(json.dumps(shop.objects))


def sweep_now(db: str) -> None:
    rows(db, "update sluice_internal.sync_feeds set next_attempt_at = null where kind = 'sweep'")


class ShopProcess(Process):
    def __init__(self, db: str, *arguments: str, **options: Any) -> None:
        path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        program = "from fakes import shop; shop.main()"
        super().__init__(db, *arguments, program=program, SHOP=json.dumps(options), PYTHONPATH=path)


def let_go(db: str) -> None:
    """A poller that was killed loses its syncs now, not in ten seconds."""
    rows(db, "update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '1 minute'")


# ---------------------------------------------------------------- sweeps


def test_a_sweep_finds_what_is_gone(db: str, shop: Shop) -> None:
    shops.install(changes=False, sweeps=True)
    customers = shop.seed("customer", 12)
    shop.seed("plan", 7)
    connect(db, shop)
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, shop)
    asked = len(shop.requests)
    shop.remove("customer", customers[0], customers[11], silently=True)
    # Its first pass is not due yet.
    assert read_once(db)["acme"].outcome == "caught_up"
    assert len(shop.requests) == asked
    sweep_now(db)
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, shop)
    assert set(stored(db, deleted=True)["customer"]) == {customers[0], customers[11]}
    assert rows(db, "select count(*) from sluice_internal.sweep_seen") == [(0,)]


def test_what_a_list_passed_over_is_asked_for(db: str, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few that did not come up: each is asked for, and only what is gone becomes a tombstone. Of many, the list is believed."""
    shops.install(changes=False, sweeps=True)
    customers = shop.seed("customer", 12)
    connect(db, shop, "customer")
    assert read_once(db)["acme"].outcome == "caught_up"
    due = rows(db, "select next_attempt_at > now() from sluice_internal.sync_feeds where kind = 'sweep'")
    assert due == [(True,)]
    shop.passed_over = {customers[3], customers[7]}
    shop.remove("customer", customers[5], silently=True)
    for _ in range(2):
        sweep_now(db)
        assert read_once(db)["acme"].outcome == "caught_up"
        assert_complete(db, shop)
        assert set(stored(db, deleted=True)["customer"]) == {customers[5]}
        # the next pass is due a day from now, as before
        assert rows(db, "select next_attempt_at > now() + interval '1 hour' from sluice_internal.sync_feeds where kind = 'sweep'") == due
    assert sum(request.endswith(f"/{customers[5]}") for request in map(str, shop.requests)) <= 1
    monkeypatch.setattr(pull, "DOUBTFUL", 1)
    sweep_now(db)
    assert read_once(db)["acme"].outcome == "caught_up"
    assert set(stored(db, deleted=True)["customer"]) == {customers[3], customers[5], customers[7]}
    shop.passed_over = set()
    sweep_now(db)
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, shop)


def test_a_sweep_alone_reads_and_removes(db: str, shop: Shop) -> None:
    shops.install(changes=False, backfills=False, sweeps=True)
    ids = shop.seed("customer", 12)
    connect(db, shop, "customer")
    read_once(db)
    assert_complete(db, shop)
    assert sync(db)["status"] == "active"
    shop.remove("customer", *ids)
    sweep_now(db)
    read_once(db)
    assert stored(db)["customer"] == {}


@pytest.mark.parametrize("status", [401, 403, 500, 418])
def test_a_refused_request_is_no_empty_pass(db: str, shop: Shop, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgsluice.poller.asking.PAGE_TRIES", 0)
    shops.install(sweeps=True)
    ids = shop.seed("customer", 12)
    shop.seed("plan", 3)
    connect(db, shop)
    read_once(db)
    sweep_now(db)
    # From its second page on.
    shop.fault = lambda asked: status if asked.path == "/customer" and asked.params.get("after", "") >= ids[4] else None
    tally = read_once(db)["acme"]
    assert tally.outcome == ("error" if status == 401 else "partial")
    assert_complete(db, shop)
    shop.fault = lambda _asked: None
    shop.remove("customer", ids[7], silently=True)
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, shop)


def test_what_comes_while_a_pass_is_read_stays(db: str, shop: Shop) -> None:
    shops.install(sweeps=True)
    ids = shop.seed("customer", 20)
    connect(db, shop, "customer")
    read_once(db)
    sweep_now(db)

    def fault(asked: shops.Asked) -> None:
        # In the middle of the pass: an object before its place, which the pass does not see, and one of which an event tells.
        if asked.path == "/customer" and asked.params.get("after") == ids[9]:
            shop.put("customer", "a-new-one")
            shop.remove("customer", ids[1], silently=True)

    shop.fault = fault
    assert read_once(db)["acme"].outcome == "caught_up"
    shop.fault = lambda _asked: None
    # The pass saw it before it went: the next one finds out.
    assert set(stored(db)["customer"]) == {*ids, "a-new-one"}
    sweep_now(db)
    read_once(db)
    assert_complete(db, shop)


def test_killed_in_the_middle_of_the_conclusions(db: str, shop: Shop) -> None:
    shops.install(sweeps=True, changes=False)
    ids = shop.seed("customer", 12)
    connect(db, shop, "customer")
    read_once(db)
    sweep_now(db)
    gone = ids[1:9]
    shop.remove("customer", *gone, silently=True)
    process = ShopProcess(db, "--once", sweeps=True, changes=False, stop_after=3)
    try:
        until(lambda: len(stored(db, deleted=True)["customer"]) == 5, 60)
        process.send(signal.SIGKILL)
        process.wait()
    finally:
        process.close()
    let_go(db)
    asked = len(shop.requests)
    assert read_once(db)["acme"].outcome == "caught_up"
    # Nothing is listed again for it; the rest is asked for one by one.
    assert {seen.path for seen in shop.requests[asked:]} <= {f"/customer/{one}" for one in gone}
    assert_complete(db, shop)
    assert set(stored(db, deleted=True)["customer"]) == set(gone)


# ---------------------------------------------------------------- parts, jobs


@pytest.mark.parametrize("at", [2, 5, 8])
def test_parts_that_are_interrupted_at_any_page(db: str, shop: Shop, at: int) -> None:
    shops.install(parts=True)
    shop.seed("customer", 33)
    connect(db, shop, "customer")
    shop.fault = lambda _asked: 401 if len(shop.requests) == at else None
    outcomes = [read_once(db)["acme"].outcome for _ in range(2)]
    assert outcomes[1] == "caught_up"
    assert_complete(db, shop)
    assert sync(db)["status"] == "active"
    pages = [(asked.params.get("after"), asked.params.get("until")) for asked in shop.requests if asked.path == "/customer"]
    # What was under way, and the page asked for beside it, of at most two parts.
    assert len(pages) - len(set(pages)) <= 4


def test_a_job_is_asked_about_until_it_is_ready(db: str, shop: Shop) -> None:
    shops.install(job=True)
    shop.seed("customer", 7)
    shop.not_ready = 3
    connect(db, shop, "customer")
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, shop)
    assert sum(bool(asked.params.get("job")) for asked in shop.requests) == 4


# ---------------------------------------------------------------- the page that is asked for ahead


def test_killed_while_a_page_is_committed_and_the_next_one_is_there(db: str, shop: Shop) -> None:
    shops.install()
    ids = shop.seed("customer", 23)
    connect(db, shop, "customer")
    read_once(db)
    shop.put("customer", *ids)
    rows(db, "select sluice_internal._feeds_restart('acme', array['stripe:customer'])")
    shop.requests.clear()
    with psycopg.connect(db) as holder:
        # The commit of the second page waits for this; the third one is asked for meanwhile.
        holder.execute("select from sluice.records where upstream_id = %s for update", [ids[7]])
        process = ShopProcess(db, "--once")
        try:
            until(lambda: any(asked.params.get("after") == ids[9] for asked in shop.requests), 60)
            process.send(signal.SIGKILL)
            process.wait()
        finally:
            process.close()
        holder.rollback()
    until(
        lambda: (
            not rows(db, "select from pg_stat_activity where query like '%_pages_commit%' and pid <> pg_backend_pid() and state = 'active'")
        )
    )
    let_go(db)
    assert read_once(db)["acme"].outcome == "caught_up"
    assert_complete(db, shop)


# ---------------------------------------------------------------- settings that change


def test_objects_that_are_too_old_are_neither_read_nor_kept(db: str, shop: Shop) -> None:
    shops.install(sweeps=True)
    now = time.time()
    shop.put("customer", "old", created=now - 40 * DAY)
    shop.put("customer", "young", "middle", created=now - 20 * DAY)
    connect(db, shop, "customer", max_age_days=30)
    assert read_once(db)["acme"].outcome == "caught_up"
    assert set(stored(db)["customer"]) == {"young", "middle"}
    shop.put("customer", "old", created=now - 40 * DAY)
    read_once(db)
    assert set(stored(db)["customer"]) == {"young", "middle"}
    with Client.connect(db) as client:
        client.consumer_create("c", "s")
        assert len(client.consumer_next("c", 10)) == 2
    # Time goes by.
    rows(db, "update sluice.records set upstream_created_at = now() - interval '31 days' where upstream_id = 'middle'")
    rows(db, "update sluice_internal.sync_runs set trim_from = null")
    shop.put("customer", "middle", created=now - 31 * DAY, silently=True)
    read_once(db)
    assert set(stored(db)["customer"]) == {"young"}
    assert stored(db, deleted=True)["customer"] == {}
    sweep_now(db)
    read_once(db)
    assert set(stored(db)["customer"]) == {"young"}
    assert stored(db, deleted=True)["customer"] == {}


def changed(db: str, *kinds: str) -> None:
    """What `sync_update` does to the collections of a sync."""
    ids = ", ".join(f"'stripe:{kind}'" for kind in kinds)
    rows(db, f"update sluice_internal.syncs set collection_ids = array[{ids}]")
    rows(db, "select sluice_internal._lease_end('acme')")


def test_collections_come_and_go_while_the_sync_is_read(db: str, shop: Shop) -> None:
    shops.install()
    shop.seed("customer", 22)
    shop.seed("plan", 12)
    held, go_on = asyncio.Event(), threading.Event()
    connect(db, shop, "customer")

    def fault(asked: shops.Asked) -> None:
        if asked.path == "/customer" and asked.params.get("after") == "c0009" and not go_on.is_set():
            held.set()
            go_on.wait(30)

    shop.fault = fault

    async def main() -> None:
        started = poller(db, poll_interval=0.2)
        task = asyncio.create_task(started.run())
        try:
            await eventually(held.is_set)
            await asyncio.to_thread(changed, db, "customer", "plan")
            # Another turn begins at once, while the page of the old one hangs, and reads the new collection.
            await eventually(lambda: len(stored(db)["plan"]) == 12)
            go_on.set()
            await eventually(lambda: sync(db)["status"] == "active" and len(stored(db)["customer"]) == 22)
            assert_complete(db, shop)
            await asyncio.to_thread(changed, db, "plan")
            await eventually(lambda: ("stripe:customer",) not in rows(db, "select feed from sluice_internal.sync_feeds"))
            shop.put("customer", "c0001", note="not read any more")
            shop.put("plan", "p0001", note="still read")
            await eventually(lambda: stored(db)["plan"]["p0001"].get("note"))
            assert len(stored(db)["customer"]) == 22
            assert "note" not in stored(db)["customer"]["c0001"]
            # Once it is wanted again it is read from its start.
            await asyncio.to_thread(changed, db, "customer", "plan")
            await eventually(lambda: stored(db)["customer"]["c0001"].get("note"))
        finally:
            go_on.set()
            started.stop()
            await task

    asyncio.run(main())


async def eventually(condition: Callable[[], Any], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < end, f"not within {seconds} s"
        await asyncio.sleep(0.05)
