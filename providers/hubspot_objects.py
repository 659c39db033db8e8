"""HubSpot's objects whole: with every property that the account has, and with their associations.

A list or a search shows few properties unless they are named, and never the associations. So what a page of them brings is only the
beginning: a bundle of up to 100 objects, which is completed by further requests before the page is committed. The bundle travels in the
`held` of one hint:

    the names of all properties        GET  properties/{type}                   unless the page knew them: hundreds, and new ones appear
    the objects with all of them       POST objects/{type}/batch/read           unless the page's address had room for the names
    of each associated type, the ids   POST associations/{type}/{other}/batch/read

What comes out is the object as HubSpot sent it, with one member added, `associations`: the other type -> the list of
`{toObjectId, associationTypes}`, as sent, in the order of the ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from pgsluice.providers import rawjson, replies
from pgsluice.providers.base import Change, Hint, Partial, Refused, Response
from pgsluice.providers.errors import Forbidden, Missing, ProviderError, Refused4xx, Unavailable
from pgsluice.providers.hubspot_errors import error_of
from pgsluice.providers.hubspot_types import API, OWNER, Source, source_of

# https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects/batch/get-objects: inputs of one call
BATCH: Final = 100


class Call(NamedTuple):
    """A request as HubSpot hears it; `path` behind the host."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


class Bundle(msgspec.Struct, frozen=True, omit_defaults=True):
    """Objects on their way to being whole."""

    alone: bool = False  # one object that somebody asked for, not those of a page
    names: tuple[str, ...] | None = None  # of all properties
    wanted: tuple[str, ...] = ()  # objects still to be read
    found: tuple[tuple[str, bytes], ...] = ()  # id and bytes of those that were
    links: tuple[str, ...] | None = None  # types whose associations are still to be asked for; None: all
    linked: dict[str, dict[str, list[bytes]]] = {}  # type -> id -> entries so far
    going_on: tuple[tuple[str, str], ...] = ()  # objects with more entries of the first of `links`, and from where


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """The members of an object that concern us, unparsed."""

    id: msgspec.Raw = msgspec.Raw(b"")
    created_at: msgspec.Raw = msgspec.Raw(b"")
    updated_at: msgspec.Raw = msgspec.Raw(b"")
    archived_at: msgspec.Raw = msgspec.Raw(b"")
    properties: msgspec.Raw = msgspec.Raw(b"")


class Listing(NamedTuple):
    records: list[bytes]
    after: str | None  # where the vendor goes on
    total: int | None


# ---------------------------------------------------------------- lists


def listing(response: Response) -> Listing:
    """The page that a reply holds. Raises ProviderError for anything else: never an empty page in its place."""
    if response.status != 200:
        raise error_of(response)
    try:
        records, members = rawjson.slice_list(response.body, "results")
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, "HubSpot", str(exc)) from exc
    return Listing(records, _next(response, members.get("paging")), rawjson.integer(members.get("total", b"")))


def _next(response: Response, paging: bytes | None) -> str | None:
    """No `paging`, or one without `next`, on the last page."""
    if paging is None or paging == b"null":
        return None
    try:
        following = rawjson.object_members(paging).get("next", b"null")
        if following == b"null":
            return None
        after = rawjson.identity(rawjson.object_members(following).get("after", b""))
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, "HubSpot", f"its paging is malformed ({exc})") from exc
    if after is None:
        raise replies.unreadable(response, "HubSpot", "its paging does not say where to go on")
    return after


def head_of(raw: bytes) -> Record:
    """The head of an object, as far as it can be made out even of an unsound one."""
    try:
        return msgspec.json.decode(raw, type=Record)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        try:
            members = rawjson.object_members(raw)
        except rawjson.NotJson:
            return Record()
        named = zip(Record.__struct_fields__, Record.__struct_encode_fields__, strict=True)
        return Record(**{name: msgspec.Raw(members[key]) for name, key in named if key in members})


