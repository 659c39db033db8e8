"""OAuth apps, and consents that are asked for, as a client writes them: a client secret is sealed here, before it reaches SQL."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pgsluice.db import secrets
from pgsluice.db.calls import UNSET, Unset, call_statement, given
from pgsluice.db.errors import make
from pgsluice.db.rows import Row
from pgsluice.db.views import Views


class Apps(Views):
    """The methods of `Client` about OAuth apps."""

    master_key: secrets.MasterKey | None

    def oauth_app_create(
        self,
        provider: str,
        client_id: str,
        *,
        client_secret: str,
        oauth_app_id: str | None = None,
        name: str | None = None,
        base_url: str | None = None,
        scopes: Sequence[str] | None = None,
        redirect_urls: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Row:
        """The new OAuth app, without its secret, which is sealed here. SL001, SL105, SL110, SL301."""
        oauth_app_id = oauth_app_id if oauth_app_id is not None else str(uuid.uuid4())
        arguments = {
            "oauth_app_id": oauth_app_id,
            "provider": provider,
            "client_id": client_id,
            **self._sealed_app(oauth_app_id, client_secret),
            "name": name,
            "base_url": base_url,
            "scopes": None if scopes is None else tuple(scopes),
            "redirect_urls": None if redirect_urls is None else tuple(redirect_urls),
            "metadata": metadata if metadata is not None else {},
        }
        return self._fetch(*call_statement("_oauth_app_put", arguments, schema="sluice_internal"))[0]

    def oauth_app_update(
        self,
        oauth_app_id: str,
        *,
        client_id: str | Unset | None = UNSET,
        name: str | Unset | None = UNSET,
        base_url: str | Unset | None = UNSET,
        scopes: Sequence[str] | Unset | None = UNSET,
        redirect_urls: Sequence[str] | Unset | None = UNSET,
        metadata: Mapping[str, Any] | Unset | None = UNSET,
    ) -> Row:
        """The OAuth app, changed; what is None stays. SL001, SL175."""
        return self._fetch(*call_statement("oauth_app_update", given(locals())))[0]

    def oauth_app_secret(self, oauth_app_id: str, client_secret: str) -> None:
        """A new client secret, which counts at once for all credentials of the app. It is sealed here. SL175, SL301."""
        sealed = self._sealed_app(oauth_app_id, client_secret)
        self._fetch(*call_statement("_oauth_app_secret", {"oauth_app_id": oauth_app_id, **sealed}, schema="sluice_internal"))

    def oauth_app_info(self, oauth_app_id: str) -> Row:
        """The OAuth app, without its secret. SL175."""
        found = self._list("oauth_apps", {"oauth_app_id": oauth_app_id}, 1)
        if not found:
            raise make(f'OAuth app "{oauth_app_id}" does not exist', code="SL175", hint="list them with: pgsluice oauth-app list")
        return found[0]

    def oauth_app_sealed(self, oauth_app_id: str) -> Row:
        """The app's client id and its sealed secret, for the operator's own tools. SL175."""
        client_id = self.oauth_app_info(oauth_app_id)["client_id"]
        found = self._fetch(*call_statement("_oauth_app_sealed", {"oauth_app_id": oauth_app_id}, schema="sluice_internal"))
        return {"client_id": client_id, **found[0]}

    def oauth_app_delete(self, oauth_app_id: str) -> None:
        """Deletes an OAuth app that no credential was obtained through. SL111, SL175."""
        self._fetch(*call_statement("oauth_app_delete", {"oauth_app_id": oauth_app_id}))

    # ------------------------------------------------------------ consents

    def credential_start_auth(
        self,
        oauth_app_id: str,
        kind: str,
        *,
        redirect_url: str | None = None,
        state: str | None = None,
        scopes: Sequence[str] | None = None,
        values: Mapping[str, str] | None = None,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Row:
        """`signin_id`, and the `start_token` that ends the address to open: …/v1/oauth/start/{start_token}. SL001, SL175, SL176.

        Without `redirect_url` the browser stays at the server that it came to. Whether the kind and the values are the provider's is to be
        asked first (`providers.signing`).
        """
        arguments = {
            "oauth_app_id": oauth_app_id,
            "kind": kind,
            "redirect_url": redirect_url,
            "state": state,
            "scopes": None if scopes is None else tuple(scopes),
            "vendor_values": values if values is not None else {},
            "name": name,
            "metadata": metadata,
        }
        return self._fetch(*call_statement("_signin_open", arguments, schema="sluice_internal"))[0]

    def signin_result(self, signin_id: str) -> Row | None:
        """Whether a consent is `finished`, and its `credential_id` or its `error`; None: it is forgotten."""
        found = self._fetch(*call_statement("_signin_result", {"signin_id": signin_id}, schema="sluice_internal"))
        return found[0] if found else None

    # ------------------------------------------------------------ how

    def _sealed_app(self, oauth_app_id: str, client_secret: str) -> dict[str, Any]:
        if self.master_key is None:
            raise make(
                "there is no master key to seal the client secret with",
                code="SL301",
                hint="set PGSLUICE_MASTER_KEY or PGSLUICE_MASTER_KEY_FILE",
            )
        key = self.master_key.newest()
        return {"sealed": sealed_app(oauth_app_id, client_secret, key), "key_version": key.version}


def sealed_app(oauth_app_id: str, client_secret: str, key: secrets.MasterKey) -> bytes:
    return secrets.seal({"client_secret": client_secret}, secrets.of_oauth_app(oauth_app_id), key)
