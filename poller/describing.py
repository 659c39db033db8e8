"""Accounts that are asked what collections they have, where that differs between accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog

from pgsluice.db import describing
from pgsluice.db.chores import Look
from pgsluice.db.describing import Claimed
from pgsluice.poller import room
from pgsluice.poller.chores import Means
from pgsluice.poller.failing import Failure, advised, delay
from pgsluice.providers.base import Collection

LONGEST_SLEEP: Final = 60.0

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class Describer:
    """The job of asking accounts."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._session = means.session

    async def claim(self, busy_providers: Sequence[str]) -> Look[Claimed]:
        return await describing.claim(self._session, self._session.poller_id, busy_providers)

    async def do(self, claimed: Claimed) -> None:
        vendor = self._means.vendor(claimed, f"the description of {claimed.credential_id}", None)
        with room.Held():
            found = [as_row(collection) for collection in await vendor.described()]
        await describing.end(self._session, self._session.poller_id, claimed, collections=found)
        log.info("account described", credential=claimed.credential_id, collections=len(found))

    async def failed(self, claimed: Claimed, exc: Failure) -> None:
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
