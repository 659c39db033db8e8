"""Ingest: new records, and records that are there already."""

from __future__ import annotations

from functools import partial

from pgsluice.bench.context import Context, Sample
from pgsluice.bench.engines import ENGINES
from pgsluice.bench.report import Figure, compared
from pgsluice.bench.workers import Job

NEW = {1: 1.0, 100: 0.9, 1000: 0.8}
UNCHANGED = {1: 2.0, 100: 1.5, 1000: 1.2}
NOTE = "pgsluice stores one copy for all consumers, without duplicates, with versions, in the order of commits; pgmq and the floor append."


def _written(ctx: Context) -> Figure:
    """How many rows are new after the same thousand records were ingested again."""
    engine = ENGINES["pgsluice"]
    with engine.connect(ctx.database("pgsluice")) as conn:
        payload = list(engine.payloads(1000, 1, ctx.numbers(1000)))
        look = "select upstream_id, ctid::text, xmin::text from sluice.records where upstream_id like 'new-%'"
        assert sum(engine.produce(conn, "", payload)) == 1000
        before = set(conn.execute(look).fetchall())
        assert sum(engine.produce(conn, "", payload)) == 1000
        written = len(set(conn.execute(look).fetchall()) - before)
    return Figure("unchanged records written", "rows", written, 0, at_most=True, judged=written, of="rows")


def ingest(ctx: Context) -> list[Figure]:
    new: list[Figure] = []
    unchanged: list[Figure] = []
    for batch, bar in NEW.items():

        def one(engine: str, *, again: bool = False, batch: int = batch) -> Sample:
            # A tenth of a second's worth of records that are there already.
            most = int(ctx.sizes.seconds * (4_000 if batch == 1 else 30_000)) if again else 1 << 60
            job = Job(engine, ctx.database(engine), "produce", "inbox", batch, seconds=ctx.sizes.seconds, again=again, most=most)
            return partial(ctx.run, job, 1, 0)

        samples = {"ours": one("pgsluice"), "pgmq": one("pgmq"), "again": one("pgsluice", again=True)}
        samples |= {peer: one(peer) for peer in ctx.peers}
        found = ctx.interleaved(f"ingest, batch {batch}", samples)
        again = found.pop("again")
        new.append(compared(f"new records, batch {batch}", "rec/s", found, bar, note=NOTE))
        unchanged.append(compared(f"unchanged records, batch {batch}", "rec/s", {"ours": again, "pgmq": found["pgmq"]}, UNCHANGED[batch]))
    return [*new, *unchanged, _written(ctx)]
