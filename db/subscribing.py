"""What a poller does in the database about subscriptions: take a sync whose vendor is to be asked, and store what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pgsluice.db import chores, rows
from pgsluice.db.chores import Look
from pgsluice.db.rows import Row
from pgsluice.db.sealed import SealedCredential, take_credential
from pgsluice.db.statements import Database, run

# NOTIFY: a subscription is to be looked at.
CHANNEL: Final = "sluice_subscriptions"


@dataclass(frozen=True)
class Claimed:
    """A sync whose subscription this poller is to look at. `attempt` counts from 1."""

    sync_id: str
    epoch: int
    provider: str
    collection_ids: tuple[str, ...]
    credential: SealedCredential | None
    clock: datetime
    has_secret: bool
    tag: str | None
    attempt: int


async def listen(conn: Database) -> None:
    """Lets `conn.notifies()` bring word of subscriptions to look at."""
    await run(conn, f"listen {CHANNEL}")


async def claim(conn: Database, poller_id: str) -> Look[Claimed]:
    return await chores.look(conn, "select * from sluice_internal._subscription_claim(%s)", poller_id, _claimed)


def _claimed(row: Row) -> Claimed | None:
    if row["sync_id"] is None:
        return None
    credential = take_credential(row)
    return Claimed(**{**row, "credential": credential, "collection_ids": tuple(row["collection_ids"])})


async def known(conn: Database, poller_id: str, claimed: Claimed) -> tuple[bytes, int] | None:
    """The secret that deliveries are signed with so far, sealed, and its key's version; None where there is none."""
    query = "select * from sluice_internal._subscription_known(%s, %s, %s)"
    found = await run(conn, query, claimed.sync_id, poller_id, claimed.epoch)
    return (found[0]["sealed"], found[0]["key_version"]) if found else None


async def secret(conn: Database, poller_id: str, claimed: Claimed, sealed: bytes, key_version: int) -> bool:
    """Stores the secret that the vendor showed. False if another poller has taken over."""
    query = "select sluice_internal._subscription_secret(%s, %s, %s, %s, %s) as done"
    (row,) = await run(conn, query, claimed.sync_id, poller_id, claimed.epoch, sealed, key_version)
    done: bool = row["done"]
    return done


async def end(
    conn: Database,
    poller_id: str,
    claimed: Claimed,
    again_in: timedelta,
    *,
    address: str | None = None,
    error: Mapping[str, Any] | None = None,
    notices: Sequence[str] = (),
) -> bool:
    """The subscription is as it should be, or (`error`) why not. False if another poller has taken over."""
    query = "select sluice_internal._subscription_end(%s, %s, %s, %s, %s, %s::jsonb, %s::text[]) as done"
    said = None if error is None else rows.json_parameter(dict(error))
    (row,) = await run(conn, query, claimed.sync_id, poller_id, claimed.epoch, again_in, address, said, list(notices))
    done: bool = row["done"]
    return done
