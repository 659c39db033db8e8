"""How long a change at the vendor takes to a consumer: with polling alone, and with webhooks. `make lag` for figures worth reading."""

from __future__ import annotations

import os
import random
import threading
import time
from typing import Any

from e2e.polling import connect, read_once, until
from e2e.test_webhooks import doorway, is_subscribed, subscribe, working
from fakes.stripe import StripeFake

from pgsluice.db.client import Client

CHANGES = int(os.environ.get("LAG", "6"))


class Reader:
    """A consumer that notes when each version of a customer came."""

    def __init__(self, db: str) -> None:
        self._stop = threading.Event()
        self.seen: dict[str, float] = {}
        self._thread = threading.Thread(target=self._read, args=(db,))
        self._thread.start()

    def _read(self, db: str) -> None:
        with Client.connect(db, commits_at_once=True) as client:
            for message in client.consume("reader", stop=self._stop, signals=False):
                self.seen.setdefault(str(message.data.get("description")), time.monotonic())
                message.ack()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(20)


def measured(db: str, fake: StripeFake, name: str, pause: float) -> dict[str, float]:
    """Seconds from a change to its message: p50, p99, max. Each change is another customer's, so that none is overtaken."""
    chance = random.Random(5)
    customers = list(fake.objects("customer"))[:CHANGES]
    reader, made = Reader(db), {}
    try:
        for number, customer in enumerate(customers):
            time.sleep(pause * 2 * chance.random())
            made[f"{name} {number}"] = time.monotonic()
            fake.update("customer", customer, description=f"{name} {number}")
        until(lambda: made.keys() <= reader.seen.keys(), 120)
    finally:
        reader.close()
    lags = sorted(reader.seen[key] - at for key, at in made.items())
    return {"p50": lags[len(lags) // 2], "p99": lags[min(len(lags) * 99 // 100, len(lags) - 1)], "max": lags[-1]}


def test_lag(db: str, stripe_fake: StripeFake) -> None:
    stripe_fake.seed(customers=CHANGES)
    connect(db, stripe_fake, collections=["stripe:customer"])
    read_once(db)
    with Client.connect(db) as client:
        client.consumer_create("reader", "billing", deliver_policy="new")
    pause = 0.3 if "LAG" in os.environ else 0.05
    polling: dict[str, Any] = {"poll_interval": 5.0 if "LAG" in os.environ else 1.0}
    with working(db, None, **polling):
        polled = measured(db, stripe_fake, "polled", pause)
    with doorway(db) as door, working(db, door.url, **polling):
        subscribe(db)
        until(lambda: is_subscribed(db))
        told = measured(db, stripe_fake, "told", pause)
    for name, found in (("polling", polled), ("webhooks", told)):
        print(f"{name:9} {CHANGES} changes: " + ", ".join(f"{key} {value * 1000:,.0f} ms" for key, value in found.items()))
