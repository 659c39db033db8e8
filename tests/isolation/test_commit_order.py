"""Rule 2.1 under load: whoever has read up to n never finds a new row at or below n later."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from isolation.sessions import Session, World, obj


class Reader:
    """Reads on from where it stopped, as a user of plain SQL would."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.upto = 0
        self.seen: dict[str, tuple[int, int]] = {}

    def read_on(self) -> int:
        rows = self.session.rows(
            "select upstream_id, updated_idx, data::int as n from records where updated_idx > %s order by updated_idx", self.upto
        )
        for row in rows:
            assert row.updated_idx > self.upto
            self.upto = row.updated_idx
            self.seen[row.upstream_id] = (row.updated_idx, row.n)
        return len(rows)

    def missed(self) -> list[str]:
        truth = {r.upstream_id: (r.updated_idx, r.data) for r in self.session.records().values()}
        return sorted(i for i in truth if self.seen.get(i) != truth[i])


def write_own(session: Session, who: int, stop: threading.Event, seed: int) -> int:
    """Transactions that write records of the writer's own and one shared one, last: nothing to deadlock over."""
    chance = random.Random(seed)
    done = 0
    while not stop.is_set():
        session.begin()
        for part in range(chance.randint(1, 3)):
            undo = chance.random() < 0.2
            if undo:
                session.rows("savepoint p")
            session.ingest(*(obj(f"w{who}-{done % 50}-{part}-{n}", chance.randrange(10**9)) for n in range(chance.randint(1, 4))))
            if undo:
                session.rows("rollback to p")
        if chance.random() < 0.3:
            session.rows("select pg_sleep(%s)", chance.random() / 50)
        session.ingest(obj(f"shared{chance.randrange(10)}", chance.randrange(10**9)))
        session.rollback() if chance.random() < 0.1 else session.commit()
        done += 1
    return done


def test_a_reader_misses_no_late_committer(world: World) -> None:
    one = world.set_up()
    reader = Reader(one)
    stop = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write_own, world.session(), n, stop, n) for n in range(4)]
        try:
            while reader.upto < 1500 and not any(w.done() for w in writers):
                reader.read_on()
        finally:
            stop.set()
        assert all(w.result(30) for w in writers)
    while reader.read_on():
        pass
    assert reader.missed() == []
    assert len(set(one.rows("select updated_idx from records"))) == len(one.records())


def test_a_consumer_misses_no_late_committer(world: World) -> None:
    one = world.set_up()
    stop = threading.Event()
    got: dict[str, tuple[int, int]] = {}

    def consume() -> int:
        batch = one.next(50)
        for message in batch:
            assert message.updated_idx > got.get(message.upstream_id, (0, 0))[0], "a version went backwards"
            got[message.upstream_id] = (message.updated_idx, message.data)
        one.ack(batch, strict=True)
        return len(batch)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write_own, world.session(), n, stop, 100 + n) for n in range(4)]
        try:
            total = 0
            while total < 1500 and not any(w.done() for w in writers):
                total += consume()
        finally:
            stop.set()
        assert all(w.result(30) for w in writers)
    while consume():
        pass
    assert got == {r.upstream_id: (r.updated_idx, r.data) for r in one.records().values()}


def test_transactions_over_many_streams_never_deadlock(world: World) -> None:
    """Each transaction writes to three of five streams in a random order."""
    look = world.look
    streams = [f"s{n}" for n in range(5)]
    for name in streams:
        look.rows("select stream_create(%s, 2)", name)
        look.rows("select sync_create(%s, 'push', %s)", name, f"y-{name}")

    def work(who: int) -> None:
        chance, session = random.Random(who), world.session()
        for turn in range(25):
            session.begin()
            for name in chance.sample(streams, 3):
                session.ingest(obj(f"{who}-{turn}"), sync=f"y-{name}")
            session.commit()

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work, n) for n in range(6)]:
            done.result(60)
    assert look.value("select count(*) from records") == 6 * 25 * 3
    assert look.value("select count(distinct (stream_id, updated_idx)) from records") == 6 * 25 * 3


