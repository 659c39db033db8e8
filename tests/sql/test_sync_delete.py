"""`sync_delete`: an end at once, its records piece by piece, and what consumers hear of it."""

from __future__ import annotations

import psycopg
import pytest
from isolation.sessions import Session, World, obj, refused, until


def tidy(one: Session, sync: str = "y", steps: int = 50) -> str | None:
    """Goes on until it is finished, None, or waits for somebody: for whom."""
    for _ in range(steps):
        found = one.rows("select * from sync_tidy(%s)", sync)
        if not found or found[0].finished:
            return None
        if found[0].waits_for is not None:
            return str(found[0].waits_for)
    pytest.fail("no end")


def status(one: Session, sync: str = "y") -> str:
    return one.value("select status from syncs where sync_id = %s", sync)


def test_sync_delete_silently(world: World) -> None:
    one = world.set_up()
    one.push(*(f"o{n}" for n in range(30)))
    one.ids(3)
    assert one.one("select * from sync_delete('y')").status == "deleting"
    for call in (
        "record_ingest('y', 'push:o', '[]')",
        "sync_pause('y')",
        "sync_update('y', 'n')",
        "sync_resume('y')",
        "sync_move('y', 's')",
    ):
        with refused("SL165", "y"):
            one.rows(f"select {call}")
    with refused("SL110", "y") as caught:
        one.rows("select sync_create('s', 'push', 'y')")
    assert "sync_tidy" in caught.value.diag.message_hint
    assert tidy(one) is None
    assert one.rows("select * from records") == []
    assert one.rows("select * from syncs") == []
    for table in ("record_counts", "count_deltas", "ingests", "sync_work", "quarantine"):
        assert one.value(f"select count(*) from sluice_internal.{table}") == 0, table
    assert one.drain() == []
    assert one.info().num_pending == 0
    with refused("SL102", "y"):
        one.rows("select sync_delete('y')")


def test_the_id_is_free_afterwards_and_begins_anew(world: World) -> None:
    one = world.set_up()
    one.ingest(obj("a", 1, "2026-01-02T00:00:00Z"))
    one.rows("select sync_delete('y')")
    assert tidy(one) is None
    one.rows("select sync_create('s', 'push', 'y')")
    assert one.ingest(obj("a", 1, "2026-01-01T00:00:00Z")) == (1, 0, 0, 0)
    assert one.value("select records from collections where sync_id = 'y'") == 1
    assert one.ids() == ["a"]


def test_sync_delete_with_tombstones(world: World) -> None:
    one = world.set_up()
    one.rows("select sync_update('y', external_id => 'tenant 7')")
    one.push("a", "b", "c")
    one.drain(ack=True)
    one.rows("select consumer_create('late', 's', 'new')")
    one.rows("select sync_delete('y', true)")
    assert tidy(one) == "consumer c"
    assert status(one) == "deleting"
    assert one.value("select health ->> 'reason' from syncs") == "consumer c"
    found = one.next()
    assert sorted((m.upstream_id, m.deleted, m.external_id, m.data["of"]) for m in found) == [
        (name, True, "tenant 7", name) for name in "abc"
    ]
    assert tidy(one) == "consumer c"  # delivered, not settled
    assert sorted(one.records()) == ["a", "b", "c"]
    one.ack(found)
    assert tidy(one) == "consumer late"
    one.ack(one.next(consumer="late"), consumer="late")
    assert tidy(one) is None
    assert one.rows("select * from syncs") == []
    assert one.records() == {}


def test_without_emit_once_more_nobody_is_waited_for(world: World) -> None:
    one = world.set_up()
    one.push("a")
    one.rows("select sync_delete('y', true)")
    assert tidy(one) == "consumer c"
    one.rows("select sync_delete('y')")
    assert tidy(one) is None
    assert one.next() == []


def test_what_was_a_tombstone_already_is_not_told_twice(world: World) -> None:
    one = world.set_up()
    one.push("a", "b")
    one.ingest({"upstream_id": "a", "deleted": True})
    one.drain(ack=True)
    one.rows("select sync_delete('y', true)")
    tidy(one)
    assert [m.upstream_id for m in one.drain(ack=True)] == ["b"]
    assert tidy(one) is None


def test_it_is_not_finished_in_the_transaction_that_ordered_it(world: World) -> None:
    one = world.set_up()
    one.push("a")
    one.begin()
    one.rows("select sync_delete('y')")
    assert tidy(one) == "open transactions that have written records"
    one.rollback()
    assert list(one.records()) == ["a"]
    one.push("b")


def test_sync_tidy_needs_read_committed(world: World) -> None:
    one = world.set_up()
    one.begin("isolation level repeatable read")
    with refused("SL003"):
        one.rows("select sync_tidy()")


def test_a_deletion_waits_for_whoever_ingested_before_it(world: World) -> None:
    one = world.set_up()
    writer = world.session()
    writer.begin()
    writer.push("late")
    one.rows("select sync_delete('y')")
    assert tidy(one) == "open transactions that have written records"
    other = world.session()
    other.rows("select sync_create('s', 'push', 'z')")
    other.begin()
    other.push("x", sync="z")  # began later: no reason to wait
    writer.commit()
    assert tidy(one) is None
    other.commit()
    assert list(one.records()) == ["x"]


