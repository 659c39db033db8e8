"""A credential as a poller claims it: sealed, with the OAuth app that it was obtained through. `poller/sharing` opens it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pgsluice.db import rows


@dataclass(frozen=True)
class SealedApp:
    """An OAuth app as stored."""

    oauth_app_id: str
    client_id: str
    sealed: bytes = field(repr=False)
    key_version: int


@dataclass(frozen=True)
class SealedCredential:
    """A credential as stored. `version` is that of its secret; times are the database's, None: not known, or never."""

    credential_id: str
    kind: str
    sealed: bytes = field(repr=False)
    key_version: int
    base_url: str | None = None
    version: int | None = None
    expires_at: datetime | None = None
    renew_at: datetime | None = None
    app: SealedApp | None = None


def take_credential(row: rows.Row, kind: str = "kind") -> SealedCredential | None:
    """Takes the columns of a claim that are about its credential out of `row`; None where it has none. `kind`: the column of its kind."""
    found = {
        "credential_id": row.pop("credential_id"),
        "kind": row.pop(kind),
        "sealed": row.pop("sealed"),
        "key_version": row.pop("key_version"),
        "base_url": row.pop("base_url"),
        "version": row.pop("credential_version"),
        "expires_at": row.pop("credential_expires_at", None),
        "renew_at": row.pop("credential_renew_at"),
    }
    app = take_app(row)
    return None if found["credential_id"] is None or found["sealed"] is None else SealedCredential(**found, app=app)


def take_app(row: rows.Row) -> SealedApp | None:
    app = (row.pop("oauth_app_id"), row.pop("client_id"), row.pop("client_sealed"), row.pop("client_key_version"))
    return None if app[0] is None or app[2] is None else SealedApp(*app)
