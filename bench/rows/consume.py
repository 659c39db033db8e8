"""Consume and acknowledge, with a backlog."""

from __future__ import annotations

from functools import partial

from pgsluice.bench.context import Context, Sample
from pgsluice.bench.engines import ENGINES
from pgsluice.bench.report import Figure, compared
from pgsluice.bench.workers import Job

# batch -> messages a second that no engine reaches with one worker here: so many must wait
FASTEST = {1: 8_000, 10: 30_000, 100: 80_000, 1000: 110_000}
PIGGY = {1: 1.7, 10: 1.8, 100: 2.4, 1000: 2.1}
SEPARATE = {1: 1.05, 10: 1.3, 100: 1.9, 1000: 2.0}
FOUR = {1: 1.5, 100: 2.5, 1000: 3.0}
NOTE = (
    "pgmq promises no order of commits, no exclusion per record and no versions. Peers that promise less than a lease per message: "
    "floor (the transaction stays open while the work lasts; no lease survives it), pgmq pop (at most once), nats (another store than "
    "the application's, and its disk is synced every two minutes only). pgqueuer keeps a log of each job's states."
)


def _samples(ctx: Context, batch: int, workers: int, modes: list[str]) -> dict[str, Sample]:
    waiting = int(FASTEST[batch] * ctx.sizes.seconds * (2 if workers > 1 else 1)) + batch * workers

    def one(engine: str, mode: str) -> Sample:
        job = Job(engine, ctx.database(engine), "consume", "work", batch, mode, ctx.sizes.seconds)
        return partial(ctx.run, job, workers, waiting)

    samples = {"ours" if mode == modes[0] else mode: one("pgsluice", mode) for mode in modes}
    samples["pgmq"] = one("pgmq", "read")
    for peer in ctx.peers:
        if peer == "pgmq":
            continue
        for mode in ENGINES[peer].modes:
            samples[f"{peer} {mode}"] = one(peer, mode)
    if ctx.nats:
        samples["nats fetch"] = one("nats", "fetch")
    for mode in ("one", "pop"):
        samples[f"pgmq {mode}"] = one("pgmq", mode)
    return samples


def one_worker(ctx: Context) -> list[Figure]:
    together: list[Figure] = []
    apart: list[Figure] = []
    for batch, bar in PIGGY.items():
        found = ctx.interleaved(f"1 worker, batch {batch}", _samples(ctx, batch, 1, ["piggy", "separate"]))
        separate = found.pop("separate")
        together.append(compared(f"acks piggy-backed, batch {batch}", "msg/s", found, bar, note=NOTE))
        apart.append(compared(f"separate acks, batch {batch}", "msg/s", {"ours": separate, "pgmq": found["pgmq"]}, SEPARATE[batch]))
    return together + apart


def four_workers(ctx: Context) -> list[Figure]:
    def samples(batch: int) -> dict[str, Sample]:
        return _samples(ctx, batch, 4, ["piggy"])

    return [
        compared(f"acks piggy-backed, batch {batch}", "msg/s", ctx.interleaved(f"4 workers, batch {batch}", samples(batch)), bar)
        for batch, bar in FOUR.items()
    ]
