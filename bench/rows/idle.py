"""A poll that finds nothing: what it costs, and what dead rows that nobody can remove yet make of it."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from functools import partial

from pgsluice.bench.context import Context, Sample
from pgsluice.bench.engines import ENGINES
from pgsluice.bench.engines.base import Connection, Steps
from pgsluice.bench.report import Figure
from pgsluice.bench.workers import Job

STATES = ("empty", "after", "snapshot")
MODES = {"pgsluice": "piggy", "pgmq": "read"}


def polls(steps: Steps, seconds: float) -> float:
    """Median of a call, µs."""
    took: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        assert next(steps) == 0
        took.append(1e6 * (time.monotonic() - start))
    return statistics.median(took)


def _select_1(conn: Connection) -> Steps:
    while True:
        conn.execute("select 1").fetchone()
        yield 0


def _assigned(ctx: Context) -> int:
    """Transaction ids that an idle poll takes."""
    with ENGINES["pgsluice"].connect(ctx.database("pgsluice", "empty")) as conn, conn.transaction():
        next(ENGINES["pgsluice"].consume(conn, "idle", 10, "piggy"))
        row = conn.execute("select (pg_current_xact_id_if_assigned() is not null)::int").fetchone()
    assert row is not None
    return int(row[0])


def _samples(ctx: Context, stack: ExitStack) -> dict[str, Sample]:
    """Every state in a database of its own, with an open session that polls it."""
    samples: dict[str, Sample] = {}
    for engine, mode in MODES.items():
        for state in STATES:
            job = Job(engine, ctx.database(engine, state), "consume", "idle", 1000, mode, seconds=3600)
            ctx.prepare(job, 0 if state == "empty" else ctx.sizes.consumed)
            if state == "snapshot":
                old = stack.enter_context(ctx.connect(job.conninfo))
                old.execute("begin isolation level repeatable read")
                old.execute("select count(*) from pg_class")
            if state != "empty":
                ctx.done(job, workers=4)
            conn = stack.enter_context(ENGINES[engine].connect(job.conninfo))
            samples[f"{engine} {state}"] = partial(polls, ENGINES[engine].consume(conn, "idle", 10, mode), ctx.sizes.seconds / 2)
    plain = stack.enter_context(ENGINES["pgsluice"].connect(ctx.database("pgsluice", "empty")))
    samples["select 1"] = partial(polls, _select_1(plain), ctx.sizes.seconds / 4)
    return samples


def idle(ctx: Context) -> list[Figure]:
    task = ctx.progress.add_task("idle poll: consuming first", total=None)
    with ctx.settings(autovacuum="off"), ExitStack() as stack:
        samples = _samples(ctx, stack)
        ctx.progress.remove_task(task)
        found = ctx.interleaved("idle poll", samples)
    middle = {name: statistics.median(values) for name, values in found.items()}
    assigned = _assigned(ctx)
    for engine in MODES:
        for state in STATES:
            ctx.drop(engine, state)

    def against_empty(state: str, what: str, bar: float) -> Figure:
        ratios = [a / b for a, b in zip(found[f"pgsluice {state}"], found["pgsluice empty"], strict=True)]
        theirs = middle[f"pgmq {state}"] / middle["pgmq empty"]
        return Figure(
            what, "µs", middle[f"pgsluice {state}"], bar, at_most=True, judged=statistics.median(ratios), low=min(ratios), high=max(ratios),
            pgmq=middle[f"pgmq {state}"], of="× empty", note=f"{what}: pgmq {theirs:.1f} × its empty queue.",
        )  # fmt: skip

    count = f"{ctx.sizes.consumed:,}"
    return [
        Figure(
            "empty", "µs", middle["pgsluice empty"], 200, at_most=True, judged=middle["pgsluice empty"], of="µs", pgmq=middle["pgmq empty"],
            others={"select 1": middle["select 1"]},
        ),
        against_empty("after", f"after {count} consumed, no vacuum", 1.2),
        against_empty("snapshot", f"after {count} under an old snapshot", 1.5),
        Figure("transaction ids a poll takes", "ids", assigned, 0, at_most=True, judged=assigned, of="ids"),
    ]  # fmt: skip
