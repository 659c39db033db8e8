"""Records out of replies: one node of a connection, whatever it came by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from pgsluice.providers import rawjson, replies, shopify_nested
from pgsluice.providers.base import Change, Hint, Partial, Refused, Response
from pgsluice.providers.shopify_collections import Source


class Connection(NamedTuple):
    """A page of a connection. `end`: the cursor behind it, None where it says that there is no more."""

    nodes: list[bytes]
    more: bool
    end: str | None


class _Head(msgspec.Struct, frozen=True):
    """The members of a node that concern us, unparsed: another type than the documented one must not spoil the record."""

    id: msgspec.Raw = msgspec.Raw(b"")
    createdAt: msgspec.Raw = msgspec.Raw(b"")  # noqa: N815 (the vendor's)
    updatedAt: msgspec.Raw = msgspec.Raw(b"")  # noqa: N815


class Sorted(NamedTuple):
    """Records, as a page takes them."""

    changes: tuple[Change, ...]
    hints: tuple[Hint, ...]
    refused: tuple[Refused, ...]


def connection(raw: bytes, response: Response, name: str) -> Connection:
    """Raises Unreadable."""
    try:
        found = rawjson.slice_list(raw, "nodes")
        info = rawjson.object_members(found.members.get("pageInfo", b""))
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, "Shopify", f"{name}: {exc}") from exc
    more, end = info.get("hasNextPage"), shopify_nested.text_of(info.get("endCursor", b"null"))
    if more not in {b"true", b"false"} or (more == b"true" and not end):
        raise replies.unreadable(response, "Shopify", f"{name}: it does not say where it goes on (pageInfo)")
    return Connection(found.records, more == b"true", end if more == b"true" else None)


def read_node(collection_id: str, source: Source, raw: bytes) -> Change | Refused:
    """What one node says: its state, or why it cannot be taken."""
    reason = rawjson.unsound(raw)
    head = _head(raw)
    upstream_id = rawjson.identity(bytes(head.id))
    if reason is None and upstream_id is None:
        reason = "no id of 1 to 200 bytes"
    if reason is not None or upstream_id is None:
        return Refused(collection_id, upstream_id, raw, reason or "")
    times = head
    for name in source.times:
        times = _head(rawjson.object_members(raw).get(name, b"{}"))
    return Change(collection_id, upstream_id, raw, moment(bytes(times.createdAt)), moment(bytes(times.updatedAt)))


def sorted_out(collection_id: str, source: Source, nodes: Iterable[bytes]) -> Sorted:
    """Each object once, its connections whole; of two states of one object the newer, or (nothing says which) it is fetched."""
    seen: dict[str, Change] = {}
    hints: dict[str, Hint] = {}
    refused: list[Refused] = []
    for raw in nodes:
        answer = shopify_nested.whole(source, read_node(collection_id, source, raw))
        if isinstance(answer, Refused):
            refused.append(answer)
        elif isinstance(answer, Partial):
            if answer.hint is not None:
                hints[answer.hint.upstream_id] = answer.hint
        elif answer != seen.setdefault(answer.upstream_id, answer):
            newer = _newer(seen[answer.upstream_id], answer)
            if newer is None:
                hints.setdefault(answer.upstream_id, Hint(collection_id, answer.upstream_id))
            else:
                seen[answer.upstream_id] = newer
    # Twice, and once of them with a connection that was cut: which is newer shows when it is asked for by itself.
    doubtful = {name: Hint(collection_id, name) if name in seen else hint for name, hint in hints.items()}
    return Sorted(tuple(change for name, change in seen.items() if name not in hints), tuple(doubtful.values()), tuple(refused))


def _newer(one: Change, two: Change) -> Change | None:
    times = one.upstream_updated_at, two.upstream_updated_at
    if times[0] is None or times[1] is None or times[0] == times[1]:
        return None
    return one if times[0] > times[1] else two


def moment(raw: bytes) -> datetime | None:
    """https://shopify.dev/docs/api/admin-graphql/2026-10/scalars/DateTime: ISO 8601, UTC."""
    try:
        found = msgspec.json.decode(raw, type=datetime)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.tzinfo else None


def _head(raw: bytes) -> _Head:
    """The head of a node, as far as it can be made out even of an unsound one."""
    try:
        return msgspec.json.decode(raw, type=_Head)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        try:
            members = rawjson.object_members(raw)
        except rawjson.NotJson:
            return _Head()
        return _Head(**{name: msgspec.Raw(members[name]) for name in _Head.__struct_fields__ if name in members})
