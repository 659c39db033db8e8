"""Pollers are killed at random moments while a shop is read by a bulk operation and changes all along: it ends equal.

KILLS says how many; a few are in every run of the tests.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from typing import Any

import psycopg
import pytest
from e2e.polling import KEY, NEWEST, Process, until
from fakes.shopify import ShopifyFake

from pgsluice.db.client import Client
from pgsluice.providers.shopify_collections import SOURCES

KILLS = int(os.environ.get("KILLS", "2"))
# Small enough for both: what is read by an operation, and in how many pieces.
PROGRAM = (
    "from pgsluice.providers import shopify_bulk as b; import functools; b.FROM = 50; made = b.Bulk; "
    "b.Bulk = functools.partial(made, piece=20000); from pgsluice.cli import main; main()"
)
NAMES = {"shopify:customer": "Customer", "shopify:product": "Product"}


def _change(fake: ShopifyFake, dice: random.Random, over: threading.Event) -> None:
    """Somebody works in the shop."""
    while not over.wait(0.05):
        kind = dice.choice(["Customer", "Product"])
        ids = list(fake.store.kept[kind])
        if dice.randrange(4):
            fake.change(kind, dice.choice(ids), tags=[f"{dice.random()}"])
        else:
            fake.create(kind, tags=["new"], title="new")


def _stored(db: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {name: {} for name in NAMES}
    with psycopg.connect(db) as conn:
        for name, id_, data in conn.execute("select collection_id, upstream_id, data from sluice.records where not deleted"):
            found[name][id_] = data
    return found


def _status(db: str) -> str:
    with Client.connect(db) as client:
        return str(client.sync_info("acme")["status"])


@NEWEST
@pytest.mark.timeout(180 + 30 * KILLS)
def test_pollers_killed_while_a_bulk_operation_is_read(db: str) -> None:
    dice = random.Random(KILLS)
    with ShopifyFake() as fake:
        fake.restore_rate, fake.maximum, fake.most = 20_000.0, 200_000.0, 100_000
        fake.bulk.looks = 2
        for number in range(400):
            fake.create("Customer", note=f"{number}")
            fake.create("Product", title=f"{number}", media=[])
        with Client.connect(db, master_key=KEY) as client:
            client.stream_create("main")
            secret = {"shop": fake.shop, "access_token": fake.token}
            client.credential_create("shopify", "acme", "shopify_key", secret=secret, base_url=fake.url)
            client.sync_create("main", "shopify", "acme", collection_ids=list(NAMES), credential_id="acme")
        over = threading.Event()
        worker = threading.Thread(target=_change, args=(fake, random.Random(7), over))
        worker.start()
        pollers = [Process(db, program=PROGRAM)]
        try:
            for number in range(KILLS):
                # The first one certainly in the middle of a file.
                until(lambda n=number: bool(fake.files.headers) or n > 0, 90)
                time.sleep(dice.uniform(0.0, 1.0))
                pollers[0].send(signal.SIGKILL)
                pollers[0].wait()
                pollers[0].close()
                pollers[0] = Process(db, program=PROGRAM)
            over.set()
            worker.join()
            until(lambda: _status(db) == "active", 120 + 10 * KILLS)
            there = {name: fake.objects(kind, SOURCES[name].fields) for name, kind in NAMES.items()}
            until(lambda: _stored(db) == there, 120)
            pollers[0].send(signal.SIGTERM)
            assert pollers[0].wait(60) == 0
        finally:
            over.set()
            worker.join()
            for one in pollers:
                one.close()
        assert "CustomerBulk" in fake.names
        assert "CustomerList" not in fake.names
