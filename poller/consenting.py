"""Consents that vendors have answered: the code is exchanged for tokens, and they become the credential of their account.

The server only takes the answers in; whatever is asked of a vendor is asked here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import structlog

from pgsluice.db import secrets, signins
from pgsluice.db.errors import SluiceError, make
from pgsluice.db.signins import Answered
from pgsluice.db.statements import Connection
from pgsluice.poller.exchanges import Exchanges, in_time
from pgsluice.poller.knowing import know
from pgsluice.poller.session import Session, unexpected
from pgsluice.poller.transport import Transport
from pgsluice.providers import registry
from pgsluice.providers.base import Client, Credential
from pgsluice.providers.consent import Granted, Signin
from pgsluice.providers.errors import ProviderError, Refused4xx
from pgsluice.providers.protocol import Provider

AT_ONCE: Final = 8
# What a poller that died had taken is found this often, in seconds; nothing announces it.
LONGEST_SLEEP: Final = 10.0
_STORE_TRIES: Final = 5

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class Consenting:
    """The consents that one session of a poller takes up."""

    def __init__(self, session: Session, transport: Transport, key: secrets.MasterKey | None, exchanges: Exchanges) -> None:
        self._session = session
        self._transport = transport
        self._key = key
        self._exchanges = exchanges
        self._places = asyncio.Semaphore(AT_ONCE)

    async def serve(self) -> None:
        """Takes up whatever vendors have answered, for ever. Raises DatabaseUnavailable."""
        while True:
            self._session.answered.clear()
            async with self._places:
                claimed = await signins.claim(self._session, self._session.poller_id)
            if claimed is not None:
                self._exchanges.begin(self._placed(claimed))
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_SLEEP):
                    await self._session.answered.wait()

    async def _placed(self, claimed: Answered) -> None:
        async with self._places:
            await self._concluded(claimed)

    async def _concluded(self, claimed: Answered) -> None:
        """Stores the credential, or why there is none. Raises only DatabaseUnavailable, once the patience is at its end."""
        facts = {"provider": claimed.provider, "oauth_app": claimed.oauth_app_id}
        try:
            credential_id = await self._connected(claimed)
            log.info("account connected", credential=credential_id, **facts)
            return
        except (ProviderError, SluiceError) as exc:
            error = exc
        except Exception as exc:  # noqa: BLE001  a bug in one provider concerns one consent
            error = unexpected(exc)
        log.warning("account not connected", code=error.code, error=error.message, **facts)
        said = error.as_dict()
        poller_id = self._session.poller_id
        await self._exchanges.stored(lambda conn: signins.fail(conn, poller_id, claimed.signin_id, said))

    async def _connected(self, claimed: Answered) -> str:
        if self._key is None:
            raise make("there is no master key to seal the credential with", code="SL301", hint="set PGSLUICE_MASTER_KEY")
        await know(self._session, [claimed.provider])
        provider = registry.get(claimed.provider)
        signin, answer = _opened(claimed, provider, self._key)
        granted = await self._granted(provider, signin, answer)
        provider.seal_check(signin.kind, granted.secret)
        # An app that stands for a sandbox leads there with its accounts, too.
        base_url = granted.base_url or claimed.base_url
        account = granted.account or await self._identified(provider, Credential(signin.kind, granted.secret, base_url, signin.client))
        return await self._stored(claimed, granted, account, base_url, self._key.newest())

    async def _granted(self, provider: Provider, signin: Signin, answer: Mapping[str, str]) -> Granted:
        request = provider.exchange(signin, answer)
        return provider.read_exchanged(signin, answer, await in_time(self._transport.send(request)))

    async def _identified(self, provider: Provider, credential: Credential) -> str | None:
        request = provider.identify(credential)
        return None if request is None else provider.read_identified(await in_time(self._transport.send(request)))

    async def _stored(self, claimed: Answered, granted: Granted, account: str | None, base_url: str | None, key: secrets.MasterKey) -> str:
        for _ in range(_STORE_TRIES):
            credential_id = await self._exchanges.stored(lambda conn: signins.credential_id(conn, claimed.provider, account))
            sealed = secrets.seal(granted.secret, credential_id, key)

            async def put(conn: Connection, credential_id: str = credential_id, sealed: bytes = sealed) -> bool:
                return await signins.store(
                    conn,
                    claimed.signin_id,
                    credential_id,
                    sealed=sealed,
                    key_version=key.version,
                    base_url=base_url,
                    account=account,
                    expires_in=granted.expires_in,
                    scopes=granted.scopes or None,
                )

            if await self._exchanges.stored(put):
                return credential_id
        raise make("the account's credential is being changed by others", code="SL179", hint="sign in again")


def _opened(claimed: Answered, provider: Provider, key: secrets.MasterKey) -> tuple[Signin, dict[str, str]]:
    """The consent as it was begun, and the vendor's answer. SL302."""
    consent = provider.consents.get(claimed.kind)
    if consent is None:
        raise Refused4xx(f"{claimed.provider} has no consent for {claimed.kind}", hint=f"it has: {', '.join(provider.consents) or 'none'}")
    bound = secrets.of_signin(claimed.bound_to)
    verifier = secrets.open_sealed(claimed.verifier, bound, key, claimed.verifier_key_version)["verifier"]
    answer = json.loads(secrets.open_sealed(claimed.answer, bound, key, claimed.answer_key_version)["query"])
    app = secrets.open_sealed(claimed.client_sealed, secrets.of_oauth_app(claimed.oauth_app_id), key, claimed.client_key_version)
    signin = Signin(
        claimed.kind,
        Client(claimed.client_id, app["client_secret"]),
        claimed.redirect_uri,
        str(answer.get("state", "")),
        tuple(claimed.scopes) or consent.scopes,
        claimed.values,
        verifier if consent.pkce else None,
        claimed.base_url,
    )
    return signin, answer
