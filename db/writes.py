"""What a poller does in the database about mutations: take items, and say what became of them. One coroutine a function.

An item is held like a sync, under (`poller_id`, `epoch`), while the poller's heartbeat lives. Ending or putting back one that another
poller has taken over answers false, and nothing was written. Every function raises SL401 (`DatabaseUnavailable`) when the connection is
lost; it is dead then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pgsluice.db import rows
from pgsluice.db.sealed import SealedCredential, take_credential
from pgsluice.db.statements import Connection, Database, run

# NOTIFY: something is to be sent.
CHANNEL: Final = "sluice_mutations"


@dataclass(frozen=True)
class ClaimedItem:
    """One write that this poller holds now.

    `data` is JSON text. `attempt` counts claims, from 1. `sent_before`: an earlier attempt may have reached the vendor, the first one not
    before `first_sent_at`. `clock` is the database's time of the claim.
    """

    mutation_no: int
    item_no: int
    epoch: int
    sync_id: str
    collection_id: str
    kind: str
    upstream_id: str | None
    data: str | None = field(repr=False)
    vendor_key: str
    attempt: int
    first_sent_at: datetime
    provider: str
    credential: SealedCredential | None
    clock: datetime
    sent_before: bool
    match_on: str | None = None
    if_match: str | None = None

    @property
    def credential_id(self) -> str | None:
        return None if self.credential is None else self.credential.credential_id


async def listen(conn: Connection) -> None:
    """Lets `conn.notifies()` bring word of items that wait."""
    await run(conn, f"listen {CHANNEL}")


async def claim(
    conn: Database,
    poller_id: str,
    max_items: int,
    *,
    like: ClaimedItem | None = None,
    busy_sync_ids: Sequence[str] = (),
    busy_providers: Sequence[str] = (),
) -> list[ClaimedItem]:
    """Takes up to `max_items` items that are due; of one object only the oldest. `like`: to be sent in one request with that one.
    `busy_…`: nothing of these.
    """
    query = "select * from sluice_internal._mutation_claim(%s, %s, %s, %s, %s, %s, %s)"
    only = (None, None, None) if like is None else (like.sync_id, like.collection_id, like.kind)
    busy = (list(busy_sync_ids) or None, list(busy_providers) or None)
    # The data goes on to the vendor as text: no digit is lost.
    claimed = await run(conn, query, poller_id, max_items, *only, *busy, raw_json=True)
    return [_item(row) for row in claimed]


def _item(row: rows.Row) -> ClaimedItem:
    credential = take_credential(row, "credential_kind")
    return ClaimedItem(**row, credential=credential)


async def complete(
    conn: Database,
    poller_id: str,
    item: ClaimedItem,
    *,
    status: str,
    upstream_id: str | None = None,
    records: Sequence[Mapping[str, Any]] | str | bytes = (),
    read_from: datetime | None = None,
    error: Mapping[str, Any] | None = None,
) -> bool:
    """Ends an item (`succeeded`, `failed`, `unknown`) and writes the object, together. False if the item was taken over.

    `records` as in `leases.commit_pages`; `read_from`: the database's clock before the request was sent.
    """
    query = "select sluice_internal._mutation_complete(%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s::jsonb) as done"
    json = rows.json_parameter
    written = json(records if isinstance(records, str | bytes) else list(records))
    said = None if error is None else json(dict(error))
    (row,) = await run(conn, query, item.mutation_no, item.item_no, poller_id, item.epoch, status, upstream_id, written, read_from, said)
    done: bool = row["done"]
    return done


async def retry(
    conn: Database, poller_id: str, item: ClaimedItem, *, retry_in: timedelta, was_sent: bool, error: Mapping[str, Any] | None
) -> bool:
    """Puts an item back for a later attempt. `was_sent`: this or an earlier attempt may have reached the vendor. False if taken over."""
    query = "select sluice_internal._mutation_retry(%s, %s, %s, %s, %s, %s, %s::jsonb) as done"
    said = None if error is None else rows.json_parameter(dict(error))
    (row,) = await run(conn, query, item.mutation_no, item.item_no, poller_id, item.epoch, retry_in, was_sent, said)
    done: bool = row["done"]
    return done
