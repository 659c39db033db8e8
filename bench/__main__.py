"""`make bench` and `make bench-full`: the engine's figures, beside its peers, on the same server."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

ROOT = Path(__file__).resolve().parents[1]
# Last: what the peers bring along must not replace what pgsluice runs with.
sys.path.append(str(ROOT / ".venv/bench"))

from pgsluice.bench.context import FULL, SHORT, Context  # noqa: E402
from pgsluice.bench.engines.nats import nats_server  # noqa: E402
from pgsluice.bench.report import Results  # noqa: E402
from pgsluice.bench.rows import ROWS  # noqa: E402
from pgsluice.bench.workers import pool  # noqa: E402
from pgsluice.db import embedded  # noqa: E402
from pgsluice.db.embedded_programs import find, major_of  # noqa: E402

OLDEST = 15
SHORT_S = 420.0  # after it `make bench` begins no further row: eight minutes, even on a busy machine
console = Console(stderr=True)


def bin_dir(major: str) -> Path | None:
    """Where the programs of PostgreSQL 15 (Debian's, or the wheel that the tests use) or of the embedded wheel are."""
    if major != str(OLDEST):
        return find().bin_dir
    unpacked = sorted((ROOT / ".venv").glob("pg15/postgresql-*/bin"))
    return next((folder for folder in (*unpacked, Path(f"/usr/lib/postgresql/{OLDEST}/bin")) if major_of(folder) == OLDEST), None)


@contextmanager
def server(programs: Path) -> Iterator[embedded.Server]:
    """A server of the bench's own, durable, removed with its folder."""
    scratch = Path(tempfile.mkdtemp(prefix="pgsluice-bench-"))
    scratch.chmod(0o711)  # the server's account passes when we are root
    data = scratch / "data"
    try:
        with embedded.start(data, bin_dir=programs) as started:
            yield started
    finally:
        embedded.wait_until_stopped(data, timeout_s=60)
        shutil.rmtree(scratch, ignore_errors=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="all sizes as in the table of the documentation; hours")
    parser.add_argument("--only", action="append", choices=list(ROWS), metavar="ROW", help=f"one of: {', '.join(ROWS)}")
    parser.add_argument("--server", action="append", choices=["15", "18"], help="major version (default 15; with --full both)")
    parser.add_argument("--fresh", action="store_true", help="measure rows again that are finished")
    return parser.parse_args()


def machine(started: embedded.Server, *, full: bool) -> dict[str, Any]:
    import psycopg  # noqa: PLC0415  # after the path is set

    with psycopg.connect(started.conninfo) as conn:
        version = conn.execute("select current_setting('server_version')").fetchone()
        durable = conn.execute("select current_setting('fsync') = 'on' and current_setting('synchronous_commit') = 'on'").fetchone()
    assert version is not None
    assert durable == (True,)
    return {"server": version[0], "form": "full" if full else "short", "python": platform.python_version(), "machine": platform.machine()}


def show(results: Results, row: str, major: str) -> None:
    results.show(Console(width=None if sys.stdout.isatty() else 170), row, f"{ROWS[row][0]}, PostgreSQL {major}")


def measure(major: str, options: argparse.Namespace) -> None:
    programs = bin_dir(major)
    if programs is None:
        console.print(f"no PostgreSQL {major} on this machine: nothing is measured on it")
        return
    results = Results(ROOT / f"build/bench/{'full' if options.full else 'short'}-{major}.json")
    wanted = list(options.only or ROWS)
    if options.fresh:
        results.forget(wanted)
    if options.full:
        finished = [row for row in wanted if row in results.rows]
        for row in finished:
            show(results, row, major)
        wanted = [row for row in wanted if row not in finished]
    if wanted:
        run(programs, wanted, results, major, full=options.full)


def run(programs: Path, wanted: list[str], results: Results, major: str, *, full: bool) -> None:
    end = time.monotonic() + (float("inf") if full else SHORT_S)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        server(programs) as started,
        nats_server() as nats,
        pool(4) as workers,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        about = machine(started, full=full)
        if nats is None:
            progress.console.print("nats-server is not installed: the table is without NATS JetStream")
        ctx = Context(started, workers, FULL if full else SHORT, progress, ["floor", "pgqueuer"], nats=nats)
        for row in wanted:
            if time.monotonic() > end:
                progress.console.print(f"no time is left for {row}: make bench ARGS='--only {row}'")
                continue
            begun, commit = time.monotonic(), ctx.commit_us()
            figures = ROWS[row][1](ctx)
            took = time.monotonic() - begun
            now = {"seconds": round(took, 1), "commit_us": [round(commit), round(ctx.commit_us())], "load": os.getloadavg()[1]}
            results.put(row, {**about, **now}, figures)
            show(results, row, major)


def main() -> None:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    for major in options.server or (["15", "18"] if options.full else ["15"]):
        measure(major, options)


if __name__ == "__main__":
    main()
