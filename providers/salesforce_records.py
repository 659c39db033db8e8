"""Salesforce's records: out of pages of JSON, out of CSV, and single ones.

The same object looks the same whichever way it came: compound fields (addresses, places) are left out everywhere, since Bulk has none of
them; their parts are there. https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/compound_fields.htm
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from pgsluice.providers import rawjson, replies
from pgsluice.providers.base import Change, Refused, Response
from pgsluice.providers.salesforce_errors import VENDOR, error_of, faults
from pgsluice.providers.salesforce_objects import long_id

# What may stand in a query as it is.
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(?:Z|[+-][0-9:]{4,5})", re.ASCII)
_STREETS: Final = ("Street", "City", "PostalCode")


class Listing(NamedTuple):
    """One page of a query: the bytes of each record, and whether those are all that were asked for."""

    records: list[bytes]
    done: bool


_NAMES: Final = {
    "id": "Id",
    "created": "CreatedDate",
    "stamp": "SystemModstamp",
    "modified": "LastModifiedDate",
    "deleted": "IsDeleted",
    "master": "MasterRecordId",
}


class _Head(msgspec.Struct, frozen=True, rename=_NAMES):
    """The members of a record that concern us, unparsed."""

    id: msgspec.Raw = msgspec.Raw(b"")
    created: msgspec.Raw = msgspec.Raw(b"")
    stamp: msgspec.Raw = msgspec.Raw(b"")
    modified: msgspec.Raw = msgspec.Raw(b"")
    deleted: msgspec.Raw = msgspec.Raw(b"")
    master: msgspec.Raw = msgspec.Raw(b"")


def listing(response: Response) -> Listing:
    """The page that a reply holds. Raises ProviderError for anything else: never an empty page in its place."""
    if response.status != 200:
        raise error_of(response)
    try:
        records, members = rawjson.slice_list(response.body, "records")
    except rawjson.NotJson as exc:
        said = faults(response.body)
        raise replies.unreadable(response, VENDOR, f"an error under status 200: {said[0].message}" if said else str(exc)) from exc
    done = members.get("done")
    if done not in {b"true", b"false"}:
        raise replies.unreadable(response, VENDOR, "it is no page that says whether it is the last one (done)")
    return Listing(records, done == b"true")


def read_record(collection_id: str, raw: bytes) -> Change | Refused:
    """What one record says: its state, that it is deleted, or why it cannot be taken.

    The version is SystemModstamp, which workflows and Salesforce's own processes move too. Of a deleted record the last known data stay,
    but one that was merged into another (MasterRecordId) is kept as it is now: it names the other.
    """
    reason = rawjson.unsound(raw)
    head = _head(raw)
    upstream_id = rawjson.identity(bytes(head.id))
    if reason is None and upstream_id is None:
        reason = "no Id of 1 to 200 bytes"
    if reason is not None or upstream_id is None:
        return Refused(collection_id, upstream_id, raw, reason or "")
    deleted = bytes(head.deleted) == b"true"
    merged = bytes(head.master) not in {b"", b"null"}
    version = moment(bytes(head.stamp)) or moment(bytes(head.modified))
    kept = None if deleted and not merged else raw
    return Change(collection_id, long_id(upstream_id), kept, moment(bytes(head.created)), version, deleted)


def stamp_of(raw: bytes, field: str) -> str | None:
    """The text of a time in a record."""
    try:
        text = msgspec.json.decode(rawjson.object_members(raw).get(field, b""), type=str)
        return text if _TIME.fullmatch(text) else None
    except (rawjson.NotJson, msgspec.DecodeError, UnicodeDecodeError):
        return None


def id_of(raw: bytes) -> str | None:
    return rawjson.identity(bytes(_head(raw).id))


def moment(raw: bytes) -> datetime | None:
    """https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_valid_date_formats.htm: …T10:00:00.000+0000"""
    try:
        found = datetime.fromisoformat(msgspec.json.decode(raw, type=str))
    except (msgspec.DecodeError, ValueError, UnicodeDecodeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def literal(when: datetime) -> str:
    """A time as SOQL takes it, without quotes."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"


def without_compounds(raw: bytes) -> bytes:
    """A single record, which shows compound fields, as lists show it. They are told by their parts beside them."""
    try:
        members = rawjson.object_members(raw)
    except rawjson.NotJson:
        return raw
    gone = [name for name in members if _is_compound(name, members)]
    if not gone:
        return raw
    kept = [msgspec.json.encode(name) + b":" + value for name, value in members.items() if name not in gone]
    return b"{" + b",".join(kept) + b"}"


def _is_compound(name: str, members: Mapping[str, bytes]) -> bool:
    if name.endswith("Address"):
        return any(f"{name.removesuffix('Address')}{part}" in members for part in _STREETS)
    if name.endswith("__c"):
        base = name.removesuffix("__c")
        return f"{base}__Latitude__s" in members or f"{base}__Street__s" in members
    return False


def distinct(changes: Sequence[Change | Refused]) -> tuple[tuple[Change, ...], tuple[Refused, ...]]:
    """Each object once, in its newest version."""
    newest: dict[str, Change] = {}
    for change in changes:
        if isinstance(change, Change):
            known = newest.get(change.upstream_id)
            if known is None or _version(known) <= _version(change):
                newest[change.upstream_id] = change
    return tuple(newest.values()), tuple(change for change in changes if isinstance(change, Refused))


def _version(change: Change) -> datetime:
    return change.upstream_updated_at or datetime.min.replace(tzinfo=UTC)


def _head(raw: bytes) -> _Head:
    """The head of a record, as far as it can be made out even of an unsound one."""
    try:
        return msgspec.json.decode(raw, type=_Head)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    try:
        members = rawjson.object_members(raw)
    except rawjson.NotJson:
        return _Head()
    names = dict(zip(_Head.__struct_encode_fields__, _Head.__struct_fields__, strict=True))
    return _Head(**{names[name]: msgspec.Raw(value) for name, value in members.items() if name in names})