def test_calls_that_write_the_same_records_in_any_order_never_deadlock(world: World) -> None:
    """One call locks its records in an order of its own, whatever the order in the array."""
    world.set_up()
    ids = [f"o{n}" for n in range(30)]

    def work(who: int) -> None:
        chance, session = random.Random(who), world.session()
        for turn in range(25):
            session.ingest(*(obj(i, [who, turn]) for i in chance.sample(ids, 20)))

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work, n) for n in range(6)]:
            done.result(60)
    assert world.look.value("select count(*) from records") == 30


def test_one_record_changed_several_times_in_one_transaction(world: World) -> None:
    one = world.set_up()
    one.push("first")
    one.begin()
    one.ingest(obj("a", 1))
    one.ingest(obj("b", 1))
    one.ingest(obj("a", 2))
    one.rows("savepoint p")
    one.ingest(obj("a", 3), obj("first", 2))
    one.rows("rollback to p")
    one.commit()
    assert {i: r.data for i, r in one.records().items() if i != "first"} == {"a": 2, "b": 1}
    assert sorted((m.upstream_id, m.data) for m in one.drain(ack=True)) == [("a", 2), ("b", 1), ("first", {"of": "first"})]
    assert one.value("select count(distinct updated_idx) from records") == 3


def test_what_a_transaction_has_ingested_it_reads_at_once_but_does_not_consume_before_it_commits(world: World) -> None:
    one = world.set_up()
    one.begin().push("a")
    assert list(one.records()) == ["a"]
    own = [m.upstream_id for m in one.next()]
    one.commit()
    assert own + one.ids() == ["a"]
    assert one.drain() == []


def test_work_ack_and_write_back_in_one_transaction(world: World) -> None:
    """The record changes in the transaction that acknowledges it: that change is a new message."""
    one = world.set_up()
    one.ingest(obj("a", 1))
    one.begin()
    (message,) = one.next()
    one.ingest(obj("a", 2))
    assert one.ack([message], strict=True) == (1, [])
    one.commit()
    assert [(m.data, m.deliver_count) for m in one.drain(ack=True)] == [(2, 1)]
    assert one.next() == []


def test_the_order_of_one_transaction_survives_its_savepoints(world: World) -> None:
    one = world.set_up()
    one.begin().push("a")
    one.rows("savepoint p")
    one.push("b")
    one.rows("release savepoint p")
    one.push("c")
    one.commit()
    assert [r.upstream_id for r in one.rows("select * from records order by updated_idx")] == ["a", "b", "c"]


COMMIT_LOCK = """
    select count(*)::int from pg_locks
    where locktype = 'advisory' and objsubid = 1 and pid = %s and granted
        and (classid::bigint << 32) | objid::bigint = sluice_internal._lock_key(1, (select stream_no from sluice_internal.streams), 0)
"""


def test_who_commits_at_once_draws_numbers_that_stand(world: World) -> None:
    """A driver that sends parameters apart from the statement is believed, too; a transaction that has written before is not."""
    one = world.set_up()
    writer, other = world.sessions(2)
    writer.rows("set pgsluice.autocommit = on")
    for session, before, held in ((writer, "", 1), (writer, "select pg_current_xact_id()", 0), (other, "", 0)):
        session.begin()
        if before:
            session.rows(before)
        session.ingest(obj("a", 1), obj("b", 1))
        assert one.value(COMMIT_LOCK, session.pid) == held, before
        session.rollback()
    drawn = writer.begin().ingest(obj("a", 1), obj("b", 1))
    assert drawn == (2, 0, 0, 0)
    numbers = writer.rows("select upstream_id, updated_idx from records order by 1")
    other.rows("set pgsluice.autocommit = on")
    waiting = other.start(lambda: other.ingest(obj("c", 1), obj("d", 1)))
    one.await_blocked(other, by=writer)
    writer.commit()
    assert waiting.result(20) == (2, 0, 0, 0)
    found = one.rows("select upstream_id, updated_idx from records order by updated_idx")
    assert [r.upstream_id for r in found] == ["a", "b", "c", "d"]
    assert found[:2] == numbers
