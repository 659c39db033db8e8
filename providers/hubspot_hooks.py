"""What HubSpot sends by itself: up to 100 thin events at a time, each no more than a hint.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation: v3 of the signature is
base64(HMAC-SHA256(client secret, method + address + body + timestamp)), the address with some of its escapes undone; the timestamp is in
milliseconds. v1 and v2 sign no time, so whoever saw a delivery could send it again for ever: they are refused. So is what claims to come
from the future, beyond what clocks differ.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from pgsluice.providers.base import Hint
from pgsluice.providers.errors import Forged, UnknownCollection, Unreadable
from pgsluice.providers.hubspot_types import SOURCES, TYPE_IDS, source_of
from pgsluice.providers.webhooks import Delivery, Received, Webhooks

WEBHOOKS: Final = Webhooks(
    secret="client",  # noqa: S106  whose it is
    description="in the app's settings under Webhooks: the address as target URL, and subscriptions to creation, propertyChange, deletion, "
    "merge, restore and associationChange of each type; the secret is the app's client secret (Auth)",
)
MAX_AGE: Final = 300.0
MAX_AHEAD: Final = 30.0
_SIGNATURE: Final = "x-hubspot-signature-v3"
_TIMESTAMP: Final = "x-hubspot-request-timestamp"
# The escapes that HubSpot undoes before it signs; all others stay.
_UNDONE: Final[Mapping[str, str]] = {
    "%3a": ":", "%2f": "/", "%3f": "?", "%40": "@", "%21": "!", "%24": "$",
    "%27": "'", "%28": "(", "%29": ")", "%2a": "*", "%2c": ",", "%3b": ";",
}  # fmt: skip
_ESCAPE: Final = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE)
# What associationType and subscriptionType call a type.
_NAMES: Final[Mapping[str, str]] = {
    **{name.removeprefix("hubspot:"): name for name in SOURCES},
    **{source.path: name for name, source in SOURCES.items()},
}


def receive(delivery: Delivery, secrets: Sequence[str]) -> Received:
    _check(delivery, secrets)
    try:
        events = msgspec.json.decode(delivery.body, type=list[dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Unreadable("a delivery of HubSpot is no list of events", details=f"{len(delivery.body)} bytes") from exc
    return Received(hints=tuple(dict.fromkeys(hint for event in events for hint in _hints(event))))


def _check(delivery: Delivery, secrets: Sequence[str]) -> None:
    """Raises Forged."""
    signature = delivery.headers.get(_SIGNATURE, "").strip()
    stamp = delivery.headers.get(_TIMESTAMP, "").strip()
    if not signature:
        older = "x-hubspot-signature" in delivery.headers
        raise Forged(
            "the delivery has no signature of version 3",
            details="it has one of version 1 or 2, which signs no time" if older else None,
            hint="HubSpot sends X-HubSpot-Signature-v3 with every delivery; look whether a proxy takes it away",
        )
    if not stamp.isdecimal() or len(stamp) > 15:
        raise Forged("the delivery has no readable time", hint="look whether a proxy takes X-HubSpot-Request-Timestamp away")
    age = delivery.received_at.timestamp() - int(stamp) / 1000
    if not -MAX_AHEAD <= age <= MAX_AGE:
        raise Forged(
            "the delivery is too old" if age > 0 else "the delivery comes from the future",
            details=f"{abs(age):.0f} seconds",
            hint="if that is HubSpot, correct the clock of this machine",
        )
    addresses = dict.fromkeys((_undone(delivery.url), delivery.url))
    signed = [f"{delivery.method}{address}".encode() + delivery.body + stamp.encode() for address in addresses]
    expected = [base64.b64encode(hmac.new(secret.encode(), text, sha256).digest()) for secret in secrets for text in signed]
    if not any(hmac.compare_digest(one, signature.encode("utf-8", "replace")) for one in expected):
        raise Forged(
            "the signature does not fit",
            hint="compare the client secret of the app, and the public address: behind a proxy it must be the one that HubSpot calls",
        )


def _undone(url: str) -> str:
    return _ESCAPE.sub(lambda escape: _UNDONE.get(escape[0].lower(), escape[0]), url)


def _hints(event: Mapping[str, Any]) -> Iterator[Hint]:
    """The objects that an event is about."""
    kind, _, what = str(event.get("subscriptionType", "")).partition(".")
    collection_id = _collection(event.get("objectTypeId")) or _collection(kind)
    if what == "associationChange":
        yield from _ends(event, collection_id)
        return
    named = [event.get("objectId"), event.get("primaryObjectId"), event.get("newObjectId")]
    merged = event.get("mergedObjectIds")
    for upstream_id in dict.fromkeys(map(_id, [*named, *(merged if isinstance(merged, list) else ())])):
        if collection_id is not None and upstream_id is not None:
            yield Hint(collection_id, upstream_id)


def _ends(event: Mapping[str, Any], collection_id: str | None) -> Iterator[Hint]:
    """Both objects of an association that came or went: CONTACT_TO_COMPANY, or with the numbers of the types."""
    one, _, other = str(event.get("associationType", "")).lower().partition("_to_")
    ends = (
        (_collection(event.get("fromObjectTypeId")) or _collection(one) or collection_id, event.get("fromObjectId")),
        (_collection(event.get("toObjectTypeId")) or _collection(other.removesuffix("_unlabeled")), event.get("toObjectId")),
    )
    for collection, given in ends:
        upstream_id = _id(given)
        if collection is not None and upstream_id is not None:
            yield Hint(collection, upstream_id)


def _collection(kind: object) -> str | None:
    if not isinstance(kind, str) or not kind:
        return None
    known = TYPE_IDS.get(kind) or _NAMES.get(kind.lower())
    if known is not None:
        return known
    try:
        source_of(f"hubspot:{kind}")
    except UnknownCollection:
        return None
    return f"hubspot:{kind}"


def _id(given: object) -> str | None:
    text = str(given) if isinstance(given, int | str) and not isinstance(given, bool) else ""
    return text if text.isdecimal() and len(text) <= 20 else None
