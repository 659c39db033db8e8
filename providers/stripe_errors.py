"""Stripe's refusals, in words that say what to do. https://docs.stripe.com/api/errors, https://docs.stripe.com/error-low-level"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from pgsluice.providers import replies
from pgsluice.providers.base import Response
from pgsluice.providers.errors import Forbidden, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable
from pgsluice.providers.limits import retry_after

KEYS_PAGE = "https://dashboard.stripe.com/apikeys"


class Fault(msgspec.Struct, frozen=True):
    """The `error` object of a reply. Fields of another type than the documented one read as None."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None


def fault(body: bytes) -> Fault | None:
    """The `error` object of a reply, None if the reply has none."""
    try:
        given = msgspec.json.decode(body, type=dict[str, Any]).get("error")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if not isinstance(given, dict):
        return None
    return Fault(**{name: given[name] for name in Fault.__struct_fields__ if isinstance(given.get(name), str)})


def missing_object(response: Response) -> bool:
    """Whether this answer to a request for one object says that the object is gone.

    Only JSON counts, since a proxy's 404 page says nothing about the object. Two 404s of Stripe mean something else: an address it
    does not know, and a key of the other mode (test or live), for which every object is missing.
    """
    given = fault(response.body) if response.status == 404 else None
    if given is None:
        return False
    elsewhere = ("Unrecognized request URL", "similar object exists in")
    return given.code in {"resource_missing", None} and not any(words in (given.message or "") for words in elsewhere)


def missing_parent(response: Response, param: str) -> bool:
    """Whether a list of what lies below an object was refused because that object is gone. `param`: names it, if the path does not."""
    given = fault(response.body) if param and response.status in {400, 404} else None
    return missing_object(response) or (given is not None and given.code == "resource_missing" and given.param == param)


def lost_place(response: Response) -> bool:
    """Whether the vendor refused a list because the object to go on behind (`starting_after`) is gone."""
    given = fault(response.body) if response.status in {400, 404} else None
    if given is None or given.param != "starting_after":
        return False
    return given.code == "resource_missing" or "No such" in (given.message or "")


def quiet_for(response: Response) -> float | None:
    """How long nothing at all should be asked after a 429: what Retry-After says, or a second where all requests were too many.

    https://docs.stripe.com/rate-limits: the other reasons concern one endpoint or one object, and only its requests have to wait.
    """
    asked = retry_after(response)
    everything = response.headers.get("stripe-rate-limited-reason", "").strip().lower().startswith("global")
    return asked if asked is not None or not everything else 1.0


def error_of(response: Response) -> ProviderError:
    """The error that a reply with another status than 200 stands for."""
    error = _classified(response)
    # Stripe knows better than the status whether asking again helps. https://docs.stripe.com/error-low-level
    wish = response.headers.get("stripe-should-retry", "").strip().lower()
    if wish in {"true", "false"}:
        error.retryable = wish == "true"
    return error


def _classified(response: Response) -> ProviderError:
    status = response.status
    said = _said(response)
    details = _details(response)
    if status == 401:
        return Unauthorized(
            f"Stripe refused the key{said}",
            details=details,
            hint=f"the key is wrong, expired or revoked: make a new one at {KEYS_PAGE} and store it in this credential's place",
        )
    if status == 403:
        return Forbidden(
            f"Stripe does not let this key read {urlsplit(response.url).path}{said}",
            details=details,
            hint=f"give the restricted key read permission for it at {KEYS_PAGE}, or leave that collection out of the sync",
        )
    if status in {409, 429}:
        return _slow_down(response, said, details)
    if status == 408 or status >= 500:
        return Unavailable(
            f"Stripe failed to answer (status {status}){said}",
            details=details,
            hint="the sync tries again by itself; https://status.stripe.com says whether Stripe has trouble",
        )
    if 300 <= status < 400:
        to = urlsplit(response.headers.get("location", "")).netloc or "another place"
        return replies.unreadable(response, "Stripe", f"it sends the request on to {replies.plain(to, 100)}, which is not followed")
    if status < 300 or fault(response.body) is None:
        reason = f"status {status} without Stripe's description of an error"
        hint = "if the address is that of a stand-in for Stripe, it may not have this: leave the collection out of the sync"
        return replies.unreadable(response, "Stripe", reason, hint=hint if status == 404 else None)
    return Refused4xx(
        f"Stripe refused the request (status {status}){said}",
        details=details,
        hint="the message is Stripe's own; if the address is not api.stripe.com, that service may lack what Stripe has",
    )


def _slow_down(response: Response, said: str, details: str) -> RateLimited:
    given = fault(response.body)
    locked = given is not None and given.code == "lock_timeout"
    # https://docs.stripe.com/rate-limits: lock_timeout is not about speed, another request holds the object.
    words = "Stripe is busy with another request on the same object" if locked else "Stripe asks to slow down"
    return RateLimited(
        f"{words} (status {response.status}){said}",
        retry_after=retry_after(response),
        details=details,
        hint="the sync waits and goes on by itself; a lower rate limit of the sync avoids this",
    )


def _said(response: Response) -> str:
    given = fault(response.body)
    return f": {replies.plain(given.message, 300)}" if given and given.message else ""


def _details(response: Response) -> str:
    """What support asks for: code, parameter, request. Without Stripe's own error object, what came instead."""
    given = fault(response.body)
    if given is None:
        return replies.described(response)
    facts = {
        "type": given.type,
        "code": given.code,
        "param": given.param,
        "reason": response.headers.get("stripe-rate-limited-reason"),
        "request": response.headers.get("request-id"),
        "path": urlsplit(response.url).path,
    }
    return ", ".join(f"{name} {replies.plain(value, 100)}" for name, value in facts.items() if value)
