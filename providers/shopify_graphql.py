"""Asking Shopify's GraphQL Admin API, and what its replies say before one looks at the data: errors under status 200, costs, versions.

https://shopify.dev/docs/api/admin-graphql#status_and_error_codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from pgsluice.providers import rawjson, replies
from pgsluice.providers.base import Credential, Request, Response, Signals
from pgsluice.providers.errors import Forbidden, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable
from pgsluice.providers.limits import retry_after
from pgsluice.providers.shopify_auth import base_of, token_of
from pgsluice.providers.shopify_collections import API_VERSION

# What a query costs before any reply has said so. https://shopify.dev/docs/api/usage/limits: a mutation costs 10, an object 1.
GUESS: Final = 20.0
_THROTTLE = re.compile(
    rb'"throttleStatus"\s*:\s*\{\s*"maximumAvailable"\s*:\s*([0-9.]+)\s*,\s*"currentlyAvailable"\s*:\s*([0-9.]+)\s*,\s*'
    rb'"restoreRate"\s*:\s*([0-9.]+)'
)
_REQUESTED = re.compile(rb'"requestedQueryCost"\s*:\s*([0-9.]+)')
_TAIL: Final = 64 * 1024  # `extensions` comes behind the data
_NO_SHOP: Final = "the shop has to do that; the sync looks again by itself"


class TooDear(Refused4xx):
    """One query costs more points than a query may (MAX_COST_EXCEEDED)."""


class Fault(NamedTuple):
    """One of a reply's `errors`."""

    message: str
    code: str
    path: tuple[str, ...] = ()


class Reply(NamedTuple):
    """A reply whose `errors` concern only parts of it: the members of `data`, and those errors."""

    data: dict[str, bytes]
    faults: tuple[Fault, ...] = ()


def ask(
    credential: Credential,
    query: str,
    variables: Mapping[str, Any] | bytes | None = None,
    cost: float = GUESS,
) -> Request:
    """The request for a query. `variables`: as JSON text where digits count."""
    given = variables if isinstance(variables, bytes) else msgspec.json.encode(variables or {})
    # https://shopify.dev/docs/api/usage/authentication
    headers = {
        "X-Shopify-Access-Token": token_of(credential.kind, credential.secret),
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    body = b'{"query":' + msgspec.json.encode(query) + b',"variables":' + given + b"}"
    return Request("POST", f"{base_of(credential)}/admin/api/{API_VERSION}/graphql.json", headers=headers, body=body, cost=max(cost, 1.0))


def answer(response: Response) -> dict[str, bytes]:
    """The members of `data`. Raises ProviderError, also where only a part of it was refused: nothing must be silently missing."""
    reply = partly(response)
    if reply.faults:
        raise _refusal(reply.faults, response)
    return reply.data


def partly(response: Response) -> Reply:
    """A reply of which parts may have been refused. Raises ProviderError for one that has no data."""
    if response.status != 200:
        raise error_of(response)
    try:
        members = rawjson.object_members(response.body)
        faults = _faults(members.get("errors", b""))
        data = members.get("data", b"null")
        if faults and not data.startswith(b"{"):
            raise _refusal(faults, response)
        if not data.startswith(b"{"):
            raise replies.unreadable(response, "Shopify", "there is no data in it")
        found = rawjson.object_members(data)
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, "Shopify", str(exc)) from exc
    if faults and all(value == b"null" for value in found.values()):
        raise _refusal(faults, response)
    return Reply(found, faults)


def member(data: Mapping[str, bytes], name: str, response: Response) -> dict[str, bytes]:
    """The members of an object of `data`. Raises Unreadable where there is none."""
    try:
        return rawjson.object_members(data.get(name, b""))
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, "Shopify", f"{name}: {exc}") from exc


def signals(response: Response) -> Signals | None:
    """https://shopify.dev/docs/api/usage/limits#throttle-status: a bucket of points that refills steadily."""
    if response.status in {429, 430}:
        return Signals(wait=retry_after(response))
    found = _THROTTLE.search(response.body[-_TAIL:])
    if found is None:
        return None
    _, available, rate = (float(number) for number in found.groups())
    return Signals(remaining=available, restore_rate=rate) if rate > 0 else None


def cost_of(response: Response) -> int:
    """What the query was said to cost; 0 where the reply does not say."""
    found = _REQUESTED.search(response.body[-_TAIL:])
    return int(float(found[1])) if found else 0


def other_version(response: Response) -> str | None:
    """The version that answered, where it is not the one that was asked for."""
    said = response.headers.get("x-shopify-api-version", "").strip()
    return said if said and said != API_VERSION else None


