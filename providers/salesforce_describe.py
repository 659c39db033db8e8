"""What an organization has: its objects, and the fields of each as this user sees them.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm. Fields that field-level security
hides are not there at all; a field that is added later is, so what is read of an object is described again and again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from pgsluice.providers import replies
from pgsluice.providers.base import Collection, Cursor, Described, Field, Response
from pgsluice.providers.salesforce_errors import VENDOR, error_of
from pgsluice.providers.salesforce_objects import COLLECTIONS, PREFIX

# Values that only JSON can say: Bulk has none of these, and none is needed, since their parts are fields too.
COMPOUND: Final = frozenset({"address", "location", "complexvalue", "junctionidlist"})
_STAMPS: Final = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
# How a field's text in CSV becomes JSON: a number, a truth value, a time. Everything else is text.
_MARKS: Final[Mapping[str, str]] = {
    "int": "n", "double": "n", "currency": "n", "percent": "n", "long": "n", "integer": "n", "boolean": "b", "datetime": "t",
}  # fmt: skip
_TYPES: Final[Mapping[str, Literal["integer", "number", "boolean", "time", "date", "any"]]] = {
    "int": "integer", "integer": "integer", "long": "integer", "double": "number", "currency": "number", "percent": "number",
    "boolean": "boolean", "datetime": "time", "date": "date", "anytype": "any",
}  # fmt: skip
# What is made along with every object, and read by nobody.
_SHADOWS: Final = ("Share", "History", "Feed", "ChangeEvent", "Tag", "Event__e", "OwnerSharingRule")


class Shape(msgspec.Struct, frozen=True, omit_defaults=True):
    """An object as it is read: its exact name, its fields (`Name,Amount:n`), its time of change, whether Bulk can read it."""

    name: str
    fields: str
    stamp: str = ""
    bulk: bool = False

    @property
    def names(self) -> list[str]:
        return [item.partition(":")[0] for item in self.fields.split(",")]

    @property
    def marks(self) -> Mapping[str, str]:
        return {name: mark for name, _, mark in (item.partition(":") for item in self.fields.split(","))}


class _Field(msgspec.Struct, frozen=True):
    name: str
    type: str = "string"
    label: str = ""
    custom: bool = False
    externalId: bool = False  # noqa: N815  Salesforce's names
    idLookup: bool = False  # noqa: N815
    filterable: bool = True
    deprecatedAndHidden: bool = False  # noqa: N815


class _Object(msgspec.Struct, frozen=True):
    name: str
    label: str = ""
    fields: list[_Field] = []
    queryable: bool = True
    createable: bool = False
    updateable: bool = False
    deletable: bool = False
    custom: bool = False
    customSetting: bool = False  # noqa: N815
    deprecatedAndHidden: bool = False  # noqa: N815


class _Objects(msgspec.Struct, frozen=True):
    sobjects: list[_Object]


def read_shape(response: Response) -> Shape:
    """The object that a describe speaks of. Raises ProviderError."""
    found = _read(response, _Object)
    kept = _kept(found.fields)
    known = {field.name for field in kept if field.filterable}
    stamp = next((name for name in _STAMPS if name in known), "")
    fields = ",".join(f"{field.name}:{mark}" if (mark := _MARKS.get(field.type.lower(), "")) else field.name for field in kept)
    if "Id" not in {field.name for field in kept}:
        raise replies.unreadable(response, VENDOR, "it describes no object with an Id")
    return Shape(found.name, fields, stamp, not any(field.type.lower() == "base64" for field in kept))


def read_described(cursor: Cursor | None, response: Response) -> Described:
    """The objects of the organization, one after the other: the list first, then each one's fields."""
    if cursor is None:
        names = [item.name for item in _read(response, _Objects).sobjects if _is_wanted(item)]
        return Described((), {"names": names} if names else None)
    rest: Sequence[str] = cursor["names"][1:]
    onward = {"names": list(rest)} if rest else None
    if response.status in {403, 404}:
        return Described((), onward)  # it is listed, and not shown to this user
    return Described((_collection(_read(response, _Object)),), onward)


def _collection(found: _Object) -> Collection:
    collection_id = f"{PREFIX}{found.name.lower()}"
    known = COLLECTIONS.get(collection_id)
    external = tuple(field.name for field in found.fields if field.externalId)
    able = {"create": found.createable, "update": found.updateable, "delete": found.deletable,
            "upsert": bool(external) and found.createable and found.updateable}  # fmt: skip
    mutations = tuple(kind for kind, can in able.items() if can)
    description = known.description if known is not None else f"{found.label or found.name} ({found.name})"
    fields = tuple(
        Field(field.name, _TYPES.get(field.type.lower(), "text"), primary_key=field.name == "Id", description=field.label)
        for field in _kept(found.fields)
    )
    return Collection(collection_id, description, mutations, fields, external, if_match=found.updateable or found.deletable)


def _kept(fields: Sequence[_Field]) -> list[_Field]:
    return [field for field in fields if field.type.lower() not in COMPOUND and not field.deprecatedAndHidden]


def _is_wanted(item: _Object) -> bool:
    """What can be read, and is an organization's business: its own objects, and those that are written to."""
    if not item.queryable or item.deprecatedAndHidden or item.name.endswith(_SHADOWS) or len(item.name) > 80:
        return False
    return item.custom or item.createable or f"{PREFIX}{item.name.lower()}" in COLLECTIONS


def _read(response: Response, kind: type[Any]) -> Any:
    if response.status != 200:
        raise error_of(response)
    try:
        return msgspec.json.decode(response.body, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as exc:
        raise replies.unreadable(response, VENDOR, f"it is no description of objects: {exc}") from exc
