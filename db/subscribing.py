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
    """A sync whose subscription this poller is to look at, or (`removal`) to remove: of no collections then. `attempt` counts from 1."""

    sync_id: str
    epoch: int
    provider: str
    collection_ids: tuple[str, ...]
    credential: SealedCredential | None
    clock: datetime
    has_secret: bool
    tag: str | None
    attempt: int
    removal: int | None = None
    address: str | None = None  # of what is to be removed, where it is known


async def listen(conn: Database) -> None:
    """Lets `conn.notifies()` bring word of subscriptions to look at."""
    await run(conn, f"listen {CHANNEL}")


async def claim(conn: Database, poller_id: str, busy_providers: Sequence[str] = ()) -> Look[Claimed]:
    """One to look at, or one to remove."""
    kept = await chores.look(conn, "_subscription_claim", poller_id, busy_providers, _claimed)
    if kept.claimed is not None:
        return kept
    left = await chores.look(conn, "_unsubscription_claim", poller_id, busy_providers, _left)
    return Look(left.claimed, min((look.next_in for look in (kept, left) if look.next_in is not None), default=None))


def _claimed(row: Row) -> Claimed | None:
    if row["sync_id"] is None:
        return None
    credential = take_credential(row)
    return Claimed(**{**row, "credential": credential, "collection_ids": tuple(row["collection_ids"])})


def _left(row: Row) -> Claimed | None:
    if row["sync_id"] is None:
        return None
    credential = take_credential(row)
    removal = row.pop("unsubscription_no")
    return Claimed(**row, credential=credential, collection_ids=(), has_secret=False, removal=removal)


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


async def removed(
    conn: Database,
    poller_id: str,
    claimed: Claimed,
    again_in: timedelta | None = None,
    error: Mapping[str, Any] | None = None,
) -> bool:
    """The subscription is gone, or (`error`) why not; without `again_in` it is given up. True if it is left behind."""
    query = "select sluice_internal._unsubscription_end(%s, %s, %s, %s, %s::jsonb) as given_up"
    said = None if error is None else rows.json_parameter(dict(error))
    (row,) = await run(conn, query, claimed.removal, poller_id, claimed.epoch, again_in, said)
    given_up: bool = row["given_up"]
    return given_up
