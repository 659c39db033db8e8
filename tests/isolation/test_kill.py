"""kill -9 of the whole server in the middle of everything (rule 3.1), on a server that really writes to disk: what was acknowledged stays
so, what was not comes again, and no committed record is missed.
"""

from __future__ import annotations

import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from isolation.killing import kill
from isolation.ledger import Ledger
from isolation.sessions import Session, World, obj, until

from pgsluice.db import embedded

SOAK = float(os.environ.get("SOAK", "0"))
ROUNDS = 3 + int(SOAK / 4)


class Crew:
    """Writers and workers that note what they were told, and stop when the server is gone."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world = world
        self.ledger = ledger
        self.committed: dict[str, int] = {}  # upstream_id -> the last value whose commit was answered
        self.sent: dict[str, int] = {}  # … and the last that was sent
        self.writes = 0
        self.acks = 0

    def write(self, who: int, start: int) -> None:
        session, chance, n = self.world.session(), random.Random(who + start), start
        while True:
            n += 1
            ids = [f"w{who}-{chance.randrange(40)}" for _ in range(3)]
            self.sent.update(dict.fromkeys(ids, n))
            try:
                session.ingest(*(obj(i, n) for i in ids))
            except psycopg.OperationalError:
                return
            self.committed.update(dict.fromkeys(ids, n))
            self.writes += 1

    def work(self, who: int) -> None:
        session, chance = self.world.session(), random.Random(who)
        while True:
            try:
                batch = session.next(chance.choice([1, 5, 20]))
            except psycopg.OperationalError:
                return
            self.ledger.delivered(batch)
            self.ledger.let_go(batch)
            part = batch[: chance.randint(0, len(batch))] if chance.random() < 0.3 else batch
            try:
                accepted = session.ack(part)
            except psycopg.OperationalError:
                self.ledger.unanswered(part)
                return
            assert accepted == (len(part), [])
            self.ledger.done(part)
            self.acks += len(part)


@pytest.mark.timeout(120 + 5 * SOAK)
def test_the_server_is_killed_and_comes_back(durable: embedded.Server) -> None:
    first = World(durable.conninfo)
    first.set_up(lanes=4, ack_wait="1 hour")
    first.close()
    ledger = Ledger()
    sent: dict[str, int] = {}
    for turn in range(ROUNDS):
        world = World(durable.conninfo)
        crew = Crew(world, ledger)
        crew.sent = sent
        with ThreadPoolExecutor(6) as pool:
            jobs = [pool.submit(crew.write, n, turn * 1_000_000) for n in range(3)] + [pool.submit(crew.work, n) for n in range(3)]
            until(lambda crew=crew: (crew.writes > 40 and crew.acks > 60) or any(j.done() for j in jobs), "work is under way")  # noqa: B023
            kill(durable)
            for job in jobs:
                job.result(20)
        world.close()
        durable.restart()
        check(durable, crew, ledger, last=turn == ROUNDS - 1)


def check(server: embedded.Server, crew: Crew, ledger: Ledger, *, last: bool) -> None:
    with Session(server.conninfo) as one:
        assert one.value("show fsync") == "on"
        records = one.records()
        for name, value in crew.committed.items():  # nothing that was committed is gone; the last call may or may not have been
            assert name in records, f"{name} was committed, and is gone"
            assert value <= records[name].data <= crew.sent[name]
        order = one.rows("select updated_idx from records")
        assert len(set(order)) == len(order)
        ledger.held.clear()
        one.age("2 hours")
        if not last:
            return
        while batch := one.next(100):
            ledger.delivered(batch)  # fails if one that is known to be acknowledged comes back
            ledger.let_go(batch)
            assert one.ack(batch) == (len(batch), [])
            ledger.done(batch)
        for name, record in records.items():
            settled = record.updated_idx == ledger.acked[name] or record.updated_idx in ledger.doubtful[name]
            assert settled, f"{name} at {record.updated_idx} was never delivered"


def test_one_worker_process_is_killed_and_nobody_else_notices_a_loss(durable: embedded.Server) -> None:
    """kill -9 of a single backend makes PostgreSQL restart itself: committed leases and acks survive, open ones do not."""
    world = World(durable.conninfo)
    one = world.set_up(lanes=1, ack_wait="1 hour")
    one.push(*"abcdef")
    acked, leased = one.next(2), one.next(2)
    one.ack(acked)
    opened, acking, victim = world.sessions(3)
    taken = opened.begin().next(1)
    acking.begin().ack(leased)
    os.kill(victim.pid, signal.SIGKILL)
    until(lambda: is_lost(one), "the other sessions are cut")
    until(lambda: answers(durable), "the server is back")
    with Session(durable.conninfo) as look:
        assert look.in_flight() == sorted(m.upstream_id for m in leased)
        assert look.ack(leased, strict=True) == (2, [])
        assert look.ack(taken) == (0, [taken[0].ack_token])
        assert look.ids() == sorted(set("abcdef") - {m.upstream_id for m in acked + leased})
    world.close()


def is_lost(session: Session) -> bool:
    try:
        session.rows("select 1")
    except psycopg.OperationalError:
        return True
    return False


def answers(server: embedded.Server) -> bool:
    try:
        with Session(server.conninfo):
            return True
    except psycopg.OperationalError:
        return False
