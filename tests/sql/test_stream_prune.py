"""`stream_prune`: tombstones that every consumer has settled go, and no other."""

from __future__ import annotations

from isolation.sessions import Session, World, refused


def bury(one: Session, *names: str) -> None:
    one.push(*names)
    one.ingest(*({"upstream_id": name, "deleted": True} for name in names))


def prune(one: Session, age: str = "0", *, force: bool = False) -> tuple[int, int, str | None]:
    found = one.one("select * from stream_prune('s', %s::interval, %s)", age, force)
    assert not found.more
    return found.removed, found.held, found.held_by


def test_stream_prune(world: World) -> None:
    one = world.set_up()
    bury(one, "a", "b")
    one.push("alive")
    world.consumer("other")
    assert prune(one) == (0, 2, "c")
    one.drain(ack=True)
    assert prune(one) == (0, 2, "other")
    one.drain(consumer="other", ack=True)
    assert prune(one) == (2, 0, None)
    assert list(one.records()) == ["alive"]
    assert prune(one) == (0, 0, None)
    assert one.value("select records from collections where sync_id = 'y'") == 1


def test_what_is_in_flight_is_not_pruned(world: World) -> None:
    one = world.set_up()
    bury(one, "a", "b")
    found = one.next()
    assert prune(one) == (0, 2, "c")
    one.ack([m for m in found if m.upstream_id == "a"])
    assert prune(one) == (1, 1, "c")
    one.age()
    assert one.ids() == ["b"]


def test_a_tombstone_that_waits_behind_its_older_version_is_not_pruned(world: World) -> None:
    one = world.set_up()
    one.push("a")
    found = one.next()
    one.ingest({"upstream_id": "a", "deleted": True})
    assert one.next() == []  # passed, parked
    assert prune(one) == (0, 1, "c")
    one.ack(found)
    assert prune(one) == (0, 1, "c")
    (tombstone,) = one.next()
    assert tombstone.deleted
    one.ack([tombstone])
    assert prune(one) == (1, 0, None)


def test_an_open_call_of_next_holds_too(world: World) -> None:
    one = world.set_up()
    bury(one, "a")
    one.begin()
    one.ids()
    assert prune(world.look) == (0, 1, "c")
    one.rollback()
    assert one.ids() == ["a"]


def test_by_force(world: World) -> None:
    one = world.set_up()
    bury(one, "a", "b")
    one.next(1)
    assert prune(one, force=True) == (2, 0, None)
    one.age()
    assert one.drain() == []
    assert one.info().num_pending == 0


def test_dead_letters_hold(world: World) -> None:
    one = world.set_up()
    bury(one, "a")
    one.term(one.next())
    assert prune(one) == (0, 1, "c")
    one.purge()
    assert prune(one) == (1, 0, None)


def test_only_what_is_old_enough(world: World) -> None:
    one = world.set_up()
    bury(one, "old")
    one.rows("update sluice_internal.ingests set created_at = created_at - interval '2 days'")
    one.push("between")
    one.rows("update sluice_internal.ingests set created_at = created_at - interval '2 hours'")
    bury(one, "young")
    one.drain(ack=True)
    assert prune(one, "1 day") == (1, 0, None)
    assert sorted(one.records()) == ["between", "young"]
    assert prune(one, "1 hour") == (0, 0, None)
    for wrong in ("'-1 day'", "null", "'178000000 years'"):
        with refused("SL001", "older_than"):
            one.rows(f"select stream_prune('s', {wrong})")
    with refused("SL101", "nowhere"):
        one.rows("select stream_prune('nowhere', '0')")


def test_a_paused_consumer_holds_until_it_is_deleted(world: World) -> None:
    one = world.set_up()
    bury(one, "a")
    one.pause()
    assert prune(one) == (0, 1, "c")
    one.rows("select consumer_delete('c')")
    assert prune(one) == (1, 0, None)
