"""Writing to a declared provider: requests out of the document's templates, and what the answers say, one object or several at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from pgsluice.providers import rawjson, replies, rest_errors, rest_paths, rest_records
from pgsluice.providers.base import Change, Response, Write, Written
from pgsluice.providers.errors import Missing, NotPolled, ProviderError, Refused4xx, UnknownCollection
from pgsluice.providers.rest_auth import quoted
from pgsluice.providers.rest_document import Collection, Document
from pgsluice.providers.rest_document import Write as Spec
from pgsluice.providers.rest_template import Json, Value, filled, json_text, parameters, placeholders

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


def spec_of(document: Document, name: str, kind: str) -> tuple[Collection, Spec]:
    """The document's words about that kind of write. Raises UnknownCollection."""
    collection = document.collections[name]
    spec: Spec | None = getattr(collection, kind, None) if kind in {"create", "update", "upsert", "delete"} else None
    if spec is None:
        raise UnknownCollection(f"{document.collection_id(name)} does not support {kind}")
    return collection, spec


def values(collection: Collection, spec: Spec, writes: Sequence[Write]) -> dict[str, Value]:
    """What the placeholders of a write stand for. Raises Refused4xx, NotPolled."""
    each = [_values_of(collection, spec, write) for write in writes]
    if spec.batch is None:
        return each[0]
    items = [text for given in each if (text := json_text(spec.batch.each, given)) is not None]
    ids = [text for given in each if (text := filled(spec.batch.id, given)) is not None]
    return _shared(each[0]) | {"items": Json("[" + ",".join(items) + "]"), "ids": ",".join(ids)}


def together(collection: Collection, spec: Spec, write: Write) -> str:
    """What the writes of one request have in common: all that the request says apart from {items} and {ids}."""
    if spec.batch is None:
        return ""
    try:
        given = {**_shared(_values_of(collection, spec, write)), "key": ""}
    except (Refused4xx, NotPolled):
        return f"by itself {write.key}"  # what is wrong with it is said when it is sent
    said = [spec.path, spec.params, spec.headers, spec.body, spec.graphql.variables if spec.graphql is not None else None]
    return json_text([each for each in said if each is not None], given) or ""


def _shared(given: Mapping[str, Value]) -> dict[str, Value]:
    """What a batch takes from its first write, and what therefore is the same in all of them."""
    return {name: value for name, value in given.items() if name in {"key", "match_on"} or name.startswith(("parent.", "data."))}


def _values_of(collection: Collection, spec: Spec, write: Write) -> dict[str, Value]:
    given: dict[str, Value] = {"key": write.key}
    if write.upstream_id is not None:
        given |= rest_records.values_of_id(collection.id, write.upstream_id)
    if write.if_match is not None:
        given["if_match"] = write.if_match
    if write.data is None:
        return given
    try:
        members = rawjson.object_members(write.data)
    except rawjson.NotJson as exc:
        raise Refused4xx("what is sent must be a JSON object", details=str(exc)) from exc
    for placeholder, name in spec.take.items():
        value = rest_paths.text(members.pop(name, None))
        if value is None:
            raise Refused4xx(f"the data lacks {name!r}", hint="it says where the object belongs, and goes into the address")
        given[placeholder] = value
    if write.match_on is not None:
        given["match_on"] = write.match_on
        value = rest_paths.text(members.get(write.match_on))
        if value is None:
            raise Refused4xx(f"the data lacks {write.match_on!r}, by which the object is to be found")
        given["value"] = value
    whole = write.data.decode() if not spec.take else "{" + ",".join(f"{json.dumps(n)}:{raw.decode()}" for n, raw in members.items()) + "}"
    return given | {"data": Json(whole)} | {f"data.{name}": Json(raw.decode()) for name, raw in members.items()}


def path(spec: Spec, given: Mapping[str, Value]) -> str:
    found = filled(spec.path, given, quoted)
    if found is None:
        raise NotPolled("the address of this write has no value for one of its placeholders")
    return found


def body(spec: Spec, given: Mapping[str, Value], kind: str) -> tuple[bytes | None, str]:
    """The body and its type. Without a template: the data of a create, update or upsert, nothing for a delete."""
    if spec.graphql is not None:
        variables = json_text(spec.graphql.variables, given) or "{}"
        return f'{{"query":{json.dumps(spec.graphql.query)},"variables":{variables}}}'.encode(), JSON
    template = spec.body if spec.body is not None else (None if kind == "delete" else "{data}")
    if template is None:
        return None, JSON
    text = json_text(template, given) or "{}"
    return (form(text.encode()), FORM) if spec.encoding == "form" else (text.encode(), JSON)


def form(data: bytes) -> bytes:
    """A JSON object as form fields: a[b]=c, items[0][price]=p; numbers with their digits, null empty. Raises Refused4xx."""
    try:
        given = json.loads(data, parse_int=str, parse_float=str)
        return urlencode([pair for name, value in given.items() for pair in _fields(name, value)]).encode()
    except RecursionError:
        raise Refused4xx("the data is nested too deeply to be sent") from None


