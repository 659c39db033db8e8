"""`dead_letter_retry`, `dead_letter_purge`, and the view."""

from __future__ import annotations

from typing import Any

import pytest
from isolation.sessions import Session, World, obj, refused
from psycopg.types.json import Jsonb


@pytest.fixture
def one(world: World) -> Session:
    return world.set_up(max_deliver=1)


def bury(one: Session, *ids: str) -> None:
    one.push(*ids)
    held = one.drain()
    assert one.nack(held) == (len(ids), [])
    assert set(one.dead()) >= set(ids)


def names(messages: list[Any]) -> list[str]:
    return sorted(m.upstream_id for m in messages)


def test_the_view(one: Session) -> None:
    bury(one, "a")
    (dead,) = one.rows("select * from dead_letters")
    assert dead._fields == (
        "consumer_id",
        "stream_id",
        "sync_id",
        "collection_id",
        "upstream_id",
        "updated_idx",
        "deliver_count",
        "reason",
        "died_at",
        "superseded",
    )
    assert (dead.consumer_id, dead.stream_id, dead.sync_id, dead.collection_id) == ("c", "s", "y", "push:o")
    assert (dead.upstream_id, dead.deliver_count, dead.reason, dead.superseded) == ("a", 1, "max_deliver", False)
    assert one.value("select died_at between now() - interval '1 minute' and clock_timestamp() from dead_letters")


def test_retried_they_come_from_the_first_attempt(world: World) -> None:
    one = world.set_up(max_deliver=2)
    one.push("a", "b")
    one.nack(one.drain())
    one.nack(one.drain())
    assert len(one.dead()) == 2
    assert one.drain() == []
    assert one.value("select dead_letter_retry(consumer_id => 'c')") == 2
    assert one.dead() == {}
    got = one.drain()
    assert sorted((m.upstream_id, m.deliver_count) for m in got) == [("a", 1), ("b", 1)]
    one.nack(got)
    got = one.drain()
    assert {m.deliver_count for m in got} == {2}
    assert one.ack(got) == (2, [])
    one.age()
    assert one.drain() == []


def test_retried_they_may_die_again(one: Session) -> None:
    bury(one, "a")
    for _ in range(3):
        assert one.retry() == 1
        assert one.term(one.drain(), "again") == (1, [])
        assert one.dead()["a"].reason == "again"
    assert one.drain() == []


def test_superseded_ones_are_removed_and_not_counted(one: Session) -> None:
    bury(one, "a", "b", "c")
    one.ingest(obj("a", "newer"), obj("b", "newer"))
    assert names(one.next(10)) == ["a", "b"]
    assert {name for name, d in one.dead().items() if d.superseded} == {"a", "b"}
    assert one.retry() == 1
    assert one.dead() == {}
    assert [(m.upstream_id, m.deliver_count) for m in one.drain()] == [("c", 1)]


def test_superseded_and_the_newer_version_not_yet_delivered(one: Session) -> None:
    bury(one, "a")
    one.ingest(obj("a", "newer"))
    assert one.retry() == 0
    assert [(m.data, m.deliver_count) for m in one.drain(ack=True)] == [("newer", 1)]
    assert one.drain() == []


def test_superseded_and_the_newer_version_acknowledged(one: Session) -> None:
    bury(one, "a")
    one.ingest(obj("a", "newer"))
    one.drain(ack=True)
    assert one.retry() == 0
    assert one.dead() == {}
    assert one.drain() == []


def test_nothing_to_retry_or_purge(one: Session) -> None:
    assert (one.retry(), one.purge()) == (0, 0)
    one.push("a")
    held = one.next()
    assert (one.retry(), one.purge()) == (0, 0)
    assert one.ack(held, strict=True) == (1, [])


def test_purged_they_are_gone(one: Session) -> None:
    bury(one, "a", "b")
    assert one.value("select dead_letter_purge(consumer_id => 'c')") == 2
    assert one.dead() == {}
    assert one.info().num_dead_letters == 0
    one.age()
    assert one.drain() == []
    assert one.retry() == 0
    one.ingest(obj("a", "newer"))
    assert [(m.upstream_id, m.deliver_count) for m in one.drain()] == [("a", 1)]


def test_superseded_ones_are_purged_too(one: Session) -> None:
    bury(one, "a")
    one.ingest(obj("a", "newer"))
    one.purge()
    assert one.dead() == {}
    assert [m.data for m in one.drain()] == ["newer"]


def test_a_token_after_purge_or_retry_is_stale(one: Session) -> None:
    one.push("a", "b")
    held = {m.upstream_id: m for m in one.drain()}
    one.age()
    assert one.drain() == []
    assert one.purge("y", "push:o", "a") == 1
    assert one.retry() == 1
    one.ack([held["a"]])
    new = one.drain()
    assert names(new) == ["b"]
    assert one.ack([held["b"]]) == (0, [held["b"].ack_token])
    assert one.in_flight() == ["b"]
    assert one.ack(new, strict=True) == (1, [])


CHOICES: list[tuple[tuple[str | None, ...], set[str]]] = [
    ((), {"a", "b", "c", "d"}),
    (("y",), {"a", "b", "c"}),
    (("z",), {"d"}),
    ((None, "push:p"), {"c"}),
    (("y", "push:o"), {"a", "b"}),
    (("y", "push:o", "a"), {"a"}),
    ((None, None, "b"), {"b"}),
    (("z", "push:p"), set()),
    (("nope",), set()),
    (("y", "push:*"), set()),
    ((None, None, "%"), set()),
    (("",), set()),
]


