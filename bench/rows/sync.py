"""From a vendor's pages to rows: a first reading, one of what has not changed, one with 1 % changed, and with a slow vendor."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psycopg.conninfo import make_conninfo

from pgsluice.bench.context import Context
from pgsluice.bench.engines.base import Connection
from pgsluice.bench.report import Figure
from pgsluice.bench.syncing.ours import KEY
from pgsluice.bench.syncing.vendor import FOUR, KINDS
from pgsluice.db.client import Client
from pgsluice.db.migrate import migrate
from pgsluice.db.secrets import parse_key

PEERS = Path(__file__).resolve().parents[2] / ".venv/bench"
LATENCY = 0.1  # seconds before each page
NOTE = "pgsluice commits each page with its place, compares, keeps versions, and numbers changes for consumers; the others overwrite."
WRITTEN = """select n_tup_ins + n_tup_upd + n_tup_del from pg_stat_user_tables where schemaname = 'sluice' and relname = 'records'"""


@dataclass
class Runs:
    """Seconds of each run of one reader, and its largest peak of memory in MB."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak: float = 0.0

    def add(self, what: str, said: str) -> float:
        found = json.loads(said.splitlines()[-1])
        self.peak = max(self.peak, found["peak_mb"])
        self.seconds.setdefault(what, []).append(found["seconds"])
        return float(found["seconds"])


