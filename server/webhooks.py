"""`POST /webhooks/{sync_id}`: what vendors send. No token: a delivery is known by its signature, and by nothing else.

Nothing is stored before the signature is checked, and nothing is fetched here: vendors wait a few seconds only. An unknown sync, a vendor
without webhooks and a forged delivery are answered alike.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from pgsluice.db import webhooks
from pgsluice.db.errors import SluiceError, make
from pgsluice.db.webhooks import Recipient, Stored
from pgsluice.providers import rawjson, registry
from pgsluice.providers.base import Change, Hint
from pgsluice.providers.errors import Forged, NotPolled, ProviderError, Unreadable
from pgsluice.providers.protocol import Provider
from pgsluice.providers.replies import joined
from pgsluice.providers.webhooks import Delivery, Received
from pgsluice.server import bodies
from pgsluice.server.answers import raw

if TYPE_CHECKING:
    from pgsluice.server.app import App

PREFIX: Final = "/webhooks/"
MAX_BODY: Final = 5 * 1024 * 1024
# Checked in a thread: other requests must not wait for it.
_LARGE: Final = 256 * 1024
# Seconds between two writes of how many were refused, and of how many syncs at most.
_NOTE_EVERY: Final = 2.0
_MOST_NOTED: Final = 1000
# Answers of the database after which the objects are fetched instead: it waits for somebody's lock, or cannot store them as they came.
_FETCH_INSTEAD: Final = frozenset({"55P03", "40001", "40P01", "SL001", "SL106", "SL130"})
_UNKNOWN: Final = b"no secret of anybody's"

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.server")


class Desk:
    """Takes deliveries for an application."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._refused: Counter[str] = Counter()
        self._noting: asyncio.Task[None] | None = None
        self._waking: dict[str, asyncio.Task[None]] = {}

    async def receive(self, request: Request, sync_id: str) -> Response:
        """The answer to the vendor. SL114, SL181, SL210, SL401 and what else the database says."""
        body = await bodies.read(request, MAX_BODY)
        found = await webhooks.recipient(self._app.store, sync_id) if _is_text(sync_id) else None
        try:
            received = await self._genuine(request, body, found)
        except Unreadable as exc:
            # Genuine: something changed, and to refuse it would bring it again and again.
            log.warning("a genuine webhook cannot be read", sync=sync_id, error=exc.message)
            received = None
        except (ProviderError, NotPolled):
            self._count(found)
            raise make(
                "the delivery is not signed with a secret of this webhook, or it is too old",
                code="SL210",
                hint="compare the secret at the vendor with: pgsluice sync webhook set",
            ) from None
        assert found is not None
        stored = await self._stored(found, received, body)
        if stored.state == "gone":
            raise make("the sync of this webhook is being deleted", code="SL181", hint="delete the subscription at the vendor")
        if not stored.woken:
            self._wake(found.sync_id)
        if received is not None and received.answer is not None:
            return Response(received.answer, 200)
        return raw(b'{"received":true}')

    async def _genuine(self, request: Request, body: bytes, found: Recipient | None) -> Received:
        """What the delivery says. Forged, Unreadable, NotPolled."""
        key = self._app.settings.master_key
        if found is None:
            hmac.new(_UNKNOWN, body, hashlib.sha256).digest()
            raise Forged("no such sync")
        if key is None:
            raise make("the server has no master key to open the webhook's secret with", code="SL301", hint="set PGSLUICE_MASTER_KEY")
        provider = registry.resolve(found.provider, found.document)
        known = provider.webhooks
        secrets = [each.open(key)["secret"] for each in found.own]
        if known is not None and known.secret == "client" and found.client is not None:  # noqa: S105  no password
            secrets.append(found.client.open(key)["client_secret"])
        if known is None or not secrets:
            hmac.new(_UNKNOWN, body, hashlib.sha256).digest()
            raise Forged("nothing could be genuine")
        delivery = Delivery(
            request.method, self._url(request), joined(request.headers.items()), body, datetime.now(UTC), self._account(found, provider)
        )
        if len(body) > _LARGE:
            return await run_in_threadpool(provider.receive, delivery, secrets)
        return provider.receive(delivery, secrets)

    def _account(self, found: Recipient, provider: Provider) -> str | None:
        if found.account is not None or found.credential is None or found.credential_kind is None:
            return found.account
        fields = {field.name for field in provider.credential_kinds.get(found.credential_kind, ())}
        key = self._app.settings.master_key
        return found.credential.open(key).get("account") if "account" in fields and key is not None else None

    def _url(self, request: Request) -> str:
        """The address as the sender wrote it: a proxy may have changed its beginning."""
        path: str = (request.scope.get("raw_path") or request.scope["path"].encode()).partition(b"?")[0].decode("latin-1")
        query: str = request.scope["query_string"].decode("latin-1")
        public = self._app.settings.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
        return public + path + (f"?{query}" if query else "")

    # ------------------------------------------------------------ what is stored

    async def _stored(self, found: Recipient, received: Received | None, body: bytes) -> Stored:
        """Raises SluiceError if it could not be stored: then the vendor is to send it again."""
        digest = hashlib.sha256(body).hexdigest()
        if received is None:
            return await webhooks.store_delivery(self._app.store, found.sync_id, f"body {digest}", unreadable=True)
        named = received.delivery_id is not None and "\0" not in received.delivery_id
        delivery = f"id {received.delivery_id}" if named else f"body {digest}"
        hints, changes = _sorted(received)
        if changes:
            try:
                return await webhooks.store_delivery(
                    self._app.store, found.sync_id, delivery, hints=hints, records=_records(changes), ended=received.ended
                )
            except SluiceError as exc:
                if exc.code not in _FETCH_INSTEAD and exc.code[:2] not in {"22", "54"}:
                    raise
                hints = [*hints, *((change.collection_id, change.upstream_id, None) for change in changes)]
        stored = await webhooks.store_delivery(self._app.store, found.sync_id, delivery, hints=hints, ended=received.ended)
        return Stored(stored.state, woken=False) if received.look and stored.state == "stored" else stored

    def _wake(self, sync_id: str) -> None:
        """A poller was just writing: the sync is due once it has. The vendor does not wait for it."""
        if sync_id not in self._waking and len(self._waking) < _MOST_NOTED:
            self._waking[sync_id] = asyncio.create_task(self._woken(sync_id))

    async def _woken(self, sync_id: str) -> None:
        try:
            # What is not woken is due at its next poll.
            with suppress(SluiceError):
                await webhooks.wake(self._app.store, sync_id)
        finally:
            del self._waking[sync_id]

    def _count(self, found: Recipient | None) -> None:
        """One was refused. Written together with others: a flood of forgeries costs no writes of its own."""
        if found is None or (found.sync_id not in self._refused and len(self._refused) >= _MOST_NOTED):
            return
        self._refused[found.sync_id] += 1
        if self._noting is None or self._noting.done():
            self._noting = asyncio.create_task(self._note())

    async def _note(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_NOTE_EVERY):
                await self._app.stopping.wait()
        counts, self._refused = self._refused, Counter()
        with suppress(SluiceError):
            await webhooks.refused(self._app.store, counts)


def _is_text(value: str) -> bool:
    return "\0" not in value and len(value) <= 200


def _sorted(received: Received) -> tuple[list[tuple[str, str, bytes | None]], list[Change]]:
    """The hints, and the changes that are newer versions: one without a version is a hint."""
    versions = [change for change in received.changes if change.upstream_updated_at is not None]
    others = [Hint(change.collection_id, change.upstream_id) for change in received.changes if change.upstream_updated_at is None]
    hints = [(hint.collection_id, hint.upstream_id, hint.held) for hint in (*received.hints, *others)]
    return [hint for hint in hints if "\0" not in hint[1]], [change for change in versions if "\0" not in change.upstream_id]


def _records(changes: Sequence[Change]) -> bytes:
    return b"[" + b",".join(rawjson.stated(change) for change in changes) + b"]"
