"""Sees to it that vendors send word of changes: subscriptions are made, looked at every few hours, and made again where they were dropped.

A secret that the vendor shows only when a subscription is made is stored before anything else is asked. If that fails, nobody has it any
more: the next attempt subscribes with another address, which leads to the same sync. One that we choose is stored before the vendor
hears it.

What was subscribed to for a sync whose webhooks were switched off, that was deleted, or that got another credential, is removed: the vendor
is asked for nothing more at that address. That needs the credential that it was made with. Without it, or where the vendor refuses, the
subscription is left behind, and a person is told.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from urllib.parse import quote

import structlog

from pgsluice.db import subscribing
from pgsluice.db.chores import Look
from pgsluice.db.errors import make
from pgsluice.db.sealing_webhooks import opened_webhook, sealed_webhook
from pgsluice.db.subscribing import Claimed
from pgsluice.poller.chores import Means
from pgsluice.poller.failing import Failure
from pgsluice.providers import limits, registry
from pgsluice.providers.base import Cursor
from pgsluice.providers.errors import Forbidden, NotPolled, ProviderError, Refused4xx, Unauthorized
from pgsluice.providers.webhooks import Subscription, Webhooks

# Vendors drop subscriptions after hours of failures. A little apart, so that a thousand syncs are not looked at in one moment.
AGAIN: Final = timedelta(hours=4)
SPREAD: Final = 0.25
LONGEST_SLEEP: Final = 30.0
MOST_STEPS: Final = 10_000

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class Subscriber:
    """The job of looking after subscriptions."""

    def __init__(self, means: Means, public_url: str | None) -> None:
        self._means = means
        self._session = means.session
        self._public_url = public_url

    async def claim(self, busy_providers: Sequence[str]) -> Look[Claimed]:
        return await subscribing.claim(self._session, self._session.poller_id, busy_providers)

    async def do(self, claimed: Claimed) -> None:
        known = registry.get(claimed.provider).webhooks
        if claimed.removal is not None:
            await self._remove(claimed, known)
            return
        if known is None:
            raise make(f"{claimed.provider} sends no webhooks that could be told from forged ones", code="SL180", hint="polling goes on")
        address = self._address(claimed, known)
        secret = await self._secret(claimed, known)
        if known.chosen and secret is None:
            return
        notices = await self._subscribed(claimed, address, secret)
        if notices is None:
            return
        again = AGAIN * (1 + SPREAD * random.random())  # noqa: S311  spread
        await subscribing.end(self._session, self._session.poller_id, claimed, again, address=address, notices=notices)
        log.info("subscription looked at", sync=claimed.sync_id, notices=notices)

    async def _subscribed(self, claimed: Claimed, address: str, secret: str | None) -> list[str] | None:
        """What a person should know of it; None if another poller has taken over."""
        # A sync that is gone has no limits of its own any more.
        own = claimed.sync_id if claimed.removal is None else None
        collection_ids = claimed.collection_ids or (None if claimed.removal is None else ())
        vendor = self._means.vendor(claimed, f"sync {claimed.sync_id}", own)
        cursor: Cursor | None = None
        notices: list[str] = []
        for _ in range(MOST_STEPS):
            said = await vendor.subscribed(cursor, Subscription(address, collection_ids, secret))
            if said is None:
                break
            if said.secret is not None:
                if not await self._kept(claimed, said.secret):
                    return None
                secret = said.secret
            if said.anew and claimed.has_secret:
                notices.append(
                    "the vendor had no subscription any more, as after days in which deliveries fail, or because the credential opens "
                    "another account now (delete the one that is left there); it was made again"
                )
            if said.notice is not None:
                notices.append(said.notice)
            cursor = said.cursor
            if cursor is None:
                break
        return notices

    async def _remove(self, claimed: Claimed, known: Webhooks | None) -> None:
        """Where nothing was ever registered there is nothing to remove."""
        if known is not None and known.registers and (claimed.address or self._public_url) is not None:
            await self._subscribed(claimed, claimed.address or self._address(claimed, known), None)
            log.info("subscription removed", sync=claimed.sync_id)
        await subscribing.removed(self._session, self._session.poller_id, claimed)

    def _address(self, claimed: Claimed, known: Webhooks) -> str:
        """Where the vendor is to send. SL182."""
        if self._public_url is None:
            raise make(
                "the public address of this installation is not set",
                code="SL182",
                hint="give pollers and servers PGSLUICE_PUBLIC_URL, for example https://sluice.example.com",
            )
        address = f"{self._public_url}/webhooks/{quote(claimed.sync_id, safe='')}"
        tagged = claimed.tag is not None and known.secret == "subscription" and known.registers  # noqa: S105  no password
        return f"{address}?tag={claimed.tag}" if tagged else address

    async def _secret(self, claimed: Claimed, known: Webhooks) -> str | None:
        """The one that deliveries are signed with, where the vendor is to hear it or it may have to grow. SL301, SL302."""
        if not known.registers or known.secret != "subscription":  # noqa: S105
            return None
        poller_id, key = self._session.poller_id, self._means.key
        if claimed.has_secret and key is not None:
            stored = await subscribing.known(self._session, poller_id, claimed)
            return None if stored is None else opened_webhook(claimed.sync_id, stored[0], key, stored[1])
        if not known.chosen:
            return None
        chosen = secrets.token_urlsafe(32)
        return chosen if await self._kept(claimed, chosen) else None

    async def _kept(self, claimed: Claimed, secret: str) -> bool:
        """Whether the secret is stored; False if another poller has taken over."""
        key = self._means.key
        if key is None:
            raise make("there is no master key to seal the webhook's secret with", code="SL301", hint="set PGSLUICE_MASTER_KEY")
        key = key.newest()
        sealed = sealed_webhook(claimed.sync_id, secret, key)
        return await subscribing.secret(self._session, self._session.poller_id, claimed, sealed, key.version)

    async def failed(self, claimed: Claimed, exc: Failure) -> None:
        chance = random.random()  # noqa: S311  jitter
        delay = limits.next_delay(exc, claimed.attempt - 1, chance) if isinstance(exc, ProviderError) else limits.LASTING.delay(0, chance)
        if claimed.removal is not None:
            await self._not_removed(claimed, exc, None if _is_hopeless(exc) else timedelta(seconds=delay))
            return
        log.warning("subscription is not as it should be", sync=claimed.sync_id, code=exc.code, error=exc.message)
        await subscribing.end(self._session, self._session.poller_id, claimed, timedelta(seconds=delay), error=exc.as_dict())

    async def _not_removed(self, claimed: Claimed, exc: Failure, again: timedelta | None) -> None:
        words = {
            "code": exc.code,
            "message": f"the webhook subscription is left behind at the vendor: {exc.message}",
            "details": exc.details,
            "hint": f"delete it there; it sends to {claimed.address or 'the address of this sync'}",
        }
        if await subscribing.removed(self._session, self._session.poller_id, claimed, again, words):
            log.warning("subscription left behind at the vendor", sync=claimed.sync_id, address=claimed.address, error=exc.message)
        else:
            log.warning("subscription not removed", sync=claimed.sync_id, code=exc.code, error=exc.message)


def _is_hopeless(exc: Failure) -> bool:
    """Whether to ask again would change nothing: the credential is gone or dead, or the vendor will not do it."""
    return isinstance(exc, Unauthorized | Forbidden | Refused4xx | NotPolled) or exc.code == "SL104"
