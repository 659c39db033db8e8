"""`max_ack_pending`: an exact bound on what is delivered and not settled, over all workers. Strict order: test_strict_order.py."""

from __future__ import annotations

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from isolation.ledger import Ledger
from isolation.sessions import Session, World, obj, refused

# For many workers at once; SOAK is for hours of leisure.
RECORDS = 300 if "SOAK" not in os.environ else 3000


def names(messages: list[Any]) -> list[str]:
    return sorted(m.upstream_id for m in messages)


@pytest.mark.parametrize("lanes", [1, 4, 16])
@pytest.mark.parametrize("bound", [1, 2, 3, 7, 16, 17, 100])
def test_exactly_as_many_and_no_more(world: World, lanes: int, bound: int) -> None:
    one = world.set_up(lanes=lanes, max_ack_pending=bound)
    one.push(*(f"o{i}" for i in range(250)))
    held = one.drain(5)
    assert len(held) == bound
    assert one.info().num_ack_pending == bound
    assert one.next(1000) == []
    assert one.ack(held[:1]) == (1, [])
    assert len(one.drain(50)) == 1
    one.ack(held[1:])
    assert len(one.drain(1000)) == bound - 1


@pytest.mark.parametrize("bound", [1, 5, 20])
def test_everything_is_delivered_in_the_end(world: World, bound: int) -> None:
    one = world.set_up(max_ack_pending=bound)
    one.push(*(f"o{i}" for i in range(100)))
    got = one.drain(8, ack=True)
    assert names(got) == sorted(f"o{i}" for i in range(100))
    assert one.info().num_pending == 0


def test_acks_given_to_next_make_room_in_the_same_call(world: World) -> None:
    one = world.set_up(max_ack_pending=4)
    one.push(*(f"o{i}" for i in range(20)))
    batch, seen = one.drain(4), 0
    while batch:
        seen += len(batch)
        assert len(batch) <= 4
        assert one.info().num_ack_pending == len(batch)
        batch = one.next(4, [m.ack_token for m in batch])
    assert seen == 20


def test_what_is_given_back_with_a_delay_counts(world: World) -> None:
    one = world.set_up(max_ack_pending=2)
    one.push(*"abcd")
    held = one.drain()
    one.nack(held, "1 hour")
    assert one.drain() == []
    assert one.info().num_ack_pending == 2
    one.age("61 minutes")
    again = one.drain()
    assert names(again) == names(held)
    assert one.ack(again) == (2, [])
    assert len(one.drain()) == 2


def test_what_expired_counts_until_it_is_settled_and_not_twice_when_it_comes_again(world: World) -> None:
    one = world.set_up(max_ack_pending=3)
    one.push(*"abcdef")
    held = one.drain()
    for count in (2, 3):
        one.age()
        again = one.drain()
        assert names(again) == names(held)
        assert {m.deliver_count for m in again} == {count}
        assert one.info().num_ack_pending == 3
        assert one.next() == []
    assert one.ack(again) == (3, [])
    assert len(one.drain()) == 3


def test_given_back_at_once_counts_until_it_is_settled(world: World) -> None:
    one = world.set_up(max_ack_pending=2)
    one.push(*"abcdef")
    held = one.drain()
    one.nack(held)
    assert names(one.drain()) == names(held)


def test_what_is_dead_makes_room(world: World) -> None:
    one = world.set_up(max_ack_pending=2, max_deliver=1)
    one.push(*"abcdef")
    seen: list[str] = []
    for end in ("nack", "term", "age"):
        held = one.drain()
        assert len(held) == 2
        seen += names(held)
        one.age() if end == "age" else getattr(one, end)(held)
    assert one.drain() == []
    assert sorted(seen) == list("abcdef")
    assert len(one.dead()) == 6


def test_a_change_while_in_flight_does_not_count_twice(world: World) -> None:
    one = world.set_up(max_ack_pending=2)
    one.push("a", "b", "c")
    held = one.drain()
    for n in range(3):
        one.ingest(*(obj(name, n) for name in "abc"))
    assert one.info().num_ack_pending == 2
    assert one.drain() == []
    one.ack(held)
    assert len(one.drain()) == 2


