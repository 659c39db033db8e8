"""Reading a large collection by a bulk operation: Shopify runs the query by itself and writes the result to a file.

https://shopify.dev/docs/api/usage/bulk-operations/queries. How many objects there are is asked first; from `FROM` on, an operation is
started, asked about now and then, and its file (JSON lines, at an address of another host) is read in pieces, each cut at the end of its
last object.

- Objects inside an object are lines of their own that name their parent (`__parentId`). Since 2026-01 they may stand anywhere in the file;
  so `groupObjects` asks for each parent's to follow it. A line that does not stand behind its parent ends the reading of the file, and the
  collection is read as a list: half an object is never taken for a whole one, and no file is ever in memory.
- A connection inside a list (what an order's refunds hold) cannot be in such an operation: an object that has such is fetched by itself.
- Five operations run at once for each app and shop; the sixth is refused and waits, and after some waiting the list is read instead. So it
  is too where an operation fails, is cancelled, or has expired: results are kept for seven days.
- A poller that is killed between the start of an operation and its commit starts another; the first one runs out without being looked at.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from pgsluice.providers import rawjson, replies
from pgsluice.providers.base import Credential, Feed, Hint, Page, Request, Response
from pgsluice.providers.errors import ProviderError, Unavailable
from pgsluice.providers.shopify_collections import Source
from pgsluice.providers.shopify_graphql import answer, ask, member
from pgsluice.providers.shopify_nested import object_of, text_of
from pgsluice.providers.shopify_place import Bulk, Place, moved, stored
from pgsluice.providers.shopify_records import sorted_out

FROM: Final = 5_000  # objects; fewer are listed sooner than an operation has begun
MOST: Final = 64 * 1024 * 1024  # bytes of one object with all that is in it
STARTS: Final = 20  # a minute apart: then the list is read
_BUSY: Final = frozenset({"LIMIT_REACHED", "OPERATION_IN_PROGRESS"})
_GONE: Final = frozenset({400, 401, 403, 404, 410})  # what a storage answers for an address that has expired
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def wants(source: Source, feed: Feed, place: Place | None) -> bool:
    """Whether the next request of that feed is not one of a list."""
    if source.count is None or feed.kind == "changes":
        return False
    if source.aged and feed.kind == "sweep" and (place is None or not place.scoped):
        return False
    return place is None or not place.counted or place.bulk is not None


def request(source: Source, place: Place | None, credential: Credential) -> Request:
    place = place or Place()
    if not place.counted or place.bulk is None:
        return ask(credential, f"query {source.type}Count {{ {source.count} {{ count precision }} }}", cost=10.0)
    bulk = place.bulk
    if bulk.id is None:
        text = (
            f"mutation {source.type}Bulk($query: String!) {{ bulkOperationRunQuery(query: $query, groupObjects: true) "
            "{ bulkOperation { id status } userErrors { field message code } } }"
        )
        return ask(credential, text, {"query": _query(source)}, 10.0)
    if bulk.url is None:
        text = f"query {source.type}BulkStatus($id: ID!) {{ bulkOperation(id: $id) {{ id status errorCode objectCount fileSize url }} }}"
        return ask(credential, text, {"id": bulk.id}, 1.0)
    # The bytes as they are stored: a range of a packed file would be of no use.
    headers = {"Range": f"bytes={bulk.at}-{bulk.at + bulk.piece - 1}", "Accept-Encoding": "identity"}
    return Request("GET", bulk.url, headers=headers, elsewhere=True)


def read(source: Source, feed: Feed, place: Place | None, response: Response) -> Page:
    """Raises ProviderError."""
    place = place or Place()
    if not place.counted or place.bulk is None:
        return _counted(source, place, response)
    if place.bulk.id is None:
        return _started(place, place.bulk, response)
    if place.bulk.url is None:
        return _looked(place, place.bulk, response)
    return _piece(source, feed, place, place.bulk, response)


def _query(source: Source) -> str:
    (listed,) = source.lists
    args = f"({listed.args})" if listed.args else ""
    return f"{{ {listed.root}{args} {{ edges {{ node {{ {source.flat} }} }} }} }}"


def _counted(source: Source, place: Place, response: Response) -> Page:
    assert source.count is not None
    found = member(answer(response), source.count, response)
    total = rawjson.integer(found.get("count", b""))
    if total is None:
        raise replies.unreadable(response, "Shopify", "it does not say how many there are")
    exact = text_of(found.get("precision", b"null")) == "EXACT" and source.type != "InventoryItem"
    onward = moved(place, counted=True, bulk=Bulk() if total >= FROM else None)
    return Page(stored(onward), done=False, more=True, total=total if exact else None)


def _started(place: Place, bulk: Bulk, response: Response) -> Page:
    found = member(answer(response), "bulkOperationRunQuery", response)
    errors = _decoded(found.get("userErrors", b"[]"))
    if errors:
        words = replies.plain("; ".join(str(error.get("message")) for error in errors if isinstance(error, dict)), 300)
        busy = any(isinstance(error, dict) and error.get("code") in _BUSY for error in errors)
        if busy and bulk.looks < STARTS:
            return Page(stored(moved(place, bulk=Bulk(looks=bulk.looks + 1))), done=False, more=False, wait=60.0)
        return _as_list(place, f"Shopify did not start a bulk operation ({words})")
    operation = rawjson.object_members(found.get("bulkOperation", b"{}"))
    bulk_id = rawjson.identity(operation.get("id", b""))
    if bulk_id is None:
        raise replies.unreadable(response, "Shopify", "a bulk operation without an id")
    return Page(stored(moved(place, bulk=Bulk(id=bulk_id))), done=False, more=False, wait=1.0)


def _looked(place: Place, bulk: Bulk, response: Response) -> Page:
    found = _decoded(answer(response).get("bulkOperation", b"null"))
    if not isinstance(found, dict):
        return _as_list(place, "Shopify no longer knows the bulk operation")
    match found.get("status"):
        case "CREATED" | "RUNNING" | "CANCELING":
            # Ever more seldom: it may take days.
            looked = msgspec.structs.replace(bulk, looks=bulk.looks + 1)
            return Page(stored(moved(place, bulk=looked)), done=False, more=False, wait=min(2.0 ** min(bulk.looks, 6), 60.0))
        case "COMPLETED" if isinstance(found.get("url"), str):
            return Page(stored(moved(place, bulk=msgspec.structs.replace(bulk, url=found["url"]))), done=False, more=True)
        case "COMPLETED" if str(found.get("objectCount", "0")) in {"0", "None"}:
            return Page(stored(place), done=True, more=False)
    code = f", {found['errorCode']}" if isinstance(found.get("errorCode"), str) else ""
    return _as_list(place, f"the bulk operation ended as {replies.plain(str(found.get('status')), 50)}{code}")


def _piece(source: Source, feed: Feed, place: Place, bulk: Bulk, response: Response) -> Page:
    """A piece of the file."""
    if response.status == 416:
        return Page(stored(place), done=True, more=False)
    if response.status in _GONE:
        if bulk.renewed >= 3:
            return _as_list(place, "the result of the bulk operation cannot be fetched")
        again = msgspec.structs.replace(bulk, url=None, renewed=bulk.renewed + 1)
        return Page(stored(moved(place, bulk=again)), done=False, more=True)
    body, total = _part(bulk, response)
    is_last = bulk.at + len(body) >= total
    # Behind the last line break there may be half a line, unless that is the end of the file.
    lines = body if is_last else body[: body.rfind(b"\n") + 1]
    groups = _grouped(lines)
    if groups is None:
        return _as_list(place, "the result of the bulk operation is not grouped: objects stand away from their parents")
    if not is_last:
        # More of the last object may follow.
        lines, groups = lines[: groups[-1].start if groups else 0], groups[:-1]
    if not lines and not is_last:
        if bulk.piece * 2 > MOST:
            return _as_list(place, f"an object in the result of the bulk operation is larger than {MOST:,} bytes")
        larger = msgspec.structs.replace(bulk, piece=bulk.piece * 2)
        return Page(stored(moved(place, bulk=larger)), done=False, more=True)
    records = sorted_out(feed.collection_ids[0], source, [_node(source, group) for group in groups])
    onward = moved(place, bulk=msgspec.structs.replace(bulk, at=bulk.at + len(lines), looks=0))
    held = _to_be_fetched(source, feed, groups)
    hints = {hint.upstream_id: hint for hint in (*records.hints, *held)}
    changes = tuple(change for change in records.changes if change.upstream_id not in hints)
    return Page(stored(onward), is_last, not is_last, changes, tuple(hints.values()), records.refused)


def _part(bulk: Bulk, response: Response) -> tuple[bytes, int]:
    """The bytes of the file from `bulk.at` on, and how many the file has in all. Raises ProviderError."""
    if response.status == 200:  # a storage that knows no ranges
        return response.body[bulk.at : bulk.at + bulk.piece], len(response.body)
    if response.status != 206:
        raise _unfetched(response)
    found = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
    if found is None or int(found[1]) != bulk.at or int(found[2]) + 1 - int(found[1]) != len(response.body) or not response.body:
        raise replies.unreadable(response, "the file of a bulk operation", "it is not the piece that was asked for")
    return response.body, int(found[3])


def _unfetched(response: Response) -> ProviderError:
    if response.status >= 500 or response.status in {408, 429}:
        return Unavailable(
            f"the file of a bulk operation is not given out (status {response.status})",
            details=replies.described(response),
            hint="it is asked for again, with growing pauses",
        )
    return replies.unreadable(response, "the file of a bulk operation", f"status {response.status}")


class _Group(msgspec.Struct):
    """An object's line, those of what is in it, and where the first one begins."""

    start: int
    root: dict[str, bytes] | None
    raw: bytes
    inside: list[dict[str, bytes]]


