"""The log of positions loses what was replaced, its times all but one a minute, and no reader loses anything."""

from __future__ import annotations

from typing import Any

import pytest
from isolation.sessions import Session, World, obj

MANY = 100_000


def due(one: Session, replaced: int = MANY) -> None:
    one.rows("update sluice_internal.stream_trims set replaced = %s", replaced)


def step(one: Session, most: int = 5000) -> bool:
    return bool(one.value("select sluice_internal._positions_trim(%s)", most))


def trim(one: Session, most: int = 5000) -> int:
    """A pass over every stream; how many entries are left."""
    due(one)
    while step(one, most):
        pass
    return entries(one)


def entries(one: Session) -> int:
    return int(one.value("select count(*) from sluice_internal.positions"))


def stale(one: Session) -> list[Any]:
    """Entries that no record carries, apart from the newest of each lane."""
    return one.rows("""
        select p.*
        from sluice_internal.positions as p
        where
            not exists (select from records as r where r.record_no = p.record_no and r.updated_idx = p.updated_idx)
            and p.updated_idx < (
                select max(n.updated_idx) from sluice_internal.positions as n where n.stream_no = p.stream_no and n.lane = p.lane
            )
    """)


def fold(one: Session) -> None:
    one.rows("update sluice_internal.ingests set created_at = created_at - interval '1 minute'")
    one.rows("select set_config('sluice.folded', '', false)")
    one.rows("select sluice_internal._fold_counts()")


def counted(one: Session, stream_id: str = "s") -> tuple[int, int]:
    fold(one)
    row = one.one(
        "select t.kept, t.replaced from sluice_internal.stream_trims as t inner join sluice_internal.streams as s using (stream_no)"
        " where s.stream_id = %s",
        stream_id,
    )
    return row.kept, row.replaced


@pytest.mark.parametrize("most", [1, 3, 5000])
@pytest.mark.parametrize("lanes", [1, 4])
def test_what_was_replaced_goes_and_every_reader_finds_what_it_would_have_found(world: World, lanes: int, most: int) -> None:
    one = world.set_up(lanes=lanes, ack_wait="1 hour")
    names = [f"r{n:02}" for n in range(20)]
    one.push(*names)
    acked, kept, given_back = one.next(5), one.next(5), one.next(3)
    one.ack(acked)
    one.nack(given_back)
    one.ingest({"upstream_id": "r01", "deleted": True})
    one.rows("select record_erase('y', 'push:o', 'r03')")
    for turn in range(3):
        one.push(*names[::2], "r05", data=turn)  # r05 comes behind r01 in its lane
    held = one.next(4)  # some of them entries that were passed while their record was in flight
    before, last = entries(one), one.value("select last_idx from stream_info('s')")
    world.consumer("new")
    trim(one, most)
    assert stale(one) == []
    assert entries(one) < before
    assert one.value("select last_idx from stream_info('s')") == last
    found = one.drain(ack=True, consumer="new")
    assert sorted(m.upstream_id for m in found) == sorted(set(names) - {"r03"})
    records = one.records()
    assert {m.upstream_id: (m.updated_idx, m.data) for m in found} == {name: (r.updated_idx, r.data) for name, r in records.items()}
    # The consumer that was under way: what it holds it may acknowledge, what it gave back comes, in its newest version.
    alive = [m for m in [*kept, *held] if m.upstream_id != "r03"]
    assert one.ack(alive, strict=True) == (len(alive), [])
    seen = {m.upstream_id: m.updated_idx for m in [*acked, *alive]}
    rest = one.drain(ack=True)
    assert len({m.upstream_id for m in rest}) == len(rest)
    seen |= {m.upstream_id: m.updated_idx for m in rest}
    assert {name: idx for name, idx in seen.items() if name != "r03"} == {name: r.updated_idx for name, r in records.items()}


