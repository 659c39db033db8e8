"""Pollers and databases that are killed, stopped, or told to end, at a known place: the vendor holds a page until the test lets it go."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from e2e.polling import NEWEST, assert_complete, connect, positions, process, stored, sync, until
from fakes.stripe import StripeFake, faults

from pgsluice.db import embedded


def feeds(db: str) -> list[Any]:
    with psycopg.connect(db) as conn:
        return conn.execute("select feed, cursor_state, done, pages from sluice_internal.sync_feeds order by feed").fetchall()


def holder(db: str) -> str | None:
    with psycopg.connect(db) as conn:
        row = conn.execute("select poller_id from sluice_internal.sync_runs").fetchone()
        return None if row is None else row[0]


@pytest.fixture
def account(db: str, stripe_fake: StripeFake) -> StripeFake:
    stripe_fake.seed(customers=450, products=5, prices=5, plans=3, subscriptions=5)
    connect(db, stripe_fake)
    return stripe_fake


@NEWEST
def test_a_killed_poller_is_replaced_within_seconds(db: str, account: StripeFake) -> None:
    page = account.fail(faults.Hold(executed=True), path="/v1/customers", skip=2)
    with process(db) as first, process(db) as second:
        assert page.wait()
        until(lambda: len(stored(db)["customer"]) == 200)
        killed = first if str(first.pid) in str(holder(db)) else second
        killed.send(signal.SIGKILL)
        begun = time.monotonic()
        killed.wait()
        page.release()
        until(lambda: sync(db)["status"] == "active")
        assert time.monotonic() - begun < 20
        assert len(stored(db)["customer"]) == 450
        assert_complete(db, account)
        # No page twice but the one that was under way, no page left out.
        asked = [request.params.get("starting_after") for request in account.requests if request.path == "/v1/customers"]
        assert len(asked) == len(set(asked)) + 1 == 6
        (other,) = {first, second} - {killed}
        other.send(signal.SIGTERM)
        assert other.wait() == 0


@NEWEST
def test_a_poller_that_sleeps_through_its_lease_commits_nothing(db: str, account: StripeFake) -> None:
    page = account.fail(faults.Hold(executed=True), path="/v1/customers", skip=2)
    with process(db) as first:
        assert page.wait()
        first.send(signal.SIGSTOP)
        with psycopg.connect(db) as conn:
            conn.execute("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '1 minute'")
        with process(db, "--once") as second:
            assert second.wait() == 0, second.output
        assert_complete(db, account)
        before = feeds(db), positions(db)
        page.release()
        first.send(signal.SIGCONT)
        until(lambda: "sync taken over by another poller, or paused" in first.log)
        assert (feeds(db)[1:], positions(db)) == (before[0][1:], before[1])
        first.send(signal.SIGTERM)
        assert first.wait() == 0
    assert_complete(db, account)


@NEWEST
def test_sigterm_lets_the_page_be_finished(db: str, account: StripeFake) -> None:
    page = account.fail(faults.Hold(), path="/v1/customers", skip=2)
    with process(db) as poller:
        assert page.wait()
        poller.send(signal.SIGTERM)
        page.release()
        assert poller.wait(10) == 0
    assert len(stored(db)["customer"]) == 300
    assert holder(db) is None
    assert sync(db)["status"] == "backfilling"
    with process(db, "--once") as poller:
        assert poller.wait() == 0, poller.output
    assert_complete(db, account)


@NEWEST
def test_sigterm_drops_a_page_that_takes_too_long(db: str, account: StripeFake) -> None:
    page = account.fail(faults.Hold(), path="/v1/customers", skip=2)
    with process(db) as poller:
        assert page.wait()
        poller.send(signal.SIGINT)
        assert poller.wait(10) == 0
        assert "Traceback" not in poller.output
    page.release()
    assert len(stored(db)["customer"]) == 200
    # Free at once, without waiting for the lease to run out.
    assert holder(db) is None
    with process(db, "--once") as poller:
        assert poller.wait() == 0, poller.output
    assert_complete(db, account)


@pytest.fixture
def own(made_dir: Path) -> Iterator[embedded.Server]:
    """A server that may be killed."""
    with embedded.start(made_dir, durable=False) as server:
        yield server


def kill(server: embedded.Server) -> None:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: not server.is_alive())


def test_postgres_killed_in_the_middle_of_a_page(own: embedded.Server, stripe_fake: StripeFake) -> None:
    stripe_fake.seed(customers=450, products=5, prices=5, plans=3, subscriptions=5)
    connect(own.conninfo, stripe_fake)
    page = stripe_fake.fail(faults.Hold(), path="/v1/customers", skip=2)
    with process(own.conninfo, "--once") as poller:
        assert page.wait()
        kill(own)
        page.release()
        until(lambda: "database away" in poller.log)
        stripe_fake.update("customer", next(iter(stripe_fake.objects("customer"))), name="changed while the database was down")
        own.restart()
        assert poller.wait() == 0, poller.output
    assert_complete(own.conninfo, stripe_fake)
    assert sync(own.conninfo)["status"] == "active"


def test_postgres_gone_for_longer_than_the_patience(own: embedded.Server, stripe_fake: StripeFake) -> None:
    stripe_fake.seed(customers=450)
    connect(own.conninfo, stripe_fake)
    page = stripe_fake.fail(faults.Hold(), path="/v1/customers", skip=2)
    with process(own.conninfo, "--once", "--database-patience", "1") as poller:
        assert page.wait()
        kill(own)
        page.release()
        assert poller.wait() == 75
        assert "SL401" in poller.output
        assert "Traceback" not in poller.output
    own.restart()
    # The lease of the one that is gone lives for some seconds more.
    with psycopg.connect(own.conninfo) as conn:
        conn.execute("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '1 minute'")
    with process(own.conninfo, "--once") as poller:
        assert poller.wait() == 0, poller.output
    assert_complete(own.conninfo, stripe_fake)


@NEWEST
def test_what_was_replaced_leaves_the_log(db: str) -> None:
    with psycopg.connect(db, autocommit=True) as conn:
        conn.execute("select sluice.stream_create('s', 1), sluice.sync_create('s', 'push', 'y')")
        for turn in range(5):
            conn.execute(
                "select sluice.record_ingest('y', 'push:o', jsonb_build_array(jsonb_build_object('upstream_id', 'a', 'data', %s::int)))",
                [turn],
            )
        conn.execute("update sluice_internal.stream_trims set replaced = 10000")
        with process(db):
            until(lambda: conn.execute("select count(*) from sluice_internal.positions").fetchone() == (1,))
        (message,) = conn.execute("select upstream_id, data from sluice.records").fetchall()
        assert message == ("a", 4)
