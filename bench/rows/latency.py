"""From a commit to a client that waits, at 100 messages a second, each in a transaction of its own."""

from __future__ import annotations

import statistics

from pgsluice.bench.context import Context
from pgsluice.bench.report import Figure
from pgsluice.bench.rows.waiting import percentile
from pgsluice.bench.workers import Job

BARS = {50: 2.0, 99: 5.0}
NOTE = "From the moment at which the producer knows of its commit. pgmq: read_with_poll that looks every 10 ms (100 ms is its default)."


def _sample(ctx: Context, engine: str) -> list[float]:
    """Milliseconds of each message."""
    seconds = ctx.sizes.commits
    wait = Job(engine, ctx.database(engine), "wait", "alert", 10, seconds=seconds)
    ctx.prepare(wait, 0)
    commit = Job(engine, wait.conninfo, "commit", "alert", 1, seconds=seconds - 0.5, first=ctx.numbers(10_000_000))
    sent, received = ctx.pool.run([commit, wait])
    came = dict(zip(received.counts, received.times, strict=True))
    # The first ones find a client that still connects.
    took = [1000 * (came[n] - at) for n, at in zip(sent.counts, sent.times, strict=True) if at > 0.3 and n in came]
    assert len(took) > 30 * (seconds - 1), f"{engine}: only {len(took)} messages came"
    return [max(0.0, value) for value in took]


def latency(ctx: Context) -> list[Figure]:
    pairs = min(ctx.sizes.pairs, 5)
    found: dict[tuple[str, int], list[float]] = {}
    task = ctx.progress.add_task("commit to a waiting client", total=pairs)
    for _ in range(pairs):
        for engine in ("pgsluice", "pgmq"):
            took = _sample(ctx, engine)
            for percent in BARS:
                found.setdefault((engine, percent), []).append(percentile(took, percent))
        ctx.progress.advance(task)
    ctx.progress.remove_task(task)
    return [
        Figure(
            f"p{percent}", "ms", statistics.median(found["pgsluice", percent]), bar, at_most=True, of="ms", note=NOTE,
            judged=statistics.median(found["pgsluice", percent]), low=min(found["pgsluice", percent]), high=max(found["pgsluice", percent]),
            pgmq=statistics.median(found["pgmq", percent]),
        )
        for percent, bar in BARS.items()
    ]  # fmt: skip
