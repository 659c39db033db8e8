"""What reads and acknowledges needs READ COMMITTED: with an old snapshot it would hand a record out twice (SL003)."""

from __future__ import annotations

import psycopg
import pytest
from isolation.sessions import World, obj, refused


@pytest.mark.parametrize("level", ["repeatable read", "serializable", "serializable read only", "repeatable read read only"])
@pytest.mark.parametrize(
    "call", ["next('c')", "next('c', 1, array['{t}'])", "ack('c', array['{t}'])", "ack('c', array['{t}'], true)", "nack('c', array['{t}'])"]
)
def test_higher_levels_are_refused(world: World, level: str, call: str) -> None:
    one = world.set_up()
    one.push("a", "b")
    (held,) = one.next(1)
    one.begin(f"isolation level {level}")
    with refused("SL003", "READ COMMITTED"):
        one.rows(f"select * from consumer_{call.format(t=held.ack_token)}")
    one.rollback()
    assert one.in_flight() == [held.upstream_id]
    assert one.ack([held]) == (1, [])


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_as_the_default_of_a_session_it_is_refused_too(world: World, level: str) -> None:
    world.set_up().push("a")
    strict = world.session(default_transaction_isolation=level.replace(" ", "\\ "))
    with refused("SL003"):
        strict.next()


@pytest.mark.parametrize("level", ["read committed", "read uncommitted"])
def test_lower_levels_are_fine(world: World, level: str) -> None:
    one = world.set_up()
    one.push("a")
    one.begin(f"isolation level {level}")
    assert one.ack(one.next()) == (1, [])
    one.commit()
    assert one.in_flight() == []


def test_consumers_whatever_the_level_can_be_made_and_looked_at(world: World) -> None:
    one = world.set_up()
    one.push("a")
    one.begin("isolation level serializable")
    assert one.value("select num_pending from consumer_info('c')") == 1
    one.commit()


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_an_old_snapshot_never_brings_an_older_version_back(world: World, level: str) -> None:
    """Ingest at a higher level either sees what is committed, or fails as PostgreSQL does (40001) and is tried again."""
    world.set_up()
    world.look.ingest(obj("a", 1, "2026-01-01T00:00:00Z"))
    writer = world.session()
    writer.begin(f"isolation level {level}").value("select count(*) from records")
    world.look.ingest(obj("a", 3, "2026-03-03T00:00:00Z"))
    try:
        counted = writer.ingest(obj("a", 2, "2026-02-02T00:00:00Z"))
        writer.commit()
    except psycopg.errors.SerializationFailure:
        writer.rollback()
    else:
        assert counted == (0, 0, 0, 1)
    assert world.look.records()["a"].data == 3


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_an_old_snapshot_that_takes_the_record_for_unchanged(world: World, level: str) -> None:
    """Without versions the last commit wins: what the snapshot shows as the same may have changed since."""
    world.set_up()
    world.look.ingest(obj("a", 1))
    writer = world.session()
    writer.begin(f"isolation level {level}").value("select count(*) from records")
    world.look.ingest(obj("a", 2))
    try:
        writer.ingest(obj("a", 1))
        writer.commit()
    except psycopg.errors.SerializationFailure:
        writer.rollback()
        return
    assert world.look.records()["a"].data == 1


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_an_old_snapshot_still_commits_in_order(world: World, level: str) -> None:
    one = world.set_up()
    writer = world.session()
    writer.begin(f"isolation level {level}").value("select count(*) from records")
    one.push("early")
    seen = one.value("select max(updated_idx) from records")
    writer.push("late")
    one.push("middle")
    seen = max(seen, one.value("select max(updated_idx) from records"))
    assert one.ids() == ["early", "middle"]
    writer.commit()
    assert one.records()["late"].updated_idx > seen
    assert one.ids() == ["late"]


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_a_consumer_of_new_messages_made_with_an_old_snapshot(world: World, level: str) -> None:
    """`new` is everything that commits after the create commits, not after its snapshot."""
    one = world.set_up()
    maker = world.session()
    maker.begin(f"isolation level {level}").value("select count(*) from records")
    one.push("before")
    maker.rows("select consumer_create('n', 's', 'new')")
    one.push("between")
    maker.commit()
    one.push("after")
    assert one.ids(consumer="n") == ["after"]


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_a_taken_id_at_any_level(world: World, level: str) -> None:
    world.set_up()
    maker = world.session()
    maker.begin(f"isolation level {level}").value("select count(*) from records")
    world.look.rows("select stream_create('t')")
    with pytest.raises(psycopg.Error) as caught:
        maker.rows("select stream_create('t')")
    assert caught.value.sqlstate in ({"SL110"} if level == "read committed" else {"SL110", "40001"})