def identified(collection_id: str, raw: bytes) -> str | Refused:
    """The id of an object, or why it cannot be taken."""
    reason = rawjson.unsound(raw)
    upstream_id = rawjson.identity(bytes(head_of(raw).id))
    if reason is None and upstream_id is None:
        reason = "no id of 1 to 200 bytes"
    if reason is not None or upstream_id is None:
        return Refused(collection_id, upstream_id, raw, reason or "")
    return upstream_id


def moment(raw: bytes) -> datetime | None:
    """An aware time out of its JSON."""
    try:
        found = datetime.fromisoformat(msgspec.json.decode(raw, type=str))
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None
    return found if found.tzinfo else None


def change_of(collection_id: str, upstream_id: str, raw: bytes) -> Change:
    head = head_of(raw)
    return Change(collection_id, upstream_id, raw, moment(bytes(head.created_at)), moment(bytes(head.updated_at)))


def gone(collection_id: str, upstream_id: str) -> Change:
    return Change(collection_id, upstream_id, raw=None, deleted=True)


def merged_into(collection_id: str, raw: bytes) -> Iterator[Change]:
    """The ids that vanished in this object when others were merged into it. Its own id is among them where the merge made a new one."""
    head = head_of(raw)
    try:
        listed = rawjson.object_members(bytes(head.properties)).get("hs_merged_object_ids", b"null")
        ids = msgspec.json.decode(listed, type=str | None) or ""
    except (rawjson.NotJson, msgspec.DecodeError, UnicodeDecodeError):
        return
    own = rawjson.identity(bytes(head.id))
    for upstream_id in ids.split(";"):
        if upstream_id.strip().isdecimal() and upstream_id.strip() != own:
            yield gone(collection_id, upstream_id.strip())


# ---------------------------------------------------------------- bundles


def hint_for(collection_id: str, bundle: Bundle) -> Hint:
    first = bundle.found[0][0] if bundle.found else bundle.wanted[0]
    return Hint(collection_id, first, msgspec.msgpack.encode(bundle))


def bundle_of(hint: Hint) -> Bundle:
    if hint.held is None:
        return Bundle(alone=True, wanted=(hint.upstream_id,))
    return msgspec.msgpack.decode(hint.held, type=Bundle)


def call(hint: Hint) -> Call:
    """The next request for a bundle."""
    source, bundle = source_of(hint.collection_id), bundle_of(hint)
    if hint.collection_id == OWNER:
        return Call("GET", f"{API.owners}/{hint.upstream_id}")
    if bundle.wanted and bundle.names is None:
        return properties_call(source)
    if bundle.wanted:
        inputs = [{"id": upstream_id} for upstream_id in bundle.wanted[:BATCH]]
        return _post(f"{API.objects}/{source.path}/batch/read", {"properties": bundle.names, "inputs": inputs})
    other = _links(source, bundle)[0]
    ids: Iterable[tuple[str, str | None]] = bundle.going_on or ((upstream_id, None) for upstream_id, _ in bundle.found)
    asked = [{"id": upstream_id} if after is None else {"id": upstream_id, "after": after} for upstream_id, after in ids]
    return _post(f"{API.associations}/{source.path}/{other}/batch/read", {"inputs": asked})


def read(hint: Hint, response: Response) -> Change | Refused | Partial:
    """What the reply to `call(hint)` says. Raises ProviderError."""
    if hint.collection_id == OWNER:
        return _owner(hint, response)
    bundle = bundle_of(hint)
    try:
        if bundle.wanted and bundle.names is None:
            return _on(hint, msgspec.structs.replace(bundle, names=property_names(response)))
        return _read_objects(hint, bundle, response) if bundle.wanted else _read_links(hint, bundle, response)
    except Forbidden as exc:
        if bundle.alone:
            raise
        # It speaks for all objects of a page: none may be left out of it.
        raise Refused4xx(exc.message, details=exc.details, hint=exc.hint) from exc


