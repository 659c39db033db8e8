"""Moves, deletions and erasures while others write and read, and across kill -9 of who does them and of the server."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import psycopg
import pytest
from isolation.killing import kill
from isolation.sessions import Session, World, obj, until

from pgsluice.db import embedded

ENDED = {"SL102", "SL165"}


class Writers:
    """Three that ingest without a pause, in transactions of several calls, until told to stop or until the sync is gone."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stop = Event()
        self.committed: list[dict[str, int]] = [{}, {}, {}]
        self._hands = ThreadPoolExecutor(3)
        self._work = [self._hands.submit(self._write, who) for who in range(3)]
        until(lambda: all(self.committed), "each has written")

    def _write(self, who: int) -> None:
        session, chance, n = self.world.session(), random.Random(who), 0
        while not self.stop.is_set():
            n += 1
            ids = sorted({f"w{who}-{chance.randrange(60):02}" for _ in range(4)})
            try:
                session.begin()
                session.ingest(*(obj(i, n) for i in ids))
                session.ingest(obj(f"w{who}-last", n))
                session.commit()
            except psycopg.Error as exc:
                session.rollback()
                if exc.sqlstate in ENDED:
                    return
                raise
            self.committed[who].update({**dict.fromkeys(ids, n), f"w{who}-last": n})

    def end(self) -> dict[str, int]:
        """What each record was last committed with."""
        self.stop.set()
        for work in self._work:
            work.result(30)
        self._hands.shutdown()
        return {name: n for each in self.committed for name, n in each.items()}


def finish(one: Session) -> None:
    def step() -> bool:
        found = one.rows("select * from sync_tidy('y')")
        return not found or found[0].finished

    until(step, "the end of the work")


def test_a_move_under_ingest_loses_nothing(world: World) -> None:
    one = world.set_up(lanes=4)
    one.rows("select stream_create('t', 8)")
    world.consumer("d", "t")
    one.push(*(f"old{n}" for n in range(300)))
    writers = Writers(world)
    old, new = world.sessions(2)
    old.ack(old.next(100))
    one.rows("select sync_move('y', 't')")
    seen: dict[str, Any] = {}
    for _ in range(3):
        one.rows("select * from sync_tidy('y')")
        batch = new.next(50, consumer="d")
        new.ack(batch, consumer="d")
        seen.update({message.upstream_id: message.data for message in batch})
    finish(one)
    committed = writers.end()
    for message in new.drain(50, "d", ack=True):
        seen[message.upstream_id] = message.data
    records = one.records()
    assert {name: records[name].data for name in committed} == committed
    assert {record.stream_id for record in records.values()} == {"t"}
    positions = one.rows(
        "select r.upstream_id from records as r left join sluice_internal.positions as p on p.record_no = r.record_no"
        " and p.updated_idx = r.updated_idx and p.stream_no = (select stream_no from sluice_internal.streams where stream_id = 't')"
        " where p.record_no is null"
    )
    assert positions == []
    unseen = {name: record for name, record in records.items() if name not in seen}
    assert unseen == {}, one.rows("select * from consumer_info('d')")
    assert seen == {name: record.data for name, record in records.items()}
    assert len(records) == 300 + len(committed)
    assert old.drain(50) == []
    one.rows("update sluice_internal.ingests set created_at = created_at - interval '1 minute'")
    one.rows("select sluice_internal._fold_counts()")
    assert one.value("select records from collections where sync_id = 'y'") == len(records)


@pytest.mark.parametrize("emit", [False, True])
def test_a_deletion_under_ingest_leaves_nothing(world: World, emit: bool) -> None:
    one = world.set_up()
    one.push(*(f"old{n}" for n in range(100)))
    writers = Writers(world)
    one.rows("select sync_delete('y', %s)", emit)
    reader = world.session()

    def gone() -> bool:
        one.rows("select * from sync_tidy('y')")
        reader.drain(100, ack=True)
        return one.value("select count(*) from syncs") == 0

    until(gone, "the end of the sync")
    writers.end()
    assert one.records() == {}
    assert one.drain() == []


