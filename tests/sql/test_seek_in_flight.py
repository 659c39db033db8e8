"""What is in flight while `consumer_seek` moves the consumer stays leased, and comes after its ack, once."""

from __future__ import annotations

from typing import Any

import pytest
from isolation.sessions import Session, World, obj


@pytest.fixture(params=[1, 16])
def one(world: World, request: pytest.FixtureRequest) -> Session:
    return world.set_up(lanes=request.param)


def names(messages: list[Any]) -> list[str]:
    return sorted(m.upstream_id for m in messages)


def idx(one: Session, upstream_id: str) -> int:
    return one.records()[upstream_id].updated_idx


def test_in_flight_stays_leased_and_comes_after_its_ack_once(one: Session) -> None:
    one.push(*"abcdef")
    held = one.next(3)
    one.seek("start")
    assert one.in_flight() == names(held)
    others = one.drain()
    assert names(others) == sorted(set("abcdef") - set(names(held)))
    assert one.ack(others) == (len(others), [])
    assert one.drain() == []
    assert one.ack(held, strict=True) == (3, [])
    again = one.drain(ack=True)
    assert names(again) == names(held)
    assert {m.deliver_count for m in again} == {1}
    one.age()
    assert one.drain() == []


def test_the_same_one_by_one(one: Session) -> None:
    one.push(*"abcd")
    held = one.drain(1)
    one.seek("start")
    for message in held:
        assert one.next() == []
        one.ack([message], strict=True)
        assert [(m.upstream_id, m.deliver_count) for m in one.drain(ack=True)] == [(message.upstream_id, 1)]
    assert one.drain() == []


def test_seek_twice_while_in_flight_is_one_more_delivery(one: Session) -> None:
    one.push("a")
    held = one.next()
    one.seek("start")
    one.seek("start")
    one.next()
    one.seek("start")
    one.ack(held)
    assert names(one.drain(ack=True)) == ["a"]
    assert one.drain() == []


def test_an_ack_given_to_next_brings_it(one: Session) -> None:
    one.push("a")
    held = one.next()
    one.seek("start")
    got = one.next(10, [held[0].ack_token]) or one.next()
    assert names(got) == ["a"]


def test_in_flight_and_changed(one: Session) -> None:
    one.ingest(obj("a", 1))
    held = one.next()
    one.ingest(obj("a", 2))
    one.seek("start")
    assert one.drain() == []
    one.ack(held)
    assert [(m.data, m.deliver_count) for m in one.drain(ack=True)] == [(2, 1)]
    assert one.drain() == []


@pytest.mark.parametrize("end", ["nack", "age"])
def test_in_flight_and_given_back_or_expired(one: Session, end: str) -> None:
    """It comes again as every message does; what the seek asked for is no more than one delivery after an ack."""
    one.push("a")
    held = one.next()
    one.seek("start")
    one.nack(held) if end == "nack" else one.age()
    (again,) = one.drain()
    assert again.upstream_id == "a"
    assert one.drain() == []
    one.ack([again], strict=True)
    assert len(one.drain(ack=True)) <= 1
    one.age()
    assert one.drain() == []


def test_end_leaves_what_is_in_flight_to_its_worker(one: Session) -> None:
    one.push("a", "b", "c")
    held = one.drain()
    assert one.seek("end").num_ack_pending == 3
    assert one.ack(held[:1], strict=True) == (1, [])
    assert one.nack(held[1:2]) == (1, [])
    assert [(m.upstream_id, m.deliver_count) for m in one.drain(ack=True)] == [(held[1].upstream_id, 2)]
    one.age()
    assert [(m.upstream_id, m.deliver_count) for m in one.drain(ack=True)] == [(held[2].upstream_id, 2)]
    assert one.drain() == []