def test_an_ingest_that_began_before_and_writes_after_is_refused(world: World) -> None:
    """It saw the sync, waits for a record, and the sync comes to an end meanwhile."""
    one = world.set_up()
    one.push("a")
    holder, writer = world.sessions(2)
    holder.begin()
    holder.push("a", data={"n": 1})
    waiting = writer.start(lambda: writer.ingest(obj("a", {"n": 2}), obj("b")))
    one.await_blocked(writer, by=holder)
    one.rows("select sync_delete('y')")
    holder.rollback()
    with refused("SL165", "y"):
        waiting.result()
    assert tidy(one) is None
    assert one.records() == {}


def test_a_fixed_snapshot_cannot_write_past_the_end(world: World) -> None:
    one = world.set_up()
    writer = world.session()
    writer.begin("isolation level repeatable read")
    writer.rows("select 1")
    one.rows("select sync_delete('y')")
    assert tidy(one) is None
    with pytest.raises(psycopg.errors.SerializationFailure):
        writer.push("ghost")
    assert one.records() == {}


def test_a_page_in_flight_cannot_commit(world: World) -> None:
    one = world.look
    one.rows("select stream_create('s')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, 'http://x', '{}')")
    one.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:customer'], 'k')")
    one.rows("select sluice_internal._poller_heartbeat('p1', 'host', 1)")
    (held,) = one.rows("select * from sluice_internal._sync_claim('p1', 1)")
    one.rows("select mutation_run('create', 'y', 'stripe:customer', '[{}]')")
    one.rows("select sync_delete('y')")
    with refused("SL130"):
        one.rows(
            "select sluice_internal._page_commit(sync_id => 'y', poller_id => 'p1', epoch => %s, feed => 'stripe:customer', cursor => null,"
            " done => true, records => '[]', quarantine => '[]', read_from => now())",
            held.epoch,
        )
    assert one.value("select status from mutations") == "cancelled"
    assert one.rows("select * from sluice_internal._sync_claim('p1', 1)") == []
    assert tidy(one) is None
    assert one.rows("select * from mutations") == []


def test_a_users_foreign_key_is_said_and_stops_nobody_else(world: World) -> None:
    one = world.set_up()
    one.push("a")
    one.rows("select sync_create('s', 'push', 'z')")
    one.push("b", sync="z")
    one.rows(
        "create table public.mine (s text, c text, u text, foreign key (s, c, u) references sluice.records (sync_id, collection_id, upstream_id))"
    )
    one.rows("insert into public.mine values ('y', 'push:o', 'a')")
    one.rows("select sync_delete('y')")
    one.rows("select sync_delete('z')")
    while one.value("select sluice_internal._sync_tidy()"):
        pass
    assert "mine" in one.value("select health ->> 'reason' from syncs where sync_id = 'y'")
    assert one.value("select count(*) from syncs") == 1
    one.rows("delete from public.mine")
    assert tidy(one) is None


def test_a_deletion_that_waited_for_the_end_of_another(world: World) -> None:
    one = world.set_up()
    one.push("a")
    one.rows("select sync_delete('y')")
    other = world.session()
    one.begin()
    assert tidy(one) is None
    waiting = other.start(lambda: other.rows("select sync_delete('y')"))
    one.await_blocked(other, by=one)
    one.commit()
    with refused("SL102", "y"):
        waiting.result()


def test_two_deletions_at_once(world: World) -> None:
    one = world.set_up()
    other = world.session()
    one.push("a")
    one.begin()
    one.rows("select sync_delete('y')")
    waiting = other.start(lambda: other.one("select * from sync_delete('y')"))
    one.await_blocked(other, by=one)
    one.commit()
    assert waiting.result().status == "deleting"
    assert tidy(one) is None


def test_a_deletion_between_another_and_the_removal_of_records(world: World) -> None:
    """Whoever waited for the first deletion takes the work on the records before the sync, as their removal does."""
    one = world.set_up()
    second, removal, reader = world.sessions(3)
    one.push("a")
    one.begin()
    one.rows("select sync_delete('y')")
    waiting = second.start(lambda: second.one("select * from sync_delete('y')"))
    one.await_blocked(second, by=one)
    reader.begin()
    reading = reader.start(lambda: reader.rows("select from sluice_internal.syncs for no key update"))
    one.await_blocked(reader, by=one)
    one.commit()
    reading.result()
    # Either of the two may have been first at the sync; this is about the reader.
    until(lambda: waiting.done() or reader.pid in one.blockers(second), "the second deletion waits for the reader, or was quicker")
    removing = removal.start(lambda: tidy(removal))
    until(lambda: removing.done() or one.blockers(removal), "the removal is done, or waits")
    reader.commit()
    assert waiting.exception() is None
    assert waiting.result().status == "deleting"
    removing.result()
    assert tidy(one) is None
