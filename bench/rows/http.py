"""Messages a second over HTTP: `next` with the acks of the last batch, beside the same by SQL on connections of their own.

One server process, keep-alive clients that do nothing with what they get. A ratio of 0.5 means that HTTP has half the throughput of SQL.
Both share this machine's cores with Postgres, the server and the clients.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from pgsluice.bench.context import Context
from pgsluice.bench.engines.sluice import STREAM
from pgsluice.bench.report import Figure
from pgsluice.bench.workers import Job

TOKEN = "a bootstrap token for the bench"
CASES = ((1, 1), (10, 1), (100, 1), (1, 8), (10, 8), (100, 8))  # batch, clients
RECORDS = 60_000
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


async def rate(conninfo: str, work: Worker, name: str, batch: int, clients: int, *, seconds: float) -> float:
    """Messages a second of so many clients of a new consumer."""
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn:
        await conn.execute("select sluice.consumer_create(%s, %s)", (name, STREAM))
        begun = time.monotonic()
        turn = Round(name, batch, begun + seconds)
        await asyncio.gather(*(work(turn) for _ in range(clients)))
        took = time.monotonic() - begun
        await conn.execute("select sluice.consumer_delete(%s)", (name,))
    return turn.read / took


@contextmanager
def serving(conninfo: str) -> Iterator[tuple[str, int]]:
    """Host and port of a server of its own."""
    environment = {**os.environ, "PGSLUICE_BOOTSTRAP_TOKEN": TOKEN, "PGSLUICE_DATABASE_URL": conninfo}
    command = [str(Path(sys.executable).with_name("pgsluice")), "--listen", "127.0.0.1:0", "serve"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"http://([\d.]+):(\d+)", process.stdout.readline())
        assert found is not None
        yield found[1], int(found[2])
    finally:
        process.terminate()
        process.wait(20)


def http(ctx: Context) -> list[Figure]:
    conninfo = ctx.database("pgsluice", "http")
    ctx.prepare(Job("pgsluice", conninfo, "consume", "first", 1), RECORDS)
    figures: list[Figure] = []
    with serving(conninfo) as (host, port):
        for batch, clients in CASES:

            def one(name: str, work: Worker, batch: int = batch, clients: int = clients) -> float:
                return asyncio.run(rate(conninfo, work, name, batch, clients, seconds=ctx.sizes.seconds))

            what = f"batch {batch}, {clients} client{'s' * (clients > 1)}"
            samples = {"http": partial(one, "by-http", by_http(host, port)), "sql": partial(one, "by-sql", by_sql(conninfo))}
            found = ctx.interleaved(f"HTTP, {what}", samples, pairs=3 if ctx.sizes.pairs == 5 else None)
            ratios = [a / b for a, b in zip(found["http"], found["sql"], strict=True)]
            figures.append(
                Figure(
                    what, "msg/s", statistics.median(found["http"]), judged=statistics.median(ratios), low=min(ratios), high=max(ratios),
                    of="× SQL", others={"SQL": statistics.median(found["sql"])},
                )
            )  # fmt: skip
    ctx.drop("pgsluice", "http")
    return figures