def _grouped(lines: bytes) -> list[_Group] | None:
    """The lines by objects; None where one of them stands away from its parent."""
    groups: list[_Group] = []
    at = 0
    for line in lines.splitlines(keepends=True):
        start, at = at, at + len(line)
        raw = line.strip()
        if not raw:
            continue
        try:
            members = rawjson.object_members(raw)
        except rawjson.NotJson:
            groups.append(_Group(start, None, raw, []))
            continue
        parent = members.pop("__parentId", None)
        if parent is None:
            groups.append(_Group(start, members, raw, []))
        elif not groups or (root := groups[-1].root) is None or root.get("id") != parent:
            return None
        else:
            groups[-1].inside.append(members)
    return groups


def _node(source: Source, group: _Group) -> bytes:
    """An object as a list would bring it."""
    if group.root is None:
        return group.raw
    members = dict(group.root)
    for nested in source.nested:
        if nested.within is None:
            entries = [object_of(entry) for entry in group.inside if _type_of(entry) in nested.types]
            members[nested.member] = b'{"nodes":[' + b",".join(entries) + b"]}"
    return object_of(members)


def _type_of(entry: dict[str, bytes]) -> str:
    """gid://shopify/LineItem/1 → LineItem."""
    parts = (rawjson.identity(entry.get("id", b"")) or "").split("/")
    return parts[3] if len(parts) > 3 else ""


def _to_be_fetched(source: Source, feed: Feed, groups: list[_Group]) -> list[Hint]:
    """Objects with connections that an operation cannot bring."""
    within = {nested.within for nested in source.nested if nested.within is not None}
    found: list[Hint] = []
    for group in groups:
        upstream_id = rawjson.identity((group.root or {}).get("id", b""))
        if upstream_id and any((group.root or {}).get(name, b"[]") not in {b"[]", b"null"} for name in within):
            found.append(Hint(feed.collection_ids[0], upstream_id))
    return found


def _as_list(place: Place, why: str) -> Page:
    """The collection is read as a list, from its start."""
    onward = Place(scoped=place.scoped, counted=True)
    return Page(stored(onward), done=False, more=True, notice=f"{why}; the collection is read as a list, which takes longer")


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