def test_end_forgets_versions_that_wait_for_an_ack(one: Session) -> None:
    one.ingest(obj("a", 1))
    held = one.next()
    one.ingest(obj("a", 2))
    assert one.next() == []  # the newer version is stepped over and remembered
    one.seek("end")
    assert one.ack(held, strict=True) == (1, [])
    assert one.drain() == []
    one.ingest(obj("a", 3))
    assert [m.data for m in one.drain(ack=True)] == [3]


def test_forward_beyond_what_is_in_flight(one: Session) -> None:
    for i in range(6):
        one.push(f"o{i}")
    held = one.drain(10)
    one.seek(str(idx(one, "o4")))
    assert one.ack(held, strict=True) == (6, [])
    assert names(one.drain(ack=True)) == ["o4", "o5"]


def test_a_late_token_after_a_seek(one: Session) -> None:
    one.push("a")
    late = one.next()
    one.age()
    one.seek("start")
    accepted, rejected = one.ack(late)
    got = one.drain(ack=True)
    assert (accepted, rejected) == (1, [])
    assert names(got) == ["a"]
    assert one.ack(late) == (0, [late[0].ack_token])
    assert one.drain() == []


def test_a_stale_token_after_a_seek_and_a_new_delivery(one: Session) -> None:
    """Acked before the seek: the token names that delivery, not the replayed one."""
    one.push("a")
    old = one.next()
    one.ack(old)
    one.seek("start")
    new = one.next()
    assert one.ack(old) == (0, [old[0].ack_token])
    assert one.in_flight() == ["a"]
    assert one.ack(new, strict=True) == (1, [])


def test_a_delayed_message_and_a_seek(one: Session) -> None:
    """Given back with a delay is in flight too: it is never with two workers, and it does come."""
    one.push("a", "b")
    a, b = sorted(one.drain(), key=lambda m: m.upstream_id)
    one.nack([a], "1 hour")
    one.ack([b])
    one.seek("start")
    assert names(one.drain(ack=True)) == ["b"]
    one.age("2 hours")
    assert names(one.drain(ack=True)) == ["a"]
    one.drain(ack=True)
    assert one.drain() == []


def test_dead_letters_and_a_seek(world: World) -> None:
    """A replay delivers what is dead too, from the first attempt; acknowledged, it is dead no more."""
    one = world.set_up(max_deliver=1)
    one.push("a", "b")
    a, b = sorted(one.drain(), key=lambda m: m.upstream_id)
    one.nack([a])
    one.ack([b])
    one.seek("start")
    got = one.drain()
    assert sorted((m.upstream_id, m.deliver_count) for m in got) == [("a", 1), ("b", 1)]
    assert one.ack(got, strict=True) == (2, [])
    assert [d for d in one.dead().values() if not d.superseded] == []
    assert one.drain() == []


def test_a_seek_and_a_token_of_a_dead_letter(world: World) -> None:
    """Once the replay is held by somebody, the old token does not settle it."""
    one = world.set_up(max_deliver=1)
    one.push("a")
    old = one.next()
    one.age()
    assert one.drain() == []
    assert list(one.dead()) == ["a"]
    one.seek("start")
    new = one.next()
    assert names(new) == ["a"]
    one.ack(old)
    assert one.in_flight() == ["a"]
    assert one.ack(new, strict=True) == (1, [])


def test_the_last_attempt_before_a_seek_is_not_the_last_after_it(world: World) -> None:
    """It comes anew, once, and is not dead besides."""
    one = world.set_up(lanes=1, max_deliver=1)
    one.push("a")
    (first,) = one.next()
    one.seek("start")
    assert one.next() == []
    one.age()
    assert [(m.upstream_id, m.deliver_count) for m in one.peek()] == [("a", 1)]
    again = one.next()
    assert [(m.upstream_id, m.deliver_count) for m in again] == [("a", 1)]
    assert again[0].ack_token != first.ack_token
    assert one.dead() == {}
    assert one.ack(again)[0] == 1
    one.age()
    assert one.next() == []
    assert (one.info().num_pending, one.info().num_dead_letters) == (0, 0)
