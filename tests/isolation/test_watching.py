"""Whoever waits is woken by a commit, a nack, and by nothing else; and nobody notifies while nobody waits."""

from __future__ import annotations

import pytest
from isolation.sessions import Session, World, refused

WATCH = "select sluice_internal._stream_watch('c')"


def heard(session: Session, count: int = 1) -> int:
    """How many notifications came; waits for `count`, or for none if that is 0."""
    return len(list(session.conn.notifies(timeout=10 if count else 0, stop_after=count or None)))


def watching(world: World) -> Session:
    watcher = world.session()
    watcher.rows("listen sluice_streams")
    assert watcher.value(WATCH) == "s"
    return watcher


def test_a_commit_wakes_once(world: World) -> None:
    one = world.set_up()
    watcher = watching(world)
    one.begin()
    one.push("a")
    one.push("b", "c")
    assert heard(watcher, 0) == 0
    one.commit()
    assert heard(watcher) == 1
    watcher.rows("select 1")
    assert heard(watcher, 0) == 0


def test_a_nack_wakes(world: World) -> None:
    one = world.set_up()
    one.push("a")
    (message,) = one.next()
    watcher = watching(world)
    one.nack([message])
    assert heard(watcher) == 1


def test_nothing_is_sent_while_nobody_watches(world: World) -> None:
    one = world.set_up()
    listener = world.session()
    watcher = watching(world)
    watcher.value(WATCH)
    listener.rows("listen sluice_streams")
    for _ in range(2):
        watcher.rows("select sluice_internal._stream_unwatch('s')")
    one.push("a")
    one.nack(one.next())
    listener.rows("select 1")
    assert heard(listener, 0) == 0


def test_other_streams_wake_nobody(world: World) -> None:
    one = world.set_up()
    one.rows("select stream_create('other')")
    one.rows("select sync_create('other', 'push', 'elsewhere')")
    watcher = watching(world)
    one.push("a", sync="elsewhere")
    watcher.rows("select 1")
    assert heard(watcher, 0) == 0


def test_a_commit_that_takes_long_is_not_waited_for(world: World) -> None:
    one = world.set_up()
    one.begin()
    one.push("a")
    one.rows("set constraints all immediate")
    assert world.session().value(WATCH) is None
    one.commit()
    assert world.session().value(WATCH) is not None


def test_when_something_falls_due(world: World) -> None:
    one = world.set_up()
    due = "select sluice_internal._consumer_due('c')"
    assert one.value(due) is None
    one.push("a", "b")
    taken = one.next()
    assert one.value(f"select ({due}) between now() + interval '9 minutes' and now() + interval '10 minutes'")
    one.nack(taken[:1], delay="1 minute")
    assert one.value(f"select ({due}) between now() and now() + interval '1 minute'")


def test_a_consumer_that_is_not_there(world: World) -> None:
    one = world.set_up()
    for function in ("_stream_watch", "_consumer_due"):
        with refused("SL103", "nothing"):
            one.rows(f"select sluice_internal.{function}('nothing')")


def test_watchers_do_not_delay_commits(world: World) -> None:
    one = world.set_up()
    watchers = [watching(world) for _ in range(3)]
    one.push("a")
    assert [heard(watcher) for watcher in watchers] == [1, 1, 1]


@pytest.mark.parametrize("how", ["commit", "rollback"])
def test_a_nack_in_a_long_transaction_keeps_nobody_from_watching(world: World, how: str) -> None:
    one = world.set_up()
    one.push("a")
    taken = one.next()
    one.begin()
    one.nack(taken)
    assert world.session().value(WATCH) is not None
    one.conn.execute(how)
