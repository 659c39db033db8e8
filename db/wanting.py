"""What a poller does in the database about single objects that are to be fetched. Every function needs the sync's lease (SL130)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pgsluice.db import rows
from pgsluice.db.leases import ClaimedSync, PageResult
from pgsluice.db.statements import Database, run


class Wanted(NamedTuple):
    """An object to be fetched. `held`: the provider's own note. `clock`: the database's, from which on word of it counts as newer."""

    collection_id: str
    upstream_id: str
    held: bytes | None
    clock: datetime


async def take(conn: Database, poller_id: str, sync: ClaimedSync) -> list[Wanted]:
    """Up to a hundred that are due."""
    query = "select * from sluice_internal._wanted_next(%s, %s, %s)"
    return [Wanted(**row) for row in await run(conn, query, sync.sync_id, poller_id, sync.epoch)]


async def commit(
    conn: Database,
    poller_id: str,
    sync: ClaimedSync,
    *,
    records: Sequence[Mapping[str, Any]] | str | bytes,
    quarantine: Sequence[Mapping[str, Any]],
    read_from: datetime,
    facts: Mapping[str, Any],
) -> PageResult:
    """Writes what was fetched, without a feed. `records`: a JSON array; `quarantine` as in `leases.NewPage`."""
    query = "select * from sluice_internal._wanted_commit(%s, %s, %s, %s::jsonb, %s::jsonb, %s, %s::jsonb)"
    json = rows.json_parameter
    arguments = (json(records), json(list(quarantine)), read_from, json(dict(facts)))
    (row,) = await run(conn, query, sync.sync_id, poller_id, sync.epoch, *arguments)
    refetch = tuple((item["collection_id"], item["upstream_id"]) for item in row["refetch"] or ())
    return PageResult(**{**row, "refetch": refetch})


async def put_off(conn: Database, poller_id: str, sync: ClaimedSync, objects: Sequence[tuple[str, str]]) -> int:
    """These cannot be fetched now; how many were given up after a day of trying."""
    query = "select sluice_internal._wanted_put_off(%s, %s, %s, %s::jsonb) as given_up"
    named = [{"collection_id": collection_id, "upstream_id": upstream_id} for collection_id, upstream_id in objects]
    (row,) = await run(conn, query, sync.sync_id, poller_id, sync.epoch, rows.json_parameter(named))
    given_up: int = row["given_up"]
    return given_up
