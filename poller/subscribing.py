"""Sees to it that vendors send word of changes: subscriptions are made, looked at every few hours, and made again where they were dropped.

A secret that the vendor shows only when a subscription is made is stored before anything else is asked. If that fails, nobody has it any
more: the next attempt subscribes with another address, which leads to the same sync.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from typing import Final
from urllib.parse import quote

import structlog

from pgsluice.db import secrets, subscribing
from pgsluice.db.errors import DatabaseUnavailable, SluiceError, make
from pgsluice.db.sealing_webhooks import sealed_webhook
from pgsluice.db.subscribing import Claimed
from pgsluice.poller.asking import Account, Stopped, Vendor
from pgsluice.poller.knowing import know
from pgsluice.poller.session import Session, first_of, unexpected
from pgsluice.poller.sharing import Desk, client_of, opened
from pgsluice.poller.transport import Transport
from pgsluice.providers import limits, registry
from pgsluice.providers.base import Cursor
from pgsluice.providers.errors import ProviderError
from pgsluice.providers.protocol import Provider

AT_ONCE: Final = 2
# Vendors drop subscriptions after hours of failures. A little apart, so that a thousand syncs are not looked at in one moment.
AGAIN: Final = timedelta(hours=4)
SPREAD: Final = 0.25
# What a poller that died had taken is found this often, in seconds; nothing announces it.
LONGEST_SLEEP: Final = 30.0
MOST_STEPS: Final = 1000

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class Subscriber:
    """The subscriptions of one session of a poller."""

    def __init__(
        self, session: Session, transport: Transport, key: secrets.MasterKey | None, stopping: asyncio.Event, public_url: str | None
    ) -> None:
        self._session = session
        self._transport = transport
        self._key = key
        self._stopping = stopping
        self._public_url = public_url

    async def serve(self) -> None:
        """Looks after subscriptions, for ever. Raises DatabaseUnavailable."""
        await first_of(*(self._work() for _ in range(AT_ONCE)))

    async def drain(self) -> None:
        """Looks after those that are to be looked at now. Raises DatabaseUnavailable."""
        while (look := await subscribing.claim(self._session, self._session.poller_id)).claimed is not None:
            await self._see_to(look.claimed)

    async def _work(self) -> None:
        while True:
            self._session.subscribing.clear()
            look = await subscribing.claim(self._session, self._session.poller_id)
            if look.claimed is not None:
                await self._see_to(look.claimed)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(min(look.next_in or LONGEST_SLEEP, LONGEST_SLEEP)):
                    await self._session.subscribing.wait()

    async def _see_to(self, claimed: Claimed) -> None:
        """Raises only DatabaseUnavailable. A poller that stops leaves it to the next one."""
        try:
            await know(self._session, [claimed.provider])
            await self._subscribed(claimed)
        except Stopped:
            return
        except DatabaseUnavailable:
            raise
        except (ProviderError, SluiceError) as exc:
            await self._failed(claimed, exc)
        except Exception as exc:  # noqa: BLE001  a bug in one provider concerns one sync
            await self._failed(claimed, unexpected(exc))

    async def _subscribed(self, claimed: Claimed) -> None:
        provider = registry.get(claimed.provider)
        address = self._address(claimed, provider)
        vendor = self._vendor(claimed, provider)
        cursor: Cursor | None = None
        notices: list[str] = []
        for _ in range(MOST_STEPS):
            said = await vendor.subscribed(cursor, address, claimed.collection_ids or None)
            if said is None:
                break
            if said.secret is not None and not await self._kept(claimed, said.secret):
                return
            if said.secret is not None and claimed.has_secret:
                notices.append("the vendor had no subscription any more, as after days in which deliveries fail; it was made again")
            if said.notice is not None:
                notices.append(said.notice)
            cursor = said.cursor
            if cursor is None:
                break
        again = AGAIN * (1 + SPREAD * random.random())  # noqa: S311  spread
        await subscribing.end(self._session, self._session.poller_id, claimed, again, address=address, notices=notices)
        log.info("subscription looked at", sync=claimed.sync_id, notices=notices)

    def _address(self, claimed: Claimed, provider: Provider) -> str:
        """Where the vendor is to send. SL180, SL182."""
        known = provider.webhooks
        if known is None:
            raise make(f"{claimed.provider} sends no webhooks that could be told from forged ones", code="SL180", hint="polling goes on")
        if self._public_url is None:
            raise make(
                "the public address of this installation is not set",
                code="SL182",
                hint="give pollers and servers PGSLUICE_PUBLIC_URL, for example https://sluice.example.com",
            )
        address = f"{self._public_url}/webhooks/{quote(claimed.sync_id, safe='')}"
        tagged = claimed.tag is not None and known.secret == "subscription" and known.registers  # noqa: S105  no password
        return f"{address}?tag={claimed.tag}" if tagged else address

    def _vendor(self, claimed: Claimed, provider: Provider) -> Vendor:
        credential = opened(
            f"sync {claimed.sync_id}",
            claimed.credential_id,
            claimed.sealed,
            claimed.key_version,
            claimed.kind,
            claimed.base_url,
            self._key,
            client_of(claimed, self._key),
        )
        account = Account(
            Desk(self._session, self._session.poller_id, self._key),
            claimed.sync_id,
            claimed.credential_id,
            claimed.credential_version,
            claimed.credential_renew_at,
            claimed.clock,
        )
        return Vendor(provider, credential, self._transport, self._stopping, account=account)

    async def _kept(self, claimed: Claimed, secret: str) -> bool:
        """Whether the secret is stored; False if another poller has taken over."""
        if self._key is None:
            raise make("there is no master key to seal the webhook's secret with", code="SL301", hint="set PGSLUICE_MASTER_KEY")
        sealed = sealed_webhook(claimed.sync_id, secret, self._key)
        return await subscribing.secret(self._session, self._session.poller_id, claimed, sealed, self._key.version)

    async def _failed(self, claimed: Claimed, exc: ProviderError | SluiceError) -> None:
        chance = random.random()  # noqa: S311  jitter
        delay = limits.next_delay(exc, claimed.attempt - 1, chance) if isinstance(exc, ProviderError) else limits.LASTING.delay(0, chance)
        log.warning("subscription is not as it should be", sync=claimed.sync_id, code=exc.code, error=exc.message)
        await subscribing.end(self._session, self._session.poller_id, claimed, timedelta(seconds=delay), error=exc.as_dict())
