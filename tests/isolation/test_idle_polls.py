"""Rule 3.4 and 3.1: a session that knows that a consumer has nothing to read is told of everything that changes that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from isolation.sessions import Session, World, refused
from sql.test_sync_delete import tidy


def knows(session: Session, consumer: str = "c") -> bool:
    """After polls that found nothing: whether the next one need not look."""
    for _ in range(40):
        assert session.next(consumer=consumer) == []
    return session.value("select current_setting('sluice.idle', true)") == consumer


@pytest.fixture
def one(world: World) -> Session:
    """Read to its end, and known to be."""
    one = world.set_up()
    one.push("a", "b")
    assert len(one.drain(ack=True)) == 2
    assert knows(one)
    return one


CHANGES: dict[str, tuple[Callable[[Session], object], list[str]]] = {
    "new": (lambda s: s.push("x"), ["x"]),
    "changed": (lambda s: s.push("a", data=2), ["a"]),
    "deleted": (lambda s: s.rows("""select record_ingest('y', 'push:o', '[{"upstream_id": "b", "deleted": true}]')"""), ["b"]),
    "seek": (lambda s: s.seek("start"), ["a", "b"]),
    "filter": (lambda s: [s.rows("""select consumer_update('c', filter => '{"collection_id": ["push:*"]}')"""), s.push("x")], ["x"]),
    "after a pause": (lambda s: [s.pause(), s.push("x"), s.resume()], ["x"]),
    "undone, then new": (lambda s: [s.begin().push("x"), s.rollback(), s.push("z")], ["z"]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("size", [1, 10])
def test_what_changes_is_read_at_once(world: World, one: Session, change: str, size: int) -> None:
    act, expected = CHANGES[change]
    act(world.session())
    assert sorted(m.upstream_id for m in one.drain(size)) == expected


def test_a_second_seek_to_the_same_place(world: World, one: Session) -> None:
    for _ in range(2):
        world.look.seek("start")
        assert len(one.drain(ack=True)) == 2
        assert knows(one)


def test_a_consumer_deleted_and_made_again(world: World, one: Session) -> None:
    world.look.rows("select consumer_delete('c')")
    with refused("SL103", "c"):
        one.next()
    world.consumer("c")
    assert one.ids() == ["a", "b"]


def test_dead_letters_that_are_retried(world: World, one: Session) -> None:
    one.push("x")
    one.term(one.next())
    assert knows(one)
    assert world.look.retry() == 1
    assert one.ids() == ["x"]


def test_dead_letters_whose_retry_has_not_committed(world: World, one: Session) -> None:
    one.push("x")
    one.term(one.next())
    assert knows(one)
    other = world.session().begin()
    assert other.retry() == 1
    assert not knows(one)
    other.commit()
    assert one.ids() == ["x"]


def test_a_retry_waits_for_no_change_of_the_consumer(world: World, one: Session) -> None:
    one.push("x")
    one.term(one.next())
    other = world.session().begin()
    other.rows("select consumer_update('c', metadata => '{}')")
    assert one.retry() == 1
    other.rollback()


def test_a_message_that_is_out_comes_again(world: World) -> None:
    """Leased, given back for later, kept back behind a lease: nothing is known to be idle."""
    one, other = world.set_up(), world.session()
    one.push("a", "b", "d")
    held = {m.upstream_id: m for m in other.next()}
    other.nack([held["b"]], "1 hour")
    other.ack([held["d"]])
    assert not knows(one)
    world.look.age("2 hours")
    again = one.drain()
    assert sorted(m.upstream_id for m in again) == ["a", "b"]
    assert not knows(other)
    other.push("a", data=2)
    assert other.next() == []
    assert not knows(other)
    one.ack(again)
    assert other.ids() == ["a"]


def test_a_writer_who_has_not_committed(world: World, one: Session) -> None:
    """Neither number that it drew comes again, and that of a later writer is committed before."""
    writer, later = world.sessions(2)
    writer.begin().push("x")
    assert not knows(one)
    later.push("z")
    assert [m.upstream_id for m in one.drain(ack=True)] == ["z"]
    assert not knows(one)
    writer.commit()
    assert one.ids() == ["x"]


def test_a_number_that_was_drawn_for_nothing(world: World, one: Session) -> None:
    writer = world.session()
    writer.begin().push("x")
    writer.rollback()
    assert knows(one)
    writer.push("z")
    assert one.ids() == ["z"]


@pytest.mark.parametrize("undo", ["rollback", "rollback to here"])
def test_what_a_transaction_did_is_not_known_before_it_commits(world: World, undo: str) -> None:
    one = world.set_up()
    one.push("a")
    held = one.next()
    one.begin()
    one.rows("savepoint here")
    one.ack(held)
    assert not knows(one)
    one.rows(undo)
    if undo != "rollback":
        one.commit()
    assert not knows(one)
    world.look.age()
    assert one.ids() == ["a"]


def test_what_a_transaction_read_comes_again_when_it_rolls_back(world: World, one: Session) -> None:
    world.look.push("x")
    held = one.next()
    one.ack(held)
    assert knows(one)
    one.begin()
    assert knows(one)
    world.look.push("z")
    assert one.ids() == ["z"]
    one.rollback()
    assert one.ids() == ["z"]


def test_other_streams_are_written_to(world: World, one: Session) -> None:
    """What is known stays known, and what is new in this stream is still seen."""
    world.look.rows("select stream_create('t'), sync_create('t', 'push', 'v')")
    for n in range(3):
        world.look.push(f"t{n}", sync="v")
        assert one.next() == []
        assert one.value("select current_setting('sluice.idle', true)") == "c"
    world.look.push("t9", sync="v")
    world.look.push("x")
    assert one.ids() == ["x"]


def test_a_sync_that_moves_here(world: World, one: Session) -> None:
    world.look.rows("select stream_create('t'), sync_create('t', 'push', 'v')")
    world.look.push("t1", sync="v")
    assert knows(one)
    world.look.rows("select sync_move('v', 's')")
    assert tidy(world.look, "v") is None
    assert one.ids() == ["t1"]


def test_several_consumers_in_one_session(world: World, one: Session) -> None:
    world.consumer("d")
    assert one.ids(consumer="d") == ["a", "b"]
    assert not knows(one, "d")
    assert knows(one)
    world.look.push("x")
    assert one.ids() == ["x"]
    assert one.ids(consumer="d") == ["x"]


@pytest.mark.parametrize("options", [{"max_ack_pending": 5}, {"filter": '{"collection_id": ["push:*"]}'}], ids=["bounded", "filtered"])
def test_other_ways_to_read(world: World, options: dict[str, object]) -> None:
    one = world.set_up(**options)
    one.push("a")
    held = one.next()
    assert not knows(one)
    one.ack(held)
    assert knows(one)
    world.look.push("x")
    assert one.ids() == ["x"]


def test_a_call_that_is_wrong_is_refused_all_the_same(world: World, one: Session) -> None:
    for call, code, culprit in (
        ("'c', 0", "SL001", "batch_size"),
        ("'c', null", "SL001", "batch_size"),
        ("'c', 10, array[null]", "SL001", "ack_tokens"),
        ("'d'", "SL103", "d"),
    ):
        with refused(code, culprit):
            one.rows(f"select * from consumer_next({call})")
    one.begin("isolation level repeatable read")
    with refused("SL003"):
        one.next()
    one.rollback()
    assert one.rows("select * from consumer_next('c', 10, array['1.1.1.0123456789abcdef'])") == []


def test_a_right_that_is_gone(world: World, one: Session) -> None:
    """As a server uses its connections: each request with the role of its token."""
    one.begin()
    one.rows("create role sluice_test_idle")
    one.rows("grant usage on schema sluice to sluice_test_idle")
    one.rows("grant execute on function consumer_next to sluice_test_idle")
    one.rows("set local role sluice_test_idle")
    with refused("SL002", "consumer"):
        one.next()
    one.rollback()
    assert knows(one)


def test_settings_that_are_reset(world: World, one: Session) -> None:
    for reset in ("reset all", "discard all"):
        one.rows(reset)
        one.rows("set search_path = sluice")
        assert one.next() == []
        world.look.push(reset)
        assert one.ids() == [reset]


def test_large_leases_that_are_acknowledged_are_not_read_again(world: World) -> None:
    one = world.set_up()
    one.push(*(f"o{i}" for i in range(4_000)))
    assert len(one.drain(1_000, ack=True)) == 4_000
    plan = one.rows("explain (analyze, buffers) select sluice_internal._idle_note(c, null) from sluice_internal.consumers as c")
    (hits, *_) = [int(line[0].split("shared hit=")[1].split()[0]) for line in plan if "shared hit=" in line[0]]
    assert one.value("select current_setting('sluice.idle', true)") == "c"
    assert hits < 600, plan
