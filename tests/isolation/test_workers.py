"""Writers and workers at full speed, with transactions that commit late or not at all, workers that give back, forget, or lose their
connection: nothing is in flight twice, no version goes back, nothing acknowledged comes back, nothing is missed.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from isolation.ledger import Deadline, Ledger
from isolation.sessions import Session, World, obj

SECONDS = float(os.environ.get("SOAK", "3"))


def write(world: World, seed: int, deadline: Deadline) -> int:
    chance, session, turns = random.Random(seed), world.session(), 0
    while deadline:
        turns += 1
        session.begin()
        for _ in range(chance.randint(1, 2)):
            session.ingest(*(obj(f"w{seed}-{chance.randrange(30)}", chance.randrange(5)) for _ in range(chance.randint(1, 5))))
        session.ingest(*(obj(f"all{n}", chance.randrange(100)) for n in sorted(chance.sample(range(20), 3))))
        if chance.random() < 0.2:
            session.rows("select pg_sleep(%s)", chance.random() / 30)
        session.rollback() if chance.random() < 0.15 else session.commit()
    return turns


def work(world: World, seed: int, deadline: Deadline, ledger: Ledger) -> None:
    """A worker of the consumer `c`, in one of the ways in which one can work."""
    chance, session = random.Random(seed), world.session()
    tokens: list[str] = []
    before: list[object] = []
    while deadline:
        way = chance.random()
        size = chance.choice([1, 3, 10, 50])
        if before or way < 0.3:  # acknowledges with the next call
            ledger.let_go(before)
            batch = session.next(size, tokens)
            ledger.done(before)
            ledger.delivered(batch)
            before, tokens = (batch, [m.ack_token for m in batch]) if chance.random() < 0.7 else ([], [])
            if not before:
                finish(session, chance, batch, ledger)
        elif way < 0.5:  # takes in a transaction that may be rolled back
            session.begin()
            batch = session.next(size)
            if chance.random() < 0.3:
                session.rollback()
                continue
            session.commit()
            ledger.delivered(batch)
            finish(session, chance, batch, ledger)
        elif way < 0.6:  # takes and acknowledges in one transaction
            session.begin()
            batch = session.next(size)
            ledger.seen(batch)  # now: once it is committed, others may be given newer versions
            assert session.ack(batch, strict=True) == (len(batch), [])
            if chance.random() < 0.3:
                session.rollback()
            else:
                session.commit()
                ledger.done(batch)
        else:
            batch = session.next(size)
            ledger.delivered(batch)
            finish(session, chance, batch, ledger)
    ledger.let_go(before)  # type: ignore[arg-type]
    session.nack(tokens)


def finish(session: Session, chance: random.Random, batch: list[object], ledger: Ledger) -> None:
    """Acknowledges a batch whole or in parts, in a transaction that may be rolled back at first, or gives it back."""
    chance.shuffle(batch)
    cut = chance.choice([0, len(batch), chance.randint(0, len(batch))])
    for part in (batch[:cut], batch[cut:]):
        ledger.let_go(part)  # type: ignore[arg-type]
        if chance.random() < 0.25:
            assert session.nack(part) == (len(part), [])
            continue
        if chance.random() < 0.2:
            session.begin()
            assert session.ack(part, strict=True) == (len(part), [])
            session.rollback()
        assert session.ack(part, strict=chance.random() < 0.5) == (len(part), [])
        ledger.done(part)  # type: ignore[arg-type]


def settle_everything(one: Session, ledger: Ledger) -> None:
    """The workers are gone. What is left is delivered, and then nothing is."""
    one.age("2 hours")
    ledger.held.clear()
    while batch := one.next(100):
        ledger.delivered(batch)
        ledger.let_go(batch)
        assert one.ack(batch) == (len(batch), [])
        ledger.done(batch)
    assert one.in_flight() == []
    assert dict(ledger.acked) == {i: r.updated_idx for i, r in one.records().items()} | {
        i: idx for i, idx in ledger.acked.items() if i not in one.records()
    }


@pytest.mark.timeout(120 + SECONDS)
@pytest.mark.parametrize("lanes", [1, 16])
def test_many_writers_and_workers(world: World, lanes: int) -> None:
    one = world.set_up(lanes=lanes, ack_wait="1 hour")
    ledger, deadline = Ledger(), Deadline(SECONDS)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(write, world, n, deadline) for n in range(3)]
        jobs += [pool.submit(work, world, 100 + n, deadline, ledger) for n in range(4)]
        for job in jobs:
            job.result(SECONDS + 60)
    assert ledger.deliveries > 100
    settle_everything(one, ledger)


@pytest.mark.timeout(120 + SECONDS)
def test_workers_whose_connection_is_cut(world: World) -> None:
    """pg_terminate_backend at any moment: what a worker held comes again when its lease is over, and its answers are believed."""
    one = world.set_up(lanes=4, ack_wait="1 hour")
    ledger, deadline = Ledger(), Deadline(SECONDS)
    pids: dict[int, int] = {}

    def fragile(seed: int) -> None:
        chance = random.Random(seed)
        while deadline:
            with contextlib.suppress(psycopg.OperationalError, psycopg.InterfaceError), Session(world.conninfo) as session:
                pids[seed] = session.pid
                while deadline:
                    batch = session.next(chance.choice([1, 7, 20]))
                    ledger.delivered(batch)
                    try:
                        ledger.let_go(batch)
                        assert session.ack(batch) == (len(batch), [])
                    except psycopg.Error:
                        ledger.unanswered(batch)
                        raise
                    ledger.done(batch)

    def cut() -> int:
        chance, session, cuts = random.Random(7), world.session(), 0
        while deadline:
            session.rows("select pg_sleep(%s)", chance.random() / 20)
            cuts += session.value(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where pid = any(%s)", [chance.choice([*pids.values(), 0])]
            )
        return cuts

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(write, world, n, deadline) for n in range(3)] + [pool.submit(fragile, 200 + n) for n in range(3)]
        cuts = pool.submit(cut)
        for job in jobs:
            job.result(SECONDS + 60)
        assert cuts.result(10) > 3
    one.age("2 hours")
    ledger.held.clear()
    while batch := one.next(100):
        ledger.delivered(batch)
        ledger.let_go(batch)
        one.ack(batch)
        ledger.done(batch)
    for name, record in one.records().items():
        assert record.updated_idx == ledger.acked[name] or record.updated_idx in ledger.doubtful[name], name


@pytest.mark.timeout(120 + SECONDS)
def test_the_same_tokens_acknowledged_by_everybody_at_once(world: World) -> None:
    """Each message is accepted once in all, whatever the order and the grouping, and nobody deadlocks."""
    one = world.set_up()
    one.push(*(f"o{i}" for i in range(400)))
    batches = []
    while batch := one.next(random.Random(len(batches)).choice([1, 5, 20])):
        batches.append([m.ack_token for m in batch])
    everything = [token for batch in batches for token in batch]
    accepted: list[str] = []
    guard = threading.Lock()

    def settle(seed: int) -> None:
        chance, session = random.Random(seed), world.session()
        for _ in range(60):
            call = chance.choice([chance.choice(batches), chance.sample(everything, 8), [chance.choice(everything)]])
            count, rejected = session.ack(call)
            assert count == len(call) - len(rejected)
            with guard:
                accepted.extend(set(call) - set(rejected))

    with ThreadPoolExecutor(6) as pool:
        for job in [pool.submit(settle, n) for n in range(6)]:
            job.result(60)
    _count, rejected = one.ack(everything)
    accepted += set(everything) - set(rejected)
    assert sorted(accepted) == sorted(everything)
    one.age()
    assert one.next() == []
