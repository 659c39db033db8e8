"""Four workers produce and consume while somebody holds an old snapshot; and in a new installation, before any analyze."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pgsluice.bench.context import Context
from pgsluice.bench.report import Figure
from pgsluice.bench.workers import Done, Job

MODES = {"pgsluice": "piggy", "pgmq": "read"}
BATCH = 10
Sizes = dict[str, float]
STORED = {"records"}
LOG = {"positions", "ingests"}
COMPACTED_BYTES = 33_554_432  # what _leases_compact leaves alone


def least_bytes(held: float) -> int:
    """From where on leases are compacted when the snapshot is held for so many seconds: the poller's bound, for its five minutes."""
    return int(COMPACTED_BYTES * min(1.0, held / 300))


def part(done: Sequence[Done], begin: float, end: float) -> float:
    """Messages a second between two moments."""
    return sum(count for d in done for count, at in zip(d.counts, d.times, strict=True) if begin <= at < end) / (end - begin)


def sizes(ctx: Context, conninfo: str) -> Sizes:
    """Megabytes of each table with its indexes."""
    with ctx.connect(conninfo) as conn:
        rows = conn.execute(
            """select c.relname, pg_total_relation_size(c.oid) / 1e6
               from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
               where c.relkind = 'r' and n.nspname in ('sluice', 'sluice_internal', 'pgmq')"""
        ).fetchall()
    return {name: float(size) for name, size in rows}


@contextmanager
def watched(ctx: Context, conninfo: str, *, compact: bool) -> Iterator[list[tuple[float, Sizes]]]:
    """Is filled with the sizes once a second, and when; `compact`: does what the poller does, at the pace of the time that is measured."""
    found: list[tuple[float, Sizes]] = []
    start, over = time.monotonic(), threading.Event()
    least = least_bytes(ctx.sizes.held)

    def watch() -> None:
        with ctx.connect(conninfo) as conn:
            while not over.wait(1.0):
                if compact:
                    conn.execute("select sluice_internal._leases_compact(%s)", (least,))
                found.append((time.monotonic() - start, sizes(ctx, conninfo)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def _held(ctx: Context, engine: str) -> tuple[list[Done], list[tuple[float, Sizes]]]:
    job = Job(engine, ctx.database(engine, "held"), "both", "loop", BATCH, MODES[engine], seconds=ctx.sizes.held)
    ctx.prepare(job, 0)
    with ctx.connect(job.conninfo) as old:
        old.execute("begin isolation level repeatable read")
        old.execute("select count(*) from pg_class")
        with watched(ctx, job.conninfo, compact=engine == "pgsluice") as seen:
            done = ctx.done(job, workers=4)
    return done, [*seen, (ctx.sizes.held, sizes(ctx, job.conninfo))]


def _total(found: Sizes, *, of: set[str] | None = None, without: set[str] | None = None) -> float:
    return sum(size for name, size in found.items() if (of is None or name in of) and name not in (without or set()))


def snapshot(ctx: Context) -> list[Figure]:
    held = ctx.sizes.held
    window = min(30.0, held / 3)
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    seen: dict[str, list[tuple[float, Sizes]]] = {}
    for engine in MODES:
        task = ctx.progress.add_task(f"old snapshot, {engine}, {held:.0f} s", total=None)
        done, seen[engine] = _held(ctx, engine)
        first[engine], last[engine] = part(done, 0, window), part(done, held - window, held)
        ctx.progress.remove_task(task)
        ctx.drop(engine, "held")
    note = "" if held >= 300 else "The bars of an old snapshot are for five minutes: make bench-full."
    named = f"last {window:.0f} s over first {window:.0f} s of {held:.0f}"
    figures = [
        Figure(
            named, "msg/s", last["pgsluice"], 0.95, judged=last["pgsluice"] / first["pgsluice"], pgmq=last["pgmq"], of="× first",
            note=f"Old snapshot: pgmq {last['pgmq'] / first['pgmq']:.2f} × its first {window:.0f} s.",
        ),
        Figure("rate at the end", "msg/s", last["pgsluice"], 10, judged=last["pgsluice"] / last["pgmq"], pgmq=last["pgmq"], note=note),
    ]  # fmt: skip
    ours, theirs = seen["pgsluice"][-1][1], seen["pgmq"][-1][1]
    most, bound = max(_total(found, without=STORED | LOG) for _, found in seen["pgsluice"]), least_bytes(held) / 1e6
    figures += [
        Figure(
            "bookkeeping of consumers at most",
            "MB",
            most,
            1.25,
            at_most=True,
            judged=most / bound,
            of="× its bound",
            note=f"Compacted as the poller does it, from {bound:.1f} MB on.",
        ),
        Figure("log of positions (one entry a version)", "MB", _total(ours, of=LOG)),
        Figure("records (kept), beside pgmq's table for 0 waiting", "MB", _total(ours, of=STORED), pgmq=_total(theirs)),
    ]
    top = sorted(((size, name) for name, size in ours.items() if name not in STORED), reverse=True)[:4]
    figures[-1].note = "Largest tables beside records at the end: " + ", ".join(f"{name} {size:.1f} MB" for size, name in top) + "."
    return [*figures, _new_installation(ctx, min(30.0, held / 5))]


def _new_installation(ctx: Context, window: float) -> Figure:
    """The first seconds after `migrate`, with the plans of empty tables, beside later ones after an analyze."""
    rates: dict[str, tuple[float, float]] = {}
    for engine, mode in MODES.items():
        task = ctx.progress.add_task(f"new installation, {engine}", total=None)
        job = Job(engine, ctx.database(engine, "new"), "both", "loop", BATCH, mode, seconds=window)
        with ctx.settings(autovacuum="off"):
            before = ctx.run(job, workers=4, prepare=0)
        with ctx.connect(job.conninfo) as conn:
            conn.execute("analyze")
        time.sleep(1)
        rates[engine] = before, ctx.run(job, workers=4)
        ctx.progress.remove_task(task)
        ctx.drop(engine, "new")
    before, after = rates["pgsluice"]
    return Figure(
        f"new installation, first {window:.0f} s over after analyze", "msg/s", before, 0.95, judged=before / after, pgmq=rates["pgmq"][0],
        of="× later", note=f"New installation: pgmq {rates['pgmq'][0] / rates['pgmq'][1]:.2f} × its rate after analyze.",
    )  # fmt: skip
