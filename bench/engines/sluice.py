"""pgsluice: a queue is a consumer of one stream, whose records all consumers share."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from pgsluice.bench.engines.base import BODY, Connection, Engine, Steps, as_jsonb, body, number_of
from pgsluice.db.migrate import migrate

STREAM = "bench"
NEXT = "select * from sluice.consumer_next(%b, %b::int, %b::text[])"
ACK = "select accepted from sluice.consumer_ack(%b, %b::text[])"
INGEST = "select * from sluice.record_ingest('bench', 'push:item', %b)"


class Sluice(Engine):
    name: ClassVar[str] = "pgsluice"
    modes: ClassVar[dict[str, str]] = {"piggy": "acks with the next call", "separate": "acks in a call of their own"}

    def __init__(self) -> None:
        self._stored: dict[str, int] = {}  # database -> records that `prepare` has put there

    def connect(self, conninfo: str) -> Connection:
        conn = super().connect(conninfo)
        conn.execute("set pgsluice.autocommit = on")
        return conn

    def install(self, conn: Connection) -> None:
        self._stored.pop(conn.info.dsn, None)
        migrate(conn.info.dsn)
        conn.execute("select sluice.stream_create(%s)", (STREAM,))
        conn.execute("select sluice.sync_create(%s, 'push', 'bench')", (STREAM,))

    def fill(self, conn: Connection, until: int, first: int = 0) -> None:
        """Records first … until - 1, a thousand a transaction."""
        for start in range(first, until, 1000):
            conn.execute(
                f"""select sluice.record_ingest('bench', 'push:item', (
                    select jsonb_agg(jsonb_build_object('upstream_id', 'fill-' || n, 'data', {BODY}))
                    from generate_series(%s::int, %s) as n))""",
                (start, min(start + 1000, until) - 1),
            )

    def prepare(self, conn: Connection, queue: str, waiting: int) -> None:
        """A new consumer: from the start, where the records wait already, or from the end."""
        conn.execute("select sluice.consumer_delete(consumer_id) from sluice.consumers where consumer_id = %s", (queue,))
        stored = self._stored.get(conn.info.dsn, 0)
        if stored < waiting:
            self.fill(conn, waiting, stored)
            self._stored[conn.info.dsn] = waiting
        policy = "all" if waiting else "new"
        conn.execute("select sluice.consumer_create(%s, %s, deliver_policy => %s)", (queue, STREAM, policy))

    def payloads(self, batch: int, count: int, first: int) -> Iterable[Any]:
        def one(n: int) -> str:
            return f'{{"upstream_id": "new-{n}", "data": {body(n)}}}'

        return (as_jsonb(f"[{', '.join(map(one, range(start, start + batch)))}]") for start in range(first, first + batch * count, batch))

    def produce(self, conn: Connection, queue: str, payloads: Iterable[Any]) -> Steps:  # noqa: ARG002  # one stream feeds all its consumers
        cursor = conn.cursor(binary=True)
        for payload in payloads:
            new, changed, unchanged, refused = cursor.execute(INGEST, (payload,)).fetchone() or (0, 0, 0, 0)
            assert not changed
            assert not refused
            yield new + unchanged

    def wait(self, conn: Connection, queue: str) -> Iterator[list[int]]:
        """As a long poll of the server does: listen, make commits notify, look, sleep until a notification."""
        conn.execute("listen sluice_streams")
        while conn.execute("select sluice_internal._stream_watch(%s)", (queue,)).fetchone() == (None,):
            time.sleep(0.01)
        cursor = conn.cursor(binary=True)
        tokens: list[str] | None = None
        while True:
            rows = cursor.execute(NEXT, (queue, 10, tokens)).fetchall()
            tokens = [row[0] for row in rows] or None
            yield [number_of(row[-1]) for row in rows]
            if not rows:
                for _ in conn.notifies(timeout=0.2, stop_after=1):
                    pass

    def consume(self, conn: Connection, queue: str, batch: int, mode: str) -> Steps:
        cursor = conn.cursor(binary=True)
        tokens: list[str] | None = None
        while True:
            rows = cursor.execute(NEXT, (queue, batch, tokens)).fetchall()
            tokens = [row[0] for row in rows] or None
            if mode == "separate":
                if tokens:
                    cursor.execute(ACK, (queue, tokens)).fetchall()
                tokens = None
            yield len(rows)
