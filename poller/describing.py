"""Accounts that are asked what collections they have, where that differs between accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import structlog

from pgsluice.db import describing, secrets
from pgsluice.db.describing import Claimed
from pgsluice.db.errors import DatabaseUnavailable, SluiceError
from pgsluice.poller.asking import Account, Stopped, Vendor
from pgsluice.poller.failing import advised, delay
from pgsluice.poller.knowing import know
from pgsluice.poller.session import Session, first_of, unexpected
from pgsluice.poller.sharing import Desk, client_of, opened
from pgsluice.poller.transport import Transport
from pgsluice.providers import registry
from pgsluice.providers.base import Collection
from pgsluice.providers.errors import ProviderError

# One slow vendor must not hold up the others.
AT_ONCE: Final = 2
# What a poller that died had taken is found this often, in seconds; nothing announces it.
LONGEST_SLEEP: Final = 60.0

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class Describer:
    """The descriptions of one session of a poller."""

    def __init__(self, session: Session, transport: Transport, key: secrets.MasterKey | None, stopping: asyncio.Event) -> None:
        self._session = session
        self._transport = transport
        self._key = key
        self._stopping = stopping

    async def serve(self) -> None:
        """Asks whoever is to be asked, for ever. Raises DatabaseUnavailable."""
        await first_of(*(self._work() for _ in range(AT_ONCE)))

    async def drain(self) -> None:
        """Asks whoever is to be asked now. Raises DatabaseUnavailable."""
        while (look := await describing.claim(self._session, self._session.poller_id)).claimed is not None:
            await self._ask(look.claimed)

    async def _work(self) -> None:
        while True:
            self._session.asked.clear()
            look = await describing.claim(self._session, self._session.poller_id)
            if look.claimed is not None:
                await self._ask(look.claimed)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(min(look.next_in or LONGEST_SLEEP, LONGEST_SLEEP)):
                    await self._session.asked.wait()

    async def _ask(self, claimed: Claimed) -> None:
        """Raises only DatabaseUnavailable. A poller that stops leaves it to the next one."""
        try:
            found = await self._described(claimed)
            await describing.end(self._session, self._session.poller_id, claimed, collections=found)
            log.info("account described", credential=claimed.credential_id, collections=len(found))
        except Stopped:
            return
        except DatabaseUnavailable:
            raise
        except (ProviderError, SluiceError) as exc:
            await self._failed(claimed, exc)
        except Exception as exc:  # noqa: BLE001  a bug in one provider concerns one account
            await self._failed(claimed, unexpected(exc))

    async def _described(self, claimed: Claimed) -> list[Mapping[str, Any]]:
        await know(self._session, [claimed.provider])
        credential = opened(
            f"the description of {claimed.credential_id}",
            claimed.credential_id,
            claimed.sealed,
            claimed.key_version,
            claimed.kind,
            claimed.base_url,
            self._key,
            client_of(claimed, self._key),
        )
        desk = Desk(self._session, self._session.poller_id, self._key, exchanges=self._session.exchanges)
        account = Account(desk, None, claimed.credential_id, claimed.credential_version, claimed.credential_renew_at, claimed.clock)
        vendor = Vendor(registry.get(claimed.provider), credential, self._transport, self._stopping, account=account)
        return [as_row(collection) for collection in await vendor.described()]

    async def _failed(self, claimed: Claimed, exc: ProviderError | SluiceError) -> None:
        log.warning("account not described", credential=claimed.credential_id, code=exc.code, error=exc.message)
        error = advised(exc, claimed.credential_id)
        retry_in = timedelta(seconds=delay(exc, claimed.attempt - 1))
        await describing.end(self._session, self._session.poller_id, claimed, error=error, retry_in=retry_in)


def as_row(collection: Collection) -> Mapping[str, Any]:
    """A collection as the database keeps it."""
    return {
        "collection_id": collection.collection_id,
        "description": collection.description,
        "mutations": list(collection.mutations),
        "match_on": list(collection.match_on),
        "if_match": collection.if_match,
        "fields": [
            {"name": field.name, "type": field.type, "primary_key": field.primary_key, "description": field.description}
            for field in collection.fields
        ],
    }
