"""Produce and consume in one loop, four workers."""

from __future__ import annotations

from functools import partial

from pgsluice.bench.context import Context, Sample
from pgsluice.bench.engines import ENGINES
from pgsluice.bench.report import Figure, compared
from pgsluice.bench.workers import Job

BARS = {10: 1.2, 100: 1.1}


def loop(ctx: Context) -> list[Figure]:
    figures: list[Figure] = []
    for batch, bar in BARS.items():

        def one(engine: str, mode: str, batch: int = batch) -> Sample:
            job = Job(engine, ctx.database(engine), "both", "loop", batch, mode, ctx.sizes.seconds)
            return partial(ctx.run, job, 4, 0)

        samples = {"ours": one("pgsluice", "piggy"), "pgmq": one("pgmq", "read")}
        samples |= {peer: one(peer, next(iter(ENGINES[peer].modes))) for peer in ctx.peers}
        figures.append(compared(f"batch {batch}", "msg/s", ctx.interleaved(f"loop, batch {batch}", samples), bar))
    return figures
