"""What one HubSpot account has: its custom objects, and the properties of every type.

https://developers.hubspot.com/docs/api-reference/latest/crm/objects/schemas. First the custom objects, then type by type the properties of
the standard ones; a type that the token may not see, or that the account's plan lacks, is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from pgsluice.providers import replies
from pgsluice.providers.base import Collection, Cursor, Described, Field, Response
from pgsluice.providers.errors import Forbidden, Refused4xx
from pgsluice.providers.hubspot_objects import Call, listing, properties_call
from pgsluice.providers.hubspot_types import API, COLLECTIONS, OWNER, SOURCES, fields_of, source_of

_STANDARD: Final = tuple(name for name in SOURCES if name != OWNER)
# https://developers.hubspot.com/docs/api-reference/latest/crm/properties: all values are texts, whatever they stand for
_WORDS: Final[Mapping[str, str]] = {"number": "a number", "date": "a date", "datetime": "a time", "bool": "true or false"}


class _Property(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    label: str = ""
    type: str = ""
    has_unique_value: bool = False


class _Schema(msgspec.Struct, frozen=True, rename="camel"):
    object_type_id: str
    fully_qualified_name: str = ""
    labels: dict[str, Any] = {}
    properties: list[_Property] = []
    archived: bool = False


def call(cursor: Cursor | None) -> Call:
    if cursor is None:
        return Call("GET", API.schemas)
    return properties_call(SOURCES[_STANDARD[_number(cursor)]])


def read(cursor: Cursor | None, response: Response) -> Described:
    try:
        records = listing(response).records
    except (Forbidden, Refused4xx):
        records = []
    try:
        if cursor is None:
            found = [msgspec.json.decode(raw, type=_Schema) for raw in records]
            return Described(tuple(_custom(schema) for schema in found if not schema.archived), {"type": 0})
        properties = [msgspec.json.decode(raw, type=_Property) for raw in records]
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise replies.unreadable(response, "HubSpot", "a description in it is malformed") from exc
    number = _number(cursor)
    following = {"type": number + 1} if number + 1 < len(_STANDARD) else None
    owners = (COLLECTIONS[OWNER],) if following is None else ()
    if not properties:
        return Described(owners, following)
    collection_id = _STANDARD[number]
    return Described((_described(collection_id, SOURCES[collection_id].description, properties), *owners), following)


def _custom(schema: _Schema) -> Collection:
    plural = schema.labels.get("plural")
    words = f"{plural if isinstance(plural, str) else 'a custom object'} ({schema.fully_qualified_name})"
    return _described(f"hubspot:{schema.object_type_id}", replies.plain(words, 200), schema.properties)


def _described(collection_id: str, description: str, properties: list[_Property]) -> Collection:
    unique = [found.name for found in properties if found.has_unique_value]
    known = source_of(collection_id)
    match_on = dict.fromkeys((*known.match_on, *(form for name in unique for form in (f"properties.{name}", name))))
    fields = (*fields_of(collection_id), *_fields(properties))
    return Collection(collection_id, description, known.mutations, fields, tuple(match_on))


def _fields(properties: list[_Property]) -> Iterator[Field]:
    kind: Literal["text"] = "text"
    for found in sorted(properties, key=lambda one: one.name):
        words = ": ".join(part for part in (replies.plain(found.label, 200), _WORDS.get(found.type, "")) if part)
        yield Field(f"properties.{found.name}", kind, description=words)


def _number(cursor: Cursor) -> int:
    number = cursor.get("type")
    return number if isinstance(number, int) and 0 <= number < len(_STANDARD) else 0
