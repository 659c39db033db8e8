"""What happens to messages that are not acknowledged: expiry, shrinking batches, dead letters (rules 3.2, 3.6)."""

from __future__ import annotations

from collections import Counter

import pytest
from isolation.sessions import World, obj, until


def test_a_lease_expires_by_itself(world: World) -> None:
    """Real time: the message is there again at the time that messages_in_flight shows, and not before."""
    one = world.set_up(ack_wait="300 milliseconds")
    one.push("a")
    assert one.ids() == ["a"]
    assert one.next() == []
    due = one.value("select due_at from messages_in_flight")
    until(lambda: one.value("select clock_timestamp() > %s", due), "the lease is over")
    assert [(m.upstream_id, m.deliver_count) for m in one.next()] == [("a", 2)]


def test_a_delay_ends_by_itself(world: World) -> None:
    one = world.set_up()
    one.push("a")
    one.nack(one.next(), "300 milliseconds")
    assert one.next() == []
    due = one.value("select due_at from messages_in_flight")
    until(lambda: one.value("select clock_timestamp() > %s", due), "the delay is over")
    assert [m.deliver_count for m in one.next()] == [2]


def test_the_lease_runs_from_the_delivery_not_from_the_start_of_the_transaction(world: World) -> None:
    one = world.set_up(ack_wait="10 seconds")
    one.push("a")
    one.begin()
    until(lambda: one.value("select clock_timestamp() > now() + interval '200 milliseconds'"), "the transaction is 0.2 s old")
    one.next()
    assert one.value("select due_at - now() > interval '10.2 seconds' from messages_in_flight")
    one.commit()


@pytest.mark.parametrize("lanes", [1, 16])
def test_redeliveries_after_an_expiry_come_in_shrinking_batches(world: World, lanes: int) -> None:
    """A batch of 10, then 5 at most, then 2, then one by one: whoever dies of one message takes ever fewer along."""
    one = world.set_up(lanes=lanes)
    one.push(*(f"o{i}" for i in range(10)))
    assert len(one.drain(10)) == 10
    for deliver_count, most in [(2, 5), (3, 2), (4, 1), (5, 1)]:
        one.age()
        sizes = []
        while batch := one.next(10):
            assert {m.deliver_count for m in batch} == {deliver_count}
            sizes.append(len(batch))
        assert sum(sizes) == 10
        assert max(sizes) <= most
        if lanes == 1:
            assert max(sizes) == most


@pytest.mark.parametrize("lanes", [1, 16])
def test_a_redelivery_after_an_expiry_does_not_mix_with_fresh_messages(world: World, lanes: int) -> None:
    one = world.set_up(lanes=lanes)
    one.push(*(f"old{i}" for i in range(10)))
    one.drain(10)
    one.age()
    one.push(*(f"new{i}" for i in range(30)))
    seen: Counter[str] = Counter()
    while batch := one.next(10):
        assert len({m.upstream_id[:3] for m in batch}) == 1
        seen.update(m.upstream_id[:3] for m in batch)
    assert seen == {"old": 10, "new": 30}


@pytest.mark.parametrize("max_deliver", [2, 3, 5])
def test_the_last_attempt_comes_by_itself(world: World, max_deliver: int) -> None:
    one = world.set_up(max_deliver=max_deliver)
    one.push(*(f"o{i}" for i in range(8)))
    for count in range(1, max_deliver + 1):
        while batch := one.next(10):
            assert {m.deliver_count for m in batch} == {count}
            assert count < max_deliver or len(batch) == 1
        assert one.dead() == {}
        one.age()
    assert one.drain() == []
    assert len(one.dead()) == 8
    assert {d.deliver_count for d in one.dead().values()} == {max_deliver}


@pytest.mark.parametrize("max_deliver", [2, 3, 4, 6])
@pytest.mark.parametrize("lanes", [1, 16])
def test_a_poison_message_ends_in_the_dead_letters_alone(world: World, max_deliver: int, lanes: int) -> None:
    """The worker dies of whatever batch has the poison in it, and acknowledges the others."""
    one = world.set_up(lanes=lanes, max_deliver=max_deliver)
    one.push(*(f"o{i}" for i in range(9)), "poison", *(f"p{i}" for i in range(20)))
    for _ in range(200):
        batch = one.next(10)
        if not batch:
            if not one.in_flight():
                break
            one.age()
        elif "poison" not in {m.upstream_id for m in batch}:
            assert one.ack(batch) == (len(batch), [])
    assert list(one.dead()) == ["poison"]
    assert one.in_flight() == []


def test_given_back_by_choice_they_need_not_shrink(world: World) -> None:
    """A nack is no death: with max_deliver unlimited a full batch comes again."""
    one = world.set_up(lanes=1)
    one.push(*(f"o{i}" for i in range(10)))
    one.nack(one.next(10))
    assert len(one.drain(10)) == 10


def test_max_deliver_by_expiry_a_late_ack_and_a_newer_version(world: World) -> None:
    one = world.set_up(max_deliver=2)
    one.push("a", "b")
    for _ in range(2):
        last = {m.upstream_id: m for m in one.drain()}
        one.age()
    assert one.drain() == []
    assert {i: (d.deliver_count, d.superseded) for i, d in one.dead().items()} == {"a": (2, False), "b": (2, False)}
    assert one.ack([last["a"]], strict=True) == (1, [])
    assert list(one.dead()) == ["b"]
    assert one.ack([last["a"]]) == (0, [last["a"].ack_token])
    one.ingest(obj("b", "newer"))
    assert one.dead()["b"].superseded is True
    assert [(m.data, m.deliver_count) for m in one.drain(ack=True)] == [("newer", 1)]
    assert one.next() == []


