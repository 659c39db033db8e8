"""`consumer_extend`: more time for a message. test_consumer_term.py has the bad tokens, which are the same for both."""

from __future__ import annotations

from typing import Any

import pytest
from isolation.sessions import Session, World, obj, refused, tokens, until


@pytest.fixture
def one(world: World) -> Session:
    return world.set_up()


def by_name(messages: list[Any]) -> list[Any]:
    return sorted(messages, key=lambda m: m.upstream_id)


def test_columns_and_names(one: Session) -> None:
    one.push("a", "b")
    first, second = tokens(one.next())
    row = one.one("select * from consumer_extend(ack_wait => '1 hour', ack_tokens => array[%s], consumer_id => 'c')", first)
    assert (row._fields, tuple(row)) == (("accepted", "rejected"), (1, []))
    row = one.one("select * from consumer_term(reason => 'no', ack_tokens => array[%s], consumer_id => 'c')", second)
    assert (row._fields, tuple(row)) == (("accepted", "rejected"), (1, []))


@pytest.mark.parametrize("lanes", [1, 16])
def test_extended_ones_are_not_redelivered_and_their_batch_mates_are(world: World, lanes: int) -> None:
    one = world.set_up(lanes=lanes, ack_wait="10 minutes")
    one.push(*"abcdef")
    held = by_name(one.drain())
    kept = held[1:4]
    assert one.extend(kept, "1 hour") == (3, [])
    one.age("11 minutes")
    again = one.drain()
    assert sorted((m.upstream_id, m.deliver_count) for m in again) == [("a", 2), ("e", 2), ("f", 2)]
    assert one.in_flight() == list("abcdef")
    assert one.ack(kept, strict=True) == (3, [])
    assert one.ack(again, strict=True) == (3, [])
    one.age("1 day")
    assert one.drain() == []


def test_until_now_plus_ack_wait(world: World) -> None:
    """From now, not from the end of the lease; null: what the consumer says. It may be shorter, too."""
    one = world.set_up(ack_wait="10 minutes")
    one.push("a")
    held = one.next()

    def left() -> float:
        return float(one.value("select extract(epoch from due_at - clock_timestamp()) from messages_in_flight"))

    assert one.extend(held, "1 hour") == (1, [])
    assert 3590 < left() <= 3600
    assert one.extend(held, "30 minutes") == (1, [])
    assert 1790 < left() <= 1800
    assert one.extend(held) == (1, [])
    assert 590 < left() <= 600
    one.rows("select consumer_update('c', ack_wait => '20 minutes')")
    assert one.extend(held) == (1, [])
    assert 1190 < left() <= 1200
    assert one.in_flight() == ["a"]


def test_extended_it_expires_later_all_the_same(one: Session) -> None:
    one.push("a")
    held = one.next()
    one.extend(held, "1 hour")
    one.age("59 minutes")
    assert one.next() == []
    one.age("2 minutes")
    assert [m.deliver_count for m in one.next()] == [2]
    assert one.extend(held) == (0, tokens(held))
    assert one.ack(held) == (0, tokens(held))


def test_shorter_than_its_lease_it_comes_earlier(one: Session) -> None:
    one.push("a", "b")
    a, b = by_name(one.drain())
    assert one.extend([a], "1 minute") == (1, [])
    one.age("2 minutes")
    assert [(m.upstream_id, m.deliver_count) for m in one.drain()] == [("a", 2)]
    assert one.in_flight() == ["a", "b"]
    assert one.ack([b], strict=True) == (1, [])


def test_again_and_again(one: Session) -> None:
    one.push("a", "b")
    a, b = by_name(one.drain())
    for _ in range(20):
        one.age("9 minutes")
        assert one.extend([a]) == (1, [])
    assert [(m.upstream_id, m.deliver_count) for m in one.drain(ack=True)] == [("b", 2)]
    assert one.ack([b]) == (0, [b.ack_token])
    assert one.ack([a], strict=True) == (1, [])


@pytest.mark.parametrize("end", ["ack", "nack", "term"])
def test_it_can_be_settled_after_extend(one: Session, end: str) -> None:
    one.push("a", "b", "c")
    held = by_name(one.drain())
    assert one.extend(held, "2 hours") == (3, [])
    assert getattr(one, end)(held[:1]) == (1, [])
    assert getattr(one, end)(held[:1]) == (0, tokens(held[:1]))
    assert one.extend(held[:1]) == (0, tokens(held[:1]))
    rest = {"ack": [], "nack": [("a", 2)], "term": []}[end]
    assert [(m.upstream_id, m.deliver_count) for m in one.drain(ack=True)] == rest
    assert list(one.dead()) == (["a"] if end == "term" else [])
    assert one.in_flight() == ["b", "c"]
    assert one.ack(held[1:], strict=True) == (2, [])
    one.age("1 day")
    assert one.drain() == []


