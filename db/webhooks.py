"""The server's side of webhooks: what it needs to know a genuine delivery, and what it stores of one. No token, and no role but its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString, NamedTuple

from pgsluice.db import secrets
from pgsluice.db.sealing_webhooks import bound_to
from pgsluice.db.serving import Store

# Of sealed values over the server's connections, which give text.
_OPEN: Final[LiteralString] = """
    select json_build_object(
        'sync_id', w.sync_id, 'provider', w.provider, 'document', w.document, 'account', w.account,
        'secrets', json_build_array(
            json_build_array(encode(w.sealed, 'hex'), w.key_version), json_build_array(encode(w.former_sealed, 'hex'), w.former_key_version)
        ),
        'client', json_build_array(w.oauth_app_id, encode(w.client_sealed, 'hex'), w.client_key_version),
        'credential', json_build_array(w.credential_id, encode(w.credential_sealed, 'hex'), w.credential_key_version, w.credential_kind)
    )::text
    from sluice_internal._webhook_open(%s) as w"""
_STORE: Final[LiteralString] = """
    select json_build_object('state', w.state, 'woken', w.woken)::text
    from sluice_internal._webhook_store(%s, %s, %s::jsonb, %s::jsonb, %s, %s) as w"""


@dataclass(frozen=True)
class Sealed:
    """A sealed value, the id it was sealed for, and with which key."""

    sealed: bytes = field(repr=False)
    bound_to: str
    key_version: int

    def open(self, key: secrets.MasterKey) -> secrets.Secret:
        return secrets.open_sealed(self.sealed, self.bound_to, key, self.key_version)


@dataclass(frozen=True)
class Recipient:
    """A sync as a delivery finds it. `own`: the secrets of its webhooks, the newest first; `client`: that of its OAuth app."""

    sync_id: str
    provider: str
    document: str | None
    account: str | None
    own: tuple[Sealed, ...]
    client: Sealed | None
    credential_kind: str | None
    credential: Sealed | None


class Stored(NamedTuple):
    state: str
    woken: bool


async def recipient(store: Store, sync_id: str) -> Recipient | None:
    """The sync of that id; None if there is none. Raises SluiceError."""
    found = json.loads(await store.own(_OPEN, (sync_id,)))
    if found is None:
        return None
    credential_id, sealed, version, kind = found["credential"]
    app_id, app_sealed, app_version = found["client"]
    return Recipient(
        found["sync_id"],
        found["provider"],
        found["document"],
        found["account"],
        tuple(Sealed(bytes.fromhex(text), bound_to(sync_id), number) for text, number in found["secrets"] if text is not None),
        None if app_sealed is None else Sealed(bytes.fromhex(app_sealed), secrets.of_oauth_app(app_id), app_version),
        kind,
        None if sealed is None else Sealed(bytes.fromhex(sealed), credential_id, version),
    )


async def store_delivery(
    store: Store,
    sync_id: str,
    delivery: str,
    *,
    hints: Sequence[tuple[str, str, bytes | None]] = (),
    records: bytes = b"[]",
    ended: str | None = None,
    unreadable: bool = False,
) -> Stored:
    """Stores what a delivery says, in one transaction; as `_webhook_store`. `records`: the JSON text of an array. Raises SluiceError."""
    named = [
        {"collection_id": collection_id, "upstream_id": upstream_id, "held": None if held is None else base64.b64encode(held).decode()}
        for collection_id, upstream_id, held in hints
    ]
    asked: tuple[Any, ...] = (sync_id, delivery, json.dumps(named), records.decode(), ended, unreadable)
    return Stored(**json.loads(await store.own(_STORE, asked)))


async def wake(store: Store, sync_id: str) -> None:
    """The sync is due now; waits for a poller that is writing."""
    await store.own("select sluice_internal._webhook_wake(%s)::text", (sync_id,))


async def refused(store: Store, counts: Mapping[str, int]) -> None:
    await store.own("select sluice_internal._webhook_refused(%s::jsonb)::text", (json.dumps(dict(counts)),))
