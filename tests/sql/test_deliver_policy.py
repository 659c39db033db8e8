"""Where a consumer begins: `all`, `new`, an idx, a time, an age."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from isolation.sessions import Session, World, obj, refused


@pytest.fixture(params=[1, 16])
def one(world: World, request: pytest.FixtureRequest) -> Session:
    world.look.rows("select stream_create('s', %s)", request.param)
    world.look.rows("select sync_create('s', 'push', 'y')")
    return world.session()


def begins(one: Session, policy: str) -> list[str]:
    """What a consumer of that policy gets."""
    one.rows("select consumer_create('c', 's', %s)", policy)
    found = sorted(m.upstream_id for m in one.drain())
    one.rows("select consumer_delete('c')")
    return found


def test_an_idx_is_inclusive(one: Session) -> None:
    for i in range(6):
        one.push(f"o{i}")
    idx = {name: r.updated_idx for name, r in one.records().items()}
    assert begins(one, str(idx["o3"])) == ["o3", "o4", "o5"]
    assert begins(one, str(idx["o0"])) == [f"o{i}" for i in range(6)]
    assert begins(one, str(idx["o5"])) == ["o5"]
    assert begins(one, str(idx["o5"] + 1)) == []
    assert begins(one, "0") == begins(one, "1") == [f"o{i}" for i in range(6)]


def test_the_idx_after_the_end_begins_with_the_next(one: Session) -> None:
    one.push("a")
    one.rows("select consumer_create('c', 's', %s)", str(one.records()["a"].updated_idx + 1))
    assert one.next() == []
    one.push("b")
    assert one.ids() == ["b"]


def test_times(one: Session) -> None:
    times = []
    for i in range(3):
        times.append(one.value("select clock_timestamp()"))
        one.push(f"o{i}")
    times.append(one.value("select clock_timestamp()"))
    one.rows("set timezone = 'America/Lima'")
    for i, moment in enumerate(times):
        expected = {f"o{n}" for n in range(i, 3)}
        for text in (
            moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            moment.astimezone(timezone(timedelta(hours=5, minutes=45))).isoformat(),
        ):
            # times are known to the write before
            assert expected <= set(begins(one, text)) <= expected | {f"o{max(i - 1, 0)}"}
    assert begins(one, "2001-02-03T04:05:06Z") == ["o0", "o1", "o2"]
    assert begins(one, "2001-02-03T04:05:06+01:00") == ["o0", "o1", "o2"]


def test_ages(one: Session) -> None:
    one.push("a")
    one.push("last")
    for age in ("1h", "30m", "2 days", "P1D", "1 hour 5 minutes"):
        assert begins(one, age) == ["a", "last"], age
    assert begins(one, "1 microsecond") in ([], ["last"])


@pytest.mark.parametrize("policy", ["new", "1 microsecond", "end"])
def test_what_an_open_transaction_commits_later_is_delivered(world: World, one: Session, policy: str) -> None:
    """Everything that commits after the create commits."""
    writer = world.session()
    one.push("long before")
    one.push("before")
    writer.begin().push("open")
    name = str(one.records()["before"].updated_idx + 1) if policy == "end" else policy
    one.rows("select consumer_create('c', 's', %s)", name)
    writer.commit()
    assert "open" in (found := one.ids())
    assert "long before" not in found
    assert policy == "1 microsecond" or found == ["open"]


def test_new_in_an_open_transaction(world: World, one: Session) -> None:
    """Committed before the create is: it may be skipped or not. After it: never."""
    creator = world.session()
    creator.begin().rows("select consumer_create('c', 's', 'new')")
    creator.commit()
    one.push("after")
    assert one.ids() == ["after"]


def test_changes_of_what_was_skipped(one: Session) -> None:
    one.push("a", "b")
    one.rows("select consumer_create('c', 's', 'new')")
    one.ingest(obj("a", "newer"))
    assert one.ids() == ["a"]


@pytest.mark.parametrize("policy", ["all", "new", "1", "1h", "2 days"])
def test_on_an_empty_stream(one: Session, policy: str) -> None:
    one.rows("select consumer_create('c', 's', %s)", policy)
    assert one.next() == []
    one.push("a")
    assert one.ids() == ["a"]


def test_it_is_shown_as_it_was_said(one: Session) -> None:
    one.push("a")
    for n, policy in enumerate(["all", "new", "1", "2 days", "2001-02-03T04:05:06Z"]):
        assert one.one("select * from consumer_create(%s, 's', %s)", f"c{n}", policy).deliver_policy == policy


BAD = ["last", "ALL", "First", "", " ", "start", "end", "-1", "1.5", "1e3", "99999999999999999999", "tomorrow", "now", "today", "2026-01-01",
       "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "9999-01-01T00:00:00Z", "infinity", "-1 hour", "1 fortnight", "’1h’", None]  # fmt: skip


def test_a_bad_policy(one: Session, subtests: pytest.Subtests) -> None:
    for policy in BAD:
        with subtests.test(policy=policy):
            with refused("SL001", "deliver_policy"):
                one.rows("select consumer_create('c', 's', %s)", policy)
            assert one.rows("select * from consumers") == []


def test_an_idx_beyond_the_end(one: Session) -> None:
    one.push("a")
    with refused("SL001", "deliver_policy"):
        one.rows("select consumer_create('c', 's', %s)", str(one.records()["a"].updated_idx + 2))


def test_a_time_to_come(one: Session) -> None:
    moment = one.value("select now() + interval '1 hour'").isoformat()
    with refused("SL001", "deliver_policy"):
        one.rows("select consumer_create('c', 's', %s)", moment)


# ---------------------------------------------------------------- lag and the oldest unacked


def test_lag_is_the_age_of_the_oldest_that_waits(one: Session) -> None:
    one.rows("select consumer_create('c', 's')")
    info = one.info()
    assert (info.lag, info.oldest_unacked_age) == (None, None)
    one.push("a")
    middle = one.value("select clock_timestamp()")
    one.push("b")
    info = one.info()
    assert timedelta(0) < info.lag < timedelta(minutes=1)
    assert one.value("select lag > clock_timestamp() - %s from consumer_info('c')", middle)
    assert info.oldest_unacked_age is None
    held = one.drain()
    info = one.info()
    assert info.lag is None
    assert timedelta(0) < info.oldest_unacked_age < timedelta(minutes=1)
    assert one.value("select oldest_unacked_age > clock_timestamp() - %s from consumer_info('c')", middle)
    one.ack([m for m in held if m.upstream_id == "a"])
    assert one.value("select oldest_unacked_age < clock_timestamp() - %s from consumer_info('c')", middle)
    one.ack([m for m in held if m.upstream_id == "b"])
    assert one.info().oldest_unacked_age is None
