"""`consumer_seek`: replay from an idx, a time, an age, the start; skip to the end. test_seek_in_flight.py has what is in flight meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from isolation.sessions import Session, World, obj, refused


@pytest.fixture(params=[1, 16])
def one(world: World, request: pytest.FixtureRequest) -> Session:
    return world.set_up(lanes=request.param)


def names(messages: list[Any]) -> list[str]:
    return sorted(m.upstream_id for m in messages)


def idx(one: Session, upstream_id: str) -> int:
    return one.records()[upstream_id].updated_idx


def test_it_answers_the_consumer(one: Session) -> None:
    one.push("a", "b")
    one.drain(ack=True)
    row = one.one("select * from consumer_seek(target => 'start', consumer_id => 'c')")
    assert row._fields == one.info()._fields
    assert (row.consumer_id, row.num_pending, row.num_ack_pending) == ("c", 2, 0)


def test_start_replays_everything_in_its_newest_version(one: Session) -> None:
    one.push(*(f"o{i}" for i in range(40)))
    one.drain(7, ack=True)
    one.ingest(obj("o1", "newer"))
    one.drain(ack=True)
    one.seek("start")
    got = one.drain(7, ack=True)
    assert names(got) == sorted(f"o{i}" for i in range(40))
    assert {m.deliver_count for m in got} == {1}
    assert [m.data for m in got if m.upstream_id == "o1"] == ["newer"]
    assert one.drain() == []


def test_start_again_and_again(one: Session) -> None:
    one.push("a", "b")
    for _ in range(5):
        one.seek("start")
        assert names(one.drain(ack=True)) == ["a", "b"]
    assert one.next() == []


def test_end_skips_what_waits(one: Session) -> None:
    one.push(*(f"o{i}" for i in range(40)))
    one.ack(one.next(3))
    row = one.seek("end")
    assert (row.num_pending, row.num_ack_pending) == (0, 0)
    assert one.drain() == []
    one.push("new")
    one.ingest(obj("o5", "newer"))
    assert names(one.drain(ack=True)) == ["new", "o5"]


def test_an_idx_is_inclusive(one: Session) -> None:
    for i in range(10):
        one.push(f"o{i}")
    one.drain(ack=True)
    one.seek(str(idx(one, "o6")))
    assert names(one.drain(ack=True)) == ["o6", "o7", "o8", "o9"]
    one.seek(str(idx(one, "o9") + 1))
    assert one.drain() == []
    one.push("next")
    assert names(one.drain(ack=True)) == ["next"]
    one.seek("0")
    assert len(one.drain(ack=True)) == 11
    one.seek("1")
    assert len(one.drain(ack=True)) == 11


def test_forward_to_an_idx(one: Session) -> None:
    for i in range(10):
        one.push(f"o{i}")
    one.ack(one.next(2))
    one.seek(str(idx(one, "o8")))
    assert names(one.drain()) == ["o8", "o9"]


def test_an_idx_that_was_left_by_a_change(one: Session) -> None:
    """The record moved to the end; its old place is nothing."""
    one.push("a")
    old = idx(one, "a")
    one.push("b")
    one.ingest(obj("a", "newer"))
    one.drain(ack=True)
    one.seek(str(old))
    assert names(one.drain(ack=True)) == ["a", "b"]
    one.seek(str(old + 1))
    assert names(one.drain(ack=True)) == ["a", "b"]


def commit_times(one: Session) -> list[datetime]:
    """Pushes o0, o1, o2 and answers a moment before each and one after all."""
    now = "select clock_timestamp()"
    times = []
    for i in range(3):
        times.append(one.value(now))
        one.push(f"o{i}")
    return [*times, one.value(now)]


@pytest.mark.parametrize("form", ["utc", "offset", "z", "space"])
def test_a_time_is_everything_committed_at_or_after_it(one: Session, form: str) -> None:
    times = commit_times(one)
    one.rows("set timezone = 'Asia/Tokyo'")
    one.drain(ack=True)
    for i, moment in enumerate(times):
        there = moment.astimezone(timezone(timedelta(hours=-5, minutes=-30)))
        text = {
            "utc": moment.astimezone(UTC).isoformat(),
            "offset": there.isoformat(),
            "z": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "space": moment.astimezone(UTC).isoformat(" "),
        }[form]
        one.seek(text)
        assert_from(i, names(one.drain(ack=True)))


def assert_from(i: int, found: list[str]) -> None:
    """Everything from o<i> on, and perhaps the one before it: times are known to the write before."""
    expected = {f"o{n}" for n in range(i, 3)}
    assert expected <= set(found) <= expected | {f"o{max(i - 1, 0)}"}


def test_a_time_means_the_commit_not_the_ingest(world: World) -> None:
    one = world.set_up()
    slow = world.session()
    slow.begin().push("slow")
    moment = one.value("select clock_timestamp()")
    one.push("fast")
    slow.commit()
    one.drain(ack=True)
    one.seek(moment.isoformat())
    assert set(names(one.drain())) == {"fast", "slow"}


def test_ages(one: Session) -> None:
    one.push("a", "b")
    one.drain(ack=True)
    for age in ("1h", "30m", "2 days", "P1D", "1 hour", "PT30M", "10 years"):
        one.seek(age)
        assert names(one.drain(ack=True)) == ["a", "b"], age
    one.push("last")
    one.drain(ack=True)
    one.seek("1 microsecond")
    assert names(one.drain()) in ([], ["last"])


def test_a_time_before_everything(one: Session) -> None:
    one.push("a")
    one.drain(ack=True)
    one.seek("1999-01-01T00:00:00Z")
    assert names(one.drain()) == ["a"]


def test_an_empty_stream(one: Session) -> None:
    for target in ("start", "end", "0", "1", "1h", "2020-01-01T00:00:00Z"):
        assert one.seek(target).num_pending == 0
        assert one.next() == []
    one.push("a")
    assert names(one.drain()) == ["a"]


# ---------------------------------------------------------------- transactions, other consumers, policies


def test_rolled_back_it_did_not_happen(one: Session) -> None:
    one.push("a", "b", "c")
    held = one.next(1)
    one.ack(one.next(1))
    before = one.info()
    one.begin().seek("start")
    one.rollback()
    assert one.info()[:8] == before[:8]
    one.begin().seek("end")
    one.rollback()
    assert len(one.drain(ack=True)) == 1
    one.ack(held, strict=True)
    assert one.drain() == []


def test_in_a_transaction_with_what_it_delivers(one: Session) -> None:
    one.push("a", "b")
    one.drain(ack=True)
    one.begin().seek("start")
    got = one.drain()
    assert names(got) == ["a", "b"]
    one.ack(got, strict=True)
    one.rollback()
    assert one.drain() == []
    one.begin().seek("start")
    one.commit()
    assert names(one.drain()) == ["a", "b"]


def test_other_consumers_stay_where_they_are(world: World) -> None:
    one = world.set_up()
    world.consumer("d")
    one.push("a", "b")
    one.drain(ack=True)
    one.drain(consumer="d", ack=True)
    one.seek("start")
    assert one.drain(consumer="d") == []
    assert names(one.drain()) == ["a", "b"]


@pytest.mark.parametrize("when", ["before the first", "between", "after"])
def test_against_first_deliveries(one: Session, when: str) -> None:
    """A consumer that was never asked has its lanes too."""
    one.push(*(f"o{i}" for i in range(30)))
    taken = {"before the first": [], "between": one.next(4) if when == "between" else [], "after": one.drain() if when == "after" else []}[
        when
    ]
    one.seek("start")
    one.ack(taken)
    assert len(one.drain(ack=True)) == 30
    assert one.drain() == []


def test_a_new_consumer_goes_to_the_end_before_its_first_call(one: Session) -> None:
    one.push("a", "b")
    one.seek("end")
    assert one.drain() == []
    one.push("c")
    assert names(one.drain()) == ["c"]


def test_behind_the_deliver_policy(world: World) -> None:
    """`new` says where a consumer begins; a seek goes before that."""
    world.look.rows("select stream_create('s')")
    world.look.rows("select sync_create('s', 'push', 'y')")
    world.look.push("a")
    world.consumer(deliver_policy="new")
    one = world.session()
    assert one.next() == []
    one.seek("start")
    assert names(one.drain()) == ["a"]


def test_with_a_filter_num_filtered_goes_on(world: World) -> None:
    one = world.set_up()
    one.rows("select consumer_update('c', filter => '{\"where\": \"$.on\"}')")
    one.ingest(obj("a", {"on": True}), obj("b", {}))
    for turn in range(1, 4):
        assert names(one.drain(ack=True)) == ["a"]
        assert one.info().num_filtered == turn
        one.seek("start")


def test_thousands(one: Session) -> None:
    one.push(*(f"o{i}" for i in range(3000)))
    held = one.drain(100)
    one.seek("start")
    assert one.info().num_ack_pending == 3000
    assert one.next() == []
    one.ack(held[:1500])
    again = one.drain(1000, ack=True)
    assert sorted(names(again)) == sorted(names(held[:1500]))
    one.ack(held[1500:], strict=True)
    assert sorted(names(one.drain(1000, ack=True))) == sorted(names(held[1500:]))


def test_an_open_writer_is_behind_the_end(world: World) -> None:
    one = world.set_up()
    writer = world.session()
    writer.begin().push("late")
    one.push("early")
    one.seek("end")
    writer.commit()
    assert names(one.drain()) == ["late"]


# ---------------------------------------------------------------- bad ones

BAD = ["", " ", "START", "first", "last", "now", "-1", "+1", "1.5", "1e3", "99999999999999999999", "tomorrow", "2026-01-01", "2026-01-01T00:00:00",
       "2026-13-01T00:00:00Z", "9999-01-01T00:00:00Z", "infinity", "-infinity", "-1 hour", "1 fortnight", "epoch", "0x10", "’1h’", "1h; drop"]  # fmt: skip


def test_a_bad_target_changes_nothing(world: World, subtests: pytest.Subtests) -> None:
    one = world.set_up()
    one.push("a", "b", "c")
    held = one.next(1)
    one.ack(one.next(1))
    before = one.info()
    for target in [*BAD, None]:
        with subtests.test(target=target):
            with refused("SL001", "target"):
                one.rows("select consumer_seek('c', %s)", target)
            assert one.info()[:8] == before[:8]
            assert one.in_flight() == names(held)


def test_an_idx_beyond_the_end(one: Session) -> None:
    one.push("a")
    one.seek(str(idx(one, "a") + 1))
    with refused("SL001", "target"):
        one.seek(str(idx(one, "a") + 2))


def test_a_time_to_come(one: Session) -> None:
    moment = one.value("select now() + interval '1 hour'")
    with refused("SL001", "target"):
        one.seek(moment.isoformat())


@pytest.mark.parametrize("consumer_id", ["nope", "C", "", "s"])
def test_an_unknown_consumer(one: Session, consumer_id: str) -> None:
    with refused("SL103", consumer_id):
        one.seek("start", consumer=consumer_id)
