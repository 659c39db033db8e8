"""Stripe's webhooks: events that it sends by itself, and the endpoints that it sends them to. https://docs.stripe.com/webhooks

An event in a delivery is what it is in the feed of events: a hint (`stripe_events` says why). It may come twice, late, and before an
older one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from pgsluice.providers import rawjson, replies, stripe_events, stripe_writes
from pgsluice.providers.base import Cursor, Feed, Response
from pgsluice.providers.errors import Forged, Unreadable
from pgsluice.providers.stripe_collections import BELOW, COLLECTIONS, SOURCES, Parameters
from pgsluice.providers.stripe_errors import error_of, missing_object
from pgsluice.providers.stripe_event_types import EVENT_TYPES
from pgsluice.providers.webhooks import Delivery, Received, Subscribed, Webhooks

# https://docs.stripe.com/webhooks#replay-attacks: "Our libraries have a default tolerance of 5 minutes".
TOLERANCE: Final = 300
# While a secret is rolled each of the old and the new one signs; who sends more than a few wants us to compute.
_SIGNATURES: Final = 8
DEAUTHORIZED: Final = "account.application.deauthorized"
PATH: Final = "webhook_endpoints"
WEBHOOKS: Final = Webhooks(
    "subscription",
    "https://dashboard.stripe.com/webhooks: an endpoint with this address shows its signing secret (whsec_…)",
    registers=True,
)
# Event types whose beginning is not the object's type: what the object is part of.
_ABOUT: Final[Mapping[str, tuple[str, ...]]] = {
    "account.external_account": ("account",),
    "application_fee.refund": ("application_fee",),
    "capability": ("account",),
    "charge.dispute": ("dispute",),
    "charge.refund": ("refund",),
    "customer.discount": ("customer", "subscription"),
    "customer.subscription": ("subscription",),
    "customer.tax_id": ("tax_id",),
    "person": ("account", "person"),
}
_ALL: Final = Feed("events", "changes", tuple(SOURCES))


# ---------------------------------------------------------------- deliveries


def receive(delivery: Delivery, secrets: Sequence[str]) -> Received:
    """What a delivery says. Raises Forged, Unreadable."""
    _check(delivery, secrets)
    try:
        members = rawjson.object_members(delivery.body)
    except rawjson.NotJson as exc:
        raise Unreadable("the delivery of Stripe is no JSON object", details=str(exc)) from exc
    event_id = rawjson.identity(members.get("id", b""))
    if rawjson.identity(members.get("object", b"")) != "event":
        # https://docs.stripe.com/event-destinations: events of /v2 have another form, and are about what no collection here has.
        return Received(event_id)
    account = rawjson.identity(members.get("account", b""))
    if account is not None and account != delivery.account:
        # https://docs.stripe.com/connect/webhooks: an endpoint of a platform gets the events of every connected account.
        return Received(event_id)
    if rawjson.identity(members.get("type", b"")) == DEAUTHORIZED:
        return Received(event_id, ended=f"Stripe says that the account has disconnected the application ({DEAUTHORIZED})")
    response = Response(200, delivery.headers, delivery.body, delivery.url, delivery.received_at)
    return Received(event_id, hints=tuple(dict.fromkeys(stripe_events.subjects_of(delivery.body, _ALL, response))))


def _check(delivery: Delivery, secrets: Sequence[str]) -> None:
    """Raises Forged. https://docs.stripe.com/webhooks#verify-manually"""
    times, signatures = _parts(delivery.headers.get("stripe-signature", ""))
    if len(times) != 1 or not times[0].isascii() or not times[0].isdecimal() or len(times[0]) > 12:
        raise Forged("the delivery has no Stripe-Signature with one time")
    if abs(delivery.received_at.timestamp() - int(times[0])) > TOLERANCE:
        raise Forged("the delivery is too old, or from the future")
    signed = times[0].encode() + b"." + delivery.body
    good = False
    for secret in secrets:
        # The key is all of it, "whsec_" too.
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
        for signature in signatures[:_SIGNATURES]:
            good |= hmac.compare_digest(expected, signature)
    if not good:
        raise Forged("the delivery is not signed with this secret")


def _parts(header: str) -> tuple[list[str], list[bytes]]:
    """The times, and the signatures of the only scheme there is: v0 is a test's. `t=1492774577,v1=5257a8…,v0=6ffbb5…`"""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    return times, [value.encode("latin-1", "replace") for name, _, value in pairs if name == "v1"]


# ---------------------------------------------------------------- endpoints


