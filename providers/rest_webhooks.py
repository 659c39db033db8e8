"""What a declared vendor sends by itself: whether it is genuine, by the document's words, and which objects it speaks of.

Nothing of it is believed beyond that: each object is fetched, and what the vendor answers then counts.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pgsluice.providers import rawjson, rest_paths
from pgsluice.providers.base import Credential, Hint
from pgsluice.providers.errors import Forged, NotPolled, Unreadable
from pgsluice.providers.rest_access import Condition, Event, Hooks, Signature
from pgsluice.providers.rest_auth import kind_of
from pgsluice.providers.rest_document import Document
from pgsluice.providers.rest_subscribe import Subscribing
from pgsluice.providers.rest_template import filled, placeholders
from pgsluice.providers.webhooks import Delivery, Received, Webhooks

_MOST: Final = 1000  # objects of one delivery


def described(document: Document) -> Webhooks | None:
    hooks = document.webhooks
    if hooks is None:
        return None
    spec = hooks.subscribe
    chosen = spec is not None and hooks.secret != "client" and not spec.secret  # noqa: S105  no password
    return Webhooks(hooks.secret, hooks.description, registers=spec is not None, chosen=chosen)


def subscribing(document: Document, credential: Credential | None = None) -> Subscribing | None:
    """How subscriptions are made; None where a person has to. Raises NotPolled where another kind of credential may."""
    hooks = document.webhooks
    if hooks is None or hooks.subscribe is None:
        return None
    kinds = [kind_of(document, suffix) for suffix in hooks.subscribe.credentials]
    if credential is not None and kinds and credential.kind not in kinds:
        raise NotPolled(
            f"with a credential of the kind {credential.kind} webhooks cannot be registered",
            details=f"it takes {' or '.join(kinds)}",
            hint=f"set it up by hand, and store its secret with pgsluice sync webhook set: {hooks.description}",
        )
    return Subscribing(document, hooks.subscribe)


def receive(document: Document, delivery: Delivery, secrets: Sequence[str]) -> Received:
    """What a genuine delivery says. Raises Forged and Unreadable."""
    hooks = document.webhooks
    assert hooks is not None, "nobody asks a provider without webhooks"
    name = document.title or document.name
    stamp = _stamp(hooks, delivery)
    if not _is_signed(hooks.signature, delivery, stamp, secrets):
        raise Forged(f"this was not signed with the secret of {name}'s webhook", hint="compare the secret here with the one there")
    _check_clock(hooks, delivery, stamp)
    try:
        rawjson.object_members(delivery.body)
        return _said(document, hooks, delivery)
    except rawjson.NotJson as exc:
        raise Unreadable(f"what {name} sent cannot be read: {exc}", hint="look whether the webhook sends JSON") from exc


def _said(document: Document, hooks: Hooks, delivery: Delivery) -> Received:
    body = delivery.body.strip()
    given = hooks.delivery
    number = None
    if given is not None:
        number = delivery.headers.get(given.header.lower()) if given.header else rest_paths.text(rest_paths.at(body, given.path))
    ended = None
    if hooks.ended and all(_holds(each, delivery.headers, body) for each in hooks.ended):
        ended = f"{document.title or document.name} says that access was withdrawn"
    elements = [body]
    if hooks.each:
        elements = rawjson.elements(rest_paths.at(body, hooks.each) or b"[]", hooks.each)[:_MOST]
    hints = dict.fromkeys(hint for element in elements for hint in _hints(document, hooks, delivery.headers, element))
    unnamed = [event for event in hooks.events if not event.id]
    look = any(_all_hold(event.when, delivery.headers, element) for event in unnamed for element in elements)
    return Received(number, hints=tuple(hints), look=look, ended=ended)


def _hints(document: Document, hooks: Hooks, headers: Mapping[str, str], body: bytes) -> Iterator[Hint]:
    for event in hooks.events:
        if event.id and _all_hold(event.when, headers, body) and (upstream_id := _identity(event, body)) is not None:
            yield Hint(document.collection_id(event.collection), upstream_id)


def _all_hold(conditions: Sequence[Condition], headers: Mapping[str, str], body: bytes) -> bool:
    return all(_holds(each, headers, body) for each in conditions)


def _identity(event: Event, body: bytes) -> str | None:
    if "{" not in event.id:
        return rest_paths.text(rest_paths.at(body, event.id))
    found = {name: rest_paths.text(rest_paths.at(body, name.removeprefix("body."))) for name in placeholders(event.id)}
    return filled(event.id, {name: value for name, value in found.items() if value is not None})


def _holds(condition: Condition, headers: Mapping[str, str], body: bytes) -> bool:
    found = headers.get(condition.header.lower()) if condition.header else rest_paths.text(rest_paths.at(body, condition.path))
    if condition.equals is None:
        return found is not None and found.startswith(condition.begins)
    wanted: list[Any] = condition.equals if isinstance(condition.equals, list) else [condition.equals]
    return found in {str(value).lower() if isinstance(value, bool) else str(value) for value in wanted}


# ---------------------------------------------------------------- whether it is genuine


def _is_signed(spec: Signature, delivery: Delivery, stamp: str | None, secrets: Sequence[str]) -> bool:
    given = delivery.headers.get(spec.header.lower(), "").strip()
    if not given.startswith(spec.prefix) or not secrets or len(given) > 1000:
        return False
    message = _message(spec, delivery, stamp)
    if message is None:
        return False
    claimed = given[len(spec.prefix) :].encode("utf-8", "replace")
    # Each is compared, so that the time taken tells nothing of which it was. Those of several subscriptions are stored as lines.
    single = [line.rpartition(" ")[2] for secret in secrets for line in secret.split("\n")]
    found = [hmac.compare_digest(_signature(spec, secret, message), claimed) for secret in single]
    return any(found)


def _signature(spec: Signature, secret: str, message: bytes) -> bytes:
    key = secret.encode()
    if spec.key == "base64":
        try:
            key = b64decode(secret, validate=True)
        except ValueError:
            return b"\0"  # never equal to what a header can hold
    digest = hmac.new(key, message, spec.algorithm)
    return digest.hexdigest().encode() if spec.encoding == "hex" else b64encode(digest.digest())


def _message(spec: Signature, delivery: Delivery, stamp: str | None) -> bytes | None:
    given = {"method": delivery.method, "url": delivery.url, **{f"header.{name}": value for name, value in delivery.headers.items()}}
    if stamp is not None:
        given["timestamp"] = stamp
    pieces = [filled(piece, given) for piece in spec.message.split("{body}")]
    if any(piece is None for piece in pieces):
        return None
    return delivery.body.join(str(piece).encode() for piece in pieces)


def _stamp(hooks: Hooks, delivery: Delivery) -> str | None:
    spec = hooks.timestamp
    if spec is None:
        return None
    if spec.header:
        return delivery.headers.get(spec.header.lower())
    try:
        return rest_paths.text(rest_paths.at(delivery.body.strip(), spec.path))
    except rawjson.NotJson:
        return None


def _check_clock(hooks: Hooks, delivery: Delivery, stamp: str | None) -> None:
    """Neither old nor from the future. Raises Forged."""
    spec = hooks.timestamp
    if spec is None:
        return
    raw = None if stamp is None else stamp.encode() if stamp.replace(".", "", 1).isdecimal() else f'"{stamp}"'.encode()
    when = rest_paths.moment(raw, spec.format)
    tolerance = rest_paths.duration(spec.tolerance)
    if when is None or abs(delivery.received_at - when) > tolerance:
        hint = "the clock of this machine, or a delivery that was kept and sent again"
        raise Forged("this was signed at another time than now", details=f"more than {spec.tolerance} away", hint=hint)