def test_nacked_with_a_delay_after_extend(one: Session) -> None:
    one.push("a")
    held = one.next()
    one.extend(held, "5 hours")
    assert one.nack(held, "1 hour") == (1, [])
    assert one.extend(held) == (0, tokens(held))
    assert one.next() == []
    one.age("61 minutes")
    assert [m.deliver_count for m in one.next()] == [2]


def test_a_late_token_is_extended_while_nobody_holds_the_message(one: Session) -> None:
    one.push("a")
    held = one.next()
    one.age()
    assert one.extend(held, "1 hour") == (1, [])
    assert one.next() == []
    assert one.in_flight() == ["a"]
    assert one.ack(held, strict=True) == (1, [])


def test_a_late_token_of_a_redelivered_message_is_not(one: Session) -> None:
    one.push("a", "b")
    old = by_name(one.drain())
    one.extend(old[1:], "1 day")
    one.age()
    new = one.drain()
    assert [m.upstream_id for m in new] == ["a"]
    assert one.extend(old) == (1, [old[0].ack_token])
    assert one.ack(new, strict=True) == (1, [])


def test_extend_does_not_count_a_delivery(world: World) -> None:
    one = world.set_up(max_deliver=2)
    one.push("a")
    held = one.next()
    for _ in range(5):
        one.age("9 minutes")
        assert one.extend(held) == (1, [])
    one.age()
    assert [m.deliver_count for m in one.drain()] == [2]


def test_extended_and_changed(one: Session) -> None:
    """Rule 3.2 holds for as long as it is held."""
    one.ingest(obj("a", 1))
    held = one.next()
    one.ingest(obj("a", 2))
    one.extend(held, "1 day")
    one.age("2 hours")
    assert one.drain() == []
    one.ack(held, strict=True)
    assert [(m.data, m.deliver_count) for m in one.drain(ack=True)] == [(2, 1)]


def test_redelivered_ones_can_be_extended(one: Session) -> None:
    one.push(*"abcd")
    one.drain()
    one.age()
    held = one.drain()
    assert one.extend(held, "1 hour") == (4, [])
    one.age("59 minutes")
    assert one.drain() == []
    assert one.ack(held, strict=True) == (4, [])


def test_in_a_transaction_that_rolls_back(one: Session) -> None:
    one.push("a")
    held = one.next()
    one.begin()
    assert one.extend(held, "1 day") == (1, [])
    one.rollback()
    one.age("11 minutes")
    assert [m.deliver_count for m in one.next()] == [2]


def test_in_the_transaction_of_its_delivery(one: Session) -> None:
    one.push("a")
    one.begin()
    held = one.next()
    assert one.extend(held, "1 day") == (1, [])
    one.commit()
    one.age("1 hour")
    assert one.next() == []
    assert one.ack(held, strict=True) == (1, [])


def test_a_long_transaction_extends_from_the_time_of_the_call(world: World) -> None:
    one = world.set_up()
    one.push("a")
    held = one.next()
    one.begin().rows("select 1")
    until(lambda: one.value("select clock_timestamp() > now() + interval '200 milliseconds'"), "the transaction is 0.2 s old")
    one.extend(held, "10 seconds")
    assert one.value("select due_at - now() > interval '10.2 seconds' from messages_in_flight")
    one.commit()


def test_in_real_time(world: World) -> None:
    one = world.set_up(ack_wait="300 milliseconds")
    one.push("a", "b")
    a, b = by_name(one.drain())
    due = one.value("select max(due_at) from messages_in_flight")
    one.extend([a], "1 hour")
    until(lambda: one.value("select clock_timestamp() > %s", due), "the lease is over")
    assert [(m.upstream_id, m.deliver_count) for m in one.drain()] == [("b", 2)]
    assert one.ack([a], strict=True) == (1, [])
    assert one.ack([b]) == (0, [b.ack_token])


def test_hundreds_in_many_batches(one: Session) -> None:
    one.push(*(f"o{i:03}" for i in range(500)))
    held = by_name(one.drain(7))
    assert one.extend(held[::2], "1 hour") == (250, [])
    one.age("11 minutes")
    again = one.drain(100)
    assert [m.upstream_id for m in by_name(again)] == [m.upstream_id for m in held[1::2]]
    assert one.ack(held[::2]) == (250, [])
    assert one.ack(again) == (250, [])
    assert one.info().num_ack_pending == 0


@pytest.mark.parametrize("ack_wait", ["0", "-1 second", "100 years", "1 month -40 days", "1 microsecond"])
def test_a_bad_ack_wait_changes_nothing(one: Session, ack_wait: str) -> None:
    one.push("a")
    held = one.next()
    due = one.value("select due_at from messages_in_flight")
    with refused("SL001", "ack_wait"):
        one.extend(held, ack_wait)
    assert one.value("select due_at from messages_in_flight") == due
