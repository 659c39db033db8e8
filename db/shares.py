"""What pollers share beside syncs: the limits on requests, what vendors said of them, and the renewal of tokens. One coroutine a function.

Every function raises SL401 (`DatabaseUnavailable`) when the connection is lost; it is dead then. All are for connections in autocommit
mode: their locks last for the moment of the call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from pgsluice.db import rows
from pgsluice.db.sealed import SealedCredential, take_app
from pgsluice.db.statements import Database, run


@dataclass(frozen=True)
class Grant:
    """`granted` requests that may be sent within `lasts` seconds of the call; 0: ask again after `wait` seconds.

    `held`: the request holds a place of `max_concurrent_requests` until `rate_release`. `drawn_at`: to give back what was not used.
    """

    granted: int
    wait: float
    lasts: float
    held: bool
    drawn_at: datetime


@dataclass(frozen=True)
class Secret:
    """A credential's newest version, and what a poller that asked for another secret may do: see `_renewal_claim`."""

    state: Literal["newer", "refused", "busy", "yours", "same"]
    credential: SealedCredential
    error: Mapping[str, Any] | None
    clock: datetime


async def rate_take(
    conn: Database,
    poller_id: str,
    sync_id: str | None,
    *,
    limits: Sequence[Mapping[str, Any]] = (),
    wanted: int = 1,
    cost: float = 1.0,
    writes: bool = False,
    hold_id: UUID,
    unused: int = 0,
    unused_from: datetime | None = None,
    credential_id: str | None = None,
) -> Grant:
    """Draws from the limits of a sync and its credential; without a sync, of the credential alone.

    `limits`: `{name, allowed, seconds}` each; `unused` of a grant return.
    """
    query = "select * from sluice_internal._rate_take(%s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s, %s)"
    limited = rows.json_parameter(list(limits))
    (row,) = await run(conn, query, sync_id, poller_id, limited, wanted, cost, writes, hold_id, unused, unused_from, credential_id)
    return Grant(**row)


async def rate_take_many(conn: Database, poller_id: str, asked: Sequence[Mapping[str, Any]]) -> list[Grant]:
    """`rate_take` for reads of several syncs without max_concurrent_requests, in their order.

    `asked`: `{sync_id, credential_id, limits, wanted, unused, unused_from}` each.
    """
    usual = "select * from sluice_internal._rate_take_usual(%s::jsonb)"
    grants = {
        row["place"]: Grant(row["granted"], 0.0, row["lasts"], held=False, drawn_at=row["drawn_at"])
        for row in await run(conn, usual, rows.json_parameter(list(asked)))
    }
    rest = {place: ask for place, ask in enumerate(asked, 1) if place not in grants}
    if rest:
        query = "select * from sluice_internal._rate_take_many(%s, %s::jsonb)"
        taken = await run(conn, query, poller_id, rows.json_parameter(list(rest.values())))
        grants |= {place: Grant(**row) for place, row in zip(rest, taken, strict=True)}
    return [grants[place] for place in range(1, len(asked) + 1)]


async def rate_release(conn: Database, hold_id: UUID) -> None:
    """The request is answered. Nothing happens if it held no place."""
    await run(conn, "select sluice_internal._rate_release(%s)", hold_id)


async def rate_signal(
    conn: Database,
    sync_id: str | None,
    *,
    credential_id: str | None = None,
    wait: float | None = None,
    remaining: float | None = None,
    resets_in: float | None = None,
    restore_rate: float | None = None,
) -> None:
    """What the vendor said of its budget, for every sync of the credential. Seconds."""
    query = "select sluice_internal._rate_signal(%s, %s, %s, %s, %s, %s)"
    await run(conn, query, sync_id, wait, remaining, resets_in, restore_rate, credential_id)


async def renewal_claim(conn: Database, poller_id: str, credential_id: str, version: int, *, renew: bool) -> Secret | None:
    """Who holds `version` of a secret asks for another one; with `renew` a renewal may be this poller's. None: no such credential."""
    query = "select * from sluice_internal._renewal_claim(%s, %s, %s, %s)"
    found = await run(conn, query, credential_id, poller_id, version, renew)
    if not found:
        return None
    row = found[0]
    state, error, clock, app = row.pop("state"), row.pop("error"), row.pop("clock"), take_app(row)
    return Secret(state, SealedCredential(credential_id, **row, app=app), error, clock)


async def renewal_store(
    conn: Database,
    credential_id: str,
    version: int,
    *,
    sealed: bytes,
    key_version: int,
    expires_in: float | None,
    base_url: str | None,
) -> int | None:
    """Stores what the vendor answered; its version. None if another secret was stored meanwhile."""
    query = "select sluice_internal._renewal_store(%s, %s, %s, %s, %s, %s) as version"
    lasts = None if expires_in is None else timedelta(seconds=expires_in)
    (row,) = await run(conn, query, credential_id, version, sealed, key_version, lasts, base_url)
    stored: int | None = row["version"]
    return stored


async def renewal_end(conn: Database, poller_id: str, credential_id: str, version: int, error: Mapping[str, Any] | None) -> None:
    """The renewal brought nothing; `error`: the vendor refused it for good."""
    said = None if error is None else rows.json_parameter(dict(error))
    await run(conn, "select sluice_internal._renewal_end(%s, %s, %s, %s::jsonb)", credential_id, poller_id, version, said)
