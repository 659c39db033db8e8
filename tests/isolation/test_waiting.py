"""Rule 3.4 and 3.8: nobody waits for anybody; what a call costs follows the batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from isolation.sessions import Session, World, obj


def test_an_idle_poll_takes_no_lock_and_no_transaction_id(world: World) -> None:
    one = world.set_up()
    idle(one)
    one.push(*"abc")
    held = one.drain()
    idle(one)  # in flight
    one.ack(held[:1])
    one.nack(held[1:2], "1 hour")
    idle(one)  # acknowledged, delayed, in flight
    one.ack(held[2:])
    idle(one)
    for n in range(30):  # enough steps for whatever tidies up
        one.push(f"x{n}")
        one.ack(one.next())
    idle(one)


def idle(session: Session) -> None:
    for tokens in ("null", "'{}'"):
        session.begin()
        assert session.rows(f"select * from consumer_next('c', 10, {tokens})") == []
        assert session.value("select pg_current_xact_id_if_assigned()") is None
        locks = session.rows("select locktype, mode from pg_locks where pid = pg_backend_pid() and locktype <> 'virtualxid'")
        assert set(locks) <= {("relation", "AccessShareLock")}, locks
        session.rollback()


def test_an_idle_poll_on_a_standing_transaction_that_is_read_only(world: World) -> None:
    """Proof that it writes nothing at all: PostgreSQL itself would refuse."""
    one = world.set_up()
    one.begin("read only")
    assert one.next() == []
    one.rollback()


def test_reading_the_numbers_locks_nothing(world: World) -> None:
    one = world.set_up()
    one.push("a")
    one.next()
    one.begin("read only")
    for statement in (
        "consumer_info('c')",
        "stream_info('s')",
        "sync_info('y')",
        "messages_in_flight",
        "dead_letters",
        "collections",
        "consumers",
    ):
        one.rows(f"select * from {statement}")
    assert one.value("select pg_current_xact_id_if_assigned()") is None
    one.rollback()


def test_workers_in_open_transactions_share_the_stream(world: World) -> None:
    """Ten at a time of 1,600: four hold their transaction open, and a fifth goes on."""
    one = world.set_up(lanes=16)
    one.push(*(f"o{i}" for i in range(1600)))
    held: list[str] = []
    workers = world.sessions(4)
    for worker in workers:
        got = worker.begin().ids(10)
        assert len(got) > 0
        held += got
    assert len(set(held)) == len(held)
    fifth = one.ids(10)
    assert len(fifth) == 10
    assert not set(fifth) & set(held)
    everything = held + fifth + [m.upstream_id for m in one.drain(100)]
    for worker in workers:
        worker.commit()
    everything += [m.upstream_id for m in one.drain(100)]
    assert sorted(everything) == sorted(f"o{i}" for i in range(1600))


def test_open_transactions_hold_no_more_lanes_than_they_take_from(world: World) -> None:
    """Five in each lane: a batch of ten takes two or three lanes, and four of them leave something to the fifth."""
    one = world.set_up(lanes=16)
    one.push(*(f"o{i}" for i in range(80)))
    held: list[str] = []
    for worker in world.sessions(4):
        got = worker.begin().ids(10)
        assert len(got) == 10
        held += got
    flowing = one.drain(10)
    assert len(held) + len(flowing) >= 60
    assert len({*held, *(m.upstream_id for m in flowing)}) == len(held) + len(flowing)


@pytest.mark.parametrize("batch", [10, 1000])
def test_at_most_a_share_of_the_stream_stands_still_for_an_open_transaction(world: World, batch: int) -> None:
    one = world.set_up(lanes=16)
    one.push(*(f"o{i}" for i in range(800)))
    holder = world.session().begin()
    held = len(holder.next(batch))
    flowing = len(one.drain(100))
    assert held > 0
    assert flowing >= 300, f"{held} are held, and only {flowing} of the rest flow"
    one.push(*(f"p{i}" for i in range(160)))
    assert len(one.drain(100)) >= 60
    holder.rollback()
    assert flowing + len(one.drain(100)) >= 800


def test_other_consumers_do_not_notice_an_open_transaction(world: World) -> None:
    one = world.set_up(lanes=1)
    world.consumer("d")
    one.push("a", "b")
    holder = world.session().begin()
    assert len(holder.next()) == 2
    assert one.ids(consumer="d") == ["a", "b"]
    assert one.next() == []
    holder.rollback()
    assert one.ids() == ["a", "b"]


ACTS: dict[str, Callable[[Session, list[Any]], Any]] = {
    "next": lambda s, held: s.next(),
    "next and ack": lambda s, held: s.next(2, [held[0].ack_token]),
    "ack": lambda s, held: s.ack(held[:1]),
    "ack all": lambda s, held: s.ack(held),
    "nack": lambda s, held: s.nack(held[:1], "1 hour"),
    "nack all": lambda s, held: s.nack(held),
    "ingest": lambda s, held: s.push("other", "a0"),
    "consumer_create": lambda s, held: s.rows("select consumer_create('e', 's')"),
    "consumer_create new": lambda s, held: s.rows("select consumer_create('e', 's', 'new')"),
    "sync_create": lambda s, held: s.rows("select sync_create('s', 'push', 'e')"),
    "sync_pause": lambda s, held: s.rows("select sync_pause('y')"),
    "stream_create": lambda s, held: s.rows("select stream_create('e')"),
}


@pytest.mark.parametrize("act", ACTS)
def test_whatever_a_transaction_has_done_it_holds_up_nobody(world: World, act: str) -> None:
    """Everything that another session does besides, on other messages and records, goes through at once."""
    one = world.set_up(lanes=4)
    one.push(*(f"a{i}" for i in range(20)))
    mine, theirs = one.next(3), one.next(3)
    holder = world.session().begin()
    ACTS[act](holder, mine)
    other = world.session(lock_timeout="1s")  # a wait for a lock ends as an error
    assert other.ack(theirs[:1]) == (1, [])
    assert other.nack(theirs[1:2]) == (1, [])
    other.push("unrelated", "b0", "b1")
    other.ingest(obj("b0", "changed"))
    other.next(10)
    other.age()
    other.drain(10)
    other.rows("select consumer_create('f', 's')")
    other.rows("select consumer_create('g', 's', 'new')")
    other.rows("select stream_create('f')")
    assert len(other.drain(consumer="f")) >= 20
    for statement in ("consumer_info('c')", "stream_info('s')", "messages_in_flight", "dead_letters", "collections", "syncs", "records"):
        other.rows(f"select * from {statement}")
    other.begin()
    other.push("in a transaction")
    other.next(3, consumer="f")
    other.commit()
    holder.rollback()


def test_workers_side_by_side_get_everything_once_and_wait_for_nobody(world: World) -> None:
    one = world.set_up(lanes=8)
    one.push(*(f"o{i}" for i in range(2000)))
    seen: list[str] = []
    guard = threading.Lock()

    def work() -> None:
        worker = world.session(lock_timeout="1s")
        empty = 0
        while empty < 3:
            batch = worker.next(17)
            with guard:
                seen.extend(m.upstream_id for m in batch)
            empty = 0 if batch else empty + 1
            assert worker.ack(batch) == (len(batch), [])

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work) for _ in range(6)]:
            done.result(60)
    seen += [m.upstream_id for m in one.drain()]
    assert sorted(seen) == sorted(f"o{i}" for i in range(2000))


# ---------------------------------------------------------------- work follows the batch

READ = """
    select coalesce(sum(seq_tup_read), 0) + coalesce(sum(idx_tup_fetch), 0) + coalesce(sum(idx_scan), 0)
    from pg_stat_xact_all_tables where schemaname like 'sluice%'
