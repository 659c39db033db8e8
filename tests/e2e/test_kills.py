"""Pollers are killed at random moments while an account is read for the first time and changes all along: nothing is lost, nothing is old.

Salesforce is read by a job of its Bulk API, Shopify by a bulk operation. KILLS says how many (`make kills`: 50); one each is in every run
of the tests. A machine may be slow: what is waited for is what can be seen, and for long.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from e2e.polling import NEWEST, Process, sync, until
from e2e.vendors import ACCOUNTS, Account, SalesforceAccount, ShopifyAccount

KILLS = int(os.environ.get("KILLS", "1"))
# So many objects for each kill, beside the first ones: the first reading is to last.
MANY = {"stripe": 200, "hubspot": 100, "salesforce": 120, "shopify": 100}
PATIENCE = 300.0


@contextmanager
def changing(account: Account, ids: list[str]) -> Iterator[threading.Event]:
    """Somebody works in the account until the event is set."""
    over, dice = threading.Event(), random.Random(7)

    def work() -> None:
        while not over.wait(account.pause):
            account.work(dice, ids)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield over
    finally:
        over.set()
        worker.join()


class Pollers:
    """Two processes, of which one is killed and begun anew now and then."""

    def __init__(self, db: str, program: str) -> None:
        self._db, self._program = db, program
        self._all = [self._begun(), self._begun()]

    def _begun(self) -> Process:
        return Process(self._db, program=self._program, PGSLUICE_POLL_INTERVAL="1")

    def kill(self, number: int) -> None:
        """One that has begun its work: a process that is still starting has nothing to lose."""
        victim = self._all[number]
        until(lambda: self._is_at_work(victim), PATIENCE, pause=0.1)
        victim.send(signal.SIGKILL)
        victim.wait()
        victim.close()
        self._all[number] = self._begun()

    def holding(self) -> int:
        """The one that has the sync now."""
        return int(until(self._holder, PATIENCE)) - 1

    def _holder(self) -> int:
        with psycopg.connect(self._db) as conn:
            found = conn.execute("select poller_id from sluice_internal.sync_runs where poller_id is not null").fetchone()
        names = [f"-{one.pid}-" in found[0] for one in self._all] if found else []
        return names.index(True) + 1 if True in names else 0

    def _is_at_work(self, one: Process) -> bool:
        assert one.running, one.output
        with psycopg.connect(self._db) as conn:
            return conn.execute("select from sluice_internal.pollers where pid = %s", [one.pid]).fetchone() is not None

    def run(self) -> bool:
        """Whether all do; with what they said if not."""
        for one in self._all:
            assert one.running, one.output
        return True

    def end(self) -> None:
        for one in self._all:
            # Not while it starts: that is an end, too, but not one that it says.
            until(lambda one=one: self._is_at_work(one), PATIENCE, pause=0.1)  # type: ignore[misc]
            one.send(signal.SIGTERM)
        for one in self._all:
            assert one.wait(120) == 0, one.output

    def close(self) -> None:
        for one in self._all:
            one.close()


@NEWEST
@pytest.mark.timeout(600 + 60 * KILLS)
@pytest.mark.parametrize("vendor", ACCOUNTS)
def test_pollers_killed_at_random_moments(db: str, vendor: str) -> None:
    dice = random.Random(f"{vendor} {KILLS}")
    with ACCOUNTS[vendor]() as account:
        account.fill(MANY[vendor] * (KILLS + 1))
        account.slow()
        account.connect(db)
        pollers = Pollers(db, account.program)
        try:
            with changing(account, list(account.objects[account.kind])) as over:
                until(lambda: pollers.run() and len(account.here(db)[account.main]) >= 20, PATIENCE, pause=0.1)
                backfilling = 0
                for number in range(KILLS):
                    # The first one certainly in the middle of its work.
                    time.sleep(dice.uniform(0.0, 1.0) if number else 0.0)
                    victim = dice.randrange(2) if number else pollers.holding()
                    backfilling += sync(db)["status"] == "backfilling"
                    pollers.kill(victim)
                over.set()
            account.fast()
            until(lambda: sync(db)["status"] == "active", PATIENCE + 10 * KILLS, pause=0.2)
            print(f"{vendor}: {KILLS} kills, {backfilling} of them during the first reading, {assert_equal(db, account):,} objects")
            assert backfilling > 0
            pollers.end()
        finally:
            pollers.close()
        assert account.difference(db, account.there()) is None
        assert_by_bulk(account)


def assert_equal(db: str, account: Account) -> int:
    """Ends as it is at the vendor, where nothing changes any more; how many objects that are."""
    there = account.there()

    def equal() -> bool:
        account.hurry(db)
        return account.difference(db, there) is None

    with suppress(AssertionError):
        until(equal, PATIENCE, pause=1.0)
    assert account.difference(db, there) is None
    return sum(map(len, there.values()))


def assert_by_bulk(account: Account) -> None:
    """Where it is large, it came as what is large does."""
    if isinstance(account, SalesforceAccount):
        assert any(seen.path.endswith("/results") for seen in account.fake.requests)
    if isinstance(account, ShopifyAccount):
        assert "CustomerBulk" in account.fake.names
        assert "CustomerList" not in account.fake.names
