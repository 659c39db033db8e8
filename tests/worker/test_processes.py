"""Real workers and a real server that are killed: nothing is lost, and a worker that is asked to end does so in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from embedded_processes import eventually
from isolation.sessions import World
from worker.desk import Desk, beside, said_to

from pgsluice.db import embedded
from pgsluice.db.client import Client
from pgsluice.db.messages import Message

# Prints what it has at hand, and goes on when a line comes in.
WORKERS = {
    "sync": """
import sys
from pgsluice.db.client import Client
def handle(message):
    print(message.upstream_id, flush=True)
    sys.stdin.readline()
with Client.connect(sys.argv[1]) as client:
    client.run("c", handle, batch_size=3)
print("ended", flush=True)
""",
    "async": """
import asyncio, sys
from pgsluice.db.aclient import AsyncClient
async def handle(message):
    print(message.upstream_id, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
async def main():
    async with await AsyncClient.connect(sys.argv[1]) as client:
        await client.run("c", handle, batch_size=3)
asyncio.run(main())
print("ended", flush=True)
""",
}


@pytest.fixture(params=WORKERS)
def kind(request: pytest.FixtureRequest) -> str:
    return WORKERS[request.param]


@contextmanager
def worker(program: str, conninfo: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, conninfo]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def go_on(process: subprocess.Popen[str]) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_killed_worker_loses_nothing(desk: Desk, db: str, kind: str) -> None:
    desk.set_up("a", "b", "c", "d", lanes=1)
    with worker(kind, db) as process:
        assert process.stdout.readline() == "a\n"
        go_on(process)
        assert process.stdout.readline() == "b\n"
        desk.until_out("b", "c")  # "a" is acknowledged without waiting for the batch
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert {name: row.leased for name, row in desk.out().items()} == {"b": True, "c": True}
    desk.look.age()
    with worker(kind, db) as process:
        seen = []
        for _ in range(3):
            seen.append(process.stdout.readline().strip())
            go_on(process)
        assert sorted(seen) == ["b", "c", "d"]
        desk.until_out()


def test_sigterm_finishes_the_message_at_hand_and_gives_back_the_rest(desk: Desk, db: str, kind: str) -> None:
    session = desk.set_up("a", "b", "c", lanes=1)
    with worker(kind, db) as process:
        assert process.stdout.readline() == "a\n"
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        assert desk.out()["a"].leased
        go_on(process)
        assert process.stdout.read() == "ended\n"
        assert process.wait(10) == 0
    assert {name: row.leased for name, row in desk.out().items()} == {"b": False, "c": False}
    assert session.ids() == ["b", "c"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_wait(desk: Desk, db: str, kind: str, number: int) -> None:
    desk.set_up()
    with worker(kind, db) as process:
        desk.until_waiting()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read() == "ended\n"


def test_a_second_signal_is_not_ours(desk: Desk, db: str, kind: str) -> None:
    desk.set_up("a")
    with worker(kind, db) as process:
        assert process.stdout.readline() == "a\n"
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
    assert desk.out()["a"].leased


@pytest.fixture
def own(made_dir: Path) -> Iterator[embedded.Server]:
    server = embedded.start(made_dir)  # durable: what was committed survives the kill
    yield server
    server.close()


@pytest.mark.parametrize("transaction", [False, True])
def test_postgres_is_killed_and_the_loop_goes_on(own: embedded.Server, said: list, *, transaction: bool) -> None:
    ids = [f"o{n}" for n in range(120)]
    world = World(own.conninfo)
    world.look.rows("create table public.effects (upstream_id text)")
    world.set_up(ack_wait="5 seconds").push(*ids)
    handled: Counter[str] = Counter()
    stop = threading.Event()

    def handle(message: Message) -> None:
        handled[message.upstream_id] += 1
        if transaction:
            message.conn.execute("insert into public.effects values (%s)", [message.upstream_id])
        if handled.total() in {30, 60}:
            os.kill(own.pid, signal.SIGKILL)

    def guard() -> None:
        while not stop.wait(0.05):
            if not own.is_alive():
                own.restart()

    with Client.connect(own.conninfo) as client, beside(guard):
        try:
            with beside(lambda: client.run("c", handle, stop=stop, transaction=transaction, say=said_to(said))):
                eventually(lambda: handled.keys() >= set(ids) and settled(own.conninfo), timeout_s=90)
                stop.set()
        finally:
            stop.set()
    world.close()
    with psycopg.connect(own.conninfo) as conn:
        effects = conn.execute("select upstream_id from public.effects").fetchall()
    assert "database away" in [event for event, _ in said]
    if transaction:  # done once each, whatever was handled twice
        assert sorted(row[0] for row in effects) == sorted(ids)


def settled(conninfo: str) -> bool:
    try:
        with psycopg.connect(conninfo) as conn:
            return conn.execute("select num_pending + num_ack_pending = 0 from sluice.consumer_info('c')").fetchone()[0]
    except psycopg.OperationalError:
        return False
