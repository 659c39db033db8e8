"""A writer, a worker or a cleaner as a process of its own, for tests that kill it: `python storm.py ROLE CONNINFO CONSUMER JOURNAL SEED`.

Whatever it is about to do, and whatever it was told, is a line in its journal before it goes on, so that the one who looks afterwards knows it
even if the process died in between. Times are those of the machine's monotonic clock, which all processes share. It goes on until it is killed;
when the database is away it tries again.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from typing import Any

import psycopg

PATIENCE_S = 60.0


class Journal:
    """Lines that survive their writer."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, what: str, **more: Any) -> None:
        os.write(self._file, (json.dumps({"what": what, "at": time.monotonic_ns(), **more}) + "\n").encode())


def connect(conninfo: str) -> psycopg.Connection:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return psycopg.connect(conninfo, autocommit=True, connect_timeout=5, options="-c search_path=sluice -c lock_timeout=10s")
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def write(conn: psycopg.Connection, chance: random.Random, journal: Journal, who: str, start: int) -> None:
    n = start
    while True:
        n += 1
        ids = sorted({f"{who}-{chance.randrange(60)}" for _ in range(3)})
        journal.note("sending", ids=ids, n=n)
        conn.execute("select record_ingest('y', 'push:o', %s::jsonb)", [json.dumps([{"upstream_id": i, "data": n} for i in ids])])
        journal.note("committed", ids=ids, n=n)


def is_poison(upstream_id: str) -> bool:
    return upstream_id.endswith("7")


def work(conn: psycopg.Connection, consumer: str, chance: random.Random, journal: Journal) -> None:
    tokens: list[str] = []
    carried: list[list[Any]] = []
    while True:
        way, began = chance.random(), time.monotonic_ns()
        if way < 0.3:
            conn.execute("begin")
        if carried:
            journal.note("acking", messages=carried)
        batch = conn.execute(
            "select ack_token, collection_id || ' ' || upstream_id, updated_idx, deliver_count from consumer_next(%s, %s, %s)",
            [consumer, chance.choice([1, 5, 20]), tokens or None],
        ).fetchall()
        tokens = []
        journal.note("got", began=began, messages=[[name, idx] for _, name, idx, _ in batch])
        good = [m for m in batch if not is_poison(m[1])]
        bad = [m[0] for m in batch if is_poison(m[1])]
        messages = [[name, idx] for _, name, idx, _ in good]
        if way < 0.3:  # taken, done and acknowledged in one transaction
            journal.note("acking", messages=messages)
            conn.execute("select consumer_nack(%s, %s)", [consumer, bad])
            conn.execute("select consumer_ack(%s, %s, strict => true)", [consumer, [m[0] for m in good]])
            conn.execute("commit")
            journal.note("acked", messages=messages)
            carried = []  # consumer_next does not say which it took
            continue
        carried = []
        if bad:
            conn.execute("select consumer_nack(%s, %s)", [consumer, bad])
        if way < 0.5:
            conn.execute("select consumer_extend(%s, %s, '5 seconds')", [consumer, [m[0] for m in good]])
        if way < 0.7:  # acknowledged by the next call
            tokens, carried = [m[0] for m in good], messages
            continue
        journal.note("acking", messages=messages)
        row = conn.execute("select rejected from consumer_ack(%s, %s)", [consumer, [m[0] for m in good]]).fetchone()
        rejected = set(row[0]) if row else set()
        journal.note("acked", messages=[[name, idx] for token, name, idx, _ in good if token not in rejected])


def clean(conn: psycopg.Connection, chance: random.Random, journal: Journal) -> None:
    """What pollers do now and then, all the time."""
    while True:
        conn.execute("update sluice_internal.stream_trims set replaced = 1000000 where lane is null")
        while conn.execute("select sluice_internal._streams_tidy()").fetchone() == (True,):
            journal.note("trimmed")
        row = conn.execute("select sluice_internal._leases_compact(0)").fetchone()
        journal.note("compacted" if row and row[0] else "left alone")
        time.sleep(chance.random() / 10)


def main() -> None:
    role, conninfo, consumer, path, seed = sys.argv[1:]
    journal, chance, life = Journal(path), random.Random(seed), 0
    while True:
        conn, life = connect(conninfo), life + 1
        try:
            if role == "writer":
                write(conn, chance, journal, f"w{seed}", life * 1_000_000)
            elif role == "cleaner":
                clean(conn, chance, journal)
            else:
                work(conn, consumer, chance, journal)
        except psycopg.OperationalError:
            journal.note("cut")
        finally:
            conn.close()


if __name__ == "__main__":
    main()