def test_how_many_were_replaced_is_counted(world: World) -> None:
    one = world.set_up()
    one.push("a", "b", "c")
    assert counted(one) == (3, 0)
    one.push("a", data=1)
    one.ingest({"upstream_id": "b", "deleted": True}, obj("a", 2), obj("d"))
    assert counted(one) == (4, 3)
    one.rows("select record_erase('y', 'push:o', 'c')")
    assert counted(one) == (3, 4)
    one.rows("select stream_create('t')")
    one.rows("select sync_move('y', 't')")
    while one.rows("select * from sync_tidy('y')"):
        pass
    assert counted(one) == (0, 7)
    assert counted(one, "t") == (3, 0)
    assert entries(one) == 7 + 3
    trim(one)
    assert stale(one) == []
    assert counted(one) == (one.value("select count(*) from sluice_internal.positions") - 3, 0)


def test_a_stream_is_due_once_as_much_was_replaced_as_is_current(world: World) -> None:
    one = world.set_up(lanes=1)
    one.push("a", "b")
    one.push("a", data=1)
    due(one, 9_999)
    assert not step(one)
    one.rows("update sluice_internal.stream_trims set replaced = 20000, kept = 20001")
    assert not step(one)
    one.rows("update sluice_internal.stream_trims set replaced = 20001")
    assert step(one)
    assert not step(one)
    assert tuple(one.one("select kept, replaced, lane from sluice_internal.stream_trims")) == (2, 0, None)
    assert entries(one) == 2


def test_what_is_replaced_during_a_pass_is_for_the_next_one(world: World) -> None:
    one = world.set_up(lanes=1)
    one.rows("select sluice_internal._poller_heartbeat('p', 'h', 1)")  # an ingest takes no step of its own then, by lot
    one.push("a", "b", "c")
    fold(one)
    due(one)
    assert step(one, 1)
    one.push("a", data=1)
    assert counted(one)[1] == 1
    while step(one, 1):
        pass
    assert counted(one) == (4, 1), "four were current when they were looked at"


def test_the_log_of_a_deleted_stream_goes(world: World) -> None:
    one = world.set_up()
    one.push("a", "b")
    one.rows("select consumer_delete('c')")
    one.rows("select sync_delete('y')")
    while one.rows("select * from sync_tidy('y')"):
        pass
    one.rows("select stream_delete('s')")
    assert entries(one) == 2
    while step(one, 1):
        pass
    assert entries(one) == 0
    assert one.rows("select * from sluice_internal.stream_trims") == []


@pytest.mark.parametrize("commits", [True, False])
def test_an_open_change_has_not_replaced_anything_yet(world: World, *, commits: bool) -> None:
    one = world.set_up(lanes=1)
    one.push("a", "b")
    writer = world.session().begin()
    writer.push("a", data="new")
    assert trim(one) == 2
    writer.commit() if commits else writer.rollback()
    assert [(m.upstream_id, m.data) for m in one.drain(ack=True)] == (
        [("b", {"of": "b"}), ("a", "new")] if commits else [("a", {"of": "a"}), ("b", {"of": "b"})]
    )
    assert trim(one) == 2
    assert one.drain() == []


def test_a_worker_in_an_open_transaction_gives_back_what_was_trimmed_meanwhile(world: World) -> None:
    one = world.set_up(lanes=1)
    one.push("a", "b")
    worker = world.session().begin()
    assert [m.upstream_id for m in worker.next(1)] == ["a"]
    one.push("a", data="new")
    assert trim(one) == 2
    worker.rollback()
    assert [(m.upstream_id, m.data) for m in one.drain(ack=True)] == [("b", {"of": "b"}), ("a", "new")]


def test_an_old_snapshot_sees_what_it_saw(world: World) -> None:
    one = world.set_up(lanes=1)
    one.push("a", "b")
    old = world.session().begin("isolation level repeatable read")
    shown = old.info()
    one.push("a", data="new")
    assert trim(one) == 2
    assert old.info().num_pending == shown.num_pending == 2
    assert not step(old), "a fixed snapshot does not tell what is current"
    old.rollback()