def completed(collection_id: str, names: Sequence[str], records: Sequence[bytes]) -> tuple[list[Change | Refused], tuple[Hint, ...]]:
    """What a page of whole objects brings, and the hint that completes it where associations are to be asked for."""
    out: list[Change | Refused] = []
    found: dict[str, bytes] = {}
    doubtful: set[str] = set()
    for raw in records:
        upstream_id = identified(collection_id, raw)
        if isinstance(upstream_id, Refused):
            out.append(upstream_id)
        elif found.setdefault(upstream_id, raw) != raw:
            doubtful.add(upstream_id)
    hints = []
    if doubtful:
        # It came in two different states: nothing says which is the newer.
        hints.append(hint_for(collection_id, Bundle(names=tuple(names), wanted=tuple(sorted(doubtful)))))
    bundle = Bundle(names=tuple(names), found=tuple((key, raw) for key, raw in found.items() if key not in doubtful))
    if bundle.found and _links(source_of(collection_id), bundle):
        hints.append(hint_for(collection_id, bundle))
    else:
        out += _whole(collection_id, bundle)
    return out, tuple(hints)


def _on(hint: Hint, bundle: Bundle, changes: Sequence[Change | Refused] = ()) -> Partial:
    """The bundle after one more reply."""
    if bundle.wanted or (bundle.found and _links(source_of(hint.collection_id), bundle)):
        return Partial(Hint(hint.collection_id, hint.upstream_id, msgspec.msgpack.encode(bundle)), tuple(changes))
    return Partial(None, (*changes, *_whole(hint.collection_id, bundle)))


def _links(source: Source, bundle: Bundle) -> tuple[str, ...]:
    return source.links if bundle.links is None else bundle.links


def _whole(collection_id: str, bundle: Bundle) -> Iterator[Change]:
    for upstream_id, raw in bundle.found:
        yield from merged_into(collection_id, raw)
        linked = {other: entries.get(upstream_id, []) for other, entries in bundle.linked.items()}
        yield change_of(collection_id, upstream_id, with_links(raw, linked) if source_of(collection_id).links else raw)


def with_links(raw: bytes, linked: Mapping[str, Sequence[bytes]]) -> bytes:
    """The object's bytes with one member more."""
    ordered = {other: sorted(linked[other], key=_place) for other in sorted(linked)}
    lists = b",".join(b'"%s":[%s]' % (other.encode(), b",".join(entries)) for other, entries in ordered.items())
    return raw.rstrip()[:-1].rstrip() + b',"associations":{' + lists + b"}}"


def _place(entry: bytes) -> tuple[int, str]:
    other = rawjson.identity(rawjson.object_members(entry).get("toObjectId", b"")) or ""
    return (int(other) if other.isdecimal() else 0, other)


# ---------------------------------------------------------------- the replies


def properties_call(source: Source) -> Call:
    return Call("GET", f"{API.properties}/{source.path}", (("archived", "false"),))


def property_names(response: Response) -> tuple[str, ...]:
    """In the order of the alphabet, so that a change of the vendor's order is none of ours."""
    names = []
    for raw in listing(response).records:
        try:
            name = msgspec.json.decode(rawjson.object_members(raw).get("name", b""), type=str)
        except (rawjson.NotJson, msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise replies.unreadable(response, "HubSpot", "a property in it has no name") from exc
        names.append(name)
    if not names:
        raise replies.unreadable(response, "HubSpot", "it names no property: there are always some")
    return tuple(sorted(set(names)))


def several(response: Response) -> tuple[list[bytes], list[bytes]]:
    """Results and errors of a batch. Raises ProviderError for what refuses it as a whole."""
    if response.status not in {200, 201, 207}:
        raise error_of(response)
    try:
        results, members = rawjson.slice_list(response.body, "results")
        errors = rawjson.elements(members["errors"], "errors") if members.get("errors", b"null") != b"null" else []
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, "HubSpot", str(exc)) from exc
    if members.get("status", b'"COMPLETE"') != b'"COMPLETE"':
        raise replies.unreadable(response, "HubSpot", "the batch is not complete")
    return results, errors


class ItemError(msgspec.Struct, frozen=True):
    """What is wrong with one input of a batch."""

    category: str = ""
    message: str = ""


