"""What a poller does in the database: hold syncs under a lease, commit pages, say how it went. One coroutine a function.

A lease is (`poller_id`, `epoch`) and lives while the poller's heartbeat does. Whatever needs it raises SL130 (`LeaseLost`) once another
poller has taken over: then nothing was written, and what was read must be dropped. Every function raises SL401 (`DatabaseUnavailable`)
when the connection is lost; it is dead then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pgsluice.db import rows
from pgsluice.db.sealed import SealedCredential, take_credential
from pgsluice.db.statements import Connection, Database, run

# NOTIFY: a sync was created, resumed or given back.
CHANNEL: Final = "sluice_poller"


@dataclass(frozen=True)
class FeedState:
    """How far one list or change feed of a sync has been read, as committed. `cursor` is the provider's own; None before the first page.

    `kind`, `collection_ids` and `every` (seconds) are what `reading.declare` was told. `wait`: seconds from the claim in which it is not
    to be asked. `error`: the code of why it could not be read, so many times (`attempt`) in a row. `concluding`: a sweep's pass is
    complete.
    """

    feed: str
    cursor: Mapping[str, Any] | None
    done: bool
    kind: str | None = None
    collection_ids: tuple[str, ...] = ()
    every: float | None = None
    wait: float = 0.0
    error: str | None = None
    attempt: int = 0
    concluding: bool = False


@dataclass(frozen=True)
class ClaimedSync:
    """A sync that this poller holds now.

    `attempt` counts failures in a row. `clock` is the database's time of the claim, `due_at` since when the sync waited for it. `wanted`:
    one of the objects to be fetched by themselves (`wanting.take`), empty where there are none.
    """

    sync_id: str
    epoch: int
    provider: str
    collection_ids: tuple[str, ...]
    credential: SealedCredential | None
    attempt: int
    feeds: tuple[FeedState, ...]
    clock: datetime
    max_age_days: int | None = None
    max_concurrent_requests: int | None = None
    due_at: datetime | None = None
    wanted: tuple[tuple[str, str], ...] = ()

    @property
    def credential_id(self) -> str | None:
        return None if self.credential is None else self.credential.credential_id


@dataclass(frozen=True)
class PageResult:
    """What a page did. `refetch`: (`collection_id`, `upstream_id`) of objects whose read overlapped another one and differed."""

    new: int
    changed: int
    unchanged: int
    refused: int
    refetch: tuple[tuple[str, str], ...]
    clock: datetime


@dataclass(frozen=True)
class NewPage:
    """A page to be committed.

    `records`: each the JSON text of `{collection_id, upstream_id, data, upstream_created_at, upstream_updated_at, deleted}`, which keeps
    the vendor's digits. `read_from`: the database's clock before the request was sent. `quarantine`: `{collection_id, upstream_id, raw
    (base64), reason}` each. `facts`: what else the page says (sql/internal/_page_commit.sql).
    """

    feed: str
    cursor: Mapping[str, Any] | None
    done: bool
    records: Sequence[bytes] = field(repr=False)
    read_from: datetime
    quarantine: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Due:
    """How many syncs wait for a poller now, how long until the next one does (None: none is planned), how many others hold."""

    due: int
    next_in: timedelta | None
    held: int


@dataclass(frozen=True)
class Ended:
    """A turn that read all there was. `next_in` and `pages` as for `finish`."""

    sync: ClaimedSync
    next_in: timedelta
    pages: Sequence[Mapping[str, Any]]


async def heartbeat(conn: Database, poller_id: str, host: str | None, pid: int | None) -> None:
    """Says that this poller lives: every 2 s. After 10 s of silence others take its syncs."""
    await run(conn, "select sluice_internal._poller_heartbeat(%s, %s, %s)", poller_id, host, pid)


async def stop(conn: Database, poller_id: str) -> None:
    """Ends this poller: its syncs are free at once."""
    await run(conn, "select sluice_internal._poller_stop(%s)", poller_id)


async def claim(
    conn: Database, poller_id: str, max_syncs: int, *, ignore_schedule: bool = False, since: datetime | None = None
) -> list[ClaimedSync]:
    """Takes up to `max_syncs` syncs that are due, longest waiting first; with `ignore_schedule` also those that are not due yet.

    `since`: only those that fell due then or later. Others are passed over, and with them what an old snapshot keeps of their past.
    """
    query = "select * from sluice_internal._sync_claim(%s, %s, %s, null, %s)"
    return [_claimed(row) for row in await run(conn, query, poller_id, max_syncs, ignore_schedule, since)]


async def reclaim(conn: Database, poller_id: str, sync: ClaimedSync) -> ClaimedSync | None:
    """The same sync in a new epoch, as it was last committed: after a lost connection. None if another poller has it, or it is paused."""
    query = "select * from sluice_internal._sync_claim(%s, 1, true, %s)"
    claimed = await run(conn, query, poller_id, sync.sync_id)
    return _claimed(claimed[0]) if claimed else None


async def listen(conn: Connection) -> None:
    """Lets `conn.notifies()` bring word of syncs that wait."""
    await run(conn, f"listen {CHANNEL}")


def _claimed(row: rows.Row) -> ClaimedSync:
    feeds = tuple(_feed(feed) for feed in row["feeds"] or ())
    wanted = tuple((item["collection_id"], item["upstream_id"]) for item in row["wanted"] or ())
    credential = take_credential(row)
    return ClaimedSync(
        **{**row, "credential": credential, "collection_ids": tuple(row["collection_ids"]), "feeds": feeds, "wanted": wanted}
    )


def _feed(state: Mapping[str, Any]) -> FeedState:
    every = state.get("every")
    seconds = {"wait": float(state.get("wait") or 0), "every": None if every is None else float(every)}
    return FeedState(**{**state, "collection_ids": tuple(state.get("collection_ids") or ()), **seconds})


async def due(conn: Database, poller_id: str, *, since: datetime | None = None) -> Due:
    """`since` as for `claim`."""
    (row,) = await run(conn, "select * from sluice_internal._sync_due(%s, %s)", poller_id, since)
    return Due(**row)


async def commit_pages(conn: Database, poller_id: str, sync: ClaimedSync, pages: Sequence[NewPage]) -> PageResult:
    """Writes pages, each of another feed, and moves the feeds' cursors: all together or nothing. SL130 if the lease is gone.

    Several pages have no `quarantine`, and no `restart` among their facts. Of each page that has an object of `refetch` the cursor stays.
    """
    query = "select * from sluice_internal._pages_commit(%s, %s, %s, %s::jsonb, %s::jsonb, %s::jsonb, %s)"
    json = rows.json_parameter
    said = [
        {
            "feed": page.feed,
            "cursor": page.cursor,
            "done": page.done,
            "read_from": page.read_from.isoformat(),
            "facts": page.facts,
            "records": len(page.records),
        }
        for page in pages
    ]
    records = b"[" + b",".join([record for page in pages for record in page.records]) + b"]"
    quarantine = [refused for page in pages for refused in page.quarantine]
    read_from = min(page.read_from for page in pages)
    arguments = (json(said), json(records), json(quarantine), read_from)
    (row,) = await run(conn, query, sync.sync_id, poller_id, sync.epoch, *arguments)
    refetch = tuple((item["collection_id"], item["upstream_id"]) for item in row["refetch"] or ())
    return PageResult(**{**row, "refetch": refetch})


async def finish(
    conn: Database,
    poller_id: str,
    sync: ClaimedSync,
    next_in: timedelta,
    *,
    complete: bool = True,
    pages: Sequence[Mapping[str, Any]] = (),
) -> None:
    """The sync is read as far as it can be: free again once its `sync_frequency`, else `next_in`, has passed, or a feed is due. SL130.

    `complete`: nothing failed and nothing waits. `pages`: {feed, cursor, read_from, facts} of pages without anything in them, which are
    committed in the same transaction.
    """
    query = "select sluice_internal._sync_finish(%s, %s, %s, %s, %s, %s::jsonb)"
    await run(conn, query, sync.sync_id, poller_id, sync.epoch, next_in, complete, rows.json_parameter(list(pages)))


async def finish_many(conn: Database, poller_id: str, ended: Sequence[Ended]) -> list[bool]:
    """`finish` for several syncs that were read completely; of each whether it was the usual end. The others take `finish`."""
    query = "select sync_id from sluice_internal._sync_finish_many(%s, %s::jsonb) as sync_id"
    said = [
        {"sync_id": end.sync.sync_id, "epoch": end.sync.epoch, "next_in": end.next_in.total_seconds(), "pages": list(end.pages)}
        for end in ended
    ]
    done = {row["sync_id"] for row in await run(conn, query, poller_id, rows.json_parameter(said))}
    return [end.sync.sync_id in done for end in ended]


async def fail(conn: Database, poller_id: str, sync: ClaimedSync, *, status: str, error: Mapping[str, Any], retry_in: timedelta) -> None:
    """The turn failed: `error` ({code, message, details, hint}), `status` `error` or `rate_limited`; again after `retry_in`. SL130."""
    query = "select sluice_internal._sync_fail(%s, %s, %s, %s, %s::jsonb, %s)"
    await run(conn, query, sync.sync_id, poller_id, sync.epoch, status, rows.json_parameter(dict(error)), retry_in)


async def release(conn: Database, poller_id: str, sync: ClaimedSync) -> None:
    """Gives the sync back in the middle of its work; whoever comes first goes on. Nothing happens if the lease is gone."""
    await run(conn, "select sluice_internal._sync_release(%s, %s, %s)", sync.sync_id, poller_id, sync.epoch)


async def tidy(conn: Connection) -> bool:
    """One step of removing and moving the records of syncs that were deleted or moved; False if there is nothing to do now."""
    (row,) = await run(conn, "select sluice_internal._sync_tidy() as more")
    return bool(row["more"])


async def trim(conn: Connection) -> bool:
    """One step of removing entries of a stream's log that were replaced; False if there is nothing to do now."""
    (row,) = await run(conn, "select sluice_internal._streams_tidy() as more")
    return bool(row["more"])


async def compact(conn: Connection) -> bool:
    """Whether the leases of consumers were written anew, since what was removed of them could not be vacuumed."""
    (row,) = await run(conn, "select sluice_internal._leases_compact() as compacted")
    return bool(row["compacted"])


async def provider_document(conn: Database, provider: str) -> str | None:
    """The document of a provider of the user's own, as JSON text; None if there is none."""
    (row,) = await run(conn, "select sluice_internal._provider_document(%s) as document", provider)
    document: str | None = row["document"]
    return document


async def jsonb_refusal(conn: Database, raw: str) -> str | None:
    """Why Postgres cannot store this JSON text as jsonb, None if it can. `raw` itself must not hold a NUL character."""
    (row,) = await run(conn, "select sluice_internal._jsonb_refusal(%s) as reason", raw)
    reason: str | None = row["reason"]
    return reason


async def clock(conn: Database) -> datetime:
    """The database's clock, for `read_from`."""
    (row,) = await run(conn, "select clock_timestamp() as clock")
    now: datetime = row["clock"]
    return now
