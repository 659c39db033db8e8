"""Credentials, as a client writes them: a secret is sealed here, before it reaches SQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from pgsluice.db import secrets
from pgsluice.db.calls import call_statement
from pgsluice.db.errors import SecretUnreadable, make
from pgsluice.db.rows import Row
from pgsluice.db.sealing_webhooks import WebhookSealing

_RESEAL_TRIES: Final = 5


class Kept(NamedTuple):
    """Where secrets of one kind are kept, and what each is bound to."""

    look: bytes
    store: bytes
    bound: Callable[[str], str]


_CREDENTIALS: Final = Kept(
    b"select * from sluice_internal._credential_sealed(%s)",
    b"select sluice_internal._credential_reseal(%s, %s, %s, %s, %s) as done",
    str,
)
_APPS: Final = Kept(
    b"select * from sluice_internal._oauth_app_sealed(%s)",
    b"select sluice_internal._oauth_app_reseal(%s, %s, %s, %s, %s) as done",
    secrets.of_oauth_app,
)


def _through(oauth_app_id: str | None, scopes: Sequence[str] | None) -> dict[str, Any]:
    """Where a credential came from, as arguments; what is not known is not sent."""
    found: dict[str, Any] = {} if oauth_app_id is None else {"oauth_app_id": oauth_app_id}
    return found if scopes is None else {**found, "scopes": tuple(scopes)}


class Sealing(WebhookSealing):
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
        oauth_app_id: str | None = None,
        scopes: Sequence[str] | None = None,
    ) -> Row:
        """The new credential, without its secret: `secret` is sealed here, before it reaches SQL. SL001, SL105, SL110, SL301.

        `oauth_app_id`: the OAuth app that it was obtained through: with it tokens are renewed.
        `account`: the account at the vendor. One that has a credential gets no second one: that one is updated, and its syncs go on.
        Whether the secret looks like one of that provider is the provider's to say (`seal_check`), before this is called.
        """
        known = self._credential_of(provider, account)
        if known is not None and credential_id in {None, known}:
            more = {"name": name} | ({} if metadata is None else {"metadata": metadata})
            facts = {"base_url": base_url, "account": account, "expires_at": expires_at, **_through(oauth_app_id, scopes)}
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
            **_through(oauth_app_id, scopes),
        }
        return self._fetch(*call_statement("_credential_put", arguments, schema="sluice_internal"))[0]

    def credential_update(
        self,
        credential_id: str,
        kind: str,
        *,
        secret: Mapping[str, str],
        base_url: str | None = None,
        expires_at: datetime | None = None,
        oauth_app_id: str | None = None,
    ) -> Row:
        """The credential, with a new secret; its syncs are tried again at once and go on from where they are. SL104, SL175, SL301."""
        more = {"kind": kind, "base_url": base_url, "expires_at": expires_at, **_through(oauth_app_id, None)}
        return self._replace(credential_id, secret, more)

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
        """Seals every secret, those of OAuth apps too, with the newest master key. SL301.

        Answers how many were `resealed`, and how many are `left` that do not open.

        One by one, so it can be stopped and called again, while pollers run: a secret that is renewed meanwhile is not touched.
        """
        key = self._master_key()
        credentials, apps = self._list("credentials", {}, None), self._list("oauth_apps", {}, None)
        old = [(_CREDENTIALS, row["credential_id"]) for row in credentials if row["key_version"] != key.version]
        old += [(_APPS, row["oauth_app_id"]) for row in apps if row["key_version"] != key.version]
        left: list[tuple[Kept, str]] = []
        for number, (kept, name) in enumerate(old):
            progress(number, len(old))
            if not self._resealed(kept, name, key):
                left.append((kept, name))
        progress(len(old), len(old))
        webhooks, sync_ids = self._reseal_webhooks(key)
        return {
            "key_version": key.version,
            "resealed": len(old) - len(left) + webhooks,
            "left": len(left) + len(sync_ids),
            "credential_ids_left": [name for kept, name in left if kept is _CREDENTIALS],
            "oauth_app_ids_left": [name for kept, name in left if kept is _APPS],
            "webhook_sync_ids_left": sync_ids,
        }

    def _resealed(self, kept: Kept, name: str, key: secrets.MasterKey) -> bool:
        """Whether the newest key seals it now, or it is gone."""
        for _ in range(_RESEAL_TRIES):
            found = self._fetch(kept.look, (name,))
            if not found or found[0]["key_version"] == key.version:
                return True
            try:
                secret = secrets.open_sealed(found[0]["sealed"], kept.bound(name), key, found[0]["key_version"])
            except SecretUnreadable:
                return False
            values = (name, found[0]["version"], found[0]["key_version"], secrets.seal(secret, kept.bound(name), key), key.version)
            if self._fetch(kept.store, values)[0]["done"]:
                return True
        return False

    def _master_key(self) -> secrets.MasterKey:
        if self.master_key is None:
            raise make(
                "there is no master key to seal the credential with",
                code="SL301",
                hint="set PGSLUICE_MASTER_KEY or PGSLUICE_MASTER_KEY_FILE",
            )
        return self.master_key.newest()

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
