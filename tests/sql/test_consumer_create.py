"""`consumer_create`, `consumer_delete`, `consumer_info`, and the views of a consumer."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from isolation.sessions import World, obj, refused
from psycopg.types.json import Jsonb


@pytest.fixture
def made(world: World) -> World:
    world.look.rows("select stream_create('s')")
    world.look.rows("select sync_create('s', 'push', 'y')")
    return world


def test_defaults(made: World) -> None:
    consumer = made.look.one("select * from consumer_create('c', 's')")
    assert (consumer.consumer_id, consumer.stream_id, consumer.deliver_policy) == ("c", "s", "all")
    assert (consumer.ack_wait, consumer.max_deliver, consumer.metadata) == (timedelta(seconds=60), -1, {})
    assert consumer.created_at is not None
    assert (consumer.max_ack_pending, consumer.filter, consumer.paused) == (None, None, False)
    assert made.look.rows("select * from consumers") == [consumer]


def test_null_id_is_generated(made: World) -> None:
    consumer = made.look.one("select * from consumer_create(null, 's')")
    assert str(uuid.UUID(consumer.consumer_id)) == consumer.consumer_id
    assert made.look.next(consumer=consumer.consumer_id) == []


def test_by_position_and_by_name(made: World) -> None:
    by_position = made.look.one("select * from consumer_create('c', 's', 'new', '5 seconds', 3, null, null, '{\"a\": 1}')")
    by_name = made.look.one("""
        select * from consumer_create(
            metadata => '{"a": 1}', filter => null, max_ack_pending => null, max_deliver => 3, ack_wait => '5 seconds',
            deliver_policy => 'new', stream_id => 's', consumer_id => 'd')
    """)
    assert by_position[1:6] == by_name[1:6] == ("s", "new", timedelta(seconds=5), 3, {"a": 1})


BAD: list[tuple[str, dict[str, Any], list[str]]] = [
    ("SL001", {"consumer_id": ""}, ["consumer_id"]),
    ("SL001", {"consumer_id": "x" * 201}, ["consumer_id"]),
    ("SL101", {"stream_id": "nope"}, ["nope"]),
    ("SL001", {"deliver_policy": "last"}, ["deliver_policy", "last"]),
    ("SL001", {"deliver_policy": "ALL"}, ["deliver_policy"]),
    ("SL001", {"deliver_policy": ""}, ["deliver_policy"]),
    ("SL001", {"deliver_policy": None}, ["deliver_policy"]),
    ("SL001", {"ack_wait": "0"}, ["ack_wait"]),
    ("SL001", {"ack_wait": "-1 second"}, ["ack_wait"]),
    ("SL001", {"ack_wait": None}, ["ack_wait"]),
    ("SL001", {"ack_wait": "1 month -40 days"}, ["ack_wait"]),
    ("SL001", {"max_deliver": 0}, ["max_deliver"]),
    ("SL001", {"max_deliver": -2}, ["max_deliver"]),
    ("SL001", {"max_deliver": None}, ["max_deliver"]),
    ("SL001", {"metadata": Jsonb([])}, ["metadata"]),
    ("SL001", {"metadata": Jsonb(1)}, ["metadata"]),
]


def test_consumer_create_refuses(made: World, subtests: pytest.Subtests) -> None:
    for code, options, culprits in BAD:
        with subtests.test(str(options)):
            named = {"consumer_id": "c", "stream_id": "s"} | options
            values = ", ".join(f"{name} => %({name})s" + ("::interval" if name == "ack_wait" else "") for name in named)
            with refused(code, *culprits):
                made.look.conn.execute(f"select consumer_create({values})", named)
            assert made.look.rows("select * from consumers") == []


def test_a_null_stream(made: World) -> None:
    with pytest.raises(psycopg.Error) as caught:
        made.look.rows("select consumer_create('c', null)")
    assert caught.value.sqlstate in {"SL001", "SL101"}


def test_a_taken_id(made: World) -> None:
    made.look.rows("select stream_create('elsewhere')")
    first = made.look.one("select * from consumer_create('c', 'elsewhere')")
    with refused("SL110", "c") as caught:
        made.look.rows("select consumer_create('c', 's')")
    assert "elsewhere" not in str(caught.value)
    assert made.look.rows("select * from consumers") == [first]


@pytest.mark.parametrize("call", ["info('%s')", "delete('%s')", "next('%s')", "ack('%s', '{}')", "nack('%s', '{}')"])
def test_an_unknown_consumer(made: World, call: str) -> None:
    made.consumer()
    for consumer_id in ("nope", "C", "", "s"):
        with refused("SL103", consumer_id):
            made.look.rows(f"select consumer_{call % consumer_id}")


@pytest.mark.parametrize("call", ["info(null)", "delete(null)", "next(null)", "ack(null, '{}')", "nack(null, '{}')"])
def test_a_null_consumer(made: World, call: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        made.look.rows(f"select consumer_{call}")
    assert caught.value.sqlstate in {"SL001", "SL103"}


def test_consumer_info_follows_the_messages(made: World) -> None:
    one = made.session()
    made.consumer(ack_wait="10 minutes", max_deliver=1)

    def numbers() -> Any:
        return one.one("select num_pending, num_pending_estimated, num_ack_pending, num_dead_letters from consumer_info('c')")

    assert numbers() == (0, False, 0, 0)
    one.push(*(f"o{i}" for i in range(12)))
    assert numbers() == (12, False, 0, 0)
    taken = one.drain(5)
    assert len(taken) == 12
    assert numbers() == (0, False, 12, 0)
    one.ack(taken[:4])
    assert numbers() == (0, False, 8, 0)
    one.nack(taken[4:6])
    assert numbers() == (0, False, 6, 2)
    one.ack(taken[6:])
    assert numbers() == (0, False, 0, 2)


def test_consumer_info_has_the_settings_and_the_next_due_time(made: World) -> None:
    made.consumer(ack_wait="10 minutes", metadata=Jsonb({"team": "x"}), deliver_policy="new")
    info = made.look.one("select * from consumer_info(consumer_id => 'c')")
    row = made.look.one("select * from consumers")
    assert {name: getattr(info, name) for name in row._fields} == row._asdict()
    assert info.oldest_due_at is None
    made.look.push("a")
    made.look.next()
    assert made.look.value(
        "select oldest_due_at between now() + interval '9 minutes' and now() + interval '10 minutes' from consumer_info('c')"
    )


def test_num_pending_after_a_change_of_something_waiting(made: World) -> None:
    made.consumer()
    made.look.push("a", "b")
    made.look.ingest(obj("a", 2))
    made.look.ingest(obj("a", 3))
    assert made.look.value("select num_pending from consumer_info('c')") == 2
    assert len(made.look.drain()) == 2


def test_num_pending_is_exact_to_10_000_and_marked_beyond(made: World) -> None:
    made.consumer()
    made.look.ingest(*(obj(f"o{i}") for i in range(10_000)))
    assert made.look.one("select num_pending, num_pending_estimated from consumer_info('c')") == (10_000, False)
    made.look.ingest(*(obj(f"p{i}") for i in range(5_000)))
    pending, estimated = made.look.one("select num_pending, num_pending_estimated from consumer_info('c')")
    assert estimated is True
    assert 10_000 <= pending <= 30_000


def test_consumer_delete_takes_everything_of_the_consumer_and_nothing_else(made: World) -> None:
    made.consumer(max_deliver=1)
    made.consumer("d")
    made.look.push("a", "b")
    made.look.nack(made.look.next())
    made.look.next(consumer="d")
    records = made.look.records()
    made.look.rows("select consumer_delete(consumer_id => 'c')")
    assert made.look.records() == records
    assert [r.consumer_id for r in made.look.rows("select * from consumers")] == ["d"]
    assert made.look.dead() == {}
    assert made.look.in_flight("d") == ["a", "b"]
    with refused("SL103", "c"):
        made.look.next()


def test_a_recreated_consumer_starts_again_and_knows_no_old_token(made: World) -> None:
    made.consumer()
    made.look.push("a")
    old = made.look.next()
    made.look.rows("select consumer_delete('c')")
    made.consumer()
    assert made.look.ack(old) == (0, [old[0].ack_token])
    new = made.look.next()
    assert [m.deliver_count for m in new] == [1]
    assert made.look.ack(old) == (0, [old[0].ack_token])


def test_a_new_consumer_on_old_records_starts_at_once(made: World) -> None:
    made.look.push("a", "b")
    made.look.ingest(obj("a", 2))
    made.consumer("late")
    assert sorted((m.upstream_id, m.deliver_count) for m in made.look.drain(consumer="late")) == [("a", 1), ("b", 1)]


def test_policy_new_skips_what_was_there(made: World) -> None:
    made.look.push("a", "b")
    made.consumer(deliver_policy="new")
    assert made.look.next() == []
    assert made.look.value("select num_pending from consumer_info('c')") == 0
    made.look.push("c")
    made.look.ingest(obj("a", 2))
    assert made.look.ids() == ["a", "c"]


def test_messages_in_flight_and_dead_letters_show_whose_they_are(made: World) -> None:
    made.consumer(max_deliver=1)
    made.look.push("a", "b")
    a, b = sorted(made.look.drain(), key=lambda m: m.upstream_id)
    (shown,) = made.look.rows("select * from messages_in_flight where upstream_id = 'a'")
    assert (shown.consumer_id, shown.stream_id, shown.sync_id, shown.collection_id) == ("c", "s", "y", "push:o")
    assert (shown.updated_idx, shown.deliver_count, shown.leased) == (a.updated_idx, 1, True)
    made.look.nack([b])
    (dead,) = made.look.rows("select * from dead_letters")
    assert (dead.consumer_id, dead.stream_id, dead.sync_id, dead.collection_id, dead.upstream_id) == ("c", "s", "y", "push:o", "b")
    assert (dead.updated_idx, dead.deliver_count, dead.superseded) == (b.updated_idx, 1, False)
    assert dead.reason


def test_a_delayed_message_is_shown_as_given_back(made: World) -> None:
    made.consumer()
    made.look.push("a")
    made.look.nack(made.look.next(), "1 hour")
    (shown,) = made.look.rows("select leased, due_at > now() + interval '59 minutes' from messages_in_flight")
    assert shown == (False, True)


@pytest.mark.parametrize("ack_wait", ["1 millisecond", "1 year"])
def test_short_and_long_waits(made: World, ack_wait: str) -> None:
    made.consumer(ack_wait=ack_wait)
    made.look.push("a")
    (message,) = made.look.next()
    assert len(made.look.rows("select * from messages_in_flight")) == 1
    assert made.look.ack([message]) == (1, [])


@pytest.mark.parametrize("ack_wait", ["1 microsecond", "100 years", "290000 years", "infinity"])
def test_extreme_waits_are_refused_at_once(made: World, ack_wait: str) -> None:
    """Not when the first message is delivered."""
    with pytest.raises(psycopg.Error) as caught:
        made.consumer(ack_wait=ack_wait)
    assert caught.value.sqlstate in {"SL001", "22007"}  # PostgreSQL 15 and 16 know no infinite interval
    assert made.look.rows("select * from consumers") == []


@pytest.mark.parametrize("what", ["consumer_create('x', 's')", "consumer_create('x', 's', 'new')", "sync_create('s', 'push', 'x')"])
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_two_sessions_take_the_same_id_at_once(made: World, what: str, end: str) -> None:
    a, b = made.sessions(2)
    a.begin().rows(f"select {what}")
    second = b.start(lambda: b.rows(f"select {what}"))
    made.look.await_blocked(b, by=a)
    getattr(a, end)()
    if end == "commit":
        with refused("SL110", "x"):
            second.result(10)
    else:
        second.result(10)


def test_update_changes_what_is_given(made: World) -> None:
    made.look.rows("select consumer_create('c', 's', ack_wait => '9 s', max_deliver => 3, metadata => '{\"a\": 1}')")
    changed = made.look.one("select * from consumer_update('c', max_deliver => 5)")
    assert (changed.ack_wait, changed.max_deliver, changed.metadata) == (timedelta(seconds=9), 5, {"a": 1})
    changed = made.look.one("select * from consumer_update('c', ack_wait => '1 s', metadata => '{}')")
    assert (changed.ack_wait, changed.max_deliver, changed.metadata) == (timedelta(seconds=1), 5, {})
    for wrong in ("ack_wait => '0'", "max_deliver => 0", "metadata => '[]'"):
        with refused("SL001"):
            made.look.rows(f"select consumer_update('c', {wrong})")
    with refused("SL103", "nothing"):
        made.look.rows("select consumer_update('nothing')")
    assert made.look.rows("select * from consumers") == [changed]
