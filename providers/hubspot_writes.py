"""Writing to HubSpot: one object by itself, several in a batch of up to 100.

https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects. A batch in which some inputs fail answers 207 with `results`
and `errors`; `objectWriteTraceId`, which each input carries, says whose error it is. A batch that is refused as a whole (a property that
does not exist, a duplicate among the inputs) does nothing and names nobody: the caller sends it again in halves. HubSpot recognises no
repetition of a create: what may have been done ends as `unknown`. An upsert names a unique property, so that to repeat it makes no second
object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from pgsluice.providers import rawjson, replies
from pgsluice.providers.base import Response, Write, Written
from pgsluice.providers.errors import Forbidden, ProviderError, Refused4xx, UnknownCollection, Unreadable
from pgsluice.providers.hubspot_errors import APPS_PAGE, Fault, error_of, fault, own_error, refusal
from pgsluice.providers.hubspot_objects import Call, several
from pgsluice.providers.hubspot_types import API, source_of

BATCH: Final = 100
_STATUS: Final[Mapping[str, int]] = {"CONFLICT": 409, "OBJECT_NOT_FOUND": 404, "NOT_FOUND": 404, "MISSING_SCOPES": 403, "RATE_LIMITS": 429}

T = TypeVar("T")


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    id: msgspec.Raw = msgspec.Raw(b"")
    object_write_trace_id: str | None = None
    properties: dict[str, str | None] = {}


class _Error(msgspec.Struct, frozen=True):
    category: str | None = None
    message: str | None = None
    status: Any = None
    id: str | None = None
    context: dict[str, Any] = {}


# ---------------------------------------------------------------- what is sent


def call(writes: Sequence[Write]) -> Call:
    """The request for writes of one kind. Raises UnknownCollection and Refused4xx, before anything is sent."""
    first = writes[0]
    source = source_of(first.collection_id)
    if first.kind not in source.mutations:
        raise UnknownCollection(f"HubSpot's {first.collection_id} does not support {first.kind}")
    if any(write.if_match is not None for write in writes):
        raise Refused4xx(
            "HubSpot does not compare versions: whether the object changed in between cannot be asked of it",
            hint="leave if_match out; an update changes only the properties that it names",
        )
    path = f"{API.objects}/{source.path}"
    if first.kind != "upsert" and len(writes) == 1:
        return _single(path, first)
    inputs = [_input(write) for write in writes]
    verb = "archive" if first.kind == "delete" else first.kind
    return Call("POST", f"{path}/batch/{verb}", (), json.dumps({"inputs": inputs}).encode())


def _single(path: str, write: Write) -> Call:
    if write.kind == "create":
        return Call("POST", path, (), json.dumps({**_object(write), "objectWriteTraceId": write.key}).encode())
    place = f"{path}/{quote(_id(write), safe='')}"
    if write.kind == "delete":
        return Call("DELETE", place)
    return Call("PATCH", place, (), json.dumps({"properties": _object(write)["properties"]}).encode())


def _input(write: Write) -> dict[str, Any]:
    if write.kind == "delete":
        return {"id": _id(write)}
    given = _object(write)
    if write.kind == "update":
        return {"id": _id(write), "properties": given["properties"], "objectWriteTraceId": write.key}
    if write.kind == "upsert":
        id_property, value = _matched(write, given["properties"])
        return {"id": value, "idProperty": id_property, "properties": given["properties"], "objectWriteTraceId": write.key}
    return {**given, "objectWriteTraceId": write.key}


def _matched(write: Write, properties: Mapping[str, str]) -> tuple[str, str]:
    id_property = (write.match_on or "").removeprefix("properties.")
    value = properties.get(id_property, "")
    if not id_property or not value:
        raise Refused4xx(f"the object lacks {id_property or 'match_on'}, by which it is to be found", hint="give that property a value")
    return id_property, value


def _id(write: Write) -> str:
    # A path of dots alone would lead to another resource.
    if write.upstream_id is None or write.upstream_id in {"", ".", ".."}:
        raise Refused4xx("this is no id of HubSpot's", hint="give the upstream_id of the record")
    return write.upstream_id


def _object(write: Write) -> dict[str, Any]:
    """As HubSpot takes it: `{"properties": {…}, "associations": […]}`. What has no `properties` consists of them.

    Raises Refused4xx for what has no such form.
    """
    try:
        # Numbers as their text: a float would lose digits, and HubSpot's values are texts.
        given = json.loads(write.data or b"{}", parse_int=str, parse_float=str)
    except RecursionError:
        raise Refused4xx("the data is nested too deeply to be sent") from None
    if not isinstance(given, dict):
        raise Refused4xx("what is sent to HubSpot must be a JSON object")
    if not isinstance(given.get("properties"), dict):
        return {"properties": dict(_values(given))}
    if unknown := given.keys() - {"properties", "associations"}:
        raise Refused4xx(
            f"HubSpot takes properties and associations, and not {replies.plain(min(unknown), 100)!r}",
            hint="put what is to be written into properties",
        )
    if "associations" not in given:
        return {"properties": dict(_values(given["properties"]))}
    if write.kind != "create":
        raise Refused4xx("HubSpot takes associations only when an object is created", hint="leave associations out")
    # Ids of types are numbers there.
    whole = json.loads(write.data or b"{}")
    return {"properties": dict(_values(given["properties"])), "associations": whole["associations"]}


def _values(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Values are texts: true, 12.50, several joined by a semicolon, and nothing for null, which clears the property."""
    for name, value in properties.items():
        match value:
            case str():
                yield name, value
            case bool():
                yield name, "true" if value else "false"
            case None:
                yield name, ""
            case list() if all(isinstance(one, str) for one in value):
                yield name, ";".join(value)
            case _:
                raise Refused4xx(
                    f"HubSpot's values are texts, and that of {replies.plain(name, 100)!r} is not one",
                    hint="give a text, a number, true, false, null, or a list of texts",
                )


