"""What a poller does in the database about descriptions: take an account that is to be asked for its collections, and store the answer."""

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

# NOTIFY: an account is to be asked.
CHANNEL: Final = "sluice_descriptions"


@dataclass(frozen=True)
class Claimed:
    """An account that this poller is to ask. `attempt` counts from 1."""

    credential: SealedCredential
    epoch: int
    provider: str
    attempt: int
    clock: datetime

    @property
    def credential_id(self) -> str:
        return self.credential.credential_id


async def listen(conn: Database) -> None:
    """Lets `conn.notifies()` bring word of accounts to ask."""
    await run(conn, f"listen {CHANNEL}")


async def claim(conn: Database, poller_id: str, busy_providers: Sequence[str] = ()) -> Look[Claimed]:
    return await chores.look(conn, "_description_claim", poller_id, busy_providers, _claimed)


def _claimed(row: Row) -> Claimed | None:
    credential = take_credential(row)
    return None if credential is None else Claimed(credential, **row)


async def end(
    conn: Database,
    poller_id: str,
    claimed: Claimed,
    *,
    collections: Sequence[Mapping[str, Any]] = (),
    error: Mapping[str, Any] | None = None,
    retry_in: timedelta | None = None,
) -> bool:
    """Stores what the account has, or the error. False if another poller has taken over."""
    query = "select sluice_internal._description_end(%s, %s, %s, %s::jsonb, %s::jsonb, %s) as done"
    said = None if error is None else rows.json_parameter(dict(error))
    found = rows.json_parameter(list(collections))
    (row,) = await run(conn, query, claimed.credential_id, poller_id, claimed.epoch, found, said, retry_in)
    done: bool = row["done"]
    return done
