"""One stream for 32 consumers, beside pgmq's 32 queues; and the write-ahead log of one delivery."""

from __future__ import annotations

import statistics
from functools import partial

from pgsluice.bench.context import Context
from pgsluice.bench.engines import ENGINES
from pgsluice.bench.engines.pgmq import TOPIC
from pgsluice.bench.engines.sluice import STREAM
from pgsluice.bench.report import Figure
from pgsluice.bench.workers import Job, rate

MANY = 32
BATCH = 100
MODES = {"pgsluice": "piggy", "pgmq": "read"}
QUEUES = ",".join(f"c{n}" for n in range(MANY))
NOTE = "Full-page images are switched off for the rows of WAL, and autovacuum with them: what is left is what each message costs."


def _database(ctx: Context, engine: str, consumers: int) -> str:
    conninfo = ctx.database(engine, f"fan{consumers}")
    with ctx.connect(conninfo) as conn:
        for queue in QUEUES.split(",")[:consumers]:
            if engine == "pgsluice":
                conn.execute("select sluice.consumer_create(%s, %s)", (queue, STREAM))
            else:
                conn.execute("select pgmq.create(%s), pgmq.bind_topic(%s, %s)", (queue, TOPIC, queue))
    return conninfo


def measured(ctx: Context, job: Job, kept: dict[str, list[float]], prepare: int | None = None) -> float:
    """µs a message; the bytes of WAL a message are kept."""
    if prepare is not None:
        ctx.prepare(job, prepare)
    before = ctx.wal()
    done = ctx.done(job)
    kept.setdefault(f"{job.engine} {job.conninfo} {job.mode}", []).append((ctx.wal() - before) / sum(d.messages for d in done))
    return 1e6 / rate(done)


def fan_out(ctx: Context) -> list[Figure]:
    wal: dict[str, list[float]] = {}
    jobs: dict[str, Job] = {}
    for engine in MODES:
        for count in (1, MANY):
            queue = "c0" if engine == "pgsluice" else TOPIC
            jobs[f"{engine} {count}"] = Job(engine, _database(ctx, engine, count), "produce", queue, BATCH, seconds=ctx.sizes.seconds)
    with ctx.settings(autovacuum="off", full_page_writes="off"):
        found = ctx.interleaved("fan-out: ingest", {name: partial(measured, ctx, job, wal) for name, job in jobs.items()})
        figures = _ingest(found, {name: statistics.median(wal[f"{job.engine} {job.conninfo} "]) for name, job in jobs.items()})
        wal.clear()
        read = {
            "ours" if engine == "pgsluice" else engine: partial(
                measured, ctx, Job(engine, jobs[f"{engine} {MANY}"].conninfo, "consume", QUEUES, BATCH, mode, 60, most=ctx.sizes.fan_out),
                wal, ctx.sizes.fan_out,
            )
            for engine, mode in MODES.items()
        }  # fmt: skip
        took = ctx.interleaved("fan-out: deliver and ack", read)
    for engine in MODES:
        for count in (1, MANY):
            ctx.drop(engine, f"fan{count}")
    ratios = [a / b for a, b in zip(took["ours"], took["pgmq"], strict=True)]
    ours, theirs = (statistics.median(took[name]) for name in ("ours", "pgmq"))
    bytes_ours, bytes_theirs = (statistics.median(values) for _, values in sorted(wal.items(), reverse=True))
    figures.append(
        Figure(
            "deliver + ack, a record and consumer", "µs", ours, 0.65, at_most=True, judged=statistics.median(ratios), low=min(ratios),
            high=max(ratios), pgmq=theirs, note=NOTE,
        )
    )  # fmt: skip
    figures.append(Figure("its WAL", "B", bytes_ours, pgmq=bytes_theirs))
    return figures


def _ingest(found: dict[str, list[float]], wal: dict[str, float]) -> list[Figure]:
    def ratios(engine: str) -> list[float]:
        return [a / b for a, b in zip(found[f"{engine} {MANY}"], found[f"{engine} 1"], strict=True)]

    ours = ratios("pgsluice")
    middle = {name: statistics.median(values) for name, values in found.items()}
    theirs = statistics.median(ratios("pgmq"))
    return [
        Figure(
            f"ingest for {MANY} consumers over 1: time", "µs/rec", middle[f"pgsluice {MANY}"], 1.1, at_most=True, of="× 1 consumer",
            judged=statistics.median(ours), low=min(ours), high=max(ours), pgmq=middle[f"pgmq {MANY}"],
            note=f"Fan-out: pgmq (send_batch_topic) takes {theirs:.1f} × the time and {wal[f'pgmq {MANY}'] / wal['pgmq 1']:.1f} × the WAL.",
        ),
        Figure(
            f"ingest for {MANY} consumers over 1: WAL", "B/rec", wal[f"pgsluice {MANY}"], 1.1, at_most=True, of="× 1 consumer",
            judged=wal[f"pgsluice {MANY}"] / wal["pgsluice 1"], pgmq=wal[f"pgmq {MANY}"],
        ),
    ]  # fmt: skip


def wal_of_delivery(ctx: Context) -> list[Figure]:
    """Bytes of WAL of deliver + ack, a message, batch 100."""
    figures: list[Figure] = []
    amount = ctx.sizes.fan_out * 10
    found: dict[str, float] = {}
    with ctx.settings(autovacuum="off", full_page_writes="off"):
        for engine in ("pgsluice", "pgmq", *(peer for peer in ctx.peers if peer != "nats")):
            for mode in ENGINES[engine].modes:
                kept: dict[str, list[float]] = {}
                job = Job(engine, ctx.database(engine, "wal"), "consume", "work", BATCH, mode, 60, most=amount)
                measured(ctx, job, kept, amount)
                found[f"{engine} {mode}"] = next(iter(kept.values()))[0]
            ctx.drop(engine, "wal")
    others = {name: value for name, value in found.items() if not name.startswith("pgsluice") and name != "pgmq read"}
    for mode, words in ENGINES["pgsluice"].modes.items():
        ours = found[f"pgsluice {mode}"]
        bar = 60 if mode == "piggy" else None
        figures.append(
            Figure(words, "B", ours, bar, at_most=True, judged=ours, of="B", pgmq=found["pgmq read"], others=others, note=NOTE)
        )  # fmt: skip
    return figures
