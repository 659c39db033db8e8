from __future__ import annotations

import uuid

import psycopg
import pytest
from isolation.sessions import World, obj, refused


def test_stream_create_answers_the_row_of_the_view(world: World) -> None:
    made = world.look.one("select * from stream_create('first')")
    assert (made.stream_id, made.lanes) == ("first", 16)
    assert made.created_at is not None
    assert world.look.rows("select * from streams") == [made]


def test_stream_create_generates_an_id(world: World) -> None:
    ids = [world.look.one(call).stream_id for call in ("select * from stream_create()", "select * from stream_create(null, 2)")]
    assert len({str(uuid.UUID(i)) for i in ids} & set(ids)) == 2


def test_stream_create_by_name_and_by_position(world: World) -> None:
    assert world.look.one("select * from stream_create(lanes => 4, stream_id => 'a')").lanes == 4
    assert world.look.one("select * from stream_create('b', 8)").lanes == 8


@pytest.mark.parametrize("stream_id", ["x", " ", "a b", "ß" * 100, "日本" * 33, "x" * 200, "a'b\"c;--\\", "A/b?c=d&e", "\n\t", "🙂" * 50])
def test_ids_are_any_text_of_1_to_200_bytes(world: World, stream_id: str) -> None:
    assert world.look.one("select * from stream_create(%s)", stream_id).stream_id == stream_id
    assert world.look.one("select * from stream_info(%s)", stream_id).stream_id == stream_id


@pytest.mark.parametrize("stream_id", ["", "x" * 201, "ß" * 101, "🙂" * 51])
def test_stream_create_refuses_ids_that_are_empty_or_too_long(world: World, stream_id: str) -> None:
    with refused("SL001", "stream_id"):
        world.look.rows("select stream_create(%s)", stream_id)
    assert world.look.rows("select * from streams") == []


def test_ids_are_compared_byte_by_byte(world: World) -> None:
    for stream_id in ("a", "A", "a ", "é", "e\u0301"):
        world.look.rows("select stream_create(%s)", stream_id)
    assert len(world.look.rows("select * from streams")) == 5


def test_stream_create_refuses_a_taken_id(world: World) -> None:
    first = world.look.one("select * from stream_create('a', 2)")
    with refused("SL110", "a"):
        world.look.rows("select stream_create('a', 4)")
    assert world.look.rows("select * from streams") == [first]


def test_two_sessions_create_the_same_stream_at_once(world: World) -> None:
    a, b = world.sessions(2)
    a.begin().rows("select stream_create('a')")
    second = b.start(lambda: b.rows("select stream_create('a')"))
    b_waits = a
    a.await_blocked(b, by=b_waits)
    a.commit()
    with refused("SL110", "a"):
        second.result(10)


@pytest.mark.parametrize("lanes", [0, -1, 257, 100_000, 2_147_483_647, None])
def test_stream_create_refuses_a_number_of_lanes(world: World, lanes: int | None) -> None:
    with refused("SL001", "lanes"):
        world.look.rows("select stream_create('a', %s)", lanes)
    assert world.look.rows("select * from streams") == []


@pytest.mark.parametrize("lanes", [1, 2, 3, 7, 16, 255, 256])
def test_a_stream_of_any_number_of_lanes_delivers_everything_once(world: World, lanes: int) -> None:
    one = world.set_up(lanes=lanes)
    one.push(*(f"o{i}" for i in range(60)))
    assert sorted(m.upstream_id for m in one.drain(7)) == sorted(f"o{i}" for i in range(60))


def test_stream_info_counts(world: World) -> None:
    one = world.set_up()
    assert one.one("select stream_id, lanes, syncs, consumers, last_idx from stream_info('s')") == ("s", 16, 1, 1, None)
    one.push("a", "b")
    world.consumer("d")
    info = one.one("select * from stream_info(stream_id => 's')")
    assert (info.syncs, info.consumers) == (1, 2)
    assert info.last_idx == max(r.updated_idx for r in one.records().values())


