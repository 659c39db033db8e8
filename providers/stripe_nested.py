"""Lists inside objects: ten entries and a `has_more` of their own. An object is stored once its lists are whole.

https://docs.stripe.com/api/pagination: the entries that are missing are read from the list's own address, a hundred at a time, and put
behind the others; every entry keeps the vendor's bytes. The object so far travels in `Hint.held`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from pgsluice.providers import rawjson, stripe_places
from pgsluice.providers.base import Change, Hint, Partial, Refused, Response
from pgsluice.providers.stripe_collections import Nested, Parameters, Source
from pgsluice.providers.stripe_errors import lost_place, missing_object, missing_parent
from pgsluice.providers.stripe_lists import PAGE_SIZE, listing, read_record

# A hint that names a parent: its whole list is wanted, from the start.
CHILDREN = b""
_MORE = re.compile(rb'"has_more"\s*:\s*true')


class _Gap(NamedTuple):
    """A list of an object that lacks entries."""

    nested: Nested
    members: Mapping[str, bytes]  # of the list as it stands in the object
    entries: list[bytes]

    @property
    def ids(self) -> list[str]:
        return [name for name in map(identity_of, self.entries) if name is not None]


def whole(source: Source, record: Change | Refused) -> Change | Refused | Partial:
    """The record, if its lists are whole; else what to ask next."""
    if isinstance(record, Refused) or record.raw is None or _gap(source, record.raw) is None:
        return record
    return Partial(Hint(record.collection_id, record.upstream_id, record.raw))


def query(source: Source, hint: Hint) -> tuple[str, Parameters]:
    """Path and parameters of the piece that `hint` lacks."""
    gap = _gap(source, hint.held or b"")
    if gap is None:
        raise ValueError("nothing is missing")
    names = gap.ids
    of = ((gap.nested.query, hint.upstream_id),) if gap.nested.query else ()
    after = (("starting_after", names[-1]),) if names else ()
    return gap.nested.path, (("limit", str(PAGE_SIZE)), *of, *after)


def read_piece(source: Source, hint: Hint, response: Response) -> Change | Refused | Partial:
    """What the object is with the piece that `query` asked for. Raises ProviderError."""
    raw = hint.held or b""
    gap = _gap(source, raw)
    if gap is None or missing_object(response):
        return Partial(Hint(hint.collection_id, hint.upstream_id))  # gone, perhaps: the object itself tells
    if lost_place(response):
        # The last entry is gone; those before it may be, too.
        return Partial(Hint(hint.collection_id, hint.upstream_id, _with(raw, gap, [], more=True)))
    found = listing(response)
    known = set(gap.ids)
    news = [entry for entry in found.records if identity_of(entry) not in known]
    if found.has_more and not news:
        return Refused(hint.collection_id, hint.upstream_id, raw, f"its {gap.nested.member} say that there is more and bring nothing")
    raw = _with(raw, gap, [*gap.entries, *news], more=found.has_more)
    return whole(source, read_record(hint.collection_id, raw))


def read_children(hint: Hint, response: Response, param: str) -> Partial:
    """A page of the list of one parent, which `hint` names; it holds the entry to go on behind. Raises ProviderError."""
    if missing_parent(response, param):
        return Partial(None)
    if hint.held and lost_place(response):
        return Partial(Hint(hint.collection_id, hint.upstream_id, CHILDREN))
    found = listing(response)
    records = tuple(read_record(hint.collection_id, raw, hint.upstream_id) for raw in found.records)
    named = (record.upstream_id for record in reversed(records) if record.upstream_id is not None)
    last = next((stripe_places.own_id(hint.collection_id, upstream_id) for upstream_id in named), None)
    if not found.has_more or last is None or last.encode() == hint.held:
        return Partial(None, records)
    return Partial(Hint(hint.collection_id, hint.upstream_id, last.encode()), records)


def entries_of(raw: bytes) -> list[bytes]:
    """The entries that a nested list shows; none if it is no list."""
    try:
        return rawjson.slice_list(raw, "data").records
    except rawjson.NotJson:
        return []


def says_more(raw: bytes) -> bool:
    """Whether a nested list shows only its first entries."""
    try:
        return rawjson.object_members(raw).get("has_more") == b"true"
    except rawjson.NotJson:
        return False


def member_of(raw: bytes, name: str) -> bytes:
    """The bytes of a member of an object; empty where there is none."""
    try:
        return rawjson.object_members(raw).get(name, b"")
    except rawjson.NotJson:
        return b""


def identity_of(raw: bytes) -> str | None:
    """The id of an entry."""
    return rawjson.identity(member_of(raw, "id"))


def _gap(source: Source, raw: bytes) -> _Gap | None:
    if not source.nested or not _MORE.search(raw):
        return None
    members = rawjson.object_members(raw)
    for nested in source.nested:
        try:
            found = rawjson.slice_list(members.get(nested.member, b""), "data")
        except rawjson.NotJson:
            continue
        if found.members.get("has_more") == b"true":
            return _Gap(nested, found.members, found.records)
    return None


def _with(raw: bytes, gap: _Gap, entries: list[bytes], *, more: bool) -> bytes:
    """The object with these entries in that list."""
    inner = {**gap.members, "data": b"[" + b",".join(entries) + b"]", "has_more": b"true" if more else b"false"}
    return _object({**rawjson.object_members(raw), gap.nested.member: _object(inner)})


def _object(members: Mapping[str, bytes]) -> bytes:
    return b"{" + b",".join(msgspec.json.encode(name) + b":" + value for name, value in members.items()) + b"}"
