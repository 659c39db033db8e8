"""`consumer_peek`: what `consumer_next` would deliver, without taking it."""

from __future__ import annotations

from typing import Any

import pytest
from isolation.sessions import Session, World, obj, refused
from psycopg.types.json import Jsonb


@pytest.fixture
def one(world: World) -> Session:
    return world.set_up()


def shown(messages: list[Any]) -> list[tuple[Any, ...]]:
    """Everything but the token."""
    return [tuple(m)[1:] for m in messages]


def test_a_message_as_next_would_deliver_it(world: World) -> None:
    world.look.rows("select stream_create('s')")
    world.look.rows("select sync_create('s', 'push', 'y', metadata => '{\"tenant\": 7}', external_id => 'e')")
    world.consumer()
    one = world.session()
    one.ingest(obj("a", {"k": 1}, "2026-01-01T00:00:00Z", upstream_created_at="2025-01-01T00:00:00Z"))
    (peeked,) = one.rows("select * from consumer_peek(batch_size => 5, consumer_id => 'c')")
    assert peeked.ack_token is None
    (taken,) = one.next()
    assert peeked._fields == taken._fields
    assert shown([peeked]) == shown([taken])


def test_nothing_is_leased_and_nothing_changes(one: Session) -> None:
    one.push(*"abc")
    before = one.info()
    for _ in range(3):
        assert [m.upstream_id for m in one.peek()] == ["a", "b", "c"]
    assert one.info()[:8] == before[:8]
    assert one.in_flight() == []
    assert {m.deliver_count for m in one.drain()} == {1}


@pytest.mark.parametrize("lanes", [1, 16])
def test_in_the_order_of_the_stream(world: World, lanes: int) -> None:
    one = world.set_up(lanes=lanes)
    for i in range(50):
        one.push(f"o{i}")
    assert [m.upstream_id for m in one.peek(20)] == [f"o{i}" for i in range(20)]
    taken = {m.upstream_id for m in one.next(10)}
    assert [m.upstream_id for m in one.peek(30)] == [f"o{i}" for i in range(50) if f"o{i}" not in taken][:30]


def test_the_default_is_10_and_the_most_1000(one: Session) -> None:
    one.push(*(f"o{i}" for i in range(1200)))
    assert len(one.rows("select * from consumer_peek('c')")) == 10
    assert len(one.peek(1)) == 1
    assert len(one.peek(1000)) == 1000


@pytest.mark.parametrize("size", [0, -1, 1001, None])
def test_a_bad_batch_size(one: Session, size: int | None) -> None:
    with refused("SL001", "batch_size"):
        one.rows("select * from consumer_peek('c', %s::int)", size)


def test_never_more_than_32_megabytes(one: Session) -> None:
    one.rows("""
        select record_ingest('y', 'push:o', jsonb_agg(jsonb_build_object('upstream_id', 'o' || i, 'data', repeat(chr(97 + i % 26), 4000000))))
        from generate_series(1, 12) as i
    """)
    sizes = [size for (size,) in one.rows("select length(data #>> '{}') from consumer_peek('c', 1000)")]
    assert 0 < sum(sizes) <= 32 << 20


def test_what_is_in_flight_is_not_shown(one: Session) -> None:
    one.ingest(obj("a", 1), obj("b", 1))
    held = one.drain()
    one.ingest(obj("a", 2))
    assert one.peek() == []
    one.ack(held)
    assert [(m.upstream_id, m.data, m.deliver_count) for m in one.peek()] == [("a", 2, 1)]


def test_what_is_due_is_shown_with_its_count(one: Session) -> None:
    one.push("a", "b", "c")
    a, b, c = sorted(one.drain(), key=lambda m: m.upstream_id)
    one.nack([a])
    one.nack([b], "1 hour")
    assert [(m.upstream_id, m.deliver_count) for m in one.peek()] == [("a", 2)]
    one.age("11 minutes")
    assert [(m.upstream_id, m.deliver_count) for m in one.peek()] == [("a", 2), ("c", 2)]
    one.age("1 hour")
    assert [(m.upstream_id, m.deliver_count) for m in one.peek()] == [("a", 2), ("b", 2), ("c", 2)]
    one.ingest(obj("b", "newer"))
    assert [(m.upstream_id, m.deliver_count) for m in one.peek()] == [("a", 2), ("c", 2), ("b", 1)]
    assert c.upstream_id == "c"


def test_what_would_die_is_not_shown(world: World) -> None:
    one = world.set_up(max_deliver=1)
    one.push("a")
    one.drain()
    one.age()
    assert one.peek() == []
    assert one.drain() == []
    assert list(one.dead()) == ["a"]
    assert one.peek() == []


def test_the_filter_applies(world: World) -> None:
    one = world.set_up(filter=Jsonb({"where": "$.on"}))
    one.ingest(obj("a", {"on": True}), obj("b", {}), obj("c", {"on": 1}))
    assert [m.upstream_id for m in one.peek()] == ["a", "c"]
    assert one.info().num_filtered == 0
    one.ingest(obj("a", {}))
    assert [m.upstream_id for m in one.peek()] == ["c"]


def test_while_paused(one: Session) -> None:
    one.push("a")
    one.pause()
    assert [m.upstream_id for m in one.peek()] == ["a"]
    assert one.next() == []


def test_before_and_after_the_deliver_policy(world: World) -> None:
    one = world.set_up()
    one.push("a")
    world.consumer("d", deliver_policy="new")
    assert one.peek(consumer="d") == []
    one.push("b")
    assert [m.upstream_id for m in one.peek(consumer="d")] == ["b"]


def test_after_a_seek(one: Session) -> None:
    one.push("a", "b")
    one.drain(ack=True)
    assert one.peek() == []
    one.seek("start")
    assert [(m.upstream_id, m.deliver_count) for m in one.peek()] == [("a", 1), ("b", 1)]


def test_beside_an_open_transaction_it_waits_for_nobody(world: World) -> None:
    """What somebody has taken and not committed may be shown or not; the rest is."""
    one = world.set_up()
    other = world.session()
    one.push(*(f"o{i}" for i in range(40)))
    taken = {m.upstream_id for m in other.begin().next(5)}
    assert {m.upstream_id for m in one.peek(100)} >= {f"o{i}" for i in range(40)} - taken
    other.rollback()


def test_in_a_read_only_transaction(one: Session) -> None:
    one.push("a")
    one.begin("read only")
    assert [m.upstream_id for m in one.peek()] == ["a"]
    one.commit()


@pytest.mark.parametrize("consumer_id", ["nope", "", "C"])
def test_an_unknown_consumer(one: Session, consumer_id: str) -> None:
    with refused("SL103", consumer_id):
        one.peek(consumer=consumer_id)


def test_tombstones_without_data(one: Session) -> None:
    """Their size is nothing, not unknown."""
    one.ingest(*({"upstream_id": name, "deleted": True} for name in "abc"))
    assert [m.upstream_id for m in one.peek()] == ["a", "b", "c"]