def test_last_idx_is_the_newest_change(world: World) -> None:
    one = world.set_up()
    one.push("a", "b")
    one.ingest(obj("a", {"new": 1}))
    assert one.value("select last_idx from stream_info('s')") == one.records()["a"].updated_idx


@pytest.mark.parametrize("call", ["stream_info", "stream_delete"])
@pytest.mark.parametrize("stream_id", ["nope", "", "S", "x" * 300])
def test_an_unknown_stream(world: World, call: str, stream_id: str) -> None:
    world.set_up()
    with refused("SL101", stream_id[:20]):
        world.look.rows(f"select {call}(%s)", stream_id)


@pytest.mark.parametrize("call", ["stream_info", "stream_delete"])
def test_a_null_stream(world: World, call: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        world.look.rows(f"select {call}(null)")
    assert caught.value.sqlstate in {"SL001", "SL101"}


def test_stream_delete(world: World) -> None:
    world.look.rows("select stream_create('a')")
    world.look.rows("select stream_create('b')")
    world.look.rows("select stream_delete('a')")
    assert [r.stream_id for r in world.look.rows("select * from streams")] == ["b"]
    world.look.rows("select stream_create('a')")


def test_stream_delete_refuses_while_something_needs_it(world: World) -> None:
    world.look.rows("select stream_create('a')")
    world.consumer("of-a", "a")
    with refused("SL111", "a"):
        world.look.rows("select stream_delete('a')")
    world.look.rows("select consumer_delete('of-a')")
    world.look.rows("select sync_create('a', 'push', 'fed')")
    with refused("SL111", "a"):
        world.look.rows("select stream_delete('a')")
    assert world.look.value("select count(*) from streams") == 1


def test_a_deleted_and_recreated_stream_starts_empty(world: World) -> None:
    world.look.rows("select stream_create('a')")
    world.consumer("c", "a")
    world.look.rows("select consumer_delete('c')")
    world.look.rows("select stream_delete('a')")
    world.look.rows("select stream_create('a')")
    world.consumer("c", "a")
    assert world.look.next() == []
    assert world.look.value("select last_idx from stream_info('a')") is None


@pytest.mark.parametrize("what", ["sync_create('a', 'push', 'z')", "consumer_create('z', 'a')"])
def test_a_stream_is_not_deleted_beneath_what_is_being_made(world: World, what: str) -> None:
    world.look.rows("select stream_create('a')")
    maker, remover = world.sessions(2)
    maker.begin().rows(f"select {what}")
    removal = remover.start(lambda: remover.rows("select stream_delete('a')"))
    world.look.await_blocked(remover, by=maker)
    maker.commit()
    with refused("SL111", "a"):
        removal.result(10)
    assert world.look.value("select count(*) from streams") == 1


@pytest.mark.parametrize("what", ["sync_create('a', 'push', 'z')", "consumer_create('z', 'a')"])
def test_nothing_is_made_in_a_stream_that_is_being_deleted(world: World, what: str) -> None:
    world.look.rows("select stream_create('a')")
    maker, remover = world.sessions(2)
    remover.begin().rows("select stream_delete('a')")
    making = maker.start(lambda: maker.rows(f"select {what}"))
    world.look.await_blocked(maker, by=remover)
    remover.commit()
    with refused("SL101", "a"):
        making.result(10)
    assert world.look.rows("select * from syncs") == []
    assert world.look.rows("select * from consumers") == []


def test_two_sessions_delete_the_same_stream_at_once(world: World) -> None:
    world.look.rows("select stream_create('a')")
    one, other = world.sessions(2)
    one.begin().rows("select stream_delete('a')")
    waiting = other.start(lambda: other.rows("select stream_delete('a')"))
    world.look.await_blocked(other, by=one)
    one.commit()
    with refused("SL101", "a"):
        waiting.result(10)
