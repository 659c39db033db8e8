"""The rows of the table: each makes figures from a context."""

from __future__ import annotations

from collections.abc import Callable

from pgsluice.bench.context import Context
from pgsluice.bench.report import Figure
from pgsluice.bench.rows import consume, fanout, http, idle, idle_syncs, ingest, latency, loop, snapshot, sync, waiting

ROWS: dict[str, tuple[str, Callable[[Context], list[Figure]]]] = {
    "consume": ("Consume and acknowledge, 1 worker", consume.one_worker),
    "consume4": ("Consume and acknowledge, 4 workers", consume.four_workers),
    "ingest": ("Ingest through SQL, 1 worker", ingest.ingest),
    "loop": ("Produce and consume in one loop, 4 workers", loop.loop),
    "idle": ("Idle poll, with the round trip", idle.idle),
    "waiting": ("The same call, batch 10, with much waiting or in flight", waiting.waiting),
    "snapshot": ("An old snapshot held, 4 workers produce and consume, batch 10", snapshot.snapshot),
    "fanout": ("One stream, 32 consumers", fanout.fan_out),
    "wal": ("WAL of deliver + ack, a message, batch 100", fanout.wal_of_delivery),
    "latency": ("From commit to a waiting client, 100 messages a second", latency.latency),
    "http": ("HTTP beside SQL", http.http),
    "sync": ("From a vendor's pages to rows, 100 records of 1 kB a page", sync.sync),
    "idle-syncs": ("A thousand syncs with nothing to do", idle_syncs.idle_syncs),
}