def test_an_open_trim_holds_up_nobody_and_rolled_back_did_nothing(world: World) -> None:
    one = world.set_up(lanes=1)
    other, third = world.sessions(2)
    one.push("a", "b")
    one.push("a", data=1)
    due(one)
    one.begin()
    assert step(one)
    assert not step(other), "one at a time"
    other.push("a", data=2)
    other.rows("select sluice_internal._fold_counts()")
    assert other.ids() == ["a", "b"]
    third.rows("select stream_create('t')")
    one.rollback()
    assert entries(one) == 4
    assert trim(one) == 2


def test_without_pollers_ingest_trims(world: World) -> None:
    one = world.set_up(lanes=1)
    names = [f"r{n}" for n in range(1000)]

    def change(turns: int) -> None:
        for turn in range(turns):
            one.push(*names, data=f"{turn} of {turns}")

    change(1)
    one.rows("insert into sluice_internal.pollers (poller_id, host, pid) values ('p', 'h', 1)")
    due(one)
    change(12)
    assert entries(one) == 13_000, "a poller lives: it is its work"
    one.rows("delete from sluice_internal.pollers")
    change(40)  # every other one of them, by lot
    assert entries(one) < 13_000 + 40_000
    assert len(one.drain(1000)) == 1000


def times(one: Session) -> list[tuple[str, int]]:
    rows = one.rows("select to_char(t.at at time zone 'UTC', 'HH24:MI:SS'), t.idx from sluice_internal.stream_times as t order by t.at")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("most", [1, 2, 5000])
def test_times_of_more_than_a_day_are_kept_by_the_minute(world: World, most: int) -> None:
    one = world.set_up(lanes=1)
    one.push(*(f"r{n}" for n in range(6)))
    day = one.value("select date_trunc('day', clock_timestamp() at time zone 'UTC') - interval '3 days'")
    moments = ["10:00:01", "10:00:30", "10:00:59", "10:01:00", "10:03:07", "10:03:08"]
    for idx, moment in enumerate(moments):
        one.rows(
            "insert into sluice_internal.stream_times (stream_no, at, idx)"
            " select stream_no, (%s::timestamp + %s::interval) at time zone 'UTC', %s from sluice_internal.streams",
            day, moment, idx,
        )  # fmt: skip
    one.rows("insert into sluice_internal.stream_times select stream_no, now(), 6 from sluice_internal.streams")
    one.rows("insert into sluice_internal.stream_times select stream_no, now() - interval '1 second', 5 from sluice_internal.streams")
    while one.value("select sluice_internal._times_trim(%s)", most):
        pass
    kept = times(one)
    assert kept[:3] == [("10:00:01", 0), ("10:01:00", 3), ("10:03:07", 4)]
    assert len(kept) == 5, "what is younger than a day stays as it is"
    # Whoever asks for a moment gets one before it.
    for moment, first in {"10:00:45": 1, "10:02:00": 4, "10:03:08": 5}.items():
        world.consumer(
            f"at{first}", deliver_policy=one.value("select ((%s::timestamp + %s::interval) at time zone 'UTC')::text", day, moment)
        )
        assert [m.updated_idx for m in one.drain(consumer=f"at{first}")] == list(range(first, 7))


def test_mutations_that_ended_long_ago_go(world: World) -> None:
    one = world.set_up()
    one.rows(
        "insert into sluice_internal.mutations (mutation_id, stream_no, sync_id, collection_id, kind, request_digest, created_at, finished_at)"
        " select m.id, s.stream_no, 'y', 'push:o', 'create', '', now() - interval '1 year', now() - m.age::interval"
        " from sluice_internal.streams as s, (values ('old', '91 days'), ('young', '89 days'), ('open', null), ('unknown', '91 days')) as m (id, age)"
    )
    one.rows(
        "insert into sluice_internal.mutation_items (mutation_no, item_no, sync_id, collection_id, status, finished_at, error)"
        " select mutation_no, 1, 'y', 'push:o', case mutation_id when 'unknown' then 'unknown' else 'succeeded' end, now(), '{}'"
        " from sluice_internal.mutations"
    )
    for _ in range(2000):  # by lot, one time in a hundred
        assert not one.value("select sluice_internal._sync_tidy()")
    left = one.rows("select mutation_id from sluice_internal.mutations order by 1")
    assert [row.mutation_id for row in left] == ["open", "unknown", "young"]
