"""What becomes of a message whose record stops or starts to match, what is stepped over, and filters that change."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from isolation.sessions import Session, World, obj
from psycopg.types.json import Jsonb


@pytest.fixture
def made(world: World) -> World:
    world.look.rows("select stream_create('s', 4)")
    world.look.rows("select sync_create('s', 'push', 'y')")
    return world


def filtered(world: World, what: Any, **options: Any) -> Session:
    world.consumer(filter=Jsonb(what), **{"ack_wait": "10 minutes"} | options)
    return world.session()


ACTIVE = {"where": '$.status == "active"'}
ON, OFF = {"status": "active"}, {"status": "gone"}


# ---------------------------------------------------------------- tombstones


def test_tombstones_are_filtered_by_their_last_data(made: World) -> None:
    one = filtered(made, ACTIVE)
    one.ingest(obj("a", ON), obj("b", OFF))
    assert [m.upstream_id for m in one.drain(ack=True)] == ["a"]
    one.ingest(*({"upstream_id": name, "deleted": True} for name in ("a", "b", "never")))
    assert [(m.upstream_id, m.deleted, m.data) for m in one.drain(ack=True)] == [("a", True, ON)]


def test_a_tombstone_while_in_flight(made: World) -> None:
    one = filtered(made, ACTIVE)
    one.ingest(obj("a", ON))
    held = one.next()
    one.ingest({"upstream_id": "a", "deleted": True})
    assert one.next() == []
    one.ack(held)
    assert [(m.deleted, m.deliver_count) for m in one.drain(ack=True)] == [(True, 1)]


def test_deleted_with_data_that_does_not_match(made: World) -> None:
    one = filtered(made, ACTIVE)
    one.ingest(obj("a", ON))
    one.drain(ack=True)
    one.ingest(obj("a", OFF, deleted=True))
    assert one.drain() == []


# ---------------------------------------------------------------- changes


def test_a_change_while_waiting_decides(made: World) -> None:
    one = filtered(made, ACTIVE)
    one.ingest(obj("leaves", ON), obj("enters", OFF), obj("stays", ON))
    one.ingest(obj("leaves", OFF), obj("enters", ON))
    assert sorted(m.upstream_id for m in one.drain(ack=True)) == ["enters", "stays"]
    assert one.info().num_filtered >= 1
    one.ingest(obj("leaves", ON), obj("enters", OFF))
    assert [m.upstream_id for m in one.drain(ack=True)] == ["leaves"]


@pytest.mark.parametrize("end", ["ack", "nack", "nack later", "expiry", "term"])
def test_a_record_that_stops_to_match_while_in_flight_does_not_come_again(made: World, end: str) -> None:
    """Rule 3.2: nothing is delivered, and that is counted."""
    one = filtered(made, ACTIVE)
    one.ingest(obj("a", ON))
    held = one.next()
    one.ingest(obj("a", OFF))
    assert one.next() == []
    if end == "expiry":
        one.age()
    else:
        settle = {"ack": one.ack, "nack": one.nack, "nack later": lambda m: one.nack(m, "30 minutes"), "term": one.term}[end]
        assert settle(held) == (1, [])
    assert one.drain() == []
    one.age()
    assert one.drain() == []
    info = one.info()
    assert (info.num_pending, info.num_ack_pending, info.num_filtered) == (0, 0, 1)
    assert one.rows("select * from messages_in_flight") == []
    one.ingest(obj("a", {"status": "active", "again": True}))
    assert [(m.upstream_id, m.deliver_count) for m in one.drain(ack=True)] == [("a", 1)]


@pytest.mark.parametrize("end", ["ack", "nack", "expiry"])
def test_there_and_back_while_in_flight(made: World, end: str) -> None:
    """It left and came back, in other words or in the same ones: delivered in its newest version, once."""
    one = filtered(made, ACTIVE)
    one.ingest(obj("a", ON), obj("b", ON))
    held = one.drain()
    one.ingest(obj("a", OFF), obj("b", OFF))
    one.ingest(obj("a", {"status": "active", "n": 2}), obj("b", ON))
    assert one.next() == []
    one.age() if end == "expiry" else getattr(one, end)(held)
    got = one.drain(ack=True)
    assert sorted((m.upstream_id, m.deliver_count, "n" in m.data) for m in got) == [("a", 1, True), ("b", 1, False)]
    one.age()
    assert one.drain() == []


def test_a_stale_filtered_version_does_not_kill(made: World) -> None:
    """The last of max_deliver expired, and the newest version no longer matches: neither delivered nor dead."""
    one = filtered(made, ACTIVE, max_deliver=1)
    one.ingest(obj("a", ON))
    one.next()
    one.ingest(obj("a", OFF))
    one.age()
    assert one.drain() == []
    assert [d for d in one.dead().values() if not d.superseded] == []
    assert one.info().num_ack_pending == 0


def test_redeliveries_are_filtered_one_by_one(made: World) -> None:
    one = filtered(made, ACTIVE)
    one.ingest(*(obj(f"o{i}", ON) for i in range(8)))
    assert len(one.drain()) == 8
    one.ingest(*(obj(f"o{i}", OFF) for i in range(0, 8, 2)))
    one.age()
    again = one.drain()
    assert sorted((m.upstream_id, m.deliver_count) for m in again) == [(f"o{i}", 2) for i in range(1, 8, 2)]
    assert one.ack(again) == (4, [])
    assert (one.info().num_ack_pending, one.info().num_pending) == (0, 0)


def test_a_late_token_of_a_filtered_record_is_harmless(made: World) -> None:
    one = filtered(made, ACTIVE)
    one.ingest(obj("a", ON), obj("b", ON))
    held = one.drain()
    one.ingest(obj("a", OFF))
    one.age()
    accepted, rejected = one.ack(held)
    assert accepted + len(rejected) == 2
    assert accepted >= 1
    assert one.drain() == []


# ---------------------------------------------------------------- counted, bounded, remembered


def test_num_filtered_counts_each_version_stepped_over_once(made: World) -> None:
    one = filtered(made, ACTIVE)
    assert one.info().num_filtered == 0
    one.ingest(*(obj(f"o{i}", ON if i % 3 == 0 else OFF) for i in range(30)))
    assert one.info().num_filtered == 0
    assert len(one.drain(4, ack=True)) == 10
    assert one.info().num_filtered == 20
    assert one.drain() == []
    assert one.info().num_filtered == 20
    one.ingest(obj("o1", {"status": "still not"}))
    assert one.drain() == []
    assert one.info().num_filtered == 21


def test_what_is_stepped_over_in_a_transaction_that_rolls_back_is_not_counted(made: World) -> None:
    one = filtered(made, ACTIVE)
    one.ingest(*(obj(f"o{i}", OFF) for i in range(10)), obj("a", ON))
    one.begin()
    one.drain()
    one.rollback()
    assert one.info().num_filtered == 0
    assert one.ids() == ["a"]


@pytest.mark.parametrize("lanes", [1, 16])
def test_at_most_10_000_are_stepped_over_in_one_call_and_they_are_remembered(world: World, lanes: int) -> None:
    world.look.rows("select stream_create('s', %s)", lanes)
    world.look.rows("select sync_create('s', 'push', 'y')")
    one = filtered(world, ACTIVE)
    one.rows("""
        select record_ingest('y', 'push:o', jsonb_agg(jsonb_build_object('upstream_id', 'o' || i, 'data', '{}'::jsonb)))
        from generate_series(1, 25000) as i
    """)
    one.ingest(obj("a", ON))
    counts = [0]
    for _ in range(20):
        got = one.next()
        counts.append(one.info().num_filtered)
        assert 0 <= counts[-1] - counts[-2] <= 10_000, counts
        if got:
            break
        assert counts[-1] > counts[-2], f"an empty answer that did not get on: {counts}"
        assert one.info().num_pending > 0
    assert [m.upstream_id for m in got] == ["a"]
    for _ in range(10):
        assert one.next() == []
    assert one.info().num_filtered == 25_000
    assert one.info().num_pending == 0


def test_less_than_the_bound_is_stepped_over_at_once(made: World) -> None:
    one = filtered(made, ACTIVE)
    one.ingest(*(obj(f"o{i}", OFF) for i in range(5000)))
    one.ingest(obj("a", ON))
    assert one.ids(1) == ["a"]


def test_num_pending_goes_to_nothing(made: World) -> None:
    one = filtered(made, {"collection_id": "push:none"})
    one.push(*(f"o{i}" for i in range(100)))
    assert one.drain() == []
    info = one.info()
    assert (info.num_pending, info.num_filtered, info.lag) == (0, 100, None)


# ---------------------------------------------------------------- changed filters


def update(one: Session, what: Any) -> Any:
    return one.one("select * from consumer_update('c', filter => %s)", Jsonb(what))


def test_a_changed_filter_counts_from_now_on(made: World) -> None:
    one = filtered(made, ACTIVE)
    one.ingest(obj("a", OFF), obj("b", ON))
    assert [m.upstream_id for m in one.drain(ack=True)] == ["b"]
    row = update(one, {"where": '$.status == "gone"'})
    assert row.filter == {"where": '$.status == "gone"'}
    assert one.drain() == []  # what was stepped over stays behind
    one.ingest(obj("c", OFF), obj("d", ON))
    assert [m.upstream_id for m in one.drain(ack=True)] == ["c"]
    one.seek("start")
    assert sorted(m.upstream_id for m in one.drain(ack=True)) == ["a", "c"]


def test_no_filter_again(made: World) -> None:
    one = filtered(made, ACTIVE)
    assert not update(one, {}).filter
    one.ingest(obj("a", OFF))
    assert one.ids() == ["a"]


def test_a_filter_where_there_was_none(made: World) -> None:
    made.consumer(ack_wait="10 minutes")
    one = made.session()
    one.ingest(obj("a", OFF), obj("b", ON), obj("c", OFF))
    update(one, ACTIVE)
    assert [m.upstream_id for m in one.drain(ack=True)] == ["b"]
    assert one.info().num_filtered == 2


def test_an_update_of_something_else_leaves_the_filter(made: World) -> None:
    one = filtered(made, ACTIVE)
    assert one.one("select * from consumer_update('c', max_deliver => 3)").filter == ACTIVE
    one.ingest(obj("a", OFF))
    assert one.drain() == []


def test_messages_in_flight_when_the_filter_changes(made: World) -> None:
    one = filtered(made, ACTIVE)
    one.ingest(obj("a", ON), obj("b", ON))
    a, b = sorted(one.drain(), key=lambda m: m.upstream_id)
    update(one, {"where": '$.status == "gone"'})
    assert one.in_flight() == ["a", "b"]
    assert one.ack([a], strict=True) == (1, [])
    assert one.nack([b]) == (1, [])
    assert one.drain() == []  # redelivered in its newest version, which does not match
    assert one.info().num_ack_pending == 0


def test_it_shows_in_the_views(made: World) -> None:
    filtered(made, ACTIVE | {"collection_id": ["push:*", "stripe:*"]})
    expected = ACTIVE | {"collection_id": ["push:*", "stripe:*"]}
    assert made.look.value("select filter from consumers") == made.look.info().filter == expected


@pytest.mark.parametrize(("size", "lanes"), list(itertools.product([1, 3, 100], [1, 16])))
def test_batches_are_full_whatever_is_stepped_over(world: World, size: int, lanes: int) -> None:
    world.look.rows("select stream_create('s', %s)", lanes)
    world.look.rows("select sync_create('s', 'push', 'y')")
    one = filtered(world, ACTIVE)
    one.ingest(*(obj(f"o{i}", ON if i % 7 == 0 else OFF) for i in range(700)))
    seen: list[str] = []
    while batch := one.ids(size):
        assert len(batch) <= size
        assert lanes > 1 or len(batch) == min(size, 100 - len(seen))
        seen += batch
    assert sorted(seen) == sorted(f"o{i}" for i in range(0, 700, 7))