class Endpoint(msgspec.Struct, frozen=True):
    """An endpoint as Stripe has it. https://docs.stripe.com/api/webhook_endpoints/object"""

    id: str
    url: str
    status: str = "enabled"
    enabled_events: tuple[str, ...] = ()


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor: the endpoints as far as they are known. `after`: the list goes on behind that one."""

    endpoints: tuple[Endpoint, ...] = ()
    after: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    """An endpoint, the word that it is gone, or a list of them."""

    object: str
    id: str = ""
    url: str = ""
    status: str = "enabled"
    enabled_events: tuple[str, ...] = ()
    secret: str | None = None
    deleted: bool = False
    has_more: bool = False
    data: tuple[Endpoint, ...] = ()


def request(
    cursor: Cursor | None, address: str, collection_ids: Sequence[str] | None, api_version: str
) -> tuple[str, str, Parameters, bytes | None] | None:
    """Method, path, query and body of the next request; None: all is as it should be."""
    seen = None if cursor is None else msgspec.convert(cursor, Seen)
    if seen is None or seen.after is not None:
        after = () if seen is None or seen.after is None else (("starting_after", seen.after),)
        return "GET", PATH, (("limit", "100"), *after), None
    if collection_ids is not None and not collection_ids:
        left = next((endpoint for endpoint in seen.endpoints if _is_ours(endpoint, address)), None)
        return None if left is None else ("DELETE", f"{PATH}/{left.id}", (), None)
    events = event_types(collection_ids)
    own = [endpoint for endpoint in seen.endpoints if endpoint.url == address]
    if not own:
        # The version of an endpoint is that of the day it is made, for ever: ours, not the account's.
        return "POST", PATH, (), _form({"url": address, "enabled_events": events, "api_version": api_version, "description": "pgsluice"})
    if own[0].status != "enabled" or set(own[0].enabled_events) != set(events):
        return "POST", f"{PATH}/{own[0].id}", (), _form({"enabled_events": events, "disabled": False})
    for endpoint in seen.endpoints:
        # Made for this sync, and its secret lost: it could never be taken.
        if endpoint.url != address and _is_ours(endpoint, address):
            return "DELETE", f"{PATH}/{endpoint.id}", (), None
    return None


def read(cursor: Cursor | None, response: Response) -> Subscribed:
    """What the reply to `request(cursor, …)` says. Raises ProviderError."""
    seen = Seen() if cursor is None else msgspec.convert(cursor, Seen)
    gone = response.url.rpartition("/")[2]
    if missing_object(response) and any(endpoint.id == gone for endpoint in seen.endpoints):
        # Somebody deleted it in between.
        return Subscribed(_stored(Seen(tuple(endpoint for endpoint in seen.endpoints if endpoint.id != gone))))
    if response.status != 200:
        raise error_of(response)
    try:
        answer = msgspec.json.decode(response.body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise replies.unreadable(response, "Stripe", "it is neither an endpoint nor a list of them") from exc
    if answer.object == "list":
        after = answer.data[-1].id if answer.has_more and answer.data else None
        return Subscribed(_stored(Seen((*seen.endpoints, *answer.data), after)))
    before = {endpoint.id: endpoint for endpoint in seen.endpoints}
    known = before.pop(answer.id, None)
    if answer.deleted:
        return Subscribed(_stored(Seen(tuple(before.values()))))
    now = Endpoint(answer.id, answer.url, answer.status, answer.enabled_events)
    notice = None
    if known is not None and known.status != "enabled" and now.status == "enabled":
        notice = "Stripe had disabled the webhook endpoint, as it does where deliveries fail for days; it is enabled again"
    return Subscribed(_stored(Seen((*before.values(), now))), answer.secret, notice=notice, anew=answer.secret is not None)


def event_types(collection_ids: Sequence[str] | None) -> list[str]:
    """The types of events that speak of these collections."""
    chosen = set(SOURCES if collection_ids is None else collection_ids)
    found = [DEAUTHORIZED]
    for beginning, endings in EVENT_TYPES.items():
        objects = _ABOUT.get(beginning, (beginning,))
        spoken_of = {COLLECTIONS.get(kind) for kind in objects} | {name for name, of in BELOW.items() if of.object in objects}
        if spoken_of & chosen:
            found += [f"{beginning}.{ending}" for ending in endings.split()]
    return sorted(set(found))


def _is_ours(endpoint: Endpoint, address: str) -> bool:
    """At this address, or at one that was made for the same sync."""
    return endpoint.url == address or endpoint.url.startswith(address.partition("?")[0] + "?tag=")


def _form(values: Mapping[str, Any]) -> bytes:
    return stripe_writes.form(json.dumps(values).encode())


def _stored(seen: Seen) -> Cursor:
    found: Cursor = msgspec.to_builtins(seen)
    return found
