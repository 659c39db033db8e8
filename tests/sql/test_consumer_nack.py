from __future__ import annotations

import psycopg
import pytest
from isolation.sessions import Session, World, obj, refused


@pytest.fixture
def one(world: World) -> Session:
    return world.set_up()


def test_given_back_it_comes_again_at_once_counted(one: Session) -> None:
    one.push("a", "b")
    got = sorted(one.next(), key=lambda m: m.upstream_id)
    assert one.nack(got[:1]) == (1, [])
    assert [(m.upstream_id, m.deliver_count) for m in one.next()] == [("a", 2)]
    assert one.in_flight() == ["a", "b"]


def test_with_a_delay_it_waits(one: Session) -> None:
    one.push("a")
    assert one.nack(one.next(), "1 hour") == (1, [])
    assert one.next() == []
    one.age("59 minutes")
    assert one.next() == []
    one.age("2 minutes")
    assert [m.deliver_count for m in one.next()] == [2]


def test_a_delay_beyond_ack_wait(world: World) -> None:
    one = world.set_up(ack_wait="1 second")
    one.push("a")
    one.nack(one.next(), "1 hour")
    one.age("30 minutes")
    assert one.next() == []


def test_different_delays_of_one_batch(world: World) -> None:
    one = world.set_up(ack_wait="1 day")
    one.push(*"abcd")
    got = sorted(one.drain(4), key=lambda m: m.upstream_id)
    for message, delay in zip(got, ["10 minutes", "20 minutes", "30 minutes", "0"], strict=True):
        one.nack([message], delay)
    assert [m.upstream_id for m in one.drain(ack=True)] == ["d"]
    for name in "abc":
        one.age("9 minutes 59 seconds")
        assert one.next() == []
        one.age("1 second")
        assert [(m.upstream_id, m.deliver_count) for m in one.drain(ack=True)] == [(name, 2)]


def test_every_nack_counts(one: Session) -> None:
    one.push("a")
    for count in range(1, 8):
        (message,) = one.next()
        assert message.deliver_count == count
        one.nack([message])


def test_others_go_on_while_one_waits(one: Session) -> None:
    one.push("a")
    one.nack(one.next(), "1 hour")
    one.push("b", "c")
    assert one.ids() == ["b", "c"]


def test_a_record_that_changes_while_it_waits_comes_once_in_its_newest_version(one: Session) -> None:
    one.ingest(obj("a", 1))
    one.nack(one.next(), "1 hour")
    one.ingest(obj("a", 2))
    got = one.next()
    one.age("2 hours")
    got += one.drain()
    assert [m.data for m in got] == [2] or [m.data for m in got] == [2, 2]
    assert one.ack(got[-1:]) == (1, [])
    one.age("2 hours")
    assert one.next() == []


@pytest.mark.parametrize("delay", ["-1 second", None])
def test_a_bad_delay(one: Session, delay: str | None) -> None:
    one.push("a")
    (held,) = one.next()
    with refused("SL001", "delay"):
        one.rows("select consumer_nack('c', %s, %s::interval)", [held.ack_token], delay)
    assert one.in_flight() == ["a"]


@pytest.mark.parametrize("delay", ["1000000 years", "infinity"])
def test_a_delay_beyond_the_calendar(one: Session, delay: str) -> None:
    """Refused with a word about it, or kept; never an internal error, never lost."""
    one.push("a")
    (held,) = one.next()
    try:
        one.nack([held], delay)
    except psycopg.errors.InvalidDatetimeFormat:
        return  # PostgreSQL 15 and 16 know no infinite interval
    except psycopg.Error as exc:
        assert exc.sqlstate == "SL001", exc  # noqa: PT017
        assert one.in_flight() == ["a"]
    else:
        assert one.next() == []


def test_the_last_of_max_deliver_given_back_is_a_dead_letter(world: World) -> None:
    one = world.set_up(max_deliver=3)
    one.push("a")
    for _ in range(3):
        assert one.dead() == {}
        assert one.nack(one.next()) == (1, [])
    assert one.next() == []
    dead = one.dead()["a"]
    assert (dead.deliver_count, dead.superseded, dead.updated_idx) == (3, False, one.records()["a"].updated_idx)
    assert one.rows("select * from messages_in_flight") == []


def test_the_last_one_given_back_with_a_delay_is_dead_at_once(world: World) -> None:
    one = world.set_up(max_deliver=1)
    one.push("a")
    one.nack(one.next(), "1 hour")
    assert list(one.dead()) == ["a"]


def test_a_batch_with_deliveries_first_and_last(world: World) -> None:
    one = world.set_up(max_deliver=2)
    one.push("a", "b")
    one.nack(one.next())
    one.push("c")
    got = one.drain()
    assert {m.upstream_id: m.deliver_count for m in got} == {"a": 2, "b": 2, "c": 1}
    assert one.nack(got) == (3, [])
    assert sorted(one.dead()) == ["a", "b"]
    assert [(m.upstream_id, m.deliver_count) for m in one.drain()] == [("c", 2)]
