"""One call with much waiting, and with much in flight before it, beside the same call with 10,000 waiting."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise

from pgsluice.bench.context import Context
from pgsluice.bench.report import Figure
from pgsluice.bench.workers import Done, Job

SMALL = 10_000
MODES = {"pgsluice": "piggy", "pgmq": "read"}


def calls(done: Sequence[Done]) -> list[float]:
    """µs of each call that delivered."""
    return [1e6 * (b - a) for d in done for (a, b), count in zip(pairwise(d.times), d.counts[1:], strict=True) if count]


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _compare(ctx: Context, what: str, large: dict[str, Job], small: dict[str, Job]) -> dict[tuple[str, str, int], list[float]]:
    """(engine, large or small, percentile) -> µs, one of each pair."""
    found: dict[tuple[str, str, int], list[float]] = {}
    task = ctx.progress.add_task(what, total=ctx.sizes.pairs)
    for turn in range(ctx.sizes.pairs):
        for engine in MODES:
            for size, job in (("small", small[engine]), ("large", large[engine]))[:: -1 if turn % 2 else 1]:
                took = calls(ctx.done(job, prepare=SMALL if size == "small" else None))
                for percent in (50, 99):
                    found.setdefault((engine, size, percent), []).append(percentile(took, percent))
        ctx.progress.advance(task)
    ctx.progress.remove_task(task)
    return found


def _figure(what: str, found: dict[tuple[str, str, int], list[float]], percent: int, bar: float) -> Figure:
    def ratios(engine: str) -> list[float]:
        return [a / b for a, b in zip(found[engine, "large", percent], found[engine, "small", percent], strict=True)]

    ours = ratios("pgsluice")
    return Figure(
        f"{what}, p{percent}", "µs", statistics.median(found["pgsluice", "large", percent]), bar, at_most=True,
        judged=statistics.median(ours), low=min(ours), high=max(ours), pgmq=statistics.median(found["pgmq", "large", percent]),
        of="× 10,000", note=f"{what}, p{percent}: pgmq {statistics.median(ratios('pgmq')):.2f} × its call with 10,000 waiting.",
    )  # fmt: skip


def waiting(ctx: Context) -> list[Figure]:
    large: dict[str, Job] = {}
    small: dict[str, Job] = {}
    task = ctx.progress.add_task(f"making {ctx.sizes.waiting:,} wait", total=None)
    for engine, mode in MODES.items():
        large[engine] = Job(engine, ctx.database(engine, "large"), "consume", "large", 10, mode, ctx.sizes.seconds)
        small[engine] = Job(engine, ctx.database(engine, "small"), "consume", "small", 10, mode, ctx.sizes.seconds)
        ctx.prepare(large[engine], ctx.sizes.waiting)
    ctx.quiet()
    ctx.progress.remove_task(task)
    many = _compare(ctx, "many waiting", large, small)
    for engine in MODES:  # the first ones are taken and not acknowledged
        with ctx.connect(large[engine].conninfo) as conn:
            call = "sluice.consumer_next('large', 1000)" if engine == "pgsluice" else "pgmq.read('large', 3600, 1000)"
            if engine == "pgsluice":
                conn.execute("set pgsluice.autocommit = on")
                conn.execute("select sluice.consumer_update('large', '1 hour')")
            for _ in range(ctx.sizes.in_flight // 1000):
                conn.execute(f"select count(*) from {call}".encode())
    ctx.quiet()
    flight = _compare(ctx, "many in flight", large, small)
    for engine in MODES:
        ctx.drop(engine, "large")
        ctx.drop(engine, "small")
    size, taken = f"{ctx.sizes.waiting:,} waiting", f"{ctx.sizes.in_flight:,} in flight"
    return [_figure(size, many, 50, 1.2), _figure(size, many, 99, 1.5), _figure(taken, flight, 50, 2.0)]
