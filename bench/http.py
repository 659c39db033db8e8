"""Messages a second: `next` with the acks of the last batch, over HTTP and by SQL on connections of its own, side by side.

`make bench`. One embedded Postgres (durable), one server process, keep-alive clients that do nothing with what they get. A ratio of 0.5
means that HTTP has half the throughput of SQL. Both share this machine's cores with Postgres, the server and the clients.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from pgsluice.db import embedded
from pgsluice.db.migrate import migrate

TOKEN = "a bootstrap token for the bench"
BATCHES = (1, 10, 100)
CLIENTS = (1, 8, 64)
RECORDS = 60_000
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
Worker = Callable[["Round"], Awaitable[None]]


@dataclass
class Round:
    """One measurement: ends when the time is over or everything was read."""

    consumer: str
    batch: int
    end: float
    read: int = 0

    @property
    def on(self) -> bool:
        return time.monotonic() < self.end and self.read < RECORDS


def fill(conninfo: str) -> None:
    """Records of about 1 kB."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("select sluice.stream_create('dev', 64)")
        conn.execute("select sluice.sync_create('dev', 'push', 'y')")
        for first in range(0, RECORDS, 1000):
            conn.execute(
                """select sluice.record_ingest('y', 'push:o', (
                    select jsonb_agg(jsonb_build_object(
                        'upstream_id', n::text, 'data', jsonb_build_object('n', n, 'text', repeat(md5(n::text), 30))
                    ))
                    from generate_series(%s::int, %s) as n))""",
                (first, first + 999),
            )


def by_sql(conninfo: str) -> Worker:
    async def work(turn: Round) -> None:
        tokens = None
        async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn:
            await conn.execute("set pgsluice.autocommit = on")
            while turn.on:
                rows = await (
                    await conn.execute("select * from sluice.consumer_next(%s, %s, %s)", (turn.consumer, turn.batch, tokens))
                ).fetchall()
                turn.read += len(rows)
                tokens = [row[0] for row in rows]

    return work


def by_http(host: str, port: int) -> Worker:
    async def work(turn: Round) -> None:
        tokens = None
        reader, writer = await asyncio.open_connection(host, port)
        while turn.on:
            body = json.dumps({"batch_size": turn.batch, "ack_tokens": tokens}).encode()
            head = f"POST /v1/http-consumers/{turn.consumer}/next HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
            head += f"Content-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"content-length: (\d+)", answer)
            assert answer.startswith(b"HTTP/1.1 200")
            assert found is not None
            messages = json.loads(await reader.readexactly(int(found[1])))
            turn.read += len(messages)
            tokens = [message["ack_token"] for message in messages]
        writer.close()

    return work


async def rate(conninfo: str, work: Worker, name: str, batch: int, clients: int) -> float:
    """Messages a second of so many clients of a new consumer."""
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn:
        await conn.execute("select sluice.consumer_create(%s, 'dev')", (name,))
        begun = time.monotonic()
        turn = Round(name, batch, begun + SECONDS)
        await asyncio.gather(*(work(turn) for _ in range(clients)))
        took = time.monotonic() - begun
        await conn.execute("select sluice.consumer_delete(%s)", (name,))
    return turn.read / took


async def measure(conninfo: str, host: str, port: int) -> Table:
    table = Table("batch", "clients", "SQL, messages/s", "HTTP, messages/s", "HTTP / SQL")
    for batch in BATCHES:
        for clients in CLIENTS:
            plain = await rate(conninfo, by_sql(conninfo), "by-sql", batch, clients)
            http = await rate(conninfo, by_http(host, port), "by-http", batch, clients)
            table.add_row(str(batch), str(clients), f"{plain:,.0f}", f"{http:,.0f}", f"{http / plain:.2f}")
    return table


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pgsluice-bench-") as scratch:
        Path(scratch).chmod(0o711)
        data_dir = Path(scratch) / "data"
        with embedded.start(data_dir) as server:
            migrate(server.conninfo, set_search_path=True, server_login=True)
            fill(server.conninfo)
            environment = {**os.environ, "PGSLUICE_BOOTSTRAP_TOKEN": TOKEN}
            command = [Path(sys.executable).with_name("pgsluice"), "--data-dir", data_dir, "--listen", "127.0.0.1:0", "serve"]
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            try:
                assert process.stdout is not None
                found = re.search(r"http://([\d.]+):(\d+)", process.stdout.readline())
                assert found is not None
                Console().print(asyncio.run(measure(server.conninfo, found[1], int(found[2]))))
            finally:
                process.terminate()
                process.wait(20)
        embedded.wait_until_stopped(data_dir, timeout_s=20)


if __name__ == "__main__":
    main()