"""


def rows_read(session: Session, act: Callable[[], Any]) -> int:
    """Rows that the executor fetched in our tables for `act`, plus index scans: a measure that knows no clock."""
    session.begin()
    before = session.value(READ)  # what earlier transactions have not reported yet
    act()
    found = int(session.value(READ) - before)
    session.commit()
    return found


@pytest.fixture(params=["fresh", "analysed"])
def full(world: World, request: pytest.FixtureRequest) -> Session:
    """20,000 records; once with statistics and once without."""
    one = world.set_up()
    for start in range(0, 20_000, 5_000):
        one.push(*(f"o{i}" for i in range(start, start + 5_000)))
    if request.param == "analysed":
        one.rows("analyze")
    return one


def test_a_new_consumer_on_many_records_starts_at_once(full: Session) -> None:
    assert rows_read(full, lambda: full.rows("select consumer_create('late', 's')")) < 100
    got: list[Any] = []
    assert rows_read(full, lambda: got.extend(full.next(10, consumer="late"))) < 1000
    assert len(got) == 10


def test_taking_and_acknowledging_follow_the_batch_not_the_backlog(full: Session) -> None:
    for _ in range(20):
        batch: list[Any] = []
        assert rows_read(full, lambda batch=batch: batch.extend(full.next(10))) < 1000
        assert len(batch) == 10
        assert rows_read(full, lambda batch=batch: full.ack(batch)) < 300


def test_an_idle_poll_does_not_depend_on_the_size_of_the_stream(full: Session) -> None:
    full.drain(1000, ack=True)
    assert rows_read(full, full.next) < 500


def test_an_idle_poll_does_not_read_what_is_in_flight(full: Session) -> None:
    full.drain(1000)
    assert rows_read(full, full.next) < 1500


def test_ingest_costs_the_same_with_many_consumers(full: Session) -> None:
    # one ingest of a hundred folds counters besides
    alone = min(rows_read(full, lambda n=n: full.push(f"one{n}")) for n in range(3))
    for n in range(50):
        full.rows("select consumer_create(%s, 's')", f"c{n}")
    assert min(rows_read(full, lambda n=n: full.push(f"many{n}")) for n in range(3)) <= alone + 5


def test_ingest_does_not_depend_on_the_number_of_records(full: Session) -> None:
    assert rows_read(full, lambda: full.ingest(*(obj(f"o{i}", "changed") for i in range(10)))) < 400
    assert rows_read(full, lambda: full.ingest(*(obj(f"o{i}", "changed") for i in range(10)))) < 200


def test_consumer_info_is_bounded(full: Session) -> None:
    assert rows_read(full, lambda: full.rows("select consumer_info('c')")) < 40_000


def test_what_is_settled_leaves_nothing_behind(world: World) -> None:
    """A consumer that is caught up does not grow with what it has ever done."""
    one = world.set_up(lanes=2)
    sizes = []
    for _ in range(6):
        for turn in range(100):
            one.ingest(obj("a", turn), obj("b", turn))
            one.ack(one.next())
        sizes.append(
            one.value(
                "select (select count(*) from sluice_internal.consumer_steps) + (select count(*) from sluice_internal.consumer_settlements)"
            )
        )
    assert max(sizes) < 400, sizes
    one.drain(ack=True)  # a call may leave something to the next one
    one.age()
    assert one.next() == []
    assert one.value("select num_pending + num_ack_pending from consumer_info('c')") == 0


def test_tidying_up_forgets_nothing_that_is_still_open(world: World) -> None:
    """One message stays unacknowledged, one given back for long, while hundreds come and go around them."""
    one = world.set_up(lanes=1, ack_wait="1 day")
    one.push("held", "later")
    held, later = sorted(one.drain(), key=lambda m: m.upstream_id)
    one.nack([later], "20 hours")
    for turn in range(300):
        one.push(f"x{turn}")
        batch = one.next()
        assert [m.upstream_id for m in batch] == [f"x{turn}"]
        if turn % 3:
            one.ack(batch)
        else:
            assert one.next(10, [m.ack_token for m in batch]) == []
        one.next()
    assert one.in_flight() == ["held"]
    one.age("21 hours")
    assert [(m.upstream_id, m.deliver_count) for m in one.next()] == [("later", 2)]
    assert one.ack([held], strict=True) == (1, [])
    one.age("2 days")
    assert [(m.upstream_id, m.deliver_count) for m in one.drain()] == [("later", 3)]


@pytest.mark.parametrize(
    "call", ["consumer_info('c')", "consumer_next('c')", "consumer_ack('c', '{x}')", "consumer_nack('c', '{x}')", "stream_info('s')"]
)
def test_no_call_on_a_small_database_compiles_itself(world: World, call: str) -> None:
    """JIT takes 50 ms and more; a plan with a forbidden step looks dear enough for it. The fastest of seven is not about a busy machine."""
    one = world.set_up()
    one.push("a", "b")
    one.rows("set jit = on")

    def seconds() -> float:
        start = time.perf_counter()
        one.rows(f"select * from {call}")
        return time.perf_counter() - start

    assert min(seconds() for _ in range(7)) < 0.02
