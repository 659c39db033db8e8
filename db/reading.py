"""What a poller does with the feeds of a sync that it holds, beside committing pages (`leases.commit_pages`). One coroutine a function.

All of it raises SL130 once the lease is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pgsluice.db import rows
from pgsluice.db.leases import ClaimedSync
from pgsluice.db.statements import Database, run


@dataclass(frozen=True)
class Concluded:
    """One step of a sweep's conclusion: whether there is another, how many tombstones it made, the database's clock.

    `doubtful`: (`collection_id`, `upstream_id`) of what it would have made some of; it did nothing then.
    """

    more: bool
    deleted: int
    clock: datetime
    doubtful: tuple[tuple[str, str], ...] = ()


async def declare(conn: Database, poller_id: str, sync: ClaimedSync, feeds: Sequence[Mapping[str, Any]]) -> None:
    """What the provider reads for this sync: `{feed, kind, collection_ids, every (seconds)}` each. What is stored of other feeds goes."""
    query = "select sluice_internal._feeds_declare(%s, %s, %s, %s::jsonb)"
    await run(conn, query, sync.sync_id, poller_id, sync.epoch, rows.json_parameter(list(feeds)))


async def fail(
    conn: Database,
    poller_id: str,
    sync: ClaimedSync,
    *,
    feed: str,
    error: Mapping[str, Any],
    retry_in: timedelta,
    cursor: Mapping[str, Any] | None = None,
) -> None:
    """One feed cannot be read now; again after `retry_in`, from `cursor` on (None: from where it is)."""
    query = "select sluice_internal._feed_fail(%s, %s, %s, %s, %s::jsonb, %s, %s::jsonb)"
    place = None if cursor is None else rows.json_parameter(dict(cursor))
    await run(conn, query, sync.sync_id, poller_id, sync.epoch, feed, rows.json_parameter(dict(error)), retry_in, place)


async def conclude(
    conn: Database, poller_id: str, sync: ClaimedSync, feed: str, *, max_records: int = 1000, max_doubtful: int = 0
) -> Concluded:
    """The next step of concluding a sweep's complete pass: what was there before it and did not come up becomes a tombstone.

    If that are no more than `max_doubtful`, they are named instead: who asked the vendor for each and committed the answers calls again.
    """
    query = "select * from sluice_internal._sweep_conclude(%s, %s, %s, %s, %s, %s)"
    (row,) = await run(conn, query, sync.sync_id, poller_id, sync.epoch, feed, max_records, max_doubtful)
    doubtful = tuple((item["collection_id"], item["upstream_id"]) for item in row["doubtful"] or ())
    return Concluded(**{**row, "doubtful": doubtful})


async def trim(conn: Database, poller_id: str, sync: ClaimedSync, max_records: int = 1000) -> bool:
    """The next step of removing records that are older than the sync's `max_age_days`; whether there is another one to do now."""
    query = "select more from sluice_internal._records_trim(%s, %s, %s, %s)"
    (row,) = await run(conn, query, sync.sync_id, poller_id, sync.epoch, max_records)
    more: bool = row["more"]
    return more