# ---------------------------------------------------------------- what came of it


def read(writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
    """What became of each, in their order. Raises ProviderError if the reply speaks of all alike."""
    if response.status >= 300:
        raise _worded(error_of(response), response)
    if writes[0].kind == "delete":
        if response.status != 204:
            raise replies.unreadable(response, "HubSpot", "a deletion is answered by 204")
        return tuple(Written(write.upstream_id or "", None) for write in writes)
    if writes[0].kind != "upsert" and len(writes) == 1:
        return (_read_single(writes[0], response),)
    results, errors = several(response)
    return _told_apart(writes, [_decoded(raw, _Result, response) for raw in results], errors, response)


def _read_single(write: Write, response: Response) -> Written:
    upstream_id = rawjson.identity(bytes(_decoded(response.body, _Result, response).id))
    if upstream_id is None:
        raise replies.unreadable(response, "HubSpot", "it is no object with an id")
    # The answer shows what was written and little more: the object is fetched whole. HubSpot may have answered for the winner of a merge.
    return Written(upstream_id if write.upstream_id is None else write.upstream_id, None)


def _told_apart(
    writes: Sequence[Write], results: Sequence[_Result], errors: Sequence[bytes], response: Response
) -> tuple[Written | ProviderError, ...]:
    said: dict[str, Written | ProviderError] = {}
    for place, result in enumerate(results):
        write = _of_result(writes, result, place if len(results) == len(writes) else None)
        upstream_id = rawjson.identity(bytes(result.id))
        if write is not None and upstream_id is not None:
            said[write.key] = Written(upstream_id, None)
    rest: list[ProviderError] = []
    for raw in errors:
        error = _decoded(raw, _Error, response)
        keys = [key for key in _keys(writes, error) if key not in said]
        said.update({key: _item_error(error, raw) for key in keys})
        rest += [] if keys else [_item_error(error, raw)]
    left = [write for write in writes if write.key not in said]
    if len(rest) == len(left) == 1:
        said[left[0].key] = rest[0]
    return tuple(said.get(write.key) or _untold(response) for write in writes)


def _of_result(writes: Sequence[Write], result: _Result, place: int | None) -> Write | None:
    """The write that a result belongs to: by its trace, by what names the object, or by its place where none is missing."""
    if result.object_write_trace_id is not None:
        return next((write for write in writes if write.key == result.object_write_trace_id), None)
    kind, upstream_id = writes[0].kind, rawjson.identity(bytes(result.id))
    if kind == "update":
        return next((write for write in writes if write.upstream_id == upstream_id), None)
    if kind == "upsert":
        return next((write for write in writes if _is_about(write, result)), None)
    return None if place is None else writes[place]


def _is_about(write: Write, result: _Result) -> bool:
    id_property, value = _matched(write, _object(write)["properties"])
    return (result.properties.get(id_property) or "").casefold() == value.casefold()


def _keys(writes: Sequence[Write], error: _Error) -> Iterator[str]:
    """The writes that an error names."""
    named: set[str] = set()
    for name in ("objectWriteTraceId", "objectWriteTraceIds", "ids", "id", "objectId"):
        value = error.context.get(name)
        named.update([value] if isinstance(value, str) else [one for one in value or () if isinstance(one, str)])
    for write in writes:
        if write.key in named or write.upstream_id in named or (write.kind == "upsert" and _input(write)["id"] in named):
            yield write.key


def _item_error(error: _Error, raw: bytes) -> ProviderError:
    status = _STATUS.get(error.category or "", 400)
    given = Fault(message=error.message, category=error.category)
    return _for_writing(refusal(status, given, own_error(status, raw)))


def _untold(response: Response) -> Unreadable:
    """It may have been done: the reply does not say."""
    return Unreadable("HubSpot's answer does not say what became of it", details=replies.described(response), retryable=False)


def _worded(error: ProviderError, response: Response) -> ProviderError:
    if fault(response.body) is not None:
        error.details = own_error(response.status, response.body)
    return _for_writing(error)


def _for_writing(error: ProviderError) -> ProviderError:
    if isinstance(error, Forbidden):
        error.hint = f"give the app the scope for writing that the message names at {APPS_PAGE}"
    return error


def _decoded(raw: bytes, kind: type[T], response: Response) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise replies.unreadable(response, "HubSpot", "its answer to a write is malformed") from exc
