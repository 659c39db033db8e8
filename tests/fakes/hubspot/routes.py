"""The fake's addresses. https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fakes.hubspot import refusals
from fakes.hubspot.kinds import READ_ONLY, Doc, Kind, described, iso, schema_of, shown
from fakes.hubspot.refusals import Refusal
from fakes.hubspot.search import indexed, matching, window
from fakes.serving import Answer, Asked

if TYPE_CHECKING:
    from fakes.hubspot.fake import HubSpotFake


def routed(fake: HubSpotFake, asked: Asked) -> Answer:
    """Raises Refusal."""
    match asked.path.strip("/").split("/"):
        case ["account-info", "v3", "details"]:
            return _json(200, {"portalId": 4711, "timeZone": "US/Eastern", "accountType": "STANDARD", "uiDomain": "app.hubspot.com"})
        case ["crm", "v3", "schemas"] | ["crm-object-schemas", "v3", "schemas"]:
            return _json(200, {"results": [schema_of(kind) for kind in fake.kinds.values() if kind.qualified]})
        case ["crm", "v3", "properties", name]:
            kind = fake.kind(name)
            return _json(200, {"results": [described(one, kind) for one in sorted(kind.names, key=len)]})
        case ["crm", "v3", "owners"]:
            return _owners(fake, asked)
        case ["crm", "v3", "owners", upstream_id]:
            if upstream_id not in fake.owners:
                raise refusals.missing(upstream_id)
            return _json(200, fake.owners[upstream_id])
        case ["crm", "v3", "objects", name, *rest]:
            return _objects(fake, asked, fake.kind(name), rest)
        case ["crm", "v4", "associations", name, other, "batch", verb]:
            return _associations(fake, asked, fake.kind(name), fake.kind(other), verb)
        case ["crm", "v4", "objects", name, one, "associations", "default", other, two] if asked.method == "PUT":
            fake.associate(fake.kind(name).path, one, fake.kind(other).path, two)
            return _json(200, {"status": "COMPLETE", "results": [], "startedAt": iso(fake.now()), "completedAt": iso(fake.now())})
    return refusals.no_such_address()


def _objects(fake: HubSpotFake, asked: Asked, kind: Kind, rest: list[str]) -> Answer:
    match asked.method, rest:
        case "GET", []:
            return _list(fake, asked, kind)
        case "POST", []:
            return _json(201, _create(fake, kind, _given(asked)))
        case "POST", ["search"]:
            return _search(fake, kind, _given(asked))
        case "POST", ["batch", verb] if verb in _BATCHES:
            return _BATCHES[verb](fake, kind, _given(asked))
        case "GET", [upstream_id]:
            archived = asked.params.get("archived", "").lower() == "true"
            return _json(200, fake.render(kind, fake.thing(kind.path, upstream_id, archived=archived), _named(asked)))
        case "PATCH", [upstream_id]:
            return _json(200, _update(fake, kind, _by(fake, kind, asked.params.get("idProperty"), upstream_id), _given(asked)))
        case "DELETE", [upstream_id]:
            fake.archive(kind.path, fake.thing(kind.path, upstream_id).id)
            return Answer(204, b"", {"Content-Type": None})
    return refusals.no_such_address()


def _list(fake: HubSpotFake, asked: Asked, kind: Kind) -> Answer:
    archived = asked.params.get("archived", "").lower() == "true"
    things = sorted(
        (thing for thing in fake.things[kind.path].values() if (thing.archived is not None) == archived), key=lambda t: t.number
    )
    limit, after = asked.params.get("limit", "10"), asked.params.get("after", "0")
    if not limit.isdigit() or not 1 <= int(limit) <= 100 or not after.isdigit():
        raise refusals.invalid("limit must be between 1 and 100, after a place in the list")
    size = min(int(limit), fake.page_cap)
    left = [thing for thing in things if thing.number >= int(after)]
    body: Doc = {"results": [fake.render(kind, thing, _named(asked)) for thing in left[:size]]}
    if len(left) > size:
        following = str(left[size - 1].number + 1)
        body["paging"] = {"next": {"after": following, "link": f"https://api.hubapi.com{asked.path}?after={following}"}}
    return _json(200, body)


def _owners(fake: HubSpotFake, asked: Asked) -> Answer:
    size, after = min(int(asked.params.get("limit", "100")), fake.page_cap), int(asked.params.get("after", "0"))
    left = sorted((owner for owner in fake.owners.values() if int(owner["id"]) > after), key=lambda owner: int(owner["id"]))
    body: Doc = {"results": left[:size]}
    if len(left) > size:
        body["paging"] = {"next": {"after": left[size - 1]["id"]}}
    return _json(200, body)


def _search(fake: HubSpotFake, kind: Kind, body: Doc) -> Answer:
    after, size = window(body, fake.search_cap)
    entries = indexed(fake.things[kind.path].values(), int(fake.now() - fake.index_lag * 1000))
    found = matching(kind, entries, body)
    named = tuple(body["properties"]) if body.get("properties") else None
    results = [
        {
            "id": thing.id,
            "properties": shown(kind, seen, named),
            "createdAt": iso(thing.created),
            "updatedAt": seen[kind.modified],
            "archived": False,
        }
        for thing, seen in found[after : after + size]
    ]
    answer: Doc = {"total": len(found), "results": results}
    if len(found) > after + size:
        answer["paging"] = {"next": {"after": str(after + size), "link": "?"}}
    return _json(200, answer)


# ---------------------------------------------------------------- writes


def _checked(kind: Kind, body: Doc) -> dict[str, str]:
    given = body.get("properties")
    if not isinstance(given, dict):
        raise refusals.invalid("Invalid input JSON: properties is missing")
    for name, value in given.items():
        if name not in kind.names:
            raise refusals.invalid(f'Property "{name}" does not exist', "PROPERTY_DOESNT_EXIST", name)
        if name in READ_ONLY:
            raise refusals.invalid(f'"{name}" is a read only property; its value cannot be set.', "READ_ONLY_VALUE", name)
        if not isinstance(value, str):
            raise refusals.invalid(f"Invalid input JSON: the value of {name} is no text")
        if name == "email" and value and "@" not in value:
            raise refusals.invalid(f"Property values were not valid: Email address {value} is invalid", "INVALID_EMAIL", name)
    return given


def _create(fake: HubSpotFake, kind: Kind, body: Doc) -> Doc:
    given = _checked(kind, body)
    for name in kind.needs:
        if not given.get(name):
            raise refusals.invalid(f"Error creating {kind.label}. Some required properties were not set: {name}", "MISSING_REQUIRED", name)
    _unique(fake, kind, given, None)
    upstream_id = fake.create(kind.path, **given)
    for link in body.get("associations") or ():
        fake.associate(kind.path, upstream_id, _to(fake, link), str(link["to"]["id"]), link["types"][0]["associationTypeId"])
    doc = fake.render(kind, fake.thing(kind.path, upstream_id), tuple(given))
    return {**doc, **({"objectWriteTraceId": body["objectWriteTraceId"]} if "objectWriteTraceId" in body else {})}


def _to(fake: HubSpotFake, link: Doc) -> str:
    """The type that an id is of."""
    return next(path for path, things in fake.things.items() if str(link["to"]["id"]) in things)


def _unique(fake: HubSpotFake, kind: Kind, given: dict[str, str], own: str | None) -> None:
    for name in kind.unique & given.keys():
        for thing in fake.things[kind.path].values():
            same = thing.properties.get(name, "").casefold() == given[name].casefold() != ""
            if same and thing.archived is None and thing.id != own:
                raise Refusal(409, "CONFLICT", f"{kind.label} already exists. Existing ID: {thing.id}")


def _update(fake: HubSpotFake, kind: Kind, upstream_id: str, body: Doc) -> Doc:
    given = _checked(kind, body)
    thing = fake.thing(kind.path, upstream_id)
    _unique(fake, kind, given, thing.id)
    fake.change(kind.path, thing.id, **given)
    doc = fake.render(kind, fake.thing(kind.path, thing.id), tuple(given))
    return {**doc, **({"objectWriteTraceId": body["objectWriteTraceId"]} if "objectWriteTraceId" in body else {})}


def _by(fake: HubSpotFake, kind: Kind, name: str | None, value: str) -> str:
    """The id of what has that value in a unique property."""
    if not name or name == "hs_object_id":
        return value
    if name not in kind.unique:
        raise refusals.invalid(f"{name} is not a unique property", "INVALID_ID_PROPERTY", name)
    for thing in fake.things[kind.path].values():
        if thing.archived is None and thing.properties.get(name, "").casefold() == value.casefold():
            return thing.id
    raise refusals.missing(value)


def _batch(fake: HubSpotFake, kind: Kind, body: Doc, each: Callable[[Doc], Doc], status: int) -> Answer:
    """207 where some fail, each told apart by its trace; without traces one failure is that of all, before anything is done."""
    inputs = _inputs(body)
    _known(kind, inputs)
    results, errors = [], []
    for one in inputs:
        try:
            results.append(each(one))
        except Refusal as refusal:
            trace = one.get("objectWriteTraceId")
            if trace is None and "id" not in one:
                raise
            errors.append(refusal.item(**({"objectWriteTraceId": [trace]} if trace else {"ids": [one["id"]]})))
    now = iso(fake.now())
    answer: Doc = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        answer |= {"numErrors": len(errors), "errors": errors}
    return _json(207 if errors else status, answer)


def _known(kind: Kind, inputs: list[Doc]) -> None:
    """A property that does not exist is the error of the whole batch (400): it names the property, and none of the inputs."""
    for one in inputs:
        for name in one.get("properties", {}) if isinstance(one.get("properties"), dict) else ():
            if name not in kind.names:
                words = f'Property values were not valid: [{{"isValid":false,"message":"Property \\"{name}\\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"{name}"}}]'
                raise refusals.invalid(words, "PROPERTY_DOESNT_EXIST", name)


def _inputs(body: Doc) -> list[Doc]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise refusals.invalid("inputs is missing")
    if len(inputs) > 100:
        raise refusals.invalid("The number of inputs is limited to 100")
    return inputs


def _batch_read(fake: HubSpotFake, kind: Kind, body: Doc) -> Answer:
    named = tuple(body.get("properties") or ()) or None

    def each(one: Doc) -> Doc:
        upstream_id = _by(fake, kind, body.get("idProperty"), str(one["id"]))
        return fake.render(kind, fake.thing(kind.path, upstream_id), named)

    return _batch(fake, kind, body, each, 200)


def _batch_create(fake: HubSpotFake, kind: Kind, body: Doc) -> Answer:
    return _batch(fake, kind, body, lambda one: _create(fake, kind, one), 201)


def _batch_update(fake: HubSpotFake, kind: Kind, body: Doc) -> Answer:
    return _batch(fake, kind, body, lambda one: _update(fake, kind, _by(fake, kind, one.get("idProperty"), str(one["id"])), one), 200)


def _batch_upsert(fake: HubSpotFake, kind: Kind, body: Doc) -> Answer:
    def each(one: Doc) -> Doc:
        name = one.get("idProperty")
        if not name:
            raise refusals.invalid("idProperty is missing")
        given = {**one, "properties": {name: str(one["id"]), **one.get("properties", {})}}
        try:
            upstream_id = _by(fake, kind, name, str(one["id"]))
        except Refusal as refusal:
            if refusal.status != 404:
                raise
            return {**_create(fake, kind, given), "new": True}
        return {**_update(fake, kind, upstream_id, given), "new": False}

    return _batch(fake, kind, body, each, 200)


def _batch_archive(fake: HubSpotFake, kind: Kind, body: Doc) -> Answer:
    for one in _inputs(body):
        if str(one["id"]) in fake.things[kind.path] and fake.things[kind.path][str(one["id"])].archived is None:
            fake.archive(kind.path, str(one["id"]))
    return Answer(204, b"", {"Content-Type": None})


_BATCHES: dict[str, Callable[[Any, Kind, Doc], Answer]] = {
    "read": _batch_read,
    "create": _batch_create,
    "update": _batch_update,
    "upsert": _batch_upsert,
    "archive": _batch_archive,
}


def _associations(fake: HubSpotFake, asked: Asked, kind: Kind, other: Kind, verb: str) -> Answer:
    """https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records"""
    if verb != "read":
        return refusals.no_such_address()
    results, errors = [], []
    inputs = _given(asked).get("inputs", [])
    if len(inputs) > 1000:
        raise refusals.invalid("The number of inputs is limited to 1000")
    for one in inputs:
        thing = fake.things[kind.path].get(fake.merged.get(one["id"], one["id"]))
        entries = [] if thing is None else fake.linked(thing, other.path)
        if not entries:
            words = f"No {other.path} is associated with {kind.path} {one['id']}."
            context = {"fromObjectId": [one["id"]], "fromObjectType": [kind.path], "toObjectType": [other.path]}
            errors.append({"status": "error", "category": "OBJECT_NOT_FOUND", "message": words, "context": context,
                           "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"})  # fmt: skip
            continue
        start = int(one.get("after") or 0)
        result: Doc = {"from": {"id": one["id"]}, "to": entries[start : start + fake.link_cap]}
        if len(entries) > start + fake.link_cap:
            result["paging"] = {"next": {"after": str(start + fake.link_cap), "link": "?"}}
        results.append(result)
    now = iso(fake.now())
    answer: Doc = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        answer |= {"numErrors": len(errors), "errors": errors}
    return _json(207 if errors else 200, answer)


def _named(asked: Asked) -> tuple[str, ...] | None:
    """Joined by commas, or one by one, as the vendor's own library does."""
    texts = [value for name, value in parse_qsl(asked.query) if name == "properties"]
    return tuple(",".join(texts).split(",")) if texts else None


def _given(asked: Asked) -> Doc:
    try:
        given = json.loads(asked.body)
    except ValueError:
        raise refusals.not_json() from None
    if not isinstance(given, dict):
        raise refusals.not_json()
    return given


def _json(status: int, value: Any) -> Answer:
    return Answer(status, json.dumps(value).encode())
