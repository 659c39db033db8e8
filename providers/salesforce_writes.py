"""Writing to Salesforce: up to 200 records of one object a request, each with a result of its own.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm. The status is
200 though single records were refused. Nothing recognises a repeated create: who must not create twice names an external id (upsert). What
is said of a version (if_match) is said of one record, in a request of its own (If-Unmodified-Since).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import quote

import msgspec

from pgsluice.providers import rawjson, replies
from pgsluice.providers.base import Change, Response, Write, Written
from pgsluice.providers.errors import Missing, ProviderError, Refused4xx, UnknownCollection
from pgsluice.providers.salesforce_errors import VENDOR, error_of, item_error, own_words
from pgsluice.providers.salesforce_objects import ALL, COLLECTIONS, long_id, object_of
from pgsluice.providers.salesforce_soql import ROOT, Ask

AT_ONCE: Final = 200
_JSON: Final = (("Content-Type", "application/json"),)
_METHODS: Final = {"create": "POST", "update": "PATCH", "upsert": "PATCH", "delete": "DELETE"}


def said(writes: Sequence[Write]) -> Ask:
    """The request for writes of one kind to one object. Raises UnknownCollection and Refused4xx, before anything is sent."""
    first = writes[0]
    name = object_of(first.collection_id)
    known = COLLECTIONS.get(first.collection_id)
    if first.kind not in (known.mutations if known is not None else ALL):
        raise UnknownCollection(f"{VENDOR}'s {first.collection_id} does not support {first.kind}")
    if first.if_match is not None:
        return _conditional(writes, name)
    if first.kind == "delete":
        ids = ",".join(_id(write) for write in writes)
        return Ask("DELETE", f"{ROOT}/composite/sobjects", (("ids", ids), ("allOrNone", "false")))
    path = f"{ROOT}/composite/sobjects"
    if first.kind == "upsert":
        path = f"{path}/{name}/{_step(first.match_on)}"
    records = b",".join(_record(write, name) for write in writes)
    return Ask(_METHODS[first.kind], path, body=b'{"allOrNone":false,"records":[' + records + b"]}", headers=_JSON)


def read_written(writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
    """What became of each. Raises ProviderError if the reply speaks of all alike."""
    first = writes[0]
    if first.if_match is not None:
        return (_single(first, response),)
    if response.status not in {200, 201}:
        raise _refusal(response)
    try:
        results = [_Result(*_members(raw)) for raw in rawjson.elements(response.body.removeprefix(rawjson.BOM).strip(), "the reply")]
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, VENDOR, str(exc)) from exc
    if len(results) != len(writes):
        raise replies.unreadable(response, VENDOR, f"it has {len(results)} results for {len(writes)} records")
    return tuple(_became(write, result) for write, result in zip(writes, results, strict=True))


class _Result(msgspec.Struct, frozen=True):
    id: str | None
    success: bool
    errors: bytes


def _members(raw: bytes) -> tuple[str | None, bool, bytes]:
    members = rawjson.object_members(raw)
    return rawjson.identity(members.get("id", b"")), members.get("success") == b"true", members.get("errors", b"[]")


def _became(write: Write, result: _Result) -> Written | ProviderError:
    if not result.success:
        return item_error(result.errors, of_one=write.upstream_id is not None)
    upstream_id = result.id or write.upstream_id
    if upstream_id is None:
        return Refused4xx(f"{VENDOR} names no id of the record", details='{"status": 200, "error": null}', retryable=True)
    return _written(write, long_id(upstream_id))


def _written(write: Write, upstream_id: str) -> Written:
    gone = Change(write.collection_id, upstream_id, None, deleted=True) if write.kind == "delete" else None
    return Written(upstream_id, gone)


# ---------------------------------------------------------------- one record, in the version that was meant


def _conditional(writes: Sequence[Write], name: str) -> Ask:
    """https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers__conditional.htm"""
    if len(writes) > 1:
        raise Refused4xx("a write that is meant for one version goes in a request of its own")
    (write,) = writes
    headers = (("If-Unmodified-Since", _http_date(write.if_match or "")),)
    path = f"{ROOT}/sobjects/{name}/{_id(write)}"
    if write.kind == "delete":
        return Ask("DELETE", path, headers=headers)
    return Ask("PATCH", path, body=_object(write, {}), headers=(*headers, *_JSON))


def _single(write: Write, response: Response) -> Written | ProviderError:
    if response.status in {200, 201, 204}:
        return _written(write, long_id(write.upstream_id or ""))
    error = _refusal(response)
    if response.status == 404:
        return Missing(error.message, details=error.details, hint="the object is gone, or was never there")
    return error


def _http_date(version: str) -> str:
    """An HTTP date: whole seconds, as Salesforce's own times."""
    try:
        when = datetime.fromisoformat(version)
    except ValueError:
        raise Refused4xx(
            "if_match is no time", hint="give SystemModstamp or LastModifiedDate of the record that the write is meant for"
        ) from None
    return format_datetime((when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0), usegmt=True)


# ---------------------------------------------------------------- what is sent


def _record(write: Write, name: str) -> bytes:
    head = {"attributes": msgspec.json.encode({"type": name})}
    return _object(write, head if write.upstream_id is None else {**head, "id": msgspec.json.encode(_id(write))})


def _object(write: Write, head: dict[str, bytes]) -> bytes:
    """The caller's object, value for value: null clears a field, and what is left out stays."""
    try:
        members = rawjson.object_members(write.data or b"{}")
    except rawjson.NotJson:
        raise Refused4xx(f"what is sent to {VENDOR} must be a JSON object") from None
    given = {name: value for name, value in members.items() if name != "attributes" and not (write.upstream_id and name.lower() == "id")}
    return b"{" + b",".join(msgspec.json.encode(name) + b":" + value for name, value in {**head, **given}.items()) + b"}"


def _id(write: Write) -> str:
    return one_id(write.upstream_id or "")


def one_id(upstream_id: str) -> str:
    """An id, fit for an address. Raises Missing for what cannot be one."""
    text = long_id(upstream_id)
    if not text.isascii() or not text.isalnum():
        raise Missing("this is no id of Salesforce's", details='{"status": 404, "error": null}', hint="give the upstream_id of the record")
    return text


def _step(name: str | None) -> str:
    if not name or not name.replace("_", "").isalnum() or not name.isascii():
        raise Refused4xx("match_on is no name of a field", hint="give the API name of a field that is an external id, as Key__c")
    return quote(name, safe="")


def _refusal(response: Response) -> ProviderError:
    error = error_of(response)
    if isinstance(error, Refused4xx):
        error.details = own_words(response)
    return error