def error_of(response: Response) -> ProviderError:
    """What a reply with another status than 200 stands for."""
    status, said, details = response.status, _said(response), replies.described(response)
    if status == 401:
        return Unauthorized(
            f"Shopify refused the access token{said}",
            expired=True,
            details=details,
            hint="the app was uninstalled, or the token has ended or was revoked: install the app again and store its new token",
        )
    if status in {402, 423}:
        words = "the shop is frozen until its bill is paid" if status == 402 else "the shop is locked"
        return Refused4xx(f"Shopify does not open the shop (status {status}): {words}{said}", details=details, hint=_NO_SHOP)
    if status == 403:
        return Forbidden(
            f"Shopify does not let this app in{said}",
            details=details,
            hint="give the app the scope that the message names, and install it again",
        )
    if status in {429, 430}:
        return RateLimited(
            f"Shopify asks to slow down (status {status}){said}",
            retry_after=retry_after(response),
            details=details,
            hint="the sync waits and goes on by itself",
        )
    if status == 408 or status >= 500:
        return Unavailable(
            f"Shopify failed to answer (status {status}){said}",
            details=details,
            hint="the sync tries again by itself; https://www.shopifystatus.com says whether Shopify has trouble",
        )
    if status < 300:
        return replies.unreadable(response, "Shopify", f"status {status} where GraphQL answers 200")
    hint = "look whether the shop's domain is right and the shop still exists" if status == 404 else "the message is Shopify's own"
    return Refused4xx(f"Shopify refused the request (status {status}){said}", details=details, hint=hint)


def fault_error(fault: Fault, details: str) -> ProviderError:
    """What one of a reply's `errors` stands for."""
    words = f": {replies.plain(fault.message, 300)}"
    match fault.code:
        case "ACCESS_DENIED":
            return Forbidden(
                f"Shopify does not let this app do that{words}",
                details=details,
                hint="give the app the scope that the message names and install it again, or leave the collection out of the sync",
            )
        case "MAX_COST_EXCEEDED":
            return TooDear(f"the query costs more than one query may{words}", details=details, hint="it is asked for in smaller pages")
        case "SHOP_INACTIVE":
            return Refused4xx(f"Shopify does not open the shop{words}", details=details, hint=_NO_SHOP)
        case "INTERNAL_SERVER_ERROR" | "SERVICE_UNAVAILABLE" | "TIMEOUT":
            return Unavailable(f"Shopify failed to answer{words}", details=details, hint="it is asked again, with growing pauses")
    return Refused4xx(f"Shopify refused the query{words}", details=details, hint="the message is Shopify's own")


def _refusal(faults: tuple[Fault, ...], response: Response) -> ProviderError:
    details = faults_text(faults)
    if any(fault.code == "THROTTLED" for fault in faults):
        return RateLimited(
            "Shopify asks to slow down: the bucket of points is empty",
            retry_after=_until_affordable(response),
            details=details,
            hint="the sync waits and goes on by itself",
        )
    # What concerns everything goes before what concerns a field.
    first = next((fault for fault in faults if fault.code in {"SHOP_INACTIVE", "ACCESS_DENIED", "INTERNAL_SERVER_ERROR"}), faults[0])
    return fault_error(first, details)


def _until_affordable(response: Response) -> float | None:
    """https://shopify.dev/docs/api/usage/limits: (cost − available) / restore rate."""
    throttle, cost = _THROTTLE.search(response.body[-_TAIL:]), cost_of(response)
    if throttle is None:
        return None
    _, available, rate = (float(number) for number in throttle.groups())
    return max(cost - available, 0.0) / rate if rate > 0 else None


def faults_text(faults: tuple[Fault, ...]) -> str:
    """JSON text: the vendor's errors, as far as they matter."""
    said = [{"message": replies.plain(fault.message, 300), "code": fault.code, "path": ".".join(fault.path)} for fault in faults[:5]]
    return msgspec.json.encode({"status": 200, "errors": said}).decode()


def _faults(raw: bytes) -> tuple[Fault, ...]:
    if not raw or raw in {b"null", b"[]"}:
        return ()
    try:
        given = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return (Fault("an error that cannot be read", ""),)
    found = given if isinstance(given, list) else [given]
    return tuple(_fault(item) for item in found)


def _fault(item: Any) -> Fault:
    if not isinstance(item, dict):
        return Fault(str(item), "")
    extensions = item.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    path = item.get("path")
    return Fault(str(item.get("message", "without words")), str(code or ""), tuple(map(str, path)) if isinstance(path, list) else ())


def _said(response: Response) -> str:
    """The vendor's words in a reply that is no GraphQL answer: {"errors": "…"}."""
    try:
        given = msgspec.json.decode(response.body, type=dict[str, Any]).get("errors")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""
    if not given:
        return ""
    words = given if isinstance(given, str) else " ".join(fault.message for fault in _faults(msgspec.json.encode(given)))
    return f": {replies.plain(words, 300)}"
