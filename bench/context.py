"""What every row gets: a server, databases of the engines on it, worker processes, sizes, and a place to say how far it is."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import psycopg
from psycopg.conninfo import make_conninfo
from rich.progress import Progress

from pgsluice.bench.engines import ENGINES
from pgsluice.bench.engines.base import Connection
from pgsluice.bench.workers import Done, Job, Pool, rate
from pgsluice.db import embedded

Sample = Callable[[], float]


@dataclass(frozen=True)
class Sizes:
    """How long and how large. The short form fits eight minutes."""

    seconds: float  # one slice
    pairs: int
    peer_rounds: int  # of peers beside pgmq
    consumed: int  # before the idle poll
    waiting: int
    in_flight: int
    held: float  # seconds of the old snapshot
    fan_out: int  # records
    commits: float  # seconds of single commits at 100 a second
    read: int  # records at the vendor
    read_slowly: int
    rounds: int  # of all readers
    idle: float  # seconds


SHORT = Sizes(0.3, 5, 2, 40_000, 200_000, 20_000, 30.0, 500, 3.0, 10_000, 2_000, 3, 20.0)
FULL = Sizes(1.5, 7, 7, 600_000, 10_000_000, 100_000, 300.0, 10_000, 20.0, 100_000, 10_000, 3, 120.0)


@dataclass
class Context:
    server: embedded.Server
    pool: Pool
    sizes: Sizes
    progress: Progress
    peers: Sequence[str]  # beside pgsluice and pgmq
    notes: list[str] = field(default_factory=list)
    _made: set[str] = field(default_factory=set)
    _next: int = 0
    nats: str | None = None  # address of its server

    def database(self, engine: str, name: str = "") -> str:
        """Connection string of the engine's database, installed on first use."""
        if engine == "nats":
            assert self.nats is not None
            return self.nats
        database = f"{engine}_{name}" if name else f"{engine}_bench"
        conninfo = make_conninfo(self.server.conninfo, dbname=database)
        if database not in self._made:
            with self.connect() as conn:
                conn.execute(f'drop database if exists "{database}" with (force)'.encode())
                conn.execute(f'create database "{database}" template template0 encoding "utf8" lc_collate "C" lc_ctype "C"'.encode())
            with self.connect(conninfo) as conn:
                ENGINES[engine].install(conn)
            self._made.add(database)
        return conninfo

    def drop(self, engine: str, name: str) -> None:
        database = f"{engine}_{name}"
        with self.connect() as conn:
            conn.execute(f'drop database if exists "{database}" with (force)'.encode())
        self._made.discard(database)

    def connect(self, conninfo: str | None = None) -> Connection:
        return psycopg.connect(conninfo or self.server.conninfo, autocommit=True)

    def setting(self, name: str, value: str | None) -> None:
        """For all sessions, from now on; None: as it was."""
        with self.connect() as conn:
            conn.execute(f"alter system {'reset' if value is None else 'set'} {name} {'' if value is None else f'= {value}'}".encode())
            conn.execute("select pg_reload_conf()")
            conn.execute("select pg_sleep(0.1)")

    @contextmanager
    def settings(self, **values: str) -> Iterator[None]:
        for name, value in values.items():
            self.setting(name, value)
        try:
            yield
        finally:
            for name in values:
                self.setting(name, None)

    def numbers(self, count: int) -> int:
        """The first of so many numbers that no message had yet."""
        first = self._next
        self._next += count
        return first

    def prepare(self, job: Job, waiting: int) -> None:
        with ENGINES[job.engine].connect(job.conninfo) as conn:
            for queue in job.queue.split(","):
                ENGINES[job.engine].prepare(conn, queue, waiting)
        os.sync()  # what was prepared is not written out while the clock runs

    def commit_us(self) -> float:
        """Median of one small durable commit, µs: how fast the disk is just now."""
        took: list[float] = []
        with self.connect() as conn:
            for _ in range(100):
                start = time.monotonic()
                conn.execute("select pg_logical_emit_message(true, 'bench', '')")
                took.append(1e6 * (time.monotonic() - start))
        return statistics.median(took)

    def quiet(self) -> None:
        """After much was written: nothing is left for a checkpoint to write while the clock runs."""
        with self.connect() as conn:
            conn.execute("checkpoint")
        os.sync()

    def done(self, job: Job, workers: int = 1, prepare: int | None = None) -> list[Done]:
        """What so many workers did that all do `job`; before it, `prepare` messages are made to wait."""
        if prepare is not None:
            self.prepare(job, prepare)
        return self.pool.run([replace(job, first=self.numbers(10_000_000)) for _ in range(workers)])

    def run(self, job: Job, workers: int = 1, prepare: int | None = None) -> float:
        """Messages a second."""
        return rate(self.done(job, workers, prepare))

    def wal(self) -> int:
        with self.connect() as conn:
            row = conn.execute("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        return int(row[0])

    def interleaved(self, what: str, samples: Mapping[str, Sample], pairs: int | None = None) -> dict[str, list[float]]:
        """A B C C B A A B C …: `ours` and `pgmq` in every round, the other peers in the first ones."""
        pairs = pairs or self.sizes.pairs
        found: dict[str, list[float]] = {name: [] for name in samples}
        task = self.progress.add_task(what, total=pairs)
        for turn in range(pairs):
            # There and back again, so that nobody always follows the same neighbour.
            for name, sample in list(samples.items())[:: -1 if turn % 2 else 1]:
                if name.split()[0] not in {*self.peers, "nats"} or turn < self.sizes.peer_rounds:
                    found[name].append(sample())
            self.progress.advance(task)
        self.progress.remove_task(task)
        return found
