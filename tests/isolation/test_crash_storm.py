"""Writers, workers and pollers under load while the server, a worker and a poller are killed by SIGKILL, again and again. Afterwards every
acknowledged write was delivered or is a dead letter, what the vendor has is there, and no acknowledged message came back.

`make crash` (CRASH=seconds) kills for long; by default each is killed once.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from e2e.polling import assert_complete, connect, process, until
from fakes.fixtures import stripe_fake
from fakes.stripe import StripeFake
from isolation.killing import kill
from isolation.sessions import Session, World

from pgsluice.db import embedded

__all__ = ["stripe_fake"]
SECONDS = float(os.environ.get("CRASH", "0"))
STORM = Path(__file__).with_name("storm.py")
PATIENCE_S = 60  # a killed poller's sync is another's after ten seconds
VICTIMS = ("server", "worker", "poller")


class Crowd:
    """The processes, and their journals."""

    def __init__(self, stack: ExitStack, conninfo: str, folder: Path) -> None:
        self.stack, self.conninfo, self.folder = stack, conninfo, folder
        self.numbers = itertools.count()
        self.workers: dict[str, list[subprocess.Popen[bytes]]] = {"c": [], "b": []}
        self.pollers: list[Any] = []

    def start(self, role: str, consumer: str = "c") -> subprocess.Popen[bytes]:
        seed = str(next(self.numbers))
        path = self.folder / f"{role}-{consumer}-{seed}.journal"
        path.touch()
        started = subprocess.Popen([sys.executable, str(STORM), role, self.conninfo, consumer, str(path), seed], stdin=subprocess.DEVNULL)
        self.stack.callback(end, started)
        return started

    def hire(self, consumer: str) -> None:
        self.workers[consumer].append(self.start("worker", consumer))

    def poll(self) -> None:
        self.pollers.append(self.stack.enter_context(process(self.conninfo)))

    def lines(self, role: str, consumer: str = "c") -> Iterator[dict[str, Any]]:
        for path in sorted(self.folder.glob(f"{role}-{consumer}-*.journal")):
            for line in path.read_text().splitlines(keepends=True):
                if line.endswith("\n"):
                    yield json.loads(line)

    def count(self, role: str, what: str, consumer: str = "c") -> int:
        return sum(line["what"] == what and bool(line.get("messages", True)) for line in self.lines(role, consumer))


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def alive(processes: list[subprocess.Popen[bytes]]) -> list[subprocess.Popen[bytes]]:
    return [one for one in processes if one.poll() is None]


@pytest.mark.timeout(180 + 3 * SECONDS)
def test_the_server_workers_and_pollers_are_killed_again_and_again(
    durable: embedded.Server, stripe_fake: StripeFake, tmp_path: Path
) -> None:
    stripe_fake.seed(customers=150, products=5, prices=5, plans=3, subscriptions=5)
    connect(durable.conninfo, stripe_fake)
    world = World(durable.conninfo)
    world.set_up(lanes=4, ack_wait="2 seconds", max_deliver=4)
    world.consumer("b", "billing", ack_wait="2 seconds")
    world.close()
    chance, deadline, kills = random.Random(7), time.monotonic() + SECONDS, 0
    with ExitStack() as stack:
        crowd = Crowd(stack, durable.conninfo, tmp_path)
        for _ in range(2):
            crowd.start("writer")
            crowd.hire("c")
        crowd.hire("b")
        crowd.start("cleaner")
        crowd.poll()
        crowd.poll()
        while kills < len(VICTIMS) or time.monotonic() < deadline:
            progress(crowd, stripe_fake, chance)
            strike(VICTIMS[kills % len(VICTIMS)], durable, crowd, chance)
            kills += 1
        progress(crowd, stripe_fake, chance)
        read_everything(durable.conninfo, crowd, stripe_fake)
        everybody_stops(crowd)
        assert crowd.count("cleaner", "compacted") > 0
        settle(durable.conninfo, crowd)


def progress(crowd: Crowd, fake: StripeFake, chance: random.Random) -> None:
    """Work is under way on all sides, since the last blow."""
    before = [look() for look in looks(crowd, fake)]
    customers = sorted(fake.objects("customer"))
    for _ in range(5):
        fake.update("customer", chance.choice(customers), name=f"name {chance.random()}")
    fake.create("customer", name="another")
    wanted = (15, 10, 1)
    until(
        lambda: all(look() >= seen + more for look, seen, more in zip(looks(crowd, fake), before, wanted, strict=True)),
        PATIENCE_S,
    )


def looks(crowd: Crowd, fake: StripeFake) -> list[Callable[[], int]]:
    return [lambda: crowd.count("writer", "committed"), lambda: crowd.count("worker", "acked"), lambda: len(fake.requests)]


def strike(victim: str, server: embedded.Server, crowd: Crowd, chance: random.Random) -> None:
    if victim == "server":
        kill(server)
        server.restart()
    elif victim == "worker":
        consumer = chance.choice(["c", "c", "b"])
        end(chance.choice(alive(crowd.workers[consumer])))
        crowd.hire(consumer)
    else:
        running = [poller for poller in crowd.pollers if poller.running]
        chance.choice(running).send(signal.SIGKILL)
        crowd.poll()


def read_everything(conninfo: str, crowd: Crowd, fake: StripeFake) -> None:
    """The vendor's account is quiet; sooner or later all of it is here, whoever was killed over it."""

    def complete() -> bool:
        try:
            assert_complete(conninfo, fake)
        except AssertionError:
            return False
        return True

    until(complete, PATIENCE_S)


