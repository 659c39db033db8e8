"""How long a change at the vendor takes to a consumer: with polling alone, and with webhooks. `make lag` for figures worth reading."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest
from e2e.polling import NEWEST, read_once, until
from e2e.test_webhooks import doorway, is_subscribed, subscribe, working
from e2e.vendors import ACCOUNTS, Account

from pgsluice.db.client import Client

CHANGES = int(os.environ.get("LAG", "6"))
LONG = "LAG" in os.environ


class Reader:
    """A consumer that notes when each version of an object came."""

    def __init__(self, db: str, account: Account) -> None:
        self._stop = threading.Event()
        self.seen: dict[str, float] = {}
        self._thread = threading.Thread(target=self._read, args=(db, account))
        self._thread.start()

    def _read(self, db: str, account: Account) -> None:
        with Client.connect(db, commits_at_once=True) as client:
            for message in client.consume("reader", stop=self._stop, signals=False):
                self.seen.setdefault(account.name_of(message.data), time.monotonic())
                message.ack()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(20)


def measured(db: str, account: Account, ids: Iterable[str], name: str, pause: float) -> dict[str, float]:
    """Seconds from a change to its message: p50, p99, max. Each change is another object's, so that none is overtaken."""
    chance = random.Random(5)
    reader, made = Reader(db, account), {}
    try:
        for number, upstream_id in enumerate(ids):
            time.sleep(pause * 2 * chance.random())
            made[f"{name} {number}"] = time.monotonic()
            account.rename(upstream_id, f"{name} {number}")
        until(lambda: made.keys() <= reader.seen.keys(), 240)
    finally:
        reader.close()
    lags = sorted(reader.seen[key] - at for key, at in made.items())
    return {"p50": lags[len(lags) // 2], "p99": lags[min(len(lags) * 99 // 100, len(lags) - 1)], "max": lags[-1]}


@NEWEST
@pytest.mark.timeout(300 + 10 * CHANGES)
@pytest.mark.parametrize("vendor", ACCOUNTS)
def test_lag(db: str, vendor: str) -> None:
    pause = 0.3 if LONG else 0.05
    every: dict[str, Any] = {"poll_interval": 5.0 if LONG else 1.0}
    with ACCOUNTS[vendor]() as account:
        account.fill(CHANGES)
        account.connect(db)
        read_once(db)
        ids = account.objects[account.kind]
        with Client.connect(db) as client:
            client.sync_update("acme", collection_ids=[account.main])
            client.consumer_create("reader", "billing", deliver_policy="new")
        with working(db, None, **every):
            found = {"polling": measured(db, account, ids, "polled", pause)}
        if account.signs:
            with doorway(db) as door, working(db, door.url, **every):
                account.listen(door.url)
                subscribe(db)
                until(lambda: is_subscribed(db))
                found["webhooks"] = measured(db, account, ids, "told", pause)
    for name, lags in found.items():
        print(f"{vendor:10} {name:9} {CHANGES} changes: " + ", ".join(f"{key} {value * 1000:,.0f} ms" for key, value in lags.items()))
