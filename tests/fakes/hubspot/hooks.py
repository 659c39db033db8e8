"""What HubSpot sends by itself: thin events in arrays, signed. https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide

The target URL stands in the app's settings, where a person enters it; the signature is v3 of
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from fakes.hubspot.kinds import Doc, Kind
from fakes.sending import Sender

# Types that have subscriptions of their own name; all others are "object", with their objectTypeId.
_NAMED = {
    "contacts": "contact",
    "companies": "company",
    "deals": "deal",
    "tickets": "ticket",
    "products": "product",
    "line_items": "line_item",
}


def signed(secret: str, url: str, body: bytes, at: float, method: str = "POST") -> dict[str, str]:
    """The headers of a delivery that was made at `at`."""
    stamp = str(int(at * 1000))
    text = f"{method}{url}".encode() + body + stamp.encode()
    older = hashlib.sha256(secret.encode() + body).hexdigest()
    return {
        "Content-Type": "application/json", "User-Agent": "HubSpot Connect 2.0 (http://dev.hubspot.com/)",
        "X-HubSpot-Signature-v3": base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode(),
        "X-HubSpot-Request-Timestamp": stamp, "X-HubSpot-Signature": older, "X-HubSpot-Signature-Version": "v1",
    }  # fmt: skip


class Hooks:
    """`target`: where to; None: nobody has entered one."""

    def __init__(self, secret: str, portal: int, now: Callable[[], float]) -> None:
        self.target: str | None = None
        self.sender = Sender()
        self._secret, self._portal, self._now = secret, portal, now
        self._number = 0

    def tell(self, kind: Kind, what: str, upstream_id: str, **more: Any) -> None:
        if self.target is None:
            return
        self._number += 1
        named = _NAMED.get(kind.path)
        event: Doc = {
            "eventId": self._number, "subscriptionId": 7, "portalId": self._portal, "appId": 1, "occurredAt": int(self._now() * 1000),
            "subscriptionType": f"{named or 'object'}.{what}", "objectId": int(upstream_id), "changeSource": "CRM_UI", **more,
            **({} if named else {"objectTypeId": kind.type_id}),
        }  # fmt: skip
        url = self.target

        def made(tries: int) -> tuple[dict[str, str], bytes]:
            body = json.dumps([{**event, "attemptNumber": tries}]).encode()
            return signed(self._secret, url, body, self._now()), body

        self.sender.send(url, made)
