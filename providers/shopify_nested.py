"""Connections inside an object: its first entries and whether there are more. An object is stored once its connections are whole.

https://shopify.dev/docs/api/usage/pagination-graphql: what is missing is asked for behind the last entry's cursor and put behind the
others; every entry keeps the vendor's bytes. The object so far travels in `Hint.held`. A whole connection is `{"nodes": […]}`: where it was
cut says nothing of the object, and a bulk operation does not know it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from pgsluice.providers import rawjson
from pgsluice.providers.base import Change, Hint, Partial, Refused, Response
from pgsluice.providers.shopify_collections import Nested, Source
from pgsluice.providers.shopify_graphql import answer

PIECE: Final = 30  # entries asked for at once: a line item of an order counts up to 27 points, and a query may cost 1,000


class Gap(NamedTuple):
    """A connection of an object that lacks entries."""

    nested: Nested
    owner: str  # the id of what has the connection
    after: str | None


def whole(source: Source, record: Change | Refused) -> Change | Refused | Partial:
    """The record, if its connections are whole; else what to ask next."""
    if isinstance(record, Refused) or record.raw is None or not source.nested:
        return record
    if next(_gaps(source, record.raw), None) is not None:
        return Partial(Hint(record.collection_id, record.upstream_id, record.raw))
    raw = _mapped(source, record.raw, lambda _nested, _owner, nodes, _info: _connection(nodes, None))
    return Change(record.collection_id, record.upstream_id, raw, record.upstream_created_at, record.upstream_updated_at)


def query(source: Source, hint: Hint) -> tuple[str, Mapping[str, object]]:
    """The query for the piece that `hint` lacks, and its variables."""
    gap = next(_gaps(source, hint.held or b"{}"))
    owner = gap.nested.owner or source.type
    connection = (
        f"{gap.nested.member}(first: {PIECE}, after: $after) {{ nodes {{ {gap.nested.fields} }} pageInfo {{ hasNextPage endCursor }} }}"
    )
    name = gap.nested.member[0].upper() + gap.nested.member[1:]
    text = f"query {source.type}{name}($id: ID!, $after: String) {{ node(id: $id) {{ id ... on {owner} {{ {connection} }} }} }}"
    return text, {"id": gap.owner, "after": gap.after}


def read_piece(source: Source, hint: Hint, response: Response, read: Callable[[bytes], Change | Refused]) -> Change | Refused | Partial:
    """What the object is with the piece that `query` asked for. Raises ProviderError."""
    raw = hint.held or b"{}"
    gap = next(_gaps(source, raw))
    node = answer(response).get("node", b"null")
    if not node.startswith(b"{"):
        return Partial(Hint(hint.collection_id, hint.upstream_id))  # gone, perhaps: the object itself tells
    connection = rawjson.object_members(node).get(gap.nested.member, b"{}")
    entries, info = _parts(connection)
    if info is not None and (not entries or info.after == gap.after):
        return Refused(hint.collection_id, hint.upstream_id, raw, f"its {gap.nested.member} say that there is more and bring nothing")

    def joined(nested: Nested, owner: str, nodes: list[bytes], found: Gap | None) -> bytes:
        if nested is not gap.nested or owner != gap.owner:
            return _connection(nodes, found)
        return _connection([*nodes, *entries], info and Gap(nested, owner, info.after))

    return whole(source, read(_mapped(source, raw, joined)))


def _gaps(source: Source, raw: bytes) -> Iterator[Gap]:
    found: list[Gap] = []

    def look(nested: Nested, owner: str, nodes: list[bytes], gap: Gap | None) -> bytes:
        if gap is not None:
            found.append(Gap(nested, owner, gap.after))
        return _connection(nodes, gap)

    if b'"hasNextPage"' in raw:
        _mapped(source, raw, look)
    yield from found


_Make = Callable[[Nested, str, list[bytes], "Gap | None"], bytes]


def _mapped(source: Source, raw: bytes, make: _Make) -> bytes:
    """The object with each of its connections made anew."""
    members = rawjson.object_members(raw)
    own = {nested.member: nested for nested in source.nested if nested.within is None}
    held: dict[str, dict[str, Nested]] = {}
    for nested in source.nested:
        if nested.within is not None:
            held.setdefault(nested.within, {})[nested.member] = nested
    _make(members, own, make)
    for name, inner in held.items():
        if members.get(name, b"").startswith(b"["):
            members[name] = b"[" + b",".join(_remade(item, inner, make) for item in rawjson.elements(members[name], name)) + b"]"
    return object_of(members)


def _remade(raw: bytes, inner: Mapping[str, Nested], make: _Make) -> bytes:
    members = rawjson.object_members(raw)
    _make(members, inner, make)
    return object_of(members)


def _make(members: dict[str, bytes], connections: Mapping[str, Nested], make: _Make) -> None:
    owner = rawjson.identity(members.get("id", b"")) or ""
    for name, nested in connections.items():
        if members.get(name, b"").startswith(b"{"):
            nodes, gap = _parts(members[name])
            members[name] = make(nested, owner, nodes, gap and Gap(nested, owner, gap.after))


class _More(NamedTuple):
    after: str | None


def _parts(connection: bytes) -> tuple[list[bytes], _More | None]:
    """The entries of a connection, and where it goes on; None: it is whole."""
    found = rawjson.slice_list(connection, "nodes")
    info = rawjson.object_members(found.members["pageInfo"]) if "pageInfo" in found.members else {}
    more = _More(text_of(info.get("endCursor", b"null"))) if info.get("hasNextPage") == b"true" else None
    return found.records, more


def _connection(nodes: list[bytes], gap: Gap | None) -> bytes:
    """A connection with these entries; `gap`: where the rest is to be asked for."""
    more = b"" if gap is None else b',"pageInfo":{"hasNextPage":true,"endCursor":' + msgspec.json.encode(gap.after) + b"}"
    return b'{"nodes":[' + b",".join(nodes) + b"]" + more + b"}"


def text_of(raw: bytes) -> str | None:
    """A string, given its JSON; None for anything else."""
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def object_of(members: Mapping[str, bytes]) -> bytes:
    return b"{" + b",".join(msgspec.json.encode(name) + b":" + value for name, value in members.items()) + b"}"