def _fields(name: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for key, item in value.items():
                yield from _fields(f"{name}[{key}]", item)
        case list():
            for place, item in enumerate(value):
                yield from _fields(f"{name}[{place}]", item)
        case bool():
            yield name, "true" if value else "false"
        case str():
            yield name, value
        case _:
            yield name, ""


def query(spec: Spec, given: Mapping[str, Value]) -> tuple[tuple[str, str], ...]:
    """The parameters; `{ids}` alone under a name that ends in [] is a pair for each id."""
    plain = {name: template for name, template in spec.params.items() if not (name.endswith("[]") and template == "{ids}")}
    listed = [name for name in spec.params if name not in plain]
    each = [(name, value) for name in listed for value in str(given.get("ids", "")).split(",") if value]
    return (*parameters(plain, given), *each)


def read_written(document: Document, name: str, writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:
    """What the answer says of each write. Raises ProviderError if it speaks of all alike."""
    collection, spec = spec_of(document, name, writes[0].kind)
    outcome = rest_errors.verdict(document, response, graphql=spec.graphql is not None, writing=True)
    if outcome in {"missing", "lost_place"}:
        error = rest_errors.error(document, response, "missing" if writes[0].upstream_id is not None else "refused")
        error.details = rest_errors.own_words(response)
        raise error
    answer = _Answer(document, name, collection, spec, response)
    return answer.each(writes) if spec.batch is not None else (answer.one(writes[0]),)


class _Answer:
    """One answer to writes."""

    def __init__(self, document: Document, name: str, collection: Collection, spec: Spec, response: Response) -> None:
        self.document, self.collection, self.spec, self.response = document, collection, spec, response
        self.collection_id = document.collection_id(name)
        self.vendor = document.title or document.name

    def one(self, write: Write) -> Written:
        """What it says of its only write. Raises Refused4xx."""
        if self.spec.errors and rest_paths.is_given(self._at(self.spec.errors)):
            error = rest_errors.error(self.document, self.response, "refused")
            error.details = rest_errors.own_words(self.response)
            raise error
        if write.kind == "delete":
            return _gone(write)
        raw = self._record()
        return Written(self._answered_id(write), None) if raw is None else self._written(write, raw)

    def each(self, writes: Sequence[Write]) -> tuple[Written | ProviderError, ...]:
        """What it says of each of several. Raises Unreadable."""
        batch = self.spec.batch
        assert batch is not None
        if writes[0].kind == "delete" and not batch.results:
            return tuple(_gone(write) for write in writes)
        results = rawjson.elements(self._at(batch.results) or b"", batch.results)
        if len(results) != len(writes):
            raise replies.unreadable(self.response, self.vendor, f"{len(results)} results for {len(writes)} writes")
        return tuple(self._result(write, raw, batch.error) for write, raw in zip(writes, results, strict=True))

    def _result(self, write: Write, raw: bytes, wrong_at: str) -> Written | ProviderError:
        wrong = rest_paths.at(raw, wrong_at) if wrong_at else None
        if wrong is not None and rest_paths.is_given(wrong):
            said = replies.plain(wrong.decode("utf-8", "replace"), 300)
            return Refused4xx(f"{self.vendor} refused it: {said}", details=replies.plain(raw.decode("utf-8", "replace"), 4000))
        if write.kind == "delete":
            return _gone(write)
        inner = rest_paths.at(raw, self.spec.record) if self.spec.record else raw
        return self._written(write, inner or raw)

    def _written(self, write: Write, raw: bytes) -> Written:
        around = rest_records.values_of_id(self.collection.id, write.upstream_id) if write.upstream_id is not None else {}
        record = rest_records.read(self.collection, raw, {**_taken(self.spec, write), **around})
        upstream_id = record.upstream_id or write.upstream_id
        if upstream_id is None:
            raise replies.unreadable(self.response, self.vendor, "it is no object with an id")
        change = rest_records.change(self.collection_id, self.collection, record)
        same = write.upstream_id is None or record.upstream_id == write.upstream_id
        return Written(upstream_id, change if same and isinstance(change, Change) else None)

    def _answered_id(self, write: Write) -> str:
        upstream_id = write.upstream_id
        if upstream_id is None and self.spec.id:
            upstream_id = _new_id(self.collection, self.spec, write, self._at(self.spec.id))
        if upstream_id is None:
            raise replies.unreadable(self.response, self.vendor, "it does not say which id the new object has")
        return upstream_id

    def _record(self) -> bytes | None:
        if self.spec.record is None or self.response.status == 204 or not self.response.body.strip():
            return None
        found = self._at(self.spec.record)
        return found if found is not None and found.startswith(b"{") else None

    def _at(self, place: str) -> bytes | None:
        try:
            return rest_paths.at(self.response.body.removeprefix(rawjson.BOM).strip(), place)
        except rawjson.NotJson as exc:
            raise replies.unreadable(self.response, self.vendor, str(exc)) from exc


def _gone(write: Write) -> Written:
    return Written(write.upstream_id or "", Change(write.collection_id, write.upstream_id or "", raw=None, deleted=True))


def _taken(spec: Spec, write: Write) -> dict[str, str]:
    """Members of the data that went into the address: an id may be made of them."""
    if not spec.take or write.data is None:
        return {}
    members = rawjson.object_members(write.data)
    return {name: value for name, member in spec.take.items() if (value := rest_paths.text(members.get(member))) is not None}


def _new_id(collection: Collection, spec: Spec, write: Write, found: bytes | None) -> str | None:
    """The id out of one value of the answer; where an id is made of several, the others went into the address."""
    if "{" not in collection.id:
        return rest_paths.text(found)
    of_record = [name for name in placeholders(collection.id) if name.startswith("record.")]
    value = rest_paths.text(found)
    return None if value is None or len(of_record) != 1 else filled(collection.id, {**_taken(spec, write), of_record[0]: value})


def with_own_words(error: ProviderError, response: Response) -> ProviderError:
    """A refusal of a write carries the vendor's own answer."""
    if isinstance(error, Refused4xx) and not isinstance(error, Missing):
        error.details = rest_errors.own_words(response)
    return error
