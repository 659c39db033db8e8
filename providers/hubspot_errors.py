"""HubSpot's refusals, in words that say what to do. https://developers.hubspot.com/docs/api-reference/error-handling"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from pgsluice.providers import replies
from pgsluice.providers.base import Response, Signals
from pgsluice.providers.errors import Forbidden, Missing, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable
from pgsluice.providers.limits import retry_after

APPS_PAGE: Final = "https://app.hubspot.com/l/private-apps"
# A day ends at midnight of the account's zone, which no reply names. Every zone's midnight is at a half hour of UTC (but for three zones, a
# quarter of an hour off): asked again then, an account that is out for the day costs two requests an hour, and nothing of the next day.
MIDNIGHTS: Final = 1800
_LONGEST_ERROR: Final = 4000  # characters of the vendor's error that are kept
_GONE: Final = frozenset({"OBJECT_NOT_FOUND", "NOT_FOUND"})


class Fault(msgspec.Struct, frozen=True, rename="camel"):
    """The error that a reply is. Members of another type than the documented one read as None."""

    status: str | None = None
    message: str | None = None
    category: str | None = None
    sub_category: str | None = None
    correlation_id: str | None = None
    error_type: str | None = None
    policy_name: str | None = None


def fault(body: bytes) -> Fault | None:
    """None if the reply is no error of HubSpot's."""
    try:
        given = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if "message" not in given or not ({"category", "errorType", "correlationId", "status"} & given.keys()):
        return None
    return msgspec.convert({name: value for name, value in given.items() if isinstance(value, str)}, Fault)


def error_of(response: Response) -> ProviderError:
    """The error that a reply with another status than 2xx stands for."""
    status, given = response.status, fault(response.body)
    if status == 429:
        return _slow_down(response, given)
    if status in {408, 423, 477} or status >= 500:
        # 423: locked for a moment; 477: the account is being moved to another data centre.
        return Unavailable(
            f"HubSpot failed to answer (status {status}){_said(given)}",
            details=_details(response, given),
            hint="the sync tries again by itself; https://status.hubspot.com says whether HubSpot has trouble",
        )
    if 300 <= status < 400:
        to = urlsplit(response.headers.get("location", "")).netloc or "another place"
        return replies.unreadable(response, "HubSpot", f"it sends the request on to {replies.plain(to, 100)}, which is not followed")
    if status < 300 or given is None:
        # An address that is none answers 404 with a page.
        return replies.unreadable(response, "HubSpot", f"status {status} without HubSpot's description of an error")
    return refusal(status, given, _details(response, given), urlsplit(response.url).path)


def refusal(status: int, given: Fault, details: str, path: str = "") -> ProviderError:
    """What a refusal with words means, of a whole request or of one item in it."""
    said = _said(given)
    if status == 401:
        expired = given.category == "EXPIRED_AUTHENTICATION"
        return Unauthorized(
            f"HubSpot refused the token{said}",
            expired=expired,
            details=details,
            hint="the token has expired: sign in again, or store a new one in this credential's place"
            if expired
            else f"the token is wrong or was rotated: copy it from {APPS_PAGE}, and store it in this credential's place",
        )
    if status == 403 or given.category == "MISSING_SCOPES":
        return Forbidden(
            f"HubSpot does not let this token do that{said}",
            details=details,
            hint=f"give the app the scope that the message names at {APPS_PAGE}, or leave {path or 'that collection'} out of the sync",
        )
    if given.category == "RATE_LIMITS":
        return RateLimited(f"HubSpot asks to slow down{said}", details=details, hint="it goes on by itself")
    if status == 404 or given.category in _GONE:
        return Missing(f"HubSpot has no such object{said}", details=details, hint="the object is gone, or was never there")
    if status >= 500:
        return Unavailable(f"HubSpot could not do it{said}", details=details, hint="it is tried again")
    return Refused4xx(
        f"HubSpot refused the request (status {status}){said}",
        details=details,
        hint="the message is HubSpot's own: correct what it names and send it again",
    )


def _slow_down(response: Response, given: Fault | None) -> RateLimited:
    daily = _is_daily(given)
    return RateLimited(
        f"{'the requests of this day are used up' if daily else 'HubSpot asks to slow down'}{_said(given)}",
        retry_after=until_midnight(response) if daily else retry_after(response),
        details=_details(response, given),
        hint="nothing is lost: it goes on when the day of the account ends; other apps of the account draw from the same number"
        if daily
        else "the sync waits and goes on by itself; a lower rate limit of the sync avoids this",
    )


def until_midnight(response: Response) -> float:
    """Seconds until it may be midnight where the account is, by HubSpot's clock."""
    return MIDNIGHTS - replies.vendor_clock(response).timestamp() % MIDNIGHTS + 2.0


def signals(response: Response) -> Signals | None:
    """https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines: what is left is said in every reply but search's."""
    if response.status == 429:
        given = fault(response.body)
        if _is_daily(given):
            return Signals(wait=until_midnight(response))
        asked = retry_after(response)
        # SECONDLY is search's own limit: other requests may go on.
        quiet = 1.0 if given is None or given.policy_name != "SECONDLY" else None
        return None if asked is None and quiet is None else Signals(wait=quiet if asked is None else asked)
    if _number(response.headers, "x-hubspot-ratelimit-daily-remaining") == 0:
        return Signals(wait=until_midnight(response))
    remaining = _number(response.headers, "x-hubspot-ratelimit-remaining")
    window = _number(response.headers, "x-hubspot-ratelimit-interval-milliseconds")
    if remaining is None or window is None:
        return None
    return Signals(remaining=remaining, resets_in=window / 1000)


def _is_daily(given: Fault | None) -> bool:
    return given is not None and (given.policy_name or "").upper() == "DAILY"


def _number(headers: Mapping[str, str], name: str) -> float | None:
    text = headers.get(name, "").strip()
    return float(text) if text.isdecimal() and len(text) < 12 else None


def own_error(status: int, raw: bytes) -> str:
    """JSON text: the status and the vendor's error, as sent."""
    return f'{{"status": {status}, "error": {replies.plain(raw.decode("utf-8", "replace"), _LONGEST_ERROR)}}}'


def _said(given: Fault | None) -> str:
    return f": {replies.plain(given.message, 300)}" if given and given.message else ""


def _details(response: Response, given: Fault | None) -> str:
    """What support asks for. Without HubSpot's own error, what came instead."""
    if given is None:
        return replies.described(response)
    facts = {
        "category": given.category,
        "subCategory": given.sub_category,
        "policy": given.policy_name,
        "correlation": given.correlation_id,
        "path": urlsplit(response.url).path,
    }
    return ", ".join(f"{name} {replies.plain(value, 200)}" for name, value in facts.items() if value)
