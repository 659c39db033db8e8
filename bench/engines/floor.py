"""The floor: a table, and `delete … skip locked` in the worker's own transaction, which stays open while the work lasts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from pgsluice.bench.engines.base import BODY, Connection, Engine, Steps, as_jsonb, body

TAKE = """delete from {0} where ctid = any(array(
    select ctid from {0} order by id limit %b::int for update skip locked)) returning id, body"""


class Floor(Engine):
    name: ClassVar[str] = "floor"
    modes: ClassVar[dict[str, str]] = {"delete": "delete in the worker's own transaction"}

    def install(self, conn: Connection) -> None:
        pass

    def prepare(self, conn: Connection, queue: str, waiting: int) -> None:
        conn.execute(f"create table if not exists {queue} (id bigserial primary key, body jsonb not null)".encode())
        if not waiting:
            conn.execute(f"truncate {queue}".encode())
        conn.execute(
            f"insert into {queue} (body) select {BODY} from generate_series((select count(*) + 1 from {queue}), %s) as n".encode(),
            (waiting,),
        )

    def payloads(self, batch: int, count: int, first: int) -> Iterable[Any]:
        return ([as_jsonb(body(n)) for n in range(start, start + batch)] for start in range(first, first + batch * count, batch))

    def produce(self, conn: Connection, queue: str, payloads: Iterable[Any]) -> Steps:
        cursor = conn.cursor(binary=True)
        for payload in payloads:
            cursor.execute(f"insert into {queue} (body) select unnest(%b::jsonb[])".encode(), (payload,))
            yield len(payload)

    def consume(self, conn: Connection, queue: str, batch: int, mode: str) -> Steps:  # noqa: ARG002  # it has one way
        cursor = conn.cursor(binary=True)
        statement = TAKE.format(queue).encode()
        while True:
            cursor.execute("begin")
            rows = cursor.execute(statement, (batch,)).fetchall()
            cursor.execute("commit")
            yield len(rows)
