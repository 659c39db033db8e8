"""Words for replies that are not what was promised, and the little that every reply's headers say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pgsluice.providers.base import Response
from pgsluice.providers.errors import Unreadable

# What looks like a secret never gets into a message, whoever sent it: keys by their prefix, and whatever follows "Bearer".
_SECRET = re.compile(
    r"\b(?:[a-z]{2,5}_(?:test|live)|whsec|gh[oprsu]|xox[a-z])[_-][\w*-]+|(?<=\bBearer )\S+|(?<=\bBasic )\S+", re.IGNORECASE
)
_EXCERPT = 120  # characters of a reply that a person gets to see


def plain(text: str, limit: int = 500) -> str:
    """`text` as one line without control characters and secrets, cut at `limit` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    safe = _SECRET.sub("***", line)
    return safe if len(safe) <= limit else f"{safe[: limit - 1]}…"


def described(response: Response) -> str:
    """What came: status, type, length and beginning of a reply, safe to show."""
    kind = plain(response.headers.get("content-type", "no content type"), 80)
    start = plain(response.body[: _EXCERPT * 4].decode("utf-8", "replace"), _EXCERPT)
    begins = f", beginning: {start}" if start else ""
    return f"status {response.status}, {kind}, {len(response.body):,} bytes{begins}"


def unreadable(response: Response, vendor: str, reason: str, *, hint: str | None = None) -> Unreadable:
    """The error for a reply that is not what `vendor` promises, because `reason`."""
    return Unreadable(
        f"the reply of {vendor} cannot be read: {reason}",
        details=described(response),
        hint=hint or f"look whether the address is that of {vendor} and no proxy answers in its place; the sync tries again by itself",
    )


def http_date(text: str) -> datetime | None:
    """The moment that an HTTP date names, None if it names none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def vendor_clock(response: Response) -> datetime:
    """When the vendor sent this reply, by its own clock; by ours where it does not say."""
    return http_date(response.headers.get("date", "")) or response.received_at


def joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by their names in lower case; one that comes twice as one, with a comma. RFC 9110, 5.3."""
    found: dict[str, str] = {}
    for raw, value in headers:
        name = raw.lower()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
