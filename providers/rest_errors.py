"""What a reply means, by the document's rules and by what statuses mean everywhere; and what it says of the vendor's budget."""

from __future__ import annotations

import math
import re
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from pgsluice.providers import rawjson, replies, rest_paths
from pgsluice.providers.base import Response, Signals
from pgsluice.providers.errors import Conflict, Forbidden, Missing, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable
from pgsluice.providers.limits import MAX_RETRY_AFTER, retry_after
from pgsluice.providers.rest_document import Document, ErrorWord, Quota, Rule

Verdict = Literal["fine", "empty", "lost_place", "missing"]
# Where vendors put their words, if the document does not say.
_WORDS: Final = ("error.message", "message", "errors.0.message", "error_description", "detail", "description", "error", "title")
_LONGEST: Final = 64 * 1024  # bytes of a reply in which words are looked for
_MATCHED: Final = 300  # characters that a pattern gets to see
_CONTEXT: Final = 4000


def verdict(document: Document, response: Response, *, graphql: bool = False, writing: bool = False) -> Verdict:
    """Whether the reply is what was asked for. Raises ProviderError for what is not, and not of these four."""
    means = _means(document, response, graphql=graphql, writing=writing)
    if means is None:
        return "fine"
    word, hint, wait = means
    if word == "empty" or word == "lost_place" or word == "missing":  # noqa: PLR1714  mypy narrows it only so
        return word
    raise error(document, response, word, hint, wait, writing=writing)


def error(
    document: Document, response: Response, word: ErrorWord, hint: str = "", wait: float | None = None, *, writing: bool = False
) -> ProviderError:
    """The error of that kind, in the vendor's words. `wait`: seconds, where the reply names none."""
    name = document.title or document.name
    said = _said(document, response)
    details = f"{urlsplit(response.url).path}: {replies.described(response)}"
    match word:
        case "unauthorized" | "expired":
            advice = hint or f"the secret is wrong, expired or revoked: get a new one from {name} and store it in this credential's place"
            expired = word == "expired" or any(auth.renew for auth in document.auth.values())
            return Unauthorized(f"{name} refused the credential{said}", expired=expired, details=details, hint=advice)
        case "forbidden":
            usual = "write it" if writing else "read it, or leave that collection out of the sync"
            advice = hint or f"give the credential the right to {usual}"
            return Forbidden(f"{name} does not let this credential do that{said}", details=details, hint=advice)
        case "rate_limited":
            advice = hint or "the sync waits and goes on by itself; a lower rate limit of the sync avoids this"
            said_pause = _pause(document, response)
            pause = wait if said_pause is None else said_pause
            return RateLimited(
                f"{name} asks to slow down (status {response.status}){said}", retry_after=pause, details=details, hint=advice
            )
        case "retry":
            return Unavailable(
                f"{name} failed to answer (status {response.status}){said}", details=details, hint=hint or "it is asked again"
            )
        case "conflict":
            return Conflict(f"the object is not the version that was meant{said}", details=details, hint=hint or "read it again")
        case "missing":
            return Missing(f"{name} has no such object{said}", details=details, hint=hint or "the object is gone, or was never there")
        case "unreadable":
            return replies.unreadable(response, name, said.removeprefix(": ") or f"status {response.status}", hint=hint or None)
        case _:
            advice = hint or f"the message is {name}'s own; if it speaks of a parameter, correct the provider document"
            return Refused4xx(f"{name} refused the request (status {response.status}){said}", details=details, hint=advice)


def own_words(response: Response) -> str:
    """JSON text: the status and the vendor's answer, as sent."""
    body = replies.plain(response.body[:_CONTEXT].decode("utf-8", "replace"), _CONTEXT)
    sound = len(response.body) <= _CONTEXT and rawjson.unsound(response.body.strip() or b"") is None
    return f'{{"status": {response.status}, "error": {body if sound else msgspec.json.encode(body).decode()}}}'


def signals(document: Document, response: Response) -> Signals | None:
    """What the reply says of the vendor's budget: of several, the one with the least left."""
    wait = retry_after(response)
    found = [quota for spec in document.limits.headers if (quota := _of_headers(spec, response)) is not None]
    body = document.limits.body
    if body is not None and (quota := _of_body(body, response)) is not None:
        found.append(quota)
    least = min(found, key=lambda quota: quota.remaining if quota.remaining is not None else math.inf, default=None)
    if least is None:
        return None if wait is None else Signals(wait=wait)
    return Signals(wait, least.remaining, least.resets_in, least.restore_rate)