def _only_gone(response: Response, errors: Sequence[bytes]) -> None:
    """Raises Unavailable unless each of the errors says that something is not there."""
    for raw in errors:
        try:
            error = msgspec.json.decode(raw, type=ItemError)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise replies.unreadable(response, "HubSpot", "an error in it is malformed") from exc
        if error.category not in {"OBJECT_NOT_FOUND", "NOT_FOUND"}:
            raise Unavailable(
                f"HubSpot left out a part of a batch: {replies.plain(error.message, 300)}",
                details=f"category {replies.plain(error.category, 100)}",
                hint="it is asked again",
            )


def _read_objects(hint: Hint, bundle: Bundle, response: Response) -> Partial:
    results, errors = several(response)
    _only_gone(response, errors)
    asked, rest = bundle.wanted[:BATCH], bundle.wanted[BATCH:]
    changes: list[Change | Refused] = []
    found: dict[str, bytes] = dict(bundle.found)
    there: set[str] = set()
    for raw in results:
        upstream_id = identified(hint.collection_id, raw)
        if isinstance(upstream_id, Refused):
            changes.append(upstream_id)
            there.update([upstream_id.upstream_id] if upstream_id.upstream_id else asked)
            continue
        there.add(upstream_id)
        found[upstream_id] = raw
    # What is not there is archived, or was merged into another, which then comes in its place under an id of its own.
    changes += [gone(hint.collection_id, upstream_id) for upstream_id in asked if upstream_id not in there]
    return _on(hint, msgspec.structs.replace(bundle, wanted=rest, found=tuple(found.items())), changes)


def _read_links(hint: Hint, bundle: Bundle, response: Response) -> Partial:
    other, *others = _links(source_of(hint.collection_id), bundle)
    following = msgspec.structs.replace(bundle, links=tuple(others), going_on=())
    try:
        results, errors = several(response)
    except (Forbidden, Missing, Refused4xx):
        # The token may not see that type, or the account has none of it: the record is kept without it.
        return _on(hint, following)
    _only_gone(response, errors)
    linked = {upstream_id: list(entries) for upstream_id, entries in bundle.linked.get(other, {}).items()}
    going_on = []
    for raw in results:
        upstream_id, entries, after = _read_from(response, raw)
        linked[upstream_id] = linked.get(upstream_id, []) + entries
        if after is not None:
            if (upstream_id, after) in bundle.going_on:
                raise replies.unreadable(response, "HubSpot", "a list of associations repeats itself")
            going_on.append((upstream_id, after))
    whole = {**bundle.linked, other: linked}
    if going_on:
        return _on(hint, msgspec.structs.replace(bundle, linked=whole, going_on=tuple(going_on)))
    return _on(hint, msgspec.structs.replace(following, linked=whole))


def _read_from(response: Response, raw: bytes) -> tuple[str, list[bytes], str | None]:
    try:
        members = rawjson.object_members(raw)
        upstream_id = rawjson.identity(rawjson.object_members(members.get("from", b"")).get("id", b""))
        entries = rawjson.elements(members.get("to", b"[]"), "to")
        sound = all(rawjson.unsound(entry) is None for entry in entries)
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, "HubSpot", f"an association in it is malformed ({exc})") from exc
    if upstream_id is None or not sound:
        raise replies.unreadable(response, "HubSpot", "an association in it is malformed")
    return upstream_id, entries, _next(response, members.get("paging"))


def _owner(hint: Hint, response: Response) -> Change | Refused:
    if response.status != 200:
        error: ProviderError = error_of(response)
        if isinstance(error, Missing):
            return gone(hint.collection_id, hint.upstream_id)
        raise error
    raw = response.body.removeprefix(rawjson.BOM).strip()
    upstream_id = identified(hint.collection_id, raw)
    if isinstance(upstream_id, Refused):
        return upstream_id
    if upstream_id != hint.upstream_id:
        raise replies.unreadable(response, "HubSpot", "it is another object than the one asked for")
    return change_of(hint.collection_id, upstream_id, raw)


def _post(path: str, body: Mapping[str, object]) -> Call:
    return Call("POST", path, (), msgspec.json.encode(body))
