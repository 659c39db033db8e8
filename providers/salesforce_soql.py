"""Questions in SOQL, and where they are put: in the address, or, where that would be too long, in the body of a composite request.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl. Pages go on behind the last record's key, each by a query of its
own: a cursor of Salesforce's (nextRecordsUrl) can die between two pages (INVALID_QUERY_LOCATOR), and a key cannot. FIELDS(ALL) is no help:
it is allowed with LIMIT 200 only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from pgsluice.providers import rawjson, replies
from pgsluice.providers.base import Response
from pgsluice.providers.salesforce_describe import Shape
from pgsluice.providers.salesforce_errors import VENDOR

# The shape of every object depends on it, so it changes only with a release of ours: Summer '26.
VERSION: Final = "v67.0"
ROOT: Final = f"/services/data/{VERSION}"
PAGE_SIZE: Final = 2000  # the vendor's maximum; wide records come in smaller pages
# https://help.salesforce.com/s/articleView?id=000386264: address and headers together 16,384 bytes, and the query grows on the way.
LONGEST_URL: Final = 6000


class Ask(NamedTuple):
    """A request, its address behind the instance's."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()


def describe(name: str, modified: str = "") -> Ask:
    """What an object is like; `modified`: nothing, if it is as it was then."""
    headers = (("If-Modified-Since", modified),) if modified else ()
    return Ask("GET", f"{ROOT}/sobjects/{name}/describe", headers=headers)


def select(shape: Shape, conditions: Sequence[str], order: str = "") -> str:
    words = ["SELECT", ",".join(shape.names), "FROM", shape.name]
    if conditions:
        words += ["WHERE", " AND ".join(conditions)]
    if order:
        words += ["ORDER BY", order, "LIMIT", str(PAGE_SIZE)]
    return " ".join(words)


def query(soql: str, resource: str = "query") -> Ask:
    """`resource`: query, or queryAll, which shows deleted and archived records, too."""
    if len(quote(soql)) <= LONGEST_URL:
        return Ask("GET", f"{ROOT}/{resource}", (("q", soql),))
    inner = {"method": "GET", "url": f"{ROOT}/{resource}?q={quote(soql, safe='')}", "referenceId": "page"}
    return Ask("POST", f"{ROOT}/composite", body=msgspec.json.encode({"allOrNone": True, "compositeRequest": [inner]}))


def unwrapped(response: Response) -> Response:
    """The reply to the query inside a composite request; any other as it is. Raises Unreadable."""
    if not response.url.endswith("/composite") or response.status != 200:
        return response
    try:
        (part,) = rawjson.elements(rawjson.object_members(response.body)["compositeResponse"], "compositeResponse")
        members = rawjson.object_members(part)
        status = rawjson.integer(members["httpStatusCode"]) or 0
        return replace(response, status=status, body=members["body"])
    except (rawjson.NotJson, KeyError, ValueError) as exc:
        raise replies.unreadable(response, VENDOR, f"it is no answer to a composite request: {exc}") from exc


def quoted(text: str) -> str:
    """A text in SOQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def stored(state: msgspec.Struct) -> dict[str, Any]:
    """A state as a cursor: what JSON would give back of it, without what is at its default."""
    return msgspec.json.decode(msgspec.json.encode(state), type=dict[str, Any])