@pytest.mark.parametrize(("which", "expected"), CHOICES)
@pytest.mark.parametrize("call", ["retry", "purge"])
def test_only_what_was_named(one: Session, call: str, which: tuple[str | None, ...], expected: set[str]) -> None:
    one.rows("select sync_create('s', 'push', 'z')")
    one.push("a", "b")
    one.ingest(obj("c"), collection="push:p")
    one.push("d", sync="z")
    one.nack(one.drain())
    assert len(one.dead()) == 4
    assert getattr(one, call)(*which) == len(expected)
    assert set(one.dead()) == set("abcd") - expected
    assert names(one.drain()) == (sorted(expected) if call == "retry" else [])


def test_by_name(one: Session) -> None:
    bury(one, "a", "b")
    assert one.value("select dead_letter_retry(upstream_id => 'a', consumer_id => 'c')") == 1
    assert one.value("select dead_letter_purge(collection_id => 'push:o', sync_id => 'y', consumer_id => 'c')") == 1
    assert names(one.drain()) == ["a"]


def test_rolled_back_it_did_not_happen(one: Session) -> None:
    bury(one, "a", "b")
    for call in (one.retry, one.purge):
        one.begin()
        assert call() == 2
        one.rollback()
        assert set(one.dead()) == {"a", "b"}
        assert one.drain() == []
    one.begin().retry()
    got = one.drain()
    assert names(got) == ["a", "b"]
    one.rollback()
    assert one.drain() == []
    assert set(one.dead()) == {"a", "b"}


def test_of_another_consumer_nothing_happens(world: World) -> None:
    one = world.set_up(max_deliver=1)
    world.consumer("d", max_deliver=1)
    one.push("a")
    one.nack(one.drain())
    one.nack(one.drain(consumer="d"), consumer="d")
    assert one.retry(consumer="d") == 1
    assert list(one.dead()) == ["a"]
    assert one.drain() == []
    assert names(one.drain(consumer="d")) == ["a"]


def test_a_dead_letter_while_a_newer_version_is_in_flight(one: Session) -> None:
    """It is only removed: the record is in flight at most once."""
    bury(one, "a")
    one.ingest(obj("a", "newer"))
    held = one.next()
    assert one.retry() == 0
    assert one.drain() == []
    assert one.ack(held, strict=True) == (1, [])
    assert one.drain() == []


def test_changed_after_the_retry(one: Session) -> None:
    bury(one, "a")
    assert one.retry() == 1
    one.ingest(obj("a", "newer"))
    assert [(m.data, m.deliver_count) for m in one.drain(ack=True)] == [("newer", 1)]
    assert one.drain() == []


def test_retried_under_a_filter_that_it_no_longer_matches(one: Session) -> None:
    bury(one, "a", "b")
    one.rows("select consumer_update('c', filter => %s)", Jsonb({"where": '$.of == "b"'}))
    one.retry()
    assert names(one.drain(ack=True)) == ["b"]
    one.age()
    assert one.drain() == []
    assert one.info().num_ack_pending == 0


def test_retried_within_max_ack_pending(one: Session) -> None:
    bury(one, *(f"o{i}" for i in range(10)))
    one.rows("select consumer_update('c', max_ack_pending => 3)")
    assert one.retry() == 10
    assert len(one.drain()) == 3
    held = one.in_flight()
    one.rows("select consumer_update('c', max_deliver => 5)")
    one.age()
    assert names(one.drain()) == held


def test_retried_while_paused(one: Session) -> None:
    bury(one, "a")
    one.pause()
    assert one.retry() == 1
    assert one.next() == []
    one.resume()
    assert names(one.drain()) == ["a"]


def test_peek_and_numbers_after_a_retry(one: Session) -> None:
    bury(one, "a", "b")
    assert one.peek() == []
    one.retry()
    assert [(m.upstream_id, m.deliver_count) for m in one.peek()] == [("a", 1), ("b", 1)]
    info = one.info()
    assert (info.num_dead_letters, info.num_pending + info.num_ack_pending) == (0, 2)


def test_a_removed_record(one: Session) -> None:
    """A DBA removed it: there is nothing to deliver, and nobody stumbles."""
    bury(one, "a", "b")
    one.rows("delete from sluice.records where upstream_id = 'a'")
    one.retry()
    assert names(one.drain(ack=True)) == ["b"]
    assert one.drain() == []


def test_at_most_10_000_a_call(one: Session) -> None:
    one.rows("""
        select record_ingest('y', 'push:o', jsonb_agg(jsonb_build_object('upstream_id', 'o' || i, 'data', '{}'::jsonb)))
        from generate_series(1, 12000) as i
    """)
    while batch := one.next(1000):
        assert one.nack(batch) == (len(batch), [])
    assert one.value("select count(*) from dead_letters") == 12_000
    counts = [one.retry(), one.retry(), one.retry()]
    assert counts == [10_000, 2_000, 0]
    assert one.value("select count(*) from dead_letters") == 0
    assert len({m.upstream_id for m in one.drain(1000)}) == 12_000


@pytest.mark.parametrize("consumer_id", ["nope", "", "C"])
@pytest.mark.parametrize("call", ["retry", "purge"])
def test_an_unknown_consumer(one: Session, call: str, consumer_id: str) -> None:
    bury(one, "a")
    with refused("SL103", consumer_id):
        getattr(one, call)(consumer=consumer_id)
    assert list(one.dead()) == ["a"]
