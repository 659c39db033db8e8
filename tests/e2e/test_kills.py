"""Pollers are killed at random moments while an account is read for the first time and changes all along: nothing is lost, nothing is old.

KILLS says how many (`make kills`: 50); a few are in every run of the tests.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from contextlib import suppress

import psycopg
import pytest
from e2e.polling import NEWEST, Process, assert_complete, connect, stored, sync, until
from fakes.stripe import StripeFake

KILLS = int(os.environ.get("KILLS", "1"))


def change(fake: StripeFake, dice: random.Random, ids: dict[str, list[str]], over: threading.Event) -> None:
    """Somebody works in the account."""
    while not over.wait(0.02):
        customer = dice.choice(ids["customer"])
        with suppress(Exception):  # it may be gone
            match dice.randrange(5):
                case 0:
                    ids["customer"].append(fake.create("customer", name="new")["id"])
                case 1 if len(ids["customer"]) > 50:
                    fake.delete("customer", customer)
                    ids["customer"].remove(customer)
                case 2:
                    fake.update("product", dice.choice(ids["product"]), name=f"{dice.random()}")
                case _:
                    fake.update("customer", customer, name=f"{dice.random()}")


@NEWEST
@pytest.mark.timeout(120 + 30 * KILLS)
def test_pollers_killed_at_random_moments(db: str, stripe_fake: StripeFake) -> None:
    dice = random.Random(KILLS)
    ids = stripe_fake.seed(customers=200 * (KILLS + 1), products=20, prices=20, plans=10, subscriptions=40)
    stripe_fake.set(latency=0.4)
    connect(db, stripe_fake)
    over = threading.Event()
    worker = threading.Thread(target=change, args=(stripe_fake, random.Random(7), ids, over))
    worker.start()
    pollers = [Process(db), Process(db)]
    backfilling = 0
    try:
        until(lambda: len(stored(db)["customer"]) >= 100, 60)
        for number in range(KILLS):
            time.sleep(dice.uniform(0.0, 1.5))
            backfilling += sync(db)["status"] == "backfilling"
            # The first one certainly in the middle of its work.
            victim = dice.randrange(len(pollers)) if number else next(at for at, one in enumerate(pollers) if f"-{one.pid}-" in holder(db))
            pollers[victim].send(signal.SIGKILL)
            pollers[victim].wait()
            pollers[victim].close()
            pollers[victim] = Process(db)
        over.set()
        worker.join()
        stripe_fake.set(latency=0.0)
        until(lambda: sync(db)["status"] == "active", 60 + 10 * KILLS)
        until(lambda: equal(db, stripe_fake), 60)
        for one in pollers:
            one.send(signal.SIGTERM)
            assert one.wait(30) == 0, one.output
    finally:
        over.set()
        for one in pollers:
            one.close()
        worker.join()
    print(f"{KILLS} kills, {backfilling} of them during the backfill")
    assert backfilling > 0
    assert_complete(db, stripe_fake)


def holder(db: str) -> str:
    """The poller that has the sync now."""

    def look() -> str | None:
        with psycopg.connect(db) as conn:
            (poller_id,) = conn.execute("select poller_id from sluice_internal.sync_runs").fetchone()
            return poller_id

    return until(look)


def equal(db: str, fake: StripeFake) -> bool:
    try:
        assert_complete(db, fake)
    except AssertionError:
        return False
    return True
