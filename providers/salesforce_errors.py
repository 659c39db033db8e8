"""Salesforce's refusals, in words that say what to do.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm: an array of {message, errorCode, fields}. A used-up
budget is 403 REQUEST_LIMIT_EXCEEDED, not 429, and names no time; a session that has ended is 401 INVALID_SESSION_ID.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from pgsluice.providers import replies
from pgsluice.providers.base import Response
from pgsluice.providers.errors import Conflict, Forbidden, Missing, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable
from pgsluice.providers.limits import retry_after

VENDOR: Final = "Salesforce"
# The budget counts any 24 hours: what was used comes back little by little, so there is no moment to wait for.
USED_UP: Final = 600.0
# Not done, and worth another try: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm
_NOT_NOW: Final = frozenset(
    {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT", "TXN_SECURITY_METERING_ERROR"}
)
_NO_SUCH: Final = frozenset({"NOT_FOUND", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"})
_NO_RIGHT: Final = ("INSUFFICIENT_ACCESS", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED", "CANNOT_EXECUTE_FLOW_TRIGGER_NO_ACCESS")
_LONGEST: Final = 4000  # characters of the vendor's error that are kept


class Fault(NamedTuple):
    """One of the errors of a reply."""

    code: str
    message: str
    fields: tuple[str, ...] = ()


def faults(body: bytes) -> tuple[Fault, ...]:
    """The errors that a reply names; none if it has not that shape."""
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ()
    items = given if isinstance(given, list) else [given]
    found = [_fault(item) for item in items if isinstance(item, dict)]
    return tuple(fault for fault in found if fault is not None)


def code_of(response: Response) -> str:
    """The first error's code, or nothing."""
    return next((fault.code for fault in faults(response.body)), "")


def error_of(response: Response) -> ProviderError:
    """The error that a reply with another status than a good one stands for."""
    found = faults(response.body)
    fault = found[0] if found else Fault("", "")
    said = f": {replies.plain(fault.message, 300)}" if fault.message else ""
    details = _details(response, fault)
    status = response.status
    if limited := _limited(response, fault, said, details):
        return limited
    if status == 401:
        return Unauthorized(
            f"{VENDOR} refused the session{said}",
            expired=True,
            details=details,
            hint="the access was revoked, or there is nothing to renew the token with: sign in again, and store the new secret",
        )
    if status == 403 or fault.code.startswith(_NO_RIGHT):
        return Forbidden(
            f"{VENDOR} does not let this user do that{said}",
            details=details,
            hint="give the user's profile or permission set that right (API Enabled, the object, its fields), or leave the collection out",
        )
    if status in {408, 420} or status >= 500:
        return Unavailable(f"{VENDOR} failed to answer (status {status}){said}", details=details, hint="it is asked again by itself")
    if status == 412:
        return Conflict(f"the object is no longer the version that was meant{said}", details=details, hint="read it again")
    if status < 400 or not found:
        return replies.unreadable(response, VENDOR, f"status {status} without {VENDOR}'s description of an error")
    if fault.code in {"INVALID_TYPE", "INVALIDENTITY"} or (status == 404 and "/sobjects/" in response.url):
        return Refused4xx(
            f"{VENDOR} shows this user no such object{said}",
            details=details,
            hint="look for its API name (Setup, Object Manager) and for the user's right to read it; or leave the collection out",
        )
    return Refused4xx(f"{VENDOR} refused the request (status {status}){said}", details=details, hint="the message is Salesforce's own")


def item_error(raw: bytes, *, of_one: bool) -> ProviderError:
    """What became of one item of several, given its `errors`; `of_one`: the write names an object by its id."""
    found = faults(raw)
    fault = found[0] if found else Fault("", "it says no reason")
    message = replies.plain(fault.message, 300)
    details = f'{{"status": 400, "error": {replies.plain(raw.decode("utf-8", "replace"), _LONGEST)}}}'
    if fault.code in _NOT_NOW or fault.code == "REQUEST_LIMIT_EXCEEDED":
        pause = USED_UP if fault.code == "REQUEST_LIMIT_EXCEEDED" and not _at_once(fault) else None
        return RateLimited(
            f"{VENDOR} did not do it for now: {message}", retry_after=pause, details=details, hint="it is sent again by itself"
        )
    if of_one and fault.code in _NO_SUCH:
        return Missing(f"{VENDOR} has no such object: {message}", details=details, hint="the object is gone, or was never there")
    if fault.code.startswith(_NO_RIGHT):
        return Forbidden(f"{VENDOR} does not let this user do that: {message}", details=details, hint="give the user the right to write it")
    if fault.code == "ALL_OR_NONE_OPERATION_ROLLED_BACK":
        return Refused4xx(
            f"{VENDOR} took it back, since another item of the request was refused", details=details, hint="send it again without that item"
        )
    named = f" ({', '.join(fault.fields)})" if fault.fields else ""
    return Refused4xx(f"{VENDOR} refused it{named}: {message}", details=details, hint="correct the data and send it again")


def own_words(response: Response) -> str:
    """JSON text: the status and the vendor's own answer, as sent."""
    text = replies.plain(response.body[:_LONGEST].decode("utf-8", "replace"), _LONGEST)
    return f'{{"status": {response.status}, "error": {text if faults(response.body) else msgspec.json.encode(text).decode()}}}'


def _at_once(fault: Fault) -> bool:
    """Too many at a time, which is over soon, and not the day's requests used up."""
    return "concurrent" in fault.message.lower()


def _limited(response: Response, fault: Fault, said: str, details: str) -> RateLimited | None:
    asked = retry_after(response)
    hint = "the sync waits and goes on by itself; a lower rate limit of the sync, or a longer sync_frequency, avoids this"
    if fault.code == "REQUEST_LIMIT_EXCEEDED" or response.status == 429:
        # https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta: 25 long calls at once, so many in 24 h.
        at_once = _at_once(fault)
        words = "answers too many long requests at once" if at_once else "has answered all requests that this organization has for 24 hours"
        pause = asked if asked is not None or at_once else USED_UP
        return RateLimited(f"{VENDOR} {words}{said}", retry_after=pause, details=details, hint=hint)
    if fault.code in _NOT_NOW and response.status < 500:
        return RateLimited(f"{VENDOR} is busy{said}", retry_after=asked, details=details, hint=hint)
    return None


def _fault(item: Mapping[str, Any]) -> Fault | None:
    """`errorCode` in replies, `statusCode` in the results of items, `error` in those of tokens."""
    code = item.get("errorCode", item.get("statusCode"))
    message = item.get("message")
    fields = item.get("fields")
    if not isinstance(code, str):
        return None
    named = tuple(str(name) for name in fields) if isinstance(fields, list) else ()
    return Fault(code, message if isinstance(message, str) else "", named)


def _details(response: Response, fault: Fault) -> str:
    if not fault.code:
        return replies.described(response)
    facts = {"code": fault.code, "fields": ", ".join(fault.fields), "path": urlsplit(response.url).path}
    return ", ".join(f"{name} {replies.plain(value, 200)}" for name, value in facts.items() if value)
