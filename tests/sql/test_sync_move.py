"""`sync_move`: another stream, with new positions there, whatever is written meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from isolation.sessions import Session, World, obj, refused
from sql.test_sync_delete import tidy


@pytest.fixture
def two(world: World) -> Session:
    """The streams `s` (consumer `c`) and `t` (consumer `d`)."""
    one = world.set_up(lanes=4)
    one.rows("select stream_create('t', 8)")
    world.consumer("d", "t", ack_wait="10 minutes")
    return one


def streams(one: Session) -> dict[str, str]:
    return {i: r.stream_id for i, r in one.records().items()}


def test_sync_move(two: Session) -> None:
    two.push("a", "b", "c")
    two.ingest({"upstream_id": "c", "deleted": True})
    (held,) = [m for m in two.next() if m.upstream_id == "a"]
    before = two.rows("select sync_id, collection_id, upstream_id, data, deleted from records order by 3")
    assert two.one("select * from sync_move('y', 't')").stream_id == "t"
    assert tidy(two) is None
    assert two.rows("select sync_id, collection_id, upstream_id, data, deleted from records order by 3") == before
    assert set(streams(two).values()) == {"t"}
    assert two.drain() == []
    assert two.ack([held]) == (1, [])
    two.age()
    assert two.drain() == []
    assert (two.info().num_pending, two.info("d").num_pending) == (0, 3)
    assert sorted(m.upstream_id for m in two.drain(consumer="d", ack=True)) == ["a", "b", "c"]
    assert two.next(consumer="d") == []
    assert two.value("select records from collections where sync_id = 'y'") == 3
    assert two.one("select work, status from syncs") == (None, "active")
    two.push("a", data={"n": 2})
    assert two.ids(consumer="d") == ["a"]
    assert two.next() == []


def test_positions_of_the_old_stream_never_come_to_life_again(two: Session) -> None:
    """Both streams count from 1: an entry of the old one has the number that the record carries in the new one."""
    two.push("a", "b")
    assert tidy(two) is None
    two.rows("select sync_move('y', 't')")
    assert tidy(two) is None
    assert sorted(r.updated_idx for r in two.records().values()) == [1, 2]
    assert two.next() == []
    assert two.peek() == []
    assert two.info().num_pending == 0


def test_whoever_writes_during_a_move_takes_the_record_along(two: Session) -> None:
    two.push(*(f"o{n}" for n in range(9)))
    two.rows("select sync_move('y', 't')")
    assert two.ingest(obj("o1", {"n": 2}), obj("o2"), obj("new")) == (1, 1, 1, 0)
    assert {i for i, s in streams(two).items() if s == "t"} == {"o1", "o2", "new"}
    assert tidy(two) is None
    assert sorted(m.upstream_id for m in two.drain(consumer="d")) == sorted([*(f"o{n}" for n in range(9)), "new"])


def test_a_move_waits_for_open_ingests_and_loses_nothing(world: World, two: Session) -> None:
    two.push("a", "b")
    writer = world.session()
    writer.begin()
    writer.ingest(obj("a", {"n": 2}), obj("late"))
    two.rows("select sync_move('y', 't')")
    assert tidy(two) == "open transactions that have written records"
    assert streams(two) == {"a": "s", "b": "t"}  # the held one was stepped over
    with refused("SL166", "y"):
        two.rows("select sync_move('y', 's')")
    writer.commit()
    assert tidy(two) is None
    assert set(streams(two).values()) == {"t"}
    assert {m.upstream_id: m.data for m in two.drain(consumer="d")}["a"] == {"n": 2}
    assert two.drain() == []


@pytest.mark.parametrize("more", [[], [obj("b")]], ids=["one", "several"])
def test_an_ingest_that_saw_the_old_stream_and_writes_after_the_move(world: World, two: Session, more: list[dict[str, Any]]) -> None:
    two.push("a")
    holder, writer = world.sessions(2)
    holder.begin()
    holder.push("a", data={"n": 1})
    waiting = writer.start(lambda: writer.ingest(obj("a", {"n": 2}), *more))
    two.await_blocked(writer, by=holder)
    two.rows("select sync_move('y', 't')")
    holder.rollback()
    assert waiting.result() == (len(more), 1, 0, 0)
    assert set(streams(two).values()) == {"t"}
    assert tidy(two) is None
    assert sorted(m.upstream_id for m in two.drain(consumer="d")) == ["a", "b"][: 1 + len(more)]
    assert two.drain() == []


def test_a_deletion_of_what_is_on_its_way(world: World, two: Session) -> None:
    two.push(*(f"o{n}" for n in range(5)))
    two.rows("select sync_move('y', 't')")
    two.ingest(obj("o0", {"n": 2}))
    two.rows("select sync_delete('y', true)")
    assert tidy(two) is not None
    assert sorted(m.upstream_id for m in two.drain(ack=True)) == ["o1", "o2", "o3", "o4"]
    assert sorted(m.upstream_id for m in two.drain(consumer="d", ack=True)) == ["o0"]
    assert tidy(two) is None
    assert two.records() == {}


def test_the_old_stream_can_be_deleted_afterwards(two: Session) -> None:
    two.push("a")
    two.rows("select consumer_delete('c')")
    two.rows("select sync_move('y', 't')")
    with refused("SL111"):
        two.rows("select stream_delete('s')")
    assert tidy(two) is None
    two.rows("select stream_delete('s')")


def test_a_move_to_where_it_is_and_to_nowhere(two: Session) -> None:
    assert two.one("select * from sync_move('y', 's')").work is None
    with refused("SL101", "nowhere"):
        two.rows("select sync_move('y', 'nowhere')")


def test_dead_letters_do_not_follow(two: Session) -> None:
    two.push("a")
    two.term(two.next())
    assert list(two.dead()) == ["a"]
    two.rows("select sync_move('y', 't')")
    assert tidy(two) is None
    assert two.dead() == {}
    assert two.value("select count(*) from sluice_internal.dead_letters") == 0
