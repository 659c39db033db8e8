"""Records of a declared collection: their ids, times and marks, out of the bytes of a reply; and ids that are made of several values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from pgsluice.providers import rawjson, replies, rest_paths
from pgsluice.providers.base import Change, Hint, Refused, Response
from pgsluice.providers.errors import Refused4xx
from pgsluice.providers.rest_document import Collection, Listing, Marker, Nested, Time
from pgsluice.providers.rest_template import Value, Values, filled, placeholders
from pgsluice.providers.rest_walk import readable

_PLACE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]*)\}")


class Record(NamedTuple):
    """One element of a list, as far as it can be read."""

    raw: bytes
    members: dict[str, bytes]
    upstream_id: str | None
    reason: str | None  # why it cannot be taken
    updated_at: datetime | None

    def text(self, path: str) -> str | None:
        return rest_paths.text(rest_paths.among(self.members, path))


def records(response: Response, vendor: str, listing: Listing) -> list[bytes]:
    """The bytes of each record of a page. Raises Unreadable: never an empty page in the place of another reply."""
    if not listing.records:
        found: bytes | None = readable(response, vendor, "")
    elif listing.empty_if_absent:
        readable(response, vendor, "")
        found = rest_paths.at(response.body, listing.records)
        if found is None or found == b"null":
            rawjson.object_members(response.body)
            return []
    else:
        found = readable(response, vendor, listing.records)
    if listing.single:
        if not (found or b"").lstrip().startswith(b"{"):
            raise replies.unreadable(response, vendor, f"there is no object at {listing.records or 'its top'!r}")
        return [found or b""]
    try:
        elements = rawjson.elements(found or b"", listing.records or "the reply")
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, vendor, str(exc)) from exc
    return [rest_paths.at(raw, listing.item) or raw for raw in elements] if listing.item else elements


def read(collection: Collection, raw: bytes, around: Values) -> Record:
    """One record; `around`: the values of its parents."""
    reason = rawjson.unsound(raw)
    members = _members(raw)
    if reason is None and any(name in members for name in collection.omit):
        members = {name: value for name, value in members.items() if name not in collection.omit}
        raw = b"{" + b",".join(msgspec.json.encode(name) + b":" + value for name, value in members.items()) + b"}"
    upstream_id = identity(collection.id, members, around)
    if reason is None and upstream_id is None:
        reason = "no id of 1 to 200 bytes"
    updated = collection.updated_at
    return Record(raw, members, upstream_id, reason, _moment(members, updated))


def identity(template: str, members: Mapping[str, bytes], around: Values) -> str | None:
    """The id: the value at a path, or a text made of several."""
    if "{" not in template:
        return rawjson.identity(rest_paths.among(dict(members), template) or b"")
    given: dict[str, Value] = dict(around)
    for name in placeholders(template):
        if name.startswith("record.") and (value := rawjson.identity(rest_paths.among(dict(members), name[7:]) or b"")) is not None:
            given[name] = value
    text = filled(template, given)
    return text if text and "\0" not in text and len(text.encode()) <= rawjson.MAX_ID_BYTES else None


def values_of_id(template: str, upstream_id: str) -> dict[str, Value]:
    """What the placeholders of an id's template stood for. Raises Refused4xx if it is no such id."""
    found: dict[str, Value] = {"id": upstream_id}
    if "{" not in template:
        return found
    match = _id_pattern(template).fullmatch(upstream_id)
    if match is None:
        raise Refused4xx("this is no id of the collection", hint=f"its form is {template}")
    return found | dict(zip(placeholders(template), match.groups(), strict=True))


def change(collection_id: str, collection: Collection, record: Record) -> Change | Refused:
    """What a record says: its state, that it is gone, or why it cannot be taken."""
    if record.reason is not None or record.upstream_id is None:
        return Refused(collection_id, record.upstream_id, record.raw, record.reason or "")
    created = _moment(record.members, collection.created_at)
    deleted = collection.deleted is not None and marked(record.members, collection.deleted)
    return Change(collection_id, record.upstream_id, None if deleted else record.raw, created, record.updated_at, deleted)


def marked(members: dict[str, bytes], marker: Marker) -> bool:
    """Whether the condition holds for a record."""
    raw = rest_paths.among(members, marker.path)
    if marker.equals is None:
        return rest_paths.is_given(raw)
    wanted: Iterable[Any] = marker.equals if isinstance(marker.equals, list) else [marker.equals]
    return rest_paths.text(raw) in {_word(value) for value in wanted}


def is_parent(members: dict[str, bytes], nested: Nested) -> bool:
    """Whether further records of the same list lie below this one."""
    return marked(members, nested) and not (nested.but is not None and marked(members, nested.but))


def distinct(changes: Iterable[Change], *, fetched: bool) -> tuple[tuple[Change, ...], tuple[Hint, ...]]:
    """Each object once: the newest. Where nothing says which of two states is the newer, it is to be fetched; if single objects cannot be
    `fetched`, the one that comes last counts."""
    seen: dict[str, Change] = {}
    doubtful: dict[str, Hint] = {}
    for found in changes:
        known = seen.setdefault(found.upstream_id, found)
        if known == found:
            continue
        if _is_newer(found, known):
            seen[found.upstream_id] = found
            doubtful.pop(found.upstream_id, None)
        elif _is_newer(known, found):
            continue
        elif fetched:
            doubtful[found.upstream_id] = Hint(found.collection_id, found.upstream_id)
        else:
            seen[found.upstream_id] = found
    return tuple(found for found in seen.values() if found.upstream_id not in doubtful), tuple(doubtful.values())


def _is_newer(one: Change, other: Change) -> bool:
    one_at, other_at = one.upstream_updated_at, other.upstream_updated_at
    return one_at is not None and other_at is not None and one_at > other_at


def _members(raw: bytes) -> dict[str, bytes]:
    try:
        return rawjson.object_members(raw)
    except rawjson.NotJson:
        return {}


def _moment(members: dict[str, bytes], time: Time | None) -> datetime | None:
    return None if time is None else rest_paths.moment(rest_paths.among(members, time.path), time.format)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


@lru_cache(maxsize=256)
def _id_pattern(template: str) -> re.Pattern[str]:
    """Each value but the last ends at the first place where what follows it in the template stands."""
    pieces = _PLACE.split(template)  # text, name, text, name … text
    names = pieces[1::2]
    groups = ["(.+?)"] * (len(names) - 1) + ["(.+)"]
    texts = [re.escape(text.replace("{{", "{").replace("}}", "}")) for text in pieces[::2]]
    return re.compile("".join(text + group for text, group in zip(texts, [*groups, ""], strict=True)), re.DOTALL)
