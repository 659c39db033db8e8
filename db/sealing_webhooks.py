"""The secrets of webhooks, as a client writes them: sealed here, before they reach SQL."""

from __future__ import annotations

import re
from typing import Final

from pgsluice.db import secrets
from pgsluice.db.calls import call_statement
from pgsluice.db.errors import SecretUnreadable, make
from pgsluice.db.rows import Row
from pgsluice.db.views import Views

# Whatever vendors give out, and nothing that was copied with a line break.
_SECRET: Final = re.compile(r"[!-~]{8,500}", re.ASCII)
# Of several subscriptions: a line for each, which only providers write.
_SECRETS: Final = re.compile(r"[!-~]{1,200} [!-~]{8,500}(?:\n[!-~]{1,200} [!-~]{8,500}){0,999}", re.ASCII)


def bound_to(sync_id: str) -> str:
    """What a sync's webhook secret is sealed for. No credential has an id with a NUL."""
    return f"webhook\0{sync_id}"


def sealed_webhook(sync_id: str, secret: str, key: secrets.MasterKey) -> bytes:
    """The secret as it is stored. SL208 for one that none can be."""
    if not _SECRET.fullmatch(secret) and not _SECRETS.fullmatch(secret):
        raise make(
            "this is no secret of a webhook",
            code="SL208",
            details=f"{len(secret)} characters",
            hint="copy it as the vendor shows it, without spaces: 8 to 500 characters",
        )
    return secrets.seal({"secret": secret}, bound_to(sync_id), key)


def opened_webhook(sync_id: str, sealed: bytes, key: secrets.MasterKey, key_version: int) -> str:
    """The secret. SL302 for another key than it was sealed with."""
    return secrets.open_sealed(sealed, bound_to(sync_id), key, key_version)["secret"]


class WebhookSealing(Views):
    """The methods of `Client` about the secrets of webhooks."""

    master_key: secrets.MasterKey | None

    def sync_webhook_set(self, sync_id: str, secret: str) -> Row:
        """The sync's webhooks, signed with `secret` from now on; the one before it is taken for another day. SL102, SL165, SL208, SL301."""
        if self.master_key is None:
            hint = "set PGSLUICE_MASTER_KEY or PGSLUICE_MASTER_KEY_FILE"
            raise make("there is no master key to seal the secret with", code="SL301", hint=hint)
        key = self.master_key.newest()
        arguments = {"sync_id": sync_id, "sealed": sealed_webhook(sync_id, secret, key), "key_version": key.version}
        return self._fetch(*call_statement("_webhook_put", arguments, schema="sluice_internal"))[0]

    def webhook_secrets_old(self, newest: int) -> list[int]:
        """Of each secret of webhooks that another version of the master key than `newest` sealed, that version."""
        return [row["key_version"] for row in self._fetch(b"select * from sluice_internal._webhooks_sealed(%s)", (newest,))]

    def _reseal_webhooks(self, key: secrets.MasterKey) -> tuple[int, list[str]]:
        """Seals the secrets of webhooks with the newest master key: how many, and the syncs of those that do not open."""
        done, left = 0, []
        for row in self._fetch(b"select * from sluice_internal._webhooks_sealed(%s)", (key.version,)):
            aad = bound_to(row["sync_id"])
            try:
                secret = secrets.open_sealed(row["sealed"], aad, key, row["key_version"])
            except SecretUnreadable:
                left.append(row["sync_id"])
                continue
            # False: another secret was stored meanwhile, sealed with the newest key.
            values = (row["sync_id"], row["sealed"], secrets.seal(secret, aad, key), key.version)
            self._fetch(b"select sluice_internal._webhook_reseal(%s, %s, %s, %s) as done", values)
            done += 1
        return done, left