def everybody_stops(crowd: Crowd) -> None:
    for one in [*alive(crowd.workers["c"]), *alive(crowd.workers["b"])]:
        assert one.poll() is None, "a worker has ended by itself"
    crowd.stack.close()


def settle(conninfo: str, crowd: Crowd) -> None:
    with Session(conninfo) as one:
        assert one.value("show fsync") == one.value("show synchronous_commit") == "on"
        check_writes(one, crowd)
        for consumer, stream in (("c", "s"), ("b", "billing")):
            rest = []
            for _ in range(5):  # more often than anything can be delivered
                one.age("1 hour", consumer=consumer)
                rest += one.drain(100, consumer=consumer, ack=True)
            assert one.info(consumer).num_ack_pending == 0
            check_deliveries(one, crowd, consumer, stream, rest)


def check_writes(one: Session, crowd: Crowd) -> None:
    """What was answered is there, in that version or a later one that was sent."""
    records = {r.upstream_id: r.data for r in one.rows("select * from records where stream_id = 's'")}
    committed: dict[str, int] = defaultdict(int)
    sent: dict[str, set[int]] = defaultdict(set)
    for line in crowd.lines("writer"):
        for name in line.get("ids", []):
            if line["what"] == "committed":
                committed[name] = max(committed[name], line["n"])
            else:
                sent[name].add(line["n"])
    assert set(committed) <= set(records) <= set(sent)
    for name, value in committed.items():
        assert records[name] in sent[name]
        assert records[name] >= value, f"{name}: {value} was committed, {records[name]} is there"


def places(rows: list[Any]) -> set[tuple[str, int]]:
    """As the workers note them: an id may stand in two collections."""
    return {(f"{row.collection_id} {row.upstream_id}", row.updated_idx) for row in rows}


def check_deliveries(one: Session, crowd: Crowd, consumer: str, stream: str, rest: list[Any]) -> None:
    acked: dict[tuple[str, int], int] = {}  # -> when that was known
    perhaps: set[tuple[str, int]] = set()
    got: list[tuple[str, int, int]] = []
    for line in crowd.lines("worker", consumer):
        messages = [(name, idx) for name, idx in line.get("messages", [])]
        if line["what"] == "acked":
            for message in messages:
                assert message not in acked, f"{message} was acknowledged twice"
                acked[message] = line["at"]
        elif line["what"] == "acking":
            perhaps.update(messages)
        elif line["what"] == "got":
            got += [(name, idx, line["began"]) for name, idx in messages]
    assert len(got) > 20
    newest_ack: dict[str, tuple[int, int]] = {}
    for (name, idx), at in acked.items():
        newest_ack[name] = max(newest_ack.get(name, (0, 0)), (idx, at))
    for name, idx, began in got:
        known, at = newest_ack.get(name, (0, 0))
        assert idx > known or began < at, f"{name} at {idx} came back after {known} was acknowledged"
    for name, idx in places(rest):
        known, _ = newest_ack.get(name, (0, 0))
        assert idx > known, f"{name} at {idx} came back at the end, {known} was acknowledged"
    dead = places(one.rows("select * from dead_letters where consumer_id = %s", consumer))
    ended = set(acked) | perhaps | dead | places(rest)
    newest = places(one.rows("select * from records where stream_id = %s", stream))
    assert newest <= ended, f"never delivered: {newest - ended}"
    if consumer == "c":
        assert dead, "the poison was never buried"