@contextmanager
def vendor(records: int) -> Iterator[str]:
    """Its address."""
    command = [sys.executable, "-m", "pgsluice.bench.syncing.vendor", str(records)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def tell(url: str, words: str) -> int:
    """Sets how the vendor behaves; how many pages it was asked for so far."""
    with urllib.request.urlopen(f"{url}/set?{words}") as reply:
        return int(reply.read())


def emptied(ctx: Context, name: str) -> str:
    """A new database."""
    with ctx.connect() as conn:
        conn.execute(f'drop database if exists "{name}" with (force)'.encode())
        conn.execute(f'create database "{name}" template template0 encoding "utf8" lc_collate "C" lc_ctype "C"'.encode())
    return make_conninfo(ctx.server.conninfo, dbname=name)


def installed(ctx: Context, url: str, account: str, paths: Sequence[str], syncs: int = 1) -> str:
    """A database with so many syncs, each under a credential of its own, as of so many customers."""
    conninfo = emptied(ctx, f"sync_{account}")
    migrate(conninfo)
    collections = [f"stripe:{KINDS[path]}" for path in paths]
    with Client.connect(conninfo, master_key=parse_key(KEY)) as client:
        client.stream_create("bench")
        for number in range(syncs):
            name = f"sync{number}"
            client.credential_create("stripe", name, "stripe_key", secret={"secret": f"sk_test_{account}"}, base_url=url)
            client.sync_create("bench", "stripe", name, collection_ids=collections, credential_id=name)
    return conninfo


def forget(conn: Connection) -> None:
    """The next turn reads everything again."""
    conn.execute("delete from sluice_internal.sync_feeds")
    conn.execute("update sluice_internal.sync_runs set backfill_completed_at = null, status = 'backfilling' where status = 'active'")


def run(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", f"pgsluice.bench.syncing.{module}", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True).stdout


class Reading:
    """All readers of one account of the vendor, each in a database of its own."""

    def __init__(self, ctx: Context, url: str, account: str, paths: Sequence[str]) -> None:
        self._ctx = ctx
        self._url = url
        self._account = account
        self._paths = paths
        self._conninfo: dict[str, str] = {}
        self.runs = {"ours": Runs(), "floor": Runs(), "dlt": Runs()}
        self.written: dict[str, int] = {}

    def fresh(self, names: Sequence[str]) -> None:
        for name in names:
            if name == "ours":
                self._conninfo[name] = installed(self._ctx, self._url, self._account, self._paths)
            else:
                self._conninfo[name] = emptied(self._ctx, f"sync_{name}")
        self._ctx.quiet()

    def read(self, what: str, names: Sequence[str]) -> None:
        for name in names:
            if name == "ours":
                self._ours(what)
            else:
                tail = (self._conninfo[name], self._url, f"sk_test_{self._account}", *self._paths)
                said = run("floor", *tail) if name == "floor" else run("with_dlt", str(PEERS), *tail)
                self.runs[name].add(what, said)

    def _ours(self, what: str) -> None:
        with self._ctx.connect(self._conninfo["ours"]) as conn:
            forget(conn)
            before = self._count(conn)
            self.runs["ours"].add(what, run("ours", self._conninfo["ours"]))
            self.written[what] = self._count(conn) - before

    def _count(self, conn: Connection) -> int:
        conn.execute("select pg_stat_clear_snapshot()")
        row = conn.execute(WRITTEN).fetchone()
        return 0 if row is None else int(row[0])

    def ratios(self, what: str, other: str) -> list[float]:
        """How many times as fast as another reader, pair by pair."""
        return [b / a for a, b in zip(self.runs["ours"].seconds[what], self.runs[other].seconds[what], strict=True)]

    def rate(self, what: str, name: str, records: int) -> float:
        return records / statistics.median(self.runs[name].seconds[what])


def beside(reading: Reading, what: str, other: str, records: int, *, bar: float | None, words: str) -> Figure:
    ratios = reading.ratios(what, other)
    ours, theirs = (reading.rate(what, name, records) for name in ("ours", other))
    return Figure(
        words, "rec/s", ours, bar, judged=statistics.median(ratios), low=min(ratios), high=max(ratios), others={other: theirs},
        of=f"× {other}", note=NOTE,
    )  # fmt: skip


def sync(ctx: Context) -> list[Figure]:
    records, rounds = ctx.sizes.read, ctx.sizes.rounds
    with vendor(records) as url:
        reading = Reading(ctx, url, "one", FOUR[:1])
        task = ctx.progress.add_task("sync", total=rounds)
        for turn in range(rounds):
            names = ["ours", "floor", "dlt"][:: -1 if turn % 2 else 1]
            reading.fresh(names)
            reading.read("first", names)
            reading.read("again", names)
            tell(url, "change=1")
            reading.read("changed", names)
            ctx.progress.advance(task)
        ctx.progress.remove_task(task)
    again = [a / b for a, b in zip(reading.runs["ours"].seconds["first"], reading.runs["ours"].seconds["again"], strict=True)]
    peak = reading.runs["ours"].peak
    other_peaks = {name: runs.peak for name, runs in reading.runs.items() if name != "ours"}
    return [
        beside(reading, "first", "dlt", records, bar=2.0, words="first reading, beside dlt (merge)"),
        beside(reading, "first", "floor", records, bar=0.7, words="first reading, beside fetch + COPY + upsert"),
        Figure(
            "read again, nothing changed", "rec/s", reading.rate("again", "ours", records), 1.0, judged=statistics.median(again),
            low=min(again), high=max(again), others={name: reading.rate("again", name, records) for name in ("floor", "dlt")}, of="× first",
        ),
        Figure("rows written by that", "rows", reading.written["again"], 0, at_most=True, judged=reading.written["again"], of="rows"),
        beside(reading, "changed", "dlt", records, bar=None, words="read again, 1 % changed, beside dlt"),
        Figure("memory at the peak", "MB", peak, 120, at_most=True, judged=peak, others=other_peaks, of="MB"),
        *slow(ctx),
    ]  # fmt: skip


def slow(ctx: Context) -> list[Figure]:
    """A vendor that takes 100 ms for each page: one collection, and four of a quarter each."""
    records = ctx.sizes.read_slowly
    pages = records / 100

    def timed(account: str, paths: Sequence[str]) -> Callable[[], float]:
        def sample() -> float:
            reading = Reading(ctx, url, account, paths)
            reading.fresh(["ours"])
            tell(url, f"latency={LATENCY}")
            reading.read("slow", ["ours"])
            tell(url, "latency=0")
            return reading.runs["ours"].seconds["slow"][0]

        return sample

    with vendor(records) as url:
        samples = {"one": timed("one", FOUR[:1]), "four": timed("four", FOUR)}
        found = ctx.interleaved("100 ms a page", samples, pairs=ctx.sizes.rounds)
    one, four = (statistics.median(found[name]) for name in ("one", "four"))
    ratios = [a / b for a, b in zip(found["one"], found["four"], strict=True)]
    bound = statistics.median([pages * LATENCY / seconds for seconds in found["one"]])
    words = "100 ms a page, 4 collections of a quarter each"
    return [
        Figure("100 ms a page, 1 collection", "rec/s", records / one, judged=bound, of="× what its paging permits"),
        Figure(words, "rec/s", records / four, judged=statistics.median(ratios), low=min(ratios), high=max(ratios), of="× 1 collection"),
    ]
