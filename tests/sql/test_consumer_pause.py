"""`consumer_pause` and `consumer_resume`: nothing is delivered meanwhile, and nothing is lost."""

from __future__ import annotations

import pytest
from isolation.sessions import Session, World, refused, tokens


@pytest.fixture
def one(world: World) -> Session:
    return world.set_up()


def test_paused_delivers_nothing_and_resumed_everything(one: Session) -> None:
    one.push("a", "b")
    assert one.pause().paused is True
    assert one.next() == []
    one.push("c")
    assert one.next() == []
    assert one.info().num_pending == 3
    assert one.value("select paused from consumers") is True
    assert one.resume().paused is False
    assert one.value("select paused from consumers") is False
    assert sorted(m.upstream_id for m in one.drain()) == ["a", "b", "c"]


def test_a_new_consumer_is_not_paused(one: Session) -> None:
    assert one.info().paused is False


def test_twice_is_once(one: Session) -> None:
    one.push("a")
    one.pause()
    assert one.pause().paused is True
    one.resume()
    assert one.resume().paused is False
    assert one.ids() == ["a"]


def test_the_answer_is_the_consumer(one: Session) -> None:
    assert one.pause()._fields == one.resume()._fields == one.info()._fields


def test_leases_are_kept(one: Session) -> None:
    one.push("a", "b", "c", "d")
    a, b, c, d = sorted(one.drain(), key=lambda m: m.upstream_id)
    assert one.pause().num_ack_pending == 4
    assert one.in_flight() == list("abcd")
    assert one.ack([a], strict=True) == (1, [])
    assert one.nack([b]) == (1, [])
    assert one.extend([c], "1 hour") == (1, [])
    assert one.term([d]) == (1, [])
    assert one.next() == []
    one.age("11 minutes")
    assert one.next() == []
    one.resume()
    assert [(m.upstream_id, m.deliver_count) for m in one.drain(ack=True)] == [("b", 2)]
    assert one.ack([c], strict=True) == (1, [])
    assert list(one.dead()) == ["d"]
    assert one.drain() == []


def test_an_expired_lease_is_redelivered_after_the_pause(one: Session) -> None:
    one.push("a")
    held = one.next()
    one.pause()
    one.age()
    assert one.next() == []
    one.resume()
    assert [m.deliver_count for m in one.next()] == [2]
    assert one.ack(held) == (0, tokens(held))


def test_a_late_ack_during_the_pause(one: Session) -> None:
    one.push("a")
    held = one.next()
    one.pause()
    one.age()
    assert one.ack(held, strict=True) == (1, [])
    one.resume()
    assert one.drain() == []


def test_next_settles_the_tokens_that_it_is_given(one: Session) -> None:
    one.push("a", "b")
    held = one.drain()
    one.pause()
    assert one.next(10, tokens(held)) == []
    assert one.in_flight() == []
    assert one.ack(held) == (0, tokens(held))
    one.resume()
    one.age()
    assert one.drain() == []


def test_nobody_dies_of_a_pause(world: World) -> None:
    """A call that finds messages which used up max_deliver may bury them; those that did not stay as they are."""
    one = world.set_up(max_deliver=2)
    one.push("a")
    one.drain()
    one.pause()
    for _ in range(3):
        one.age()
        assert one.next() == []
    one.resume()
    assert [m.deliver_count for m in one.drain()] == [2]


def test_in_a_transaction_that_rolls_back(one: Session) -> None:
    one.push("a")
    one.begin().pause()
    assert one.next() == []
    one.rollback()
    assert one.info().paused is False
    assert one.ids() == ["a"]


def test_others_are_not_paused(world: World) -> None:
    one = world.set_up()
    world.consumer("d")
    one.push("a")
    one.pause()
    assert one.ids(consumer="d") == ["a"]


def test_a_paused_consumer_can_be_moved_and_changed(one: Session) -> None:
    one.push("a", "b")
    one.drain(ack=True)
    one.pause()
    assert one.seek("start").num_pending == 2
    assert one.one("select * from consumer_update('c', max_deliver => 3)").paused is True
    assert one.next() == []
    one.resume()
    assert len(one.drain()) == 2


@pytest.mark.parametrize("consumer_id", ["nope", "", "C"])
@pytest.mark.parametrize("call", ["pause", "resume"])
def test_an_unknown_consumer(one: Session, call: str, consumer_id: str) -> None:
    with refused("SL103", consumer_id):
        getattr(one, call)(consumer=consumer_id)
