"""Credentials, as a client writes them: a secret is sealed here, before it reaches SQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from pgsluice.db import secrets
from pgsluice.db.calls import call_statement
from pgsluice.db.errors import SecretUnreadable, make
from pgsluice.db.rows import Row
from pgsluice.db.views import Views

_RESEAL_TRIES: Final = 5


class Sealing(Views):
    """The methods of `Client` about credentials."""

    master_key: secrets.MasterKey | None

    def credential_create(
        self,
        provider: str,
        credential_id: str | None = None,
        kind: str | None = None,
        *,
        secret: Mapping[str, str],
        name: str | None = None,
        base_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        account: str | None = None,
        expires_at: datetime | None = None,
    ) -> Row:
        """The new credential, without its secret: `secret` is sealed here, before it reaches SQL. SL001, SL105, SL110, SL301.

        `account`: the account at the vendor. One that has a credential gets no second one: that one is updated, and its syncs go on.
        Whether the secret looks like one of that provider is the provider's to say (`seal_check`), before this is called.
        """
        known = self._credential_of(provider, account)
        if known is not None and credential_id in {None, known}:
            more = {"name": name} | ({} if metadata is None else {"metadata": metadata})
            facts = {"base_url": base_url, "account": account, "expires_at": expires_at}
            return self._replace(known, secret, {"kind": kind if kind is not None else "api_key", **facts, **more})
        credential_id = credential_id if credential_id is not None else str(uuid.uuid4())
        arguments = {
            "credential_id": credential_id,
            "provider": provider,
            "kind": kind if kind is not None else "api_key",
            "name": name,
            **self._sealed(credential_id, secret),
            "base_url": base_url,
            "metadata": metadata if metadata is not None else {},
            "account": account,
            "expires_at": expires_at,
        }
        return self._fetch(*call_statement("_credential_put", arguments, schema="sluice_internal"))[0]

    def credential_update(
        self, credential_id: str, kind: str, *, secret: Mapping[str, str], base_url: str | None = None, expires_at: datetime | None = None
    ) -> Row:
        """The credential, with a new secret; its syncs are tried again at once and go on from where they are. SL104, SL301."""
        return self._replace(credential_id, secret, {"kind": kind, "base_url": base_url, "expires_at": expires_at})

    def _replace(self, credential_id: str, secret: Mapping[str, str], more: Mapping[str, Any]) -> Row:
        arguments = {"credential_id": credential_id, **self._sealed(credential_id, secret), **more}
        return self._fetch(*call_statement("_credential_replace", arguments, schema="sluice_internal"))[0]

    def _credential_of(self, provider: str, account: str | None) -> str | None:
        if account is None:
            return None
        query = b"select sluice_internal._credential_known(%s, %s) as credential_id"
        known: str | None = self._fetch(query, (provider, account))[0]["credential_id"]
        return known

    def credential_rotate_key(self, progress: Callable[[int, int], None] = lambda _done, _all: None) -> Row:
        """Seals every secret with the newest master key: how many were `resealed`, and how many are `left` that do not open. SL301.

        One by one, so it can be stopped and called again, while pollers run: a secret that is renewed meanwhile is not touched.
        """
        key = self._master_key()
        old = [row["credential_id"] for row in self._list("credentials", {}, None) if row["key_version"] != key.version]
        left: list[str] = []
        for number, credential_id in enumerate(old):
            progress(number, len(old))
            if not self._resealed(credential_id, key):
                left.append(credential_id)
        progress(len(old), len(old))
        return {"key_version": key.version, "resealed": len(old) - len(left), "left": len(left), "credential_ids_left": left}

    def _resealed(self, credential_id: str, key: secrets.MasterKey) -> bool:
        """Whether the newest key seals it now, or it is gone."""
        for _ in range(_RESEAL_TRIES):
            found = self._fetch(b"select * from sluice_internal._credential_sealed(%s)", (credential_id,))
            if not found or found[0]["key_version"] == key.version:
                return True
            try:
                secret = secrets.open_sealed(found[0]["sealed"], credential_id, key, found[0]["key_version"])
            except SecretUnreadable:
                return False
            values = (credential_id, found[0]["version"], found[0]["key_version"], secrets.seal(secret, credential_id, key), key.version)
            query = b"select sluice_internal._credential_reseal(%s, %s, %s, %s, %s) as done"
            if self._fetch(query, values)[0]["done"]:
                return True
        return False

    def _master_key(self) -> secrets.MasterKey:
        if self.master_key is None:
            raise make(
                "there is no master key to seal the credential with",
                code="SL301",
                hint="set PGSLUICE_MASTER_KEY or PGSLUICE_MASTER_KEY_FILE",
            )
        return self.master_key

    def credential_sealed(self, credential_id: str) -> Row:
        """A credential with its sealed secret, for the operator's own tools. SL104."""
        found = self._fetch(*call_statement("_credential_sealed", {"credential_id": credential_id}, schema="sluice_internal"))
        if not found:
            raise make(f'credential "{credential_id}" does not exist', code="SL104", hint="list them with: pgsluice credential list")
        return found[0]

    def credential_info(self, credential_id: str) -> Row:
        """The credential, without its secret. SL104."""
        found = self._list("credentials", {"credential_id": credential_id}, 1)
        if not found:
            raise make(f'credential "{credential_id}" does not exist', code="SL104", hint="list them with: pgsluice credential list")
        return found[0]

    def _sealed(self, credential_id: str, secret: Mapping[str, str]) -> dict[str, Any]:
        key = self._master_key()
        return {"sealed": secrets.seal(secret, credential_id, key), "key_version": key.version}

    def credential_delete(self, credential_id: str) -> None:
        """Deletes a credential that no sync uses. SL104, SL111."""
        self._fetch(*call_statement("credential_delete", {"credential_id": credential_id}))