def test_the_token_before_the_last_does_not_remove_a_dead_letter(world: World) -> None:
    one = world.set_up(max_deliver=2)
    one.push("a")
    first = one.next()
    one.age()
    second = one.next()
    one.age()
    assert one.drain() == []
    assert one.ack(first) == (0, [first[0].ack_token])
    assert list(one.dead()) == ["a"]
    assert one.ack(second) == (1, [])


def test_a_record_dead_twice_is_one_dead_letter_of_its_newest_version(world: World) -> None:
    one = world.set_up(max_deliver=1)
    one.ingest(obj("a", 1))
    one.nack(one.next())
    one.ingest(obj("a", 2))
    one.nack(one.next())
    dead = one.dead()
    assert [(d.superseded, d.updated_idx) for d in dead.values()] == [(False, one.records()["a"].updated_idx)]


def test_a_dead_letter_of_one_consumer_is_a_message_of_the_other(world: World) -> None:
    one = world.set_up(max_deliver=1)
    world.consumer("d")
    one.push("a")
    one.nack(one.next())
    assert (list(one.dead("c")), one.dead("d")) == (["a"], {})
    assert one.ids(consumer="d") == ["a"]


@pytest.mark.parametrize("how", ["expiry", "nack"])
def test_a_record_that_changed_while_in_flight_comes_once_in_its_newest_version(world: World, how: str) -> None:
    one = world.set_up()
    one.ingest(obj("a", 1), obj("b", 1))
    held = one.drain()
    one.ingest(obj("a", 2))
    assert one.next() == []
    one.age() if how == "expiry" else one.nack(held)
    one.ingest(obj("a", 3))
    got = one.drain()
    assert sorted((m.upstream_id, m.data) for m in got) == [("a", 3), ("b", 1)]
    assert one.ack(got) == (2, [])
    assert one.drain() == []
    one.age()
    assert one.drain() == []


def test_the_count_of_a_changed_record_starts_again(world: World) -> None:
    """max_deliver is spent on one version; a new version is a new message."""
    one = world.set_up(max_deliver=2)
    one.ingest(obj("a", 1))
    one.next()
    one.age()
    (second,) = one.next()
    assert second.deliver_count == 2
    one.ingest(obj("a", 2))
    one.age()
    assert [(m.data, m.deliver_count) for m in one.drain()] == [(2, 1)]
    assert one.dead() == {}


def test_the_count_of_a_changed_record_that_was_passed_starts_again(world: World) -> None:
    one = world.set_up(max_deliver=2)
    one.ingest(obj("a", 1))
    one.next()
    one.age()
    assert [m.deliver_count for m in one.next()] == [2]
    one.ingest(obj("a", 2))
    assert one.next() == []  # the entry of the newer version lies behind the cursor from here on
    one.age()
    assert [(m.data, m.deliver_count) for m in one.drain()] == [(2, 1)]
    assert one.dead() == {}


def test_an_unchanged_ingest_does_not_start_the_count_again(world: World) -> None:
    one = world.set_up(max_deliver=2)
    one.ingest(obj("a", 1))
    one.next()
    one.ingest(obj("a", 1))
    one.age()
    assert [m.deliver_count for m in one.next()] == [2]


def test_a_record_that_a_dba_removed_stops_nobody(world: World) -> None:
    one = world.set_up(max_deliver=2)
    one.push(*"abcdef")
    got = {m.upstream_id: m for m in one.next(3)}
    rest = set("abcdef") - set(got)
    gone, waiting = next(iter(got)), next(iter(rest))
    one.rows("delete from sluice.records where upstream_id = any(%s)", [gone, waiting])
    one.age()
    seen = {m.upstream_id for _ in range(4) for m in one.drain()}
    assert seen == set("abcdef") - {gone, waiting}
    one.ack([got[gone]])
    assert one.value("select num_pending from consumer_info('c')") == 0


def test_thousands_of_leases_expire_and_come_again_each_once(world: World) -> None:
    one = world.set_up()
    one.push(*(f"o{i}" for i in range(3000)))
    assert len(one.drain(100)) == 3000
    one.age()
    again = one.drain(1000)
    assert len({m.upstream_id for m in again}) == len(again) == 3000
    assert {m.deliver_count for m in again} == {2}
    assert one.ack(again) == (3000, [])
    assert one.value("select num_ack_pending from consumer_info('c')") == 0


def test_deliver_counts_beyond_small_numbers(world: World) -> None:
    """More than 32,767 deliveries of one message must not break the consumer."""
    one = world.set_up()
    one.push("a", "b")
    one.nack(one.drain())
    one.nack(one.drain())
    one.rows("""
        update sluice_internal.consumer_steps set deliver_counts = array_fill(32766, array[cardinality(record_nos)]) where deliver_counts is not null
    """)
    for _ in range(4):
        got = one.drain()
        assert {m.upstream_id for m in got} == {"a", "b"}
        one.nack(got)