def test_filtered_ones_do_not_count(world: World) -> None:
    one = world.set_up(max_ack_pending=2)
    one.rows("select consumer_update('c', filter => '{\"where\": \"$.on\"}')")
    one.ingest(*(obj(f"o{i}", {"on": i % 10 == 0}) for i in range(50)))
    seen = names(one.drain())
    assert len(seen) == 2
    one.ingest(*(obj(name, {"on": False}) for name in seen))
    one.age()
    assert len(one.drain()) == 2
    assert one.info().num_ack_pending == 2


def test_a_rolled_back_delivery_does_not_count(world: World) -> None:
    one = world.set_up(max_ack_pending=2)
    one.push(*"abcd")
    one.begin()
    assert len(one.drain()) == 2
    one.rollback()
    assert len(one.drain()) == 2


# ---------------------------------------------------------------- many workers


@pytest.mark.parametrize(("lanes", "bound"), [(16, 5), (16, 40), (4, 3)])
def test_exact_under_8_sessions_with_redeliveries(world: World, lanes: int, bound: int) -> None:
    """A ninth looks on: at no moment are there more than the bound, and 8 workers do reach it."""
    one = world.set_up(lanes=lanes, ack_wait="1 day", max_ack_pending=bound)
    one.push(*(f"o{i}" for i in range(RECORDS)))
    ledger, stop, most, wrong = Ledger(), threading.Event(), [0], [0]

    def work(n: int) -> None:
        chance, session, empty = random.Random(n), world.session(), 0
        while empty < 100 and not wrong[0]:
            open_for_long = chance.random() < 0.3
            if open_for_long:
                session.begin()
            batch = session.next(chance.choice([1, 3, 10]))
            empty = 0 if batch else empty + 1
            if open_for_long:
                if chance.random() < 0.4:
                    session.rollback()
                    continue
                session.commit()
            ledger.delivered(batch)
            ledger.let_go(batch)
            cut = chance.randint(0, len(batch))
            assert session.nack(batch[:cut] if chance.random() < 0.5 else []) in [(cut, []), (0, [])]
            accepted, _ = session.ack(batch)
            assert accepted in {len(batch), len(batch) - cut}
            ledger.done(batch[-accepted:] if accepted else [])

    def watch() -> None:
        session = world.session()
        while not stop.is_set():
            counts = (
                session.value("select num_ack_pending from consumer_info('c')"),
                session.value("select count(*) from messages_in_flight"),
            )
            most[0] = max(most[0], *counts)
            wrong[0] = wrong[0] or (max(counts) > bound)

    with ThreadPoolExecutor(9) as pool:
        watching = pool.submit(watch)
        try:
            for job in [pool.submit(work, n) for n in range(8)]:
                job.result(90)
        finally:
            stop.set()
        watching.result(10)
    assert most[0] <= bound
    rest = one.drain(ack=True)
    ledger.done(rest)
    assert set(ledger.acked) == {f"o{i}" for i in range(RECORDS)}


@pytest.mark.parametrize("bound", [1, 8])
def test_8_calls_at_once_take_no_more_than_the_bound(world: World, bound: int) -> None:
    one = world.set_up(max_ack_pending=bound)
    one.push(*(f"o{i}" for i in range(200)))
    sessions = world.sessions(8)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(25):
            gate = threading.Barrier(8)

            def take(session: Session, gate: threading.Barrier = gate) -> list[Any]:
                gate.wait(10)
                return session.begin().next(10)

            batches = list(pool.map(take, sessions))
            for session in sessions:
                session.commit()
            held = [m for batch in batches for m in batch]
            held += one.drain()
            assert len(held) == bound
            assert one.ack(held) == (bound, [])


