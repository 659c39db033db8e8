"""What a poller does in the database about consents: take one that a vendor answered, and store the credential that it led to.

One coroutine a function, for connections in autocommit mode. Each raises SL401 (`DatabaseUnavailable`) when the connection is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from pgsluice.db import rows
from pgsluice.db.statements import Database, run

# NOTIFY: a vendor's answer came.
CHANNEL: Final = "sluice_signins"


@dataclass(frozen=True)
class Answered:
    """A consent that this poller is to turn into a credential. `bound_to`: what its sealed values are bound to."""

    signin_id: str
    bound_to: str
    provider: str
    kind: str
    oauth_app_id: str
    client_id: str
    client_sealed: bytes = field(repr=False)
    client_key_version: int
    base_url: str | None
    redirect_uri: str
    scopes: Sequence[str]
    values: Mapping[str, str]
    verifier: bytes = field(repr=False)
    verifier_key_version: int
    answer: bytes = field(repr=False)
    answer_key_version: int


async def listen(conn: Database) -> None:
    """Lets `conn.notifies()` bring word of answers."""
    await run(conn, f"listen {CHANNEL}")


async def claim(conn: Database, poller_id: str) -> Answered | None:
    """Takes a consent that no living poller has; None where there is none."""
    found = await run(conn, "select * from sluice_internal._signin_claim(%s)", poller_id)
    return Answered(**found[0]) if found else None


async def credential_id(conn: Database, provider: str, account: str | None) -> str:
    """The id to seal the credential of that account for."""
    (row,) = await run(conn, "select sluice_internal._signin_credential(%s, %s) as id", provider, account)
    return str(row["id"])


async def store(
    conn: Database,
    signin_id: str,
    credential_id: str,
    *,
    sealed: bytes,
    key_version: int,
    base_url: str | None,
    account: str | None,
    expires_in: float | None,
    scopes: Sequence[str] | None,
) -> bool:
    """Stores the credential, and ends the consent. False if the account's credential has another id by now: ask for it, and seal anew."""
    query = "select sluice_internal._signin_store(%s, %s, %s, %s, %s, %s, %s, %s::text[]) as done"
    lasts = None if expires_in is None else timedelta(seconds=expires_in)
    granted = None if scopes is None else list(scopes)
    (row,) = await run(conn, query, signin_id, credential_id, sealed, key_version, base_url, account, lasts, granted)
    return bool(row["done"])


async def fail(conn: Database, poller_id: str, signin_id: str, error: Mapping[str, Any]) -> None:
    """It came to nothing; `error`: {code, message, details, hint}."""
    await run(conn, "select sluice_internal._signin_fail(%s, %s, %s::jsonb)", poller_id, signin_id, rows.json_parameter(dict(error)))
