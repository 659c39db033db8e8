"""Leases are written anew when what was removed cannot be vacuumed: nothing that counts is lost, and nobody is held up."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from isolation.ledger import Deadline, Ledger
from isolation.sessions import Session, World, obj, until
from isolation.test_workers import SECONDS, settle_everything, work, write

SIZE = "select sum(pg_total_relation_size(('sluice_internal.' || t)::regclass)) from unnest(array['consumer_steps', 'consumer_settlements']) as t"


def compact(session: Session) -> bool:
    return bool(session.value("select sluice_internal._leases_compact(0)"))


def compacted(session: Session) -> bool:
    """As soon as nobody has the tables: autovacuum may."""
    return until(lambda: compact(session), "leases are written anew")


TRIM = """
    select sluice_internal._lane_trim(t.consumer_no, t.lane, t.step_no, t.open_steps)
    from (select distinct on (s.lane) s.* from sluice_internal.consumer_steps as s order by s.lane, s.step_no desc) as t
"""


def churned(world: World, rounds: int = 150) -> tuple[Session, Session]:
    """A session, and one that holds a snapshot older than all that the consumer did."""
    one, old = world.set_up(lanes=2, ack_wait="1 hour"), world.session()
    old.begin("isolation level repeatable read").rows("select 1")
    for turn in range(rounds):
        one.ingest(*(obj(f"o{n}", turn) for n in range(8)))
        assert len(one.drain(ack=True)) == 8
    one.rows(TRIM)  # otherwise now and then, by lot
    return one, old


def test_space_comes_back_while_an_old_snapshot_is_held(world: World) -> None:
    one, old = churned(world, 300)
    one.rows("vacuum sluice_internal.consumer_steps, sluice_internal.consumer_settlements")
    before = one.value(SIZE)
    assert compacted(one)
    assert one.value(SIZE) < before / 3
    old.rollback()


def test_leases_delays_and_places_are_as_before(world: World) -> None:
    one, _old = churned(world)
    one.push(*(f"n{n}" for n in range(12)))
    leased = one.next(4)
    given_back, later, acked = one.next(2), one.next(2), one.next(2)
    one.nack(given_back)
    one.nack(later, "1 hour")
    one.ack(acked)
    one.push("n0", "n1", data="newer")  # versions of what may be in flight
    seen = "select upstream_id, leased, deliver_count, due_at from messages_in_flight order by 1"
    before, info = one.rows(seen), one.info()
    assert compacted(one)
    assert one.rows(seen) == before
    assert one.info()._replace(lag=None, oldest_unacked_age=None) == info._replace(lag=None, oldest_unacked_age=None)
    held = {m.upstream_id for m in leased} | {m.upstream_id for m in later}
    came = one.drain()
    assert {m.upstream_id for m in came} == {f"n{n}" for n in range(12)} - held - {m.upstream_id for m in acked} | (
        {m.upstream_id for m in acked} & {"n0", "n1"}
    )
    assert one.ack(acked)[0] == 0
    assert one.ack(leased, strict=True) == (4, [])
    one.age("2 hours")
    assert {m.upstream_id for m in later} <= {m.upstream_id for m in one.drain()}


@pytest.mark.parametrize("act", ["next", "ack"])
def test_a_worker_in_an_open_transaction_is_let_alone_and_holds_up_nobody(world: World, act: str) -> None:
    one, _old = churned(world)
    one.push("a", "b", "c", "d")
    held = one.next(1)
    worker, other, cleaner = world.sessions(3)
    worker.begin()
    _ = worker.next(1) if act == "next" else worker.ack(held)
    before = one.value(SIZE)
    assert not compact(cleaner)
    assert one.value(SIZE) == before
    assert other.next(1)
    worker.rollback()
    assert compacted(cleaner)
    came = {m.upstream_id for m in one.drain()}
    assert len(came) == 2  # of four, one is held and one was taken
    assert one.ack(held, strict=True) == (1, [])


def test_a_dump_is_not_disturbed(world: World) -> None:
    one, _old = churned(world, 40)
    dump = world.session()
    dump.begin("isolation level repeatable read").rows("lock table sluice_internal.consumer_steps in access share mode")
    count = dump.value("select count(*) from sluice_internal.consumer_steps")
    assert not compact(one)
    assert dump.value("select count(*) from sluice_internal.consumer_steps") == count > 0


def test_rolled_back_it_did_nothing(world: World) -> None:
    one, _old = churned(world)
    one.push("a", "b")
    held = one.next(1)
    other = world.session()
    assert compacted(other.begin())
    other.rollback()
    assert one.ack(held, strict=True) == (1, [])
    assert len(one.drain()) == 1


def test_small_tables_and_those_in_use_are_left_alone(world: World) -> None:
    one, _old = churned(world, 40)
    assert not one.value("select sluice_internal._leases_compact()")
    one.push(*(f"n{n}" for n in range(300)))
    while one.next(1):
        pass
    assert not compact(one)  # three hundred leases are what the room is for


def trim(session: Session) -> bool:
    """A piece of a pass over the log of positions."""
    session.rows("update sluice_internal.stream_trims set replaced = 1000000 where lane is null")
    return bool(session.value("select sluice_internal._positions_trim(20)"))


@pytest.mark.timeout(120 + SECONDS)
@pytest.mark.parametrize("tidy", [compact, trim])
def test_workers_at_full_speed_meanwhile(world: World, tidy: Callable[[Session], bool]) -> None:
    one = world.set_up(lanes=4, ack_wait="1 hour")
    ledger, deadline = Ledger(), Deadline(SECONDS)

    def clean() -> int:
        session, chance, done = world.session(), random.Random(1), 0
        while deadline:
            done += tidy(session)
            session.rows("select pg_sleep(%s)", chance.random() / 20)
        return done

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(write, world, n, deadline) for n in range(2)]
        jobs += [pool.submit(work, world, 100 + n, deadline, ledger) for n in range(3)]
        cleaning = pool.submit(clean)
        for job in jobs:
            job.result(SECONDS + 60)
        assert cleaning.result(60) > 0
    settle_everything(one, ledger)
