"""The secret that one sync's requests carry: renewed once, by one process, and taken over by all others.

A vendor that rotates tokens takes each one once. So a poller first claims the renewal of that very version in the database; the others
wait for its answer. An exchange that has begun is finished and stored, whatever becomes of the turn, of the poller's connections and of
its wish to end (`exchanges`). What a poller that was killed in the middle of it leaves behind is tried once more, later than its answer
could have come: whether the vendor still takes the old token is the vendor's to say, and if not, a person signs in again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from pgsluice.db import secrets, shares
from pgsluice.db.errors import LeaseLost, make
from pgsluice.db.statements import Database
from pgsluice.poller.exchanges import in_time
from pgsluice.poller.sharing import Account, Desk, kept, opened, wait
from pgsluice.poller.transport import Transport
from pgsluice.providers.base import Credential
from pgsluice.providers.errors import Paced, ProviderError, Unauthorized
from pgsluice.providers.protocol import Provider

# A token that cannot be renewed early is tried again after so many seconds, while it is still good.
AGAIN: Final = 10.0
LOOK: Final = 0.2
log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class Tokens:
    """A credential in its newest version. Safe for concurrent use in one event loop."""

    def __init__(  # noqa: PLR0917  what a renewal needs, each once
        self,
        provider: Provider,
        credential: Credential,
        transport: Transport,
        stopping: asyncio.Event,
        patience: float,
        account: Account | None = None,
    ) -> None:
        self._provider = provider
        self._transport = transport
        self._stopping = stopping
        self._patience = patience
        self._account = account
        self._begun = time.monotonic()
        self._version = None if account is None or account.credential is None else account.credential.version
        self._due = time.monotonic() + (float("inf") if account is None else account.renew_in)
        self._one = asyncio.Lock()
        self.credential = credential
        if self._lacks_access(credential):
            self._due = float("-inf")

    async def fresh(self) -> Credential:
        """The credential, renewed if its time is near. Raises ProviderError, SluiceError, Stopped."""
        if time.monotonic() >= self._due:
            used = self.credential
            try:
                await self._another(used)
            except Unauthorized:
                raise
            except ProviderError as exc:
                if self._lacks_access(used):
                    raise
                # It is still good for a moment; what comes of it is seen by the request.
                self._due = time.monotonic() + AGAIN
                log.warning("token not renewed", sync=self._account.sync_id if self._account else None, error=exc.message)
        return self.credential

    async def refused(self, used: Credential) -> bool:
        """The vendor refused `used`: whether there is another secret to ask with. Raises as `fresh`."""
        return await self._another(used)

    async def _another(self, used: Credential) -> bool:
        async with self._one:
            if self.credential is not used:
                return True
            if self._account is None or self._account.credential_id is None or self._version is None:
                return False
            return await self._exchanged(self._account, self._account.credential_id, self._version)

    async def _exchanged(self, account: Account, credential_id: str, version: int) -> bool:
        desk = account.desk
        renew = self._provider.renew(self._dated(self.credential)) is not None
        end = time.monotonic() + self._patience
        while True:
            found = await kept(shares.renewal_claim(desk.database, desk.poller_id, credential_id, version, renew=renew))
            if found is None:
                raise LeaseLost("the credential is gone", code="SL130")
            if found.state == "newer":
                self._adopt(found, desk.key)
                return True
            if found.state == "same":
                self._due = float("inf")
                return False
            if found.state == "refused":
                raise _remembered(found.error or {})
            if found.state == "yours":
                # Not torn by the end of a turn: the vendor's answer may be the only pair that is still good.
                work = self._renewed(account, credential_id, version)
                if await (kept(work) if desk.exchanges is None else desk.exchanges.kept(work)):
                    continue
                return False
            if time.monotonic() > end:
                raise Paced("another process renews the token of the credential", retry_after=2.0, hint="it goes on by itself")
            await wait(LOOK, self._stopping)

    async def _renewed(self, account: Account, credential_id: str, version: int) -> bool:
        """Asks the vendor, and stores its answer. Whoever holds the version takes it from there."""
        desk, error = account.desk, None
        asked = time.monotonic()
        done = False
        try:
            request = self._provider.renew(self._dated(self.credential))
            if request is None:
                return False
            if desk.key is None:
                raise make("there is no master key to seal the new token with", code="SL301", hint="set PGSLUICE_MASTER_KEY")
            response = await in_time(self._transport.send(request))
            renewed = self._provider.read_renewed(self.credential, response)
            lasts = None if renewed.expires_in is None else max(renewed.expires_in - (time.monotonic() - asked), 0.0)
            key = desk.key.newest()
            sealed, key_version = secrets.seal(renewed.secret, credential_id, key), key.version

            async def store(database: Database) -> None:
                place = renewed.base_url
                await shares.renewal_store(
                    database, credential_id, version, sealed=sealed, key_version=key_version, expires_in=lasts, base_url=place
                )

            await _stored(desk, store)
            done = True
        except Unauthorized as exc:
            said = _gone(exc, credential_id, self.credential)
            error = said.as_dict()
            raise said from None
        finally:
            if not done:
                await _stored(desk, lambda database: shares.renewal_end(database, desk.poller_id, credential_id, version, error))
        log.info("token renewed", credential=credential_id)
        return True

    def _dated(self, credential: Credential) -> Credential:
        """With the database's clock, as far as it is known here."""
        clock = None if self._account is None else self._account.clock
        passed = timedelta(seconds=time.monotonic() - self._begun)
        return replace(credential, now=datetime.now(UTC) if clock is None else clock + passed)

    def _lacks_access(self, credential: Credential) -> bool:
        """Whether there is no token yet, and only a renewal brings one, as where a refresh token is brought along from elsewhere."""
        if self._account is None or credential.secret.get("access_token"):
            return False
        try:
            return self._provider.renew(self._dated(credential)) is not None
        except ProviderError:
            return True  # what is wrong comes up where it is asked for

    def _adopt(self, found: shares.Secret, key: secrets.MasterKey | None) -> None:
        taken = found.credential
        self.credential = opened(f"credential {taken.credential_id}", taken, key)
        self._version = taken.version
        lasts = float("inf") if taken.renew_at is None else (taken.renew_at - found.clock).total_seconds()
        self._due = time.monotonic() + lasts


async def _stored(desk: Desk, call: Callable[[Database], Awaitable[Any]]) -> None:
    """Makes the call: with an answer in hand on a connection of its own, for as long as the database's absence may last."""
    await (call(desk.database) if desk.exchanges is None else desk.exchanges.stored(call))


def _gone(exc: Unauthorized, credential_id: str, credential: Credential) -> Unauthorized:
    if not credential.secret.get("refresh_token"):
        # Nobody consented: an app gets its tokens by itself.
        hint = f"{exc.hint or 'store the credential again'}: pgsluice credential update {credential_id}"
        return Unauthorized(exc.message, details=exc.details, hint=hint)
    consent = credential.client is not None
    again = "let the person sign in again (POST /v1/credentials/start-auth), or store" if consent else "sign in again, and store"
    return Unauthorized(
        "the vendor no longer renews the token: the access was revoked, or the last renewal was cut off",
        details=exc.details or exc.message,
        hint=f"{again} the new secret; the syncs go on from where they are: pgsluice credential update {credential_id}",
    )


def _remembered(error: Mapping[str, Any]) -> Unauthorized:
    return Unauthorized(str(error.get("message")), details=error.get("details"), hint=error.get("hint"))