def test_an_open_transaction_does_not_stop_the_others_and_the_bound_holds(world: World) -> None:
    """Its share of the room is what it took; the rest is there for the others (rule 3.4)."""
    one = world.set_up(lanes=16, max_ack_pending=8)
    holder, other = world.sessions(2)
    one.push(*(f"o{i}" for i in range(100)))
    held = holder.begin().next(2)
    assert len(held) == 2
    got = other.drain(3)
    assert 0 < len(got) <= 6
    for _ in range(5):
        assert other.ack(got) == (len(got), [])
        got = other.drain(3)
        assert 0 < len(got) <= 6
    holder.commit()
    got += other.drain()
    assert len(got) + len(held) == 8


# ---------------------------------------------------------------- changed, and bad


def test_raised_lowered_and_taken_away(world: World) -> None:
    one = world.set_up(max_ack_pending=2)
    one.push(*(f"o{i}" for i in range(50)))
    held = one.drain()
    assert one.one("select * from consumer_update('c', max_ack_pending => 6)").max_ack_pending == 6
    held += one.drain()
    assert len(held) == 6
    one.rows("select consumer_update('c', max_ack_pending => 3)")
    assert one.next() == []
    one.ack(held[:3])
    assert one.next() == []
    one.ack(held[3:4])
    assert len(one.drain()) == 1
    assert one.one("select * from consumer_update('c', ack_wait => '1 hour')").max_ack_pending == 3
    assert one.one("select * from consumer_update('c', max_ack_pending => 0)").max_ack_pending is None
    assert len(one.drain()) == 50 - 7


@pytest.mark.parametrize("change", [(None, 1), (None, 40), (16, 1), (1, 16), (1, 0), (3, 7), (7, 3), (100, 2)])
def test_in_the_middle_of_the_work(world: World, change: tuple[int | None, int]) -> None:
    """Whatever number of cursors the bound leads to, a change of it neither repeats nor loses anything."""
    one = world.set_up(max_ack_pending=change[0])
    one.push(*(f"o{i}" for i in range(60)))
    seen = one.next(10)
    one.ack(seen[::2])
    one.nack(seen[1::2][:1], "1 hour")
    rest = seen[1::2][1:]
    one.rows("select consumer_update('c', max_ack_pending => %s)", change[1])
    one.ack(rest, strict=True)
    one.age("2 hours")
    got = one.drain(ack=True)
    delayed = [m.upstream_id for m in seen[1::2][:1]]
    assert names(got) == sorted(({f"o{i}" for i in range(60)} - {m.upstream_id for m in seen}) | set(delayed))
    one.age("2 hours")
    assert one.drain() == []


def test_lowered_to_one_the_order_is_strict_from_then_on(world: World) -> None:
    one = world.set_up(max_ack_pending=None)
    for i in range(30):
        one.push(f"o{i}")
    one.ack(one.next(7))
    one.rows("select consumer_update('c', max_ack_pending => 1)")
    got = one.drain(ack=True)
    assert [m.updated_idx for m in got] == sorted(m.updated_idx for m in got)
    assert len(got) == 23


def test_zero_and_null_are_no_bound(world: World) -> None:
    one = world.set_up(max_ack_pending=0)
    world.consumer("d", max_ack_pending=None)
    assert one.rows("select max_ack_pending from consumers") == [(None,), (None,)]
    one.push(*(f"o{i}" for i in range(300)))
    assert len(one.drain(100)) == 300


@pytest.mark.parametrize("bound", [-1, 1_000_001, -(2**31), 2**31 - 1])
def test_a_bad_bound(world: World, bound: int) -> None:
    one = world.set_up(max_ack_pending=5)
    with refused("SL001", "max_ack_pending"):
        world.consumer("d", max_ack_pending=bound)
    with refused("SL001", "max_ack_pending"):
        one.rows("select consumer_update('c', ack_wait => '1 s', max_ack_pending => %s)", bound)
    assert one.rows("select consumer_id, max_ack_pending, extract(epoch from ack_wait)::int from consumers") == [("c", 5, 600)]


def test_the_largest_bound(world: World) -> None:
    one = world.set_up(max_ack_pending=1_000_000)
    one.push(*(f"o{i}" for i in range(100)))
    assert len(one.drain(7)) == 100
