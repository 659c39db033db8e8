"""pgmq: the SQL of its wheel, installed as plain SQL."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from pgsluice.bench.engines.base import BODY, Connection, Engine, Steps, as_jsonb, body, number_of

READ = "select * from pgmq.read(%b, 60, %b::int)"
# Not in its documentation, but what a user could write who knows what a round trip costs.
READ_WITH_ACK = "select m.* from (select count(*) from pgmq.delete(%b, %b::bigint[])) as d, lateral pgmq.read(%b, 60, %b::int) as m"


# A routing key in place of a queue: each message goes into every queue that is bound to it.
TOPIC = "fan.out"


class Pgmq(Engine):
    name: ClassVar[str] = "pgmq"
    modes: ClassVar[dict[str, str]] = {
        "read": "read, then delete",
        "one": "delete and read in one statement, written by hand",
        "pop": "pop: at most once, a crash loses the batch",
    }

    def install(self, conn: Connection) -> None:
        found = importlib.util.find_spec("pgmq")
        assert found is not None
        assert found.origin is not None
        conn.execute((Path(found.origin).parent / "sql/pgmq.sql").read_bytes())

    def prepare(self, conn: Connection, queue: str, waiting: int) -> None:
        conn.execute("select pgmq.create(%s)", (queue,))
        if not waiting:
            conn.execute("select pgmq.purge_queue(%s)", (queue,))
        row = conn.execute(f"select count(*) from pgmq.q_{queue} where vt <= clock_timestamp()".encode()).fetchone()
        assert row is not None
        self.fill(conn, queue, row[0], waiting)

    def fill(self, conn: Connection, queue: str, first: int, until: int) -> None:
        for start in range(first, until, 20_000):
            conn.execute(
                f"select count(*) from pgmq.send_batch(%s, (select array_agg({BODY}) from generate_series(%s::int, %s) as n))",
                (queue, start, min(start + 20_000, until) - 1),
            )

    def payloads(self, batch: int, count: int, first: int) -> Iterable[Any]:
        if batch == 1:
            return (as_jsonb(body(n)) for n in range(first, first + count))
        return ([as_jsonb(body(n)) for n in range(start, start + batch)] for start in range(first, first + batch * count, batch))

    def produce(self, conn: Connection, queue: str, payloads: Iterable[Any]) -> Steps:
        cursor = conn.cursor(binary=True)
        for payload in payloads:
            if queue == TOPIC:
                cursor.execute("select count(*) from pgmq.send_batch_topic(%b, %b)", (TOPIC, payload))
                yield len(payload)
                continue
            function = "send_batch" if isinstance(payload, list) else "send"
            yield len(cursor.execute(f"select pgmq.{function}(%b, %b)".encode(), (queue, payload)).fetchall())

    def wait(self, conn: Connection, queue: str) -> Iterator[list[int]]:
        """Its own long poll, which looks every 10 ms (100 by default)."""
        cursor = conn.cursor(binary=True)
        while True:
            rows = cursor.execute("select * from pgmq.read_with_poll(%b, 60, 10, 1, 10)", (queue,)).fetchall()
            yield [number_of(row[5]) for row in rows]
            if rows:
                cursor.execute("select pgmq.delete(%b, %b::bigint[])", (queue, [row[0] for row in rows]))

    def consume(self, conn: Connection, queue: str, batch: int, mode: str) -> Steps:
        cursor = conn.cursor(binary=True)
        ids: list[int] = []
        while True:
            if mode == "pop":
                rows = cursor.execute("select * from pgmq.pop(%b, %b::int)", (queue, batch)).fetchall()
            elif mode == "one":
                rows = cursor.execute(READ_WITH_ACK, (queue, ids, queue, batch)).fetchall()
                ids = [row[0] for row in rows]
            else:
                rows = cursor.execute(READ, (queue, batch)).fetchall()
                if len(rows) == 1:
                    cursor.execute("select pgmq.delete(%b, %b::bigint)", (queue, rows[0][0])).fetchall()
                elif rows:
                    cursor.execute("select pgmq.delete(%b, %b::bigint[])", (queue, [row[0] for row in rows])).fetchall()
            yield len(rows)