def _means(document: Document, response: Response, *, graphql: bool, writing: bool) -> tuple[ErrorWord, str, float | None] | None:
    body: Any = msgspec.UNSET
    if document.errors.rules or (graphql and response.status == 200):
        body = _json(response)
    for rule in document.errors.rules:
        if _applies(rule, response, body):
            return rule.means, rule.hint, rest_paths.duration(rule.wait).total_seconds() if rule.wait else None
    if response.status // 100 == 2:
        wrong = graphql and isinstance(body, dict) and body.get("errors")
        return ("refused", "", None) if wrong else None
    return _by_status(response, writing=writing), "", None


def _applies(rule: Rule, response: Response, body: Any) -> bool:
    if rule.status and response.status not in rule.status:
        return False
    for name, pattern in rule.headers.items():
        if not re.search(pattern, response.headers.get(name.lower(), "")[:_MATCHED]):
            return False
    if not rule.path:
        return bool(rule.status or rule.headers)
    found = _value(body, rule.path)
    if found in (None, False, "", [], {}):
        return False
    text = found if isinstance(found, str) else msgspec.json.encode(found).decode()
    return not rule.matches or re.search(rule.matches, text[:_MATCHED]) is not None


def _by_status(response: Response, *, writing: bool) -> ErrorWord:
    status = response.status
    if status in {404, 410}:
        # A proxy's page says nothing about the object.
        return "missing" if _json(response) is not msgspec.UNSET else "unreadable"
    if writing and status in {409, 412}:
        return "conflict"
    words: dict[int, ErrorWord] = {401: "unauthorized", 403: "forbidden", 429: "rate_limited", 408: "retry", 425: "retry", 409: "retry"}
    if status in words:
        return words[status]
    if status >= 500:
        return "retry"
    return "refused" if status >= 400 else "unreadable"


def _pause(document: Document, response: Response) -> float | None:
    asked = retry_after(response)
    if asked is not None:
        return asked
    empty = [quota for spec in document.limits.headers if (quota := _of_headers(spec, response)) is not None and quota.remaining == 0]
    waits = [quota.resets_in for quota in empty if quota.resets_in is not None]
    return max(waits, default=None)


def _of_headers(spec: Quota, response: Response) -> Signals | None:
    remaining = _number(response.headers.get(spec.remaining.lower())) if spec.remaining else None
    resets = _number(response.headers.get(spec.reset.lower())) if spec.reset else None
    if remaining is None and resets is None:
        return None
    return Signals(remaining=remaining, resets_in=_resets_in(spec, resets, response))


def _resets_in(spec: Quota, reset: float | None, response: Response) -> float | None:
    if reset is None or spec.reset_is == "seconds":
        seconds = reset
    else:
        moment = reset / 1000 if spec.reset_is == "ms" else reset
        seconds = moment - replies.vendor_clock(response).timestamp()
    return None if seconds is None else min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _of_body(spec: Quota, response: Response) -> Signals | None:
    body = _json(response)
    remaining = _number(_value(body, spec.remaining)) if spec.remaining else None
    restore = _number(_value(body, spec.restore)) if spec.restore else None
    return None if remaining is None else Signals(remaining=remaining, restore_rate=restore)


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _said(document: Document, response: Response) -> str:
    body = _json(response)
    for path in document.errors.message or _WORDS:
        found = _value(body, path)
        if isinstance(found, str) and found.strip():
            return f": {replies.plain(found, 300)}"
    return ""


def _json(response: Response) -> Any:
    """The body as values, for words and rules only; UNSET if it is no JSON object or list, or a large one."""
    if len(response.body) > _LONGEST:
        try:
            members = rawjson.object_members(response.body)
        except rawjson.NotJson:
            return msgspec.UNSET
        small = {name: raw for name, raw in members.items() if len(raw) <= _LONGEST}
        return {name: value for name, raw in small.items() if (value := _decoded(raw)) is not msgspec.UNSET}
    return _decoded(response.body.removeprefix(rawjson.BOM))


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.UNSET


def _value(body: Any, path: str) -> Any:
    for step in rest_paths.steps(path):
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body
