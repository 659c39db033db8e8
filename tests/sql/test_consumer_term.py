"""`consumer_term`: no more of a message; and bad tokens, for `consumer_extend` too."""

from __future__ import annotations

from typing import Any

import pytest
from isolation.sessions import Session, World, obj, refused, tokens


@pytest.fixture
def one(world: World) -> Session:
    return world.set_up()


def by_name(messages: list[Any]) -> list[Any]:
    return sorted(messages, key=lambda m: m.upstream_id)


def test_terminated_it_is_a_dead_letter_with_the_reason(one: Session) -> None:
    one.push("a", "b", "c")
    held = by_name(one.drain())
    assert one.term(held[:1], "no such customer") == (1, [])
    assert one.term(held[1:2]) == (1, [])
    dead = one.dead()
    assert {name: (d.reason, d.deliver_count, d.superseded) for name, d in dead.items()} == {
        "a": ("no such customer", 1, False),
        "b": ("terminated", 1, False),
    }
    assert dead["a"].updated_idx == one.records()["a"].updated_idx
    assert dead["a"].died_at is not None
    one.age()
    assert [m.upstream_id for m in one.drain()] == ["c"]
    assert one.info().num_dead_letters == 2


def test_the_reason_of_max_deliver(world: World) -> None:
    one = world.set_up(max_deliver=1)
    one.push("a", "b")
    a, _ = by_name(one.drain())
    one.nack([a])
    one.age()
    one.drain()
    assert {d.reason for d in one.dead().values()} == {"max_deliver"}


def test_term_of_an_outdated_version_is_not_the_end_of_the_newer_one(one: Session) -> None:
    one.ingest(obj("a", 1))
    held = one.next()
    one.ingest(obj("a", 2))
    assert one.term(held, "v1 is bad") == (1, [])
    assert [d for d in one.dead().values() if not d.superseded] == []
    assert [(m.data, m.deliver_count) for m in one.drain(ack=True)] == [(2, 1)]
    assert one.drain() == []


def test_a_newer_version_of_a_terminated_record_is_delivered_and_supersedes(one: Session) -> None:
    one.ingest(obj("a", 1))
    one.term(one.next())
    assert one.drain() == []
    one.ingest(obj("a", 2))
    assert one.dead()["a"].superseded is True
    assert [(m.data, m.deliver_count) for m in one.drain(ack=True)] == [(2, 1)]


def test_a_late_term(one: Session) -> None:
    one.push("a", "b")
    a, b = by_name(one.drain())
    one.age()
    assert one.term([a]) == (1, [])
    assert [(m.upstream_id, m.deliver_count) for m in one.drain()] == [("b", 2)]
    assert one.term([b]) == (0, [b.ack_token])
    assert list(one.dead()) == ["a"]


def test_a_late_ack_removes_a_terminated_message(one: Session) -> None:
    """Rule 3.3: a late ack of a dead letter removes it; a term is settled, so its token may or may not be good for that, and nothing comes back."""
    one.push("a")
    held = one.next()
    one.term(held)
    accepted, _ = one.ack(held)
    assert list(one.dead()) == ([] if accepted else ["a"])
    one.age()
    assert one.drain() == []


def test_term_twice(one: Session) -> None:
    one.push("a")
    held = one.next()
    token = held[0].ack_token
    assert one.term([token, token]) == (1, [token])
    assert one.term([token]) == (0, [token])
    assert one.nack([token]) == (0, [token])


def test_term_in_a_transaction_that_rolls_back(one: Session) -> None:
    one.push("a")
    held = one.next()
    one.begin().term(held)
    one.rollback()
    assert one.dead() == {}
    assert one.in_flight() == ["a"]
    assert one.ack(held, strict=True) == (1, [])


def test_term_of_whole_and_part_batches(one: Session) -> None:
    one.push(*(f"o{i}" for i in range(60)))
    first, second = one.next(20), one.next(20)
    assert one.term(first, "whole") == (len(first), [])
    assert one.term(second[::2], "half") == (len(second[::2]), [])
    assert len(one.dead()) == len(first) + len(second[::2])
    assert one.ack(second[1::2], strict=True)[1] == []


@pytest.mark.parametrize("reason", ["x" * 1000, "ß" * 500, "a\nb", "'; drop table x", "☃"])
def test_reasons_are_kept_as_they_are(one: Session, reason: str) -> None:
    one.push("a")
    one.term(one.next(), reason)
    assert one.dead()["a"].reason == reason


# ---------------------------------------------------------------- bad ones


@pytest.mark.parametrize("reason", ["x" * 1001, "ß" * 501])
def test_a_reason_that_is_too_long_changes_nothing(one: Session, reason: str) -> None:
    one.push("a")
    held = one.next()
    with refused("SL001", "reason"):
        one.term(held, reason)
    assert one.in_flight() == ["a"]
    assert one.dead() == {}


@pytest.fixture(params=["extend", "term"])
def settle(one: Session, request: pytest.FixtureRequest) -> Any:
    return getattr(one, request.param)


def test_null_and_empty(one: Session, settle: Any) -> None:
    assert settle([]) == (0, [])
    one.push("a")
    (held,) = one.next()
    for wrong in (None, [held.ack_token, None]):
        with refused("SL001", "ack_tokens"):
            one.rows(f"select consumer_{settle.__name__}('c', %s::text[])", wrong)
    assert (one.in_flight(), one.dead()) == (["a"], {})


def test_garbage(one: Session, settle: Any, subtests: pytest.Subtests) -> None:
    one.push("a")
    one.next()
    for garbage in ("", " ", "x", "1-1-1-1", "'; drop table records; --", "ß☃🙂", "1" * 40, "a" * 10_000):
        with subtests.test(garbage=garbage[:40]):
            assert settle([garbage]) == (0, [garbage])
            assert (one.in_flight(), one.dead()) == (["a"], {})


def test_forged_and_foreign_tokens(world: World, one: Session, settle: Any) -> None:
    world.consumer("d")
    one.push("a")
    (mine,), (others,) = one.next(), one.next(consumer="d")
    token = mine.ack_token
    forged = [token[:i] + c + token[i + 1 :] for i in range(len(token)) for c in "07af-" if c != token[i]] + [others.ack_token, token + " "]
    accepted, rejected = settle(forged)
    assert (accepted, sorted(rejected)) == (0, sorted(forged))
    assert settle([*forged, token])[0] == 1


def test_stale_among_good_ones_are_named(one: Session, settle: Any) -> None:
    one.push(*"abcd")
    held = one.drain()
    one.ack(held[:2])
    accepted, rejected = settle(held)
    assert (accepted, sorted(rejected)) == (2, sorted(tokens(held[:2])))


@pytest.mark.parametrize("consumer_id", ["nope", "", "C"])
def test_an_unknown_consumer(one: Session, settle: Any, consumer_id: str) -> None:
    with refused("SL103", consumer_id):
        settle([], consumer=consumer_id)