def test_an_erasure_under_ingest_is_final(world: World) -> None:
    one = world.set_up()
    writers = Writers(world)
    for name in ("w0-last", "w1-last", "w2-05"):
        one.rows("select record_erase('y', 'push:o', %s)", name)
    before = [each[f"w{who}-last"] for who, each in enumerate(writers.committed)]
    until(lambda: all(each[f"w{who}-last"] > before[who] + 3 for who, each in enumerate(writers.committed)), "each has written again")
    committed = writers.end()
    records = one.records()
    assert not {"w0-last", "w1-last", "w2-05"} & set(records)
    assert {name: record.data for name, record in records.items()} == {
        name: n for name, n in committed.items() if name not in {"w0-last", "w1-last", "w2-05"}
    }


# ---------------------------------------------------------------- kill -9

MANY = 12_000
TIDY = """
import sys, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as conn:
    while conn.execute("select * from sluice.sync_tidy('y')").fetchall():
        print("a step", flush=True)
"""


def fill(one: Session) -> None:
    one.rows("select stream_create('t')")
    for start in range(0, MANY, 3000):
        one.rows(
            "select record_ingest('y', 'push:o', (select jsonb_agg(jsonb_build_object('upstream_id', 'r' || n, 'data', n))"
            " from generate_series(%s::int, %s::int) as n))",
            start, start + 2999,
        )  # fmt: skip


ORDERS: list[tuple[str, Callable[[Session], Any], Any]] = [
    ("select sync_move('y', 't')", lambda one: one.value("select count(*) from records where stream_id = 't'"), MANY),
    ("select sync_delete('y')", lambda one: one.value("select count(*) from records"), 0),
]


@pytest.mark.parametrize(("order", "count", "end"), ORDERS, ids=["move", "delete"])
def test_whoever_does_it_is_killed(world: World, order: str, count: Callable[[Session], int], end: int) -> None:
    one = world.set_up()
    fill(one)
    one.rows(order)
    with subprocess.Popen([sys.executable, "-c", TIDY, world.conninfo], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"a step\n"
        process.send_signal(signal.SIGKILL)
    assert 0 < count(one) < MANY
    until(
        lambda: one.value("select count(*) from pg_stat_activity where query like '%%sync_tidy%%' and pid <> pg_backend_pid()") == 0,
        "it is gone",
    )
    finish(one)
    assert count(one) == end


def test_the_server_is_killed(durable: embedded.Server) -> None:
    """In the middle of a move, with another step open; the deletion after it has to find its way, too."""
    world = World(durable.conninfo)
    one = world.set_up()
    fill(one)
    one.rows("select sync_move('y', 't')")
    one.rows("select * from sync_tidy('y')")
    one.begin()
    one.rows("select * from sync_tidy('y')")
    kill(durable)
    world.close()
    with embedded.start(durable.data_dir, bin_dir=durable.bin_dir) as again:
        world = World(again.conninfo)
        one = world.session()
        assert one.value("select count(*) from records where stream_id = 't'") == 5000
        finish(one)
        assert one.value("select count(*) from records where stream_id = 't'") == MANY
        world.consumer("d", "t")
        assert len(one.drain(1000, "d")) == MANY
        one.rows("select sync_delete('y')")
        finish(one)
        assert one.value("select count(*) from records") == 0
        world.close()


def test_an_ingest_of_the_old_stream_that_waits_for_a_record_on_the_move(world: World) -> None:
    """It began before the move was ordered, and writes when the record stands in the new stream already."""
    one = world.set_up(lanes=1)
    one.rows("select stream_create('t', 1)")
    world.consumer("d", "t")
    one.push("a", "b")
    writer, holder, reader = world.sessions(3)
    holder.begin()
    holder.rows("select from records where upstream_id = 'a' for update")
    waiting = writer.start(lambda: writer.ingest(obj("a", 2), obj("b", 2)))
    one.await_blocked(writer, holder)
    one.rows("select sync_move('y', 't')")
    # a piece of the work, which does not wait for a
    one.rows("""
        select sluice_internal._records_move('y', s.stream_no, array(select r.record_no from records as r where r.upstream_id = 'b' for update))
        from sluice_internal.streams as s where s.stream_id = 't'""")
    holder.rollback()
    waiting.result(30)
    finish(one)
    assert {m.upstream_id: m.data for m in reader.drain(10, "d", ack=True)} == {"a": 2, "b": 2}
    one.rows("update sluice_internal.ingests set created_at = created_at - interval '1 minute'")
    one.rows("select sluice_internal._fold_counts()")
    assert one.rows("select records, changes from collections where sync_id = 'y'") == [(2, 4)]
