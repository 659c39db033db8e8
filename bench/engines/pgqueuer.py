"""pgqueuer: the statements that its own query builder makes, run by psycopg as those of the others are (without its executor)."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, LiteralString, cast
from uuid import uuid4

import psycopg

from pgsluice.bench.engines.base import BODY, Connection, Engine, Steps, body


class Pgqueuer(Engine):
    name: ClassVar[str] = "pgqueuer"
    modes: ClassVar[dict[str, str]] = {"dequeue": "dequeue, then log as successful"}

    def _made_by(self, builder: str) -> Any:
        return getattr(importlib.import_module("pgqueuer.adapters.persistence.qb"), builder)()  # a peer: not always installed

    def install(self, conn: Connection) -> None:
        builder = self._made_by("QueryBuilderEnvironment")
        conn.execute(builder.build_install_query().encode())
        conn.execute(builder.build_optimize_autovacuum_query().encode())

    def prepare(self, conn: Connection, queue: str, waiting: int) -> None:
        if not waiting:
            conn.execute("truncate pgqueuer, pgqueuer_log")
        conn.execute(
            f"""insert into pgqueuer (priority, status, entrypoint, payload)
                select 0, 'queued', %s, convert_to({BODY}::text, 'utf8')
                from generate_series((select count(*) + 1 from pgqueuer where status = 'queued' and entrypoint = %s), %s) as n""",
            (queue, queue, waiting),
        )

    def payloads(self, batch: int, count: int, first: int) -> Iterable[Any]:
        return ([body(n).encode() for n in range(start, start + batch)] for start in range(first, first + batch * count, batch))

    def produce(self, conn: Connection, queue: str, payloads: Iterable[Any]) -> Steps:
        cursor = psycopg.RawCursor(conn)
        statement = cast("LiteralString", self._made_by("QueryQueueBuilder").build_enqueue_query())
        for payload in payloads:
            empty = [None] * len(payload)
            values = [[0] * len(payload), [queue] * len(payload), payload, [timedelta(0)] * len(payload), empty, empty]
            yield len(cursor.execute(statement, values).fetchall())

    def consume(self, conn: Connection, queue: str, batch: int, mode: str) -> Steps:  # noqa: ARG002  # it has one way
        cursor = psycopg.RawCursor(conn)
        builder = self._made_by("QueryQueueBuilder")
        query = builder.build_dequeue_query(
            batch_size=batch, entrypoints=[queue], concurrency_limits=[0], queue_manager_id=uuid4(),
            global_concurrency_limit=None, heartbeat_timeout=timedelta(seconds=60),
        )  # fmt: skip
        done = builder.build_log_job_query()
        while True:
            rows = cursor.execute(query.sql, query.args).fetchall()
            if rows:
                ids = [row[0] for row in rows]
                cursor.execute(done, (ids, ["successful"] * len(ids), [None] * len(ids)))
            yield len(rows)
