"""A provider document drafted from an OpenAPI description (2.0 or 3.x). What a person has to decide is marked with DECIDE."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import yaml

from pgsluice.providers.rest_text import BadDocument, Problem

_CURSORS: Final = ("cursor", "page_token", "pagetoken", "starting_after", "start_cursor", "after", "next_token", "page[after]")
_LIMITS: Final = ("limit", "per_page", "page_size", "pagesize", "page[size]", "max_results", "maxresults", "count", "first")
_OFFSETS: Final = ("offset", "skip", "start", "startat")
_PAGES: Final = ("page", "page_number", "pagenumber")
_SINCE: Final = (
    "updated_since", "since", "modified_since", "updated_after", "updated_at_min", "updated[gte]", "modified_after", "updated_gte",
)  # fmt: skip
_NEXT: Final = ("next_cursor", "nextcursor", "next_page_token", "nextpagetoken", "after_cursor", "next_token", "cursor")
_PAGES_IN_ALL: Final = ("total_pages", "totalpages", "page_count", "pagecount", "pages", "last_page")
_MORE: Final = ("has_more", "hasmore", "has_next", "hasnextpage")
_UPDATED: Final = ("updated_at", "updatedat", "updated", "modified_at", "last_modified", "updated_on", "modified")
_CREATED: Final = ("created_at", "createdat", "created", "created_on", "date_created")
_TYPES: Final = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean", "array": "array", "object": "object"}
_NO_ADDRESS: Final = "https://DECIDE.example.com"
_MOST: Final = 200  # collections
_BYTES: Final = 32 * 1024 * 1024
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What YAML 1.1 takes for something else than a text.
_WORDS: Final = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
_DEEPEST: Final = 20


class _Found(NamedTuple):
    """A list in the description."""

    path: str
    operation: Mapping[str, Any]
    records: str  # where the array is
    item: Mapping[str, Any]  # the schema of a record
    reply: Mapping[str, Any]


def drafted(text: bytes, name: str | None = None) -> str:
    """The draft, as YAML with comments. Raises BadDocument where there is nothing to draft from."""
    api = _Api(_read(text))
    try:
        return _written(api, name)
    except (AttributeError, TypeError, ValueError, RecursionError):
        raise _bad("it does not keep to the form of OpenAPI", "look at it with a validator of OpenAPI, and correct it") from None


def _written(api: _Api, name: str | None) -> str:
    found = list(api.lists())
    if not found:
        raise _bad("no path of it answers with a list of objects", "write the document by hand: docs/how-to/rest.md")
    title = str((api.root.get("info") or {}).get("title") or "Example")
    undecided = " # DECIDE: the address of the API" if api.base_url() == _NO_ADDRESS else ""
    head = [
        f"# Drafted from the description of {_line(title)}. DECIDE marks what a person has to decide.",
        f"name: {name or _name(title)}",
        f"title: {_quoted(_line(title))}",
        f"base_url: {_quoted(api.base_url())}{undecided}",
        "",
        *api.auth(),
        "",
        "collections:",
    ]
    names: set[str] = set()
    lines = [line for each in found[:_MOST] for line in _Collection(api, each, names).lines()]
    if len(found) > _MOST:
        lines.append(f"  # {len(found) - _MOST} more lists are left out, the first at {found[_MOST].path}: draft from a part of it")
    return "\n".join([*head, *lines]) + "\n"


def _read(text: bytes) -> dict[str, Any]:
    if len(text) > _BYTES:
        raise _bad("the description is larger than 32 MB", "give the part of it that you need")
    try:
        if text.lstrip().startswith(b"{"):
            found = json.loads(text)
        else:
            found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe: no tags
    except (ValueError, RecursionError, yaml.YAMLError) as exc:
        raise _bad(f"it is neither JSON nor YAML: {str(exc)[:200]}", "give an OpenAPI description") from None
    if not isinstance(found, dict) or not isinstance(found.get("paths"), dict):
        raise _bad("it is no OpenAPI description", "one has openapi (or swagger) and paths")
    return found


class _Api:
    """A description, with what it refers to."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root

    def base_url(self) -> str:
        servers = self.root.get("servers")
        if isinstance(servers, list) and servers and isinstance(servers[0], dict):
            url = str(servers[0].get("url", ""))
            for variable, spec in (servers[0].get("variables") or {}).items():
                url = url.replace("{" + variable + "}", str(spec.get("default", variable)) if isinstance(spec, dict) else variable)
            if url.startswith(("https://", "http://")):
                return url.rstrip("/")
        if isinstance(self.root.get("host"), str):
            return f"https://{self.root['host']}{str(self.root.get('basePath', '')).rstrip('/')}"
        return _NO_ADDRESS

    def auth(self) -> list[str]:
        schemes = (self.root.get("components") or {}).get("securitySchemes") or self.root.get("securityDefinitions") or {}
        lines = ["auth:", "  key:", "    fields:", "      secret: {description: DECIDE what to paste and where the vendor shows it}"]
        for scheme in (self.deref(each) for each in schemes.values() if isinstance(each, dict)):
            kind, place = scheme.get("type"), scheme.get("in")
            if kind == "apiKey" and place in {"header", "query"}:
                key = "headers" if place == "header" else "params"
                return [*lines, f'    {key}: {{{_quoted(str(scheme.get("name")))}: "{{credential.secret}}"}}']
            if kind == "basic" or (kind == "http" and str(scheme.get("scheme")).lower() == "basic"):
                return [*lines, '    basic: {username: "{credential.secret}"} # DECIDE: which part is the name, which the password']
        return [*lines, '    bearer: "{credential.secret}"']

    def lists(self) -> Iterator[_Found]:
        for path, item in self.root["paths"].items():
            operation = item.get("get") if isinstance(item, dict) else None
            # Behind a placeholder there is one object, which may have lists of its own in it.
            if not isinstance(operation, dict) or str(path).rstrip("/").endswith("}"):
                continue
            shared = [self.deref(each) for each in item.get("parameters") or [] if isinstance(each, dict)]
            operation = {
                **operation,
                "parameters": [*shared, *(self.deref(each) for each in operation.get("parameters") or [] if isinstance(each, dict))],
            }
            reply = self._reply(operation)
            found = self._array(reply)
            if found is not None:
                yield _Found(str(path), operation, found[0], found[1], reply)

    def _reply(self, operation: Mapping[str, Any]) -> Mapping[str, Any]:
        responses = operation.get("responses") or {}
        named = (responses.get(status) for status in ("200", 200, "2XX", "2xx", "default"))
        return self.schema_of(next((found for found in named if found), {}))

    def schema_of(self, answer: Any) -> Mapping[str, Any]:
        """The schema of a response's JSON."""
        answer = self.deref(answer)
        if "schema" in answer:
            return self.deref(answer["schema"])
        for kind, media in (answer.get("content") or {}).items():
            if "json" in str(kind) and isinstance(media, dict):
                return self.deref(media.get("schema") or {})
        return {}

    def _array(self, reply: Mapping[str, Any], depth: int = 0) -> tuple[str, Mapping[str, Any]] | None:
        if self.is_array(reply):
            item = self.deref(reply.get("items") or {})
            return ("", item) if self.properties(item) else None
        for name, inner in self.properties(reply).items():
            found = self.deref(inner)
            if self.is_array(found) and self.properties(self.deref(found.get("items") or {})):
                return name, self.deref(found["items"])
        if depth < 1:
            for name, inner in self.properties(reply).items():
                below = self._array(self.deref(inner), depth + 1) if isinstance(inner, dict) else None
                if below is not None and below[0]:
                    return f"{name}.{below[0]}", below[1]
        return None

    @staticmethod
    def is_array(schema: Mapping[str, Any]) -> bool:
        """3.1 writes what may be null as a list of types."""
        kind = schema.get("type")
        return kind == "array" or (isinstance(kind, list) and "array" in kind)

    def may_be_null(self, reply: Mapping[str, Any], place: str) -> bool:
        """Whether null may stand where the array is, when there is nothing."""
        schema: Mapping[str, Any] = reply
        for step in place.split("."):
            schema = self.deref(self.properties(schema).get(step))
        kind = schema.get("type")
        return schema.get("nullable") is True or (isinstance(kind, list) and "null" in kind)

    def properties(self, schema: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
        found = dict(schema.get("properties") or {}) if isinstance(schema.get("properties"), dict) else {}
        for part in (schema.get("allOf") or []) if depth < _DEEPEST else []:
            found.update(self.properties(self.deref(part), depth + 1))
        return found

    def deref(self, value: Any) -> Mapping[str, Any]:
        """What is meant: behind references, and of alternatives the only one that is something."""
        for _ in range(_DEEPEST):
            for word in ("anyOf", "oneOf"):
                if isinstance(value, dict) and isinstance(value.get(word), list) and "properties" not in value:
                    real = [each for each in value[word] if isinstance(each, dict) and each.get("type") != "null"]
                    value = real[0] if len(real) == 1 else value
            reference = value.get("$ref") if isinstance(value, dict) else None
            if not isinstance(reference, str) or not reference.startswith("#/"):
                break
            value = self.root
            for step in reference[2:].split("/"):
                value = value.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(value, dict) else {}
        return value if isinstance(value, dict) else {}

    def one(self, path: str) -> tuple[str, Mapping[str, Any]] | None:
        """The path of one object of the list at `path`."""
        for other, item in self.root["paths"].items():
            if re.fullmatch(re.escape(path.rstrip("/")) + r"/\{[^/}]+\}", str(other)) and isinstance(item, dict):
                return str(other), item
        return None


class _Collection:
    """The lines of one collection."""

    def __init__(self, api: _Api, found: _Found, names: set[str]) -> None:
        self.api, self.found = api, found
        self.parameters = {
            str(each.get("name")).lower(): str(each.get("name")) for each in found.operation["parameters"] if each.get("in") == "query"
        }
        self.fields = api.properties(found.item)
        self.name = _unique(_singular(found.path), names)
        self.in_path = re.findall(r"\{([^/}]+)\}", found.path)

    def lines(self) -> Iterator[str]:
        yield f"  {self.name}:"
        summary = self.found.operation.get("summary") or self.found.operation.get("description")
        if summary:
            yield f"    description: {_quoted(_line(str(summary)))}"
        identity = self._of(self.fields, ("id", "uuid", "key", "gid", f"{self.name}_id"))
        yield f"    id: {_quoted(identity)}" if identity else "    id: id # DECIDE: what identifies a record"
        for key, names in (("created_at", _CREATED), ("updated_at", _UPDATED)):
            if (place := self._of(self.fields, names)) is not None:
                yield f"    {key}: {_quoted(place)}"
        path = self.found.path
        if self.in_path:
            yield f"    # DECIDE: name the collection that {', '.join(self.in_path)} comes from: parent: …, and take the value from it"
            path = re.sub(r"\{([^/}]+)\}", "DECIDE", path)
        yield "    list:"
        yield f"      path: {_quoted(path)}"
        yield from self._paging()
        yield from self._incremental()
        yield from self._one()
        typed = [f"{_key(name)}: {self._type(spec)}" for name, spec in list(self.fields.items())[:60]]
        yield f"    fields: {{{', '.join(typed)}}}"

    def _paging(self) -> Iterator[str]:
        params: dict[str, str] = {}
        paging, open_point = "{style: none}", " # DECIDE: how the next page is found"
        limit = self._of(self.parameters, _LIMITS)
        if limit:
            params[limit] = "{limit}"
        reply = {place: place.rpartition(".")[2] for place in _places(self.api, self.found.reply)}
        following = self._of({last: place for place, last in reply.items()}, _NEXT)
        cursor = self._of(self.parameters, _CURSORS)
        if cursor and following:
            params[cursor] = "{cursor}"
            paging, open_point = f"{{style: cursor, next: {_quoted(following)}}}", ""
        elif cursor:
            params[cursor] = "{cursor}"
            more = self._of({last: place for place, last in reply.items()}, _MORE)
            paging = f"{{style: keyset{f', more: {_quoted(more)}' if more else ''}}}"
            open_point = " # DECIDE: does it go on behind the last id?"
        elif (number := self._of(self.parameters, _PAGES)) is not None:
            params[number] = "{page}"
            pages = self._of({last: place for place, last in reply.items()}, _PAGES_IN_ALL)
            paging, open_point = f"{{style: page{f', pages: {_quoted(pages)}' if pages else ''}}}", ""
        elif (offset := self._of(self.parameters, _OFFSETS)) is not None:
            params[offset] = "{offset}"
            paging, open_point = "{style: offset}", ""
        if params:
            yield "      params: {" + ", ".join(f'{_quoted(name)}: "{value}"' for name, value in params.items()) + "}"
        if self.found.records:
            yield f"      records: {_quoted(self.found.records)}"
            if self.api.may_be_null(self.found.reply, self.found.records):
                yield "      empty_if_absent: true"
        if limit:
            yield f"      page_size: {self._largest(limit)}"
        yield f"      paging: {paging}{open_point}"

    def _largest(self, name: str) -> int:
        for each in self.found.operation["parameters"]:
            largest = (each.get("schema") or each).get("maximum") if each.get("name") == name else None
            if isinstance(largest, int) and 0 < largest <= 10_000:
                return largest
        return 100

    def _incremental(self) -> Iterator[str]:
        since = self._of(self.parameters, _SINCE)
        if since is None or self._of(self.fields, _UPDATED) is None:
            yield "    sweep: 1h # DECIDE: how often everything is read again; better, say how to ask for what changed (incremental)"
            return
        yield "    incremental:"
        yield f'      params: {{{_quoted(since)}: "{{since}}"}}'
        yield "      format: iso # DECIDE: iso, unix or ms"

    def _one(self) -> Iterator[str]:
        one = None if self.in_path else self.api.one(self.found.path)
        if one is None:
            return
        path = re.sub(r"\{[^/}]+\}", "{id}", one[0])
        if "get" in one[1]:
            inside = self._inside(one[1]["get"])
            place = f", record: {_quoted(inside)}" if inside else ""
            undecided = " # DECIDE: record, if the object is inside something" if inside is None else ""
            yield f"    fetch: {{path: {_quoted(path)}{place}}}{undecided}"
        listed = self.api.root["paths"][self.found.path]
        if "post" in listed:
            yield f"    create: {{path: {_quoted(self.found.path)}, {self._record(listed['post'])}"
        method = next((method for method in ("patch", "put", "post") if method in one[1]), None)
        if method:
            yield f"    update: {{method: {method.upper()}, path: {_quoted(path)}, {self._record(one[1][method])}"
        if "delete" in one[1]:
            yield f"    delete: {{path: {_quoted(path)}}}"

    def _record(self, operation: Any) -> str:
        inside = self._inside(operation)
        return f"record: {_quoted(inside or '')}}} # DECIDE: {'record, body' if inside is None else 'body'}"

    def _inside(self, operation: Any) -> str | None:
        """Where an answer has the object: the member that has the list's fields, if the answer itself has not; None: it is not said."""
        responses = (operation if isinstance(operation, dict) else {}).get("responses") or {}
        good: Any = next((responses[status] for status in responses if str(status).upper() in {"200", "201", "2XX", "DEFAULT"}), {})
        reply = self.api.properties(self.api.schema_of(good))
        if not reply:
            return None
        wanted = set(self.fields)
        likeness = {name: len(wanted & set(self.api.properties(self.api.deref(inner)))) for name, inner in reply.items()}
        best = max(likeness, key=lambda name: likeness[name], default="")
        return best if best and likeness[best] > len(wanted & set(reply)) else ""

    def _type(self, spec: Any) -> str:
        schema = self.api.deref(spec)
        if schema.get("format") in {"date-time", "date"}:
            return "time" if schema["format"] == "date-time" else "date"
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), None)
        return _TYPES.get(str(kind), "object" if self.api.properties(schema) else "any")

    @staticmethod
    def _of(found: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
        """What stands under one of these names; the name itself where it is a field."""
        lower = {str(name).lower(): name for name in found}
        for name in names:
            if name in lower:
                value = found[lower[name]]
                return value if isinstance(value, str) else str(lower[name])
        return None


def _places(api: _Api, reply: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[str]:
    for name, inner in api.properties(reply).items():
        yield prefix + name
        if depth < 2 and isinstance(inner, dict):
            yield from _places(api, api.deref(inner), f"{prefix}{name}.", depth + 1)


def _singular(path: str) -> str:
    steps = [step for step in path.strip("/").split("/") if step and not step.startswith("{")]
    word = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", steps[-1] if steps else "record").lower()).strip("_")
    word = re.sub(r"\.json$|_json$", "", word)
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us")):
        word = word[:-1]
    return word if word[:1].isalpha() else f"x{word}"


def _unique(name: str, names: set[str]) -> str:
    found, number = name[:60], 2
    while found in names:
        found, number = f"{name[:56]}_{number}", number + 1
    names.add(found)
    return found


def _name(title: str) -> str:
    word = re.sub(r"(_?api)?(_v?[0-9_]*)?$", "", re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_"))[:40].strip("_")
    return word if word[:1].isalpha() else "example"


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:119]}…"


def _key(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) and name.lower() not in _WORDS else json.dumps(name)


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z/][A-Za-z0-9_./-]*", text) and text.lower() not in _WORDS else json.dumps(text)


def _bad(message: str, hint: str) -> BadDocument:
    return BadDocument([Problem(1, 1, "", message, hint)])
