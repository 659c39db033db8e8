"""Whether a provider document can be used: by its published schema, and by what a schema cannot say. Everything wrong is named at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import msgspec

from pgsluice.providers import rest_check_access, rest_template
from pgsluice.providers.rest_check_access import instead, problem, unknown
from pgsluice.providers.rest_document import Collection, Document, Listing, Write, document
from pgsluice.providers.rest_text import BadDocument, Path, Problem, Text, parse

_MOST: Final = 50  # problems that are named
_TYPES: Final = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_PATTERNS: Final = {  # what a pattern of the schema means, in words
    "^[0-9]{1,5}(s|m|h|d)$": "a time like 90s, 5m, 1h or 30d is needed",
    "^[0-9]{1,5}d$": "a number of days like 30d is needed",
    "^(never|[0-9]{1,5}(s|m|h|d))$": "a time like 1h or 1d, or never",
    "^/": "a path begins with /",
    "^[a-z][a-z0-9_]{0,39}$": "small letters, digits and _ only, beginning with a letter",
    "^[a-z][a-z0-9_]{0,63}$": "small letters, digits and _ only, beginning with a letter",
    "^https?://[^/?#]+(/[^?#]*)?$": "an address like https://api.example.com",
}
_PAGING: Final = {"cursor": ("cursor",), "keyset": ("cursor",), "scroll": ("cursor",), "offset": ("offset",), "page": ("page",)}
_REPEATED_GROUP: Final = re.compile(r"\)(?:[*+]|\{[0-9]*,)|\\[1-9]|\(\?[P<=!]")
_MOST_REPEATS: Final = 3
_READING: Final = {"limit", "since", "until", "cursor", "offset", "page"}


def checked(text: str | bytes) -> tuple[dict[str, Any], Document]:
    """The values of a document that can be used. Raises BadDocument with all that is wrong."""
    found = parse(text)
    problems = list(_by_schema(found))
    if not problems:
        problems = list(_by_sense(found))
    if problems:
        raise BadDocument(sorted(problems, key=lambda problem: (problem.line, problem.column))[:_MOST])
    return found.data, document(found.data)


def schema() -> dict[str, Any]:
    """The published JSON Schema."""
    found: dict[str, Any] = json.loads((resources.files("pgsluice.providers") / "documents" / "schema.json").read_text("utf-8"))
    return found


@lru_cache(maxsize=1)
def _validator() -> Any:
    import jsonschema  # noqa: PLC0415  most commands check no document

    return jsonschema.Draft202012Validator(schema())


# ---------------------------------------------------------------- by the schema


def _by_schema(text: Text) -> Iterator[Problem]:
    for error in _validator().iter_errors(text.data):
        path: Path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            known = list(error.schema.get("properties", {}))
            for name in error.instance:
                if name not in known:
                    yield problem(text, (*path, name), f"there is no {name!r} here", instead(name, known))
        else:
            yield problem(text, path, *_words(error, path))


def _words(error: Any, path: Path) -> tuple[str, str]:
    name = repr(str(path[-1])) if path else "the document"
    wanted = error.validator_value
    match error.validator:
        case "required":
            missing = [key for key in wanted if key not in error.instance]
            return f"{name} lacks {' and '.join(missing)}", "add " + " and ".join(missing)
        case "type":
            types = " or ".join(_TYPES[kind] for kind in ([wanted] if isinstance(wanted, str) else wanted))
            return f"{name} must be {types}", "" if error.instance is not None else "nothing follows the colon"
        case "enum":
            return f"{name} cannot be {_short(error.instance)}", instead(str(error.instance), [str(value) for value in wanted])
        case "pattern":
            return f"{name} cannot be {_short(error.instance)}", _PATTERNS.get(wanted, f"its form is {wanted}")
        case "minProperties" | "minItems" | "minLength":
            return f"{name} is empty", "give at least one" if error.validator != "minLength" else "write something"
        case _:
            return f"{name}: {str(error.message)[:200]}", ""


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


# ---------------------------------------------------------------- by sense


def _by_sense(text: Text) -> Iterator[Problem]:
    try:
        given = document(text.data)
    except msgspec.ValidationError as exc:
        yield problem(text, (), str(exc), "")
        return
    yield from rest_check_access.problems(text, given)
    yield from _patterns(text, text.data, ())
    yield from _braces(text, text.data, ())
    yield from _undecided(text, given)
    for name, collection in given.collections.items():
        yield from _Collection(text, given, name, collection).problems()


def _patterns(text: Text, value: Any, path: Path) -> Iterator[Problem]:
    """Regular expressions: sound, and none that takes for ever."""
    for place, pattern in _found_patterns(value, path):
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as exc:
            yield problem(
                text, place, f"this is no regular expression: {exc}", "brackets and backslashes that mean themselves need a backslash"
            )
            continue
        if (
            _REPEATED_GROUP.search(pattern)
            or len(re.findall(r"(?<!\\)[*+]|\{[0-9]*,[0-9]*\}", pattern)) > _MOST_REPEATS
            or len(pattern) > 200
        ):
            words = "this regular expression may take for ever"
            yield problem(text, place, words, f"no repeated groups, no references, at most {_MOST_REPEATS} of * and +")


def _found_patterns(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            is_rule = len(path) >= 2 and path[:2] == ("errors", "rules")
            if isinstance(inner, str) and (
                (path[:1] == ("auth",) and name == "pattern") or (is_rule and (name == "matches" or path[-1] == "headers"))
            ):
                yield (*path, name), inner
            elif not isinstance(inner, str):
                yield from _found_patterns(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _found_patterns(inner, (*path, place))


def _braces(text: Text, value: Any, path: Path) -> Iterator[Problem]:
    if isinstance(value, str):
        if (
            rest_template.stray(value)
            and path[-1] not in {"query", "fragment", "pattern", "matches", "description", "hint"}
            and "rules" not in path
        ):
            yield problem(text, path, "a brace belongs to no placeholder", "placeholders are {name}; the brace itself is {{ or }}")
    elif isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _braces(text, inner, (*path, name))


def _undecided(text: Text, given: Document) -> Iterator[Problem]:
    """What `provider init` left to a person, and what would be asked for as it stands."""
    places: list[tuple[Path, str]] = [(("base_url",), given.base_url)]
    for name, spec in given.collections.items():
        places += [
            (("collections", name, kind, "path"), getattr(getattr(spec, kind), "path", "")) for kind in ("list", "incremental", "fetch")
        ]
    for place, value in places:
        if "DECIDE" in value:
            yield problem(text, place, "DECIDE is left in it", "put there what the API wants, or leave the collection out")


class _Collection:
    """What is to be said of one collection."""

    def __init__(self, text: Text, given: Document, name: str, collection: Collection) -> None:
        self.text, self.given, self.name, self.collection = text, given, name, collection
        self.at: Path = ("collections", name)
        self.secrets = {f"credential.{field}" for auth in given.auth.values() for field in auth.fields}
        self.parents: tuple[str, ...] = ("parent.",) if collection.parent else ()
        self.of_id = set(rest_template.placeholders(collection.id)) | {"id"}

    def problems(self) -> Iterator[Problem]:
        checks: tuple[Callable[[], Iterator[Problem]], ...] = (
            self._parent,
            self._identity,
            self._lists,
            self._one,
            self._writes,
            self._times,
        )
        for check in checks:
            yield from check()

    def _say(self, path: Path, message: str, hint: str) -> Problem:
        return problem(self.text, (*self.at, *path), message, hint)

    def _parent(self) -> Iterator[Problem]:
        seen, parent = {self.name}, self.collection.parent
        while parent is not None:
            if parent not in self.given.collections:
                yield self._say(("parent",), f"there is no collection {parent!r}", instead(parent, sorted(self.given.collections)))
                return
            if parent in seen:
                yield self._say(("parent",), f"{self.name} is its own ancestor", "name another parent")
                return
            seen.add(parent)
            parent = self.given.collections[parent].parent

    def _identity(self) -> Iterator[Problem]:
        yield from unknown(self.text, (*self.at, "id"), self.collection.id, set(), ("record.", *self.parents))
        if "{" in self.collection.id and re.search(r"\}\{", self.collection.id):
            yield self._say(("id",), "two values of the id stand side by side", "put something between them that the first cannot contain")

    def _lists(self) -> Iterator[Problem]:
        yield from self._listing("list", self.collection.list, {"limit"})
        if self.collection.incremental is not None:
            yield from self._listing("incremental", self.collection.incremental, {"limit", "since", "until"})
            yield from self._incremental()
        if self.collection.deletions is not None:
            yield from self._listing("deletions", self.collection.deletions, {"limit", "since"})
        if self.collection.describe is not None:
            self.parents = ()  # it is asked of the account, not of a parent
            yield from self._listing("describe", self.collection.describe, {"limit"})
            self.parents = ("parent.",) if self.collection.parent else ()
        yield from self._own_lists()
        parts = self.collection.parts
        if parts is not None:
            yield from unknown(self.text, (*self.at, "parts", "params"), parts.params, {"since", "until"})

    def _own_lists(self) -> Iterator[Problem]:
        """Lists of one kind of credential. By its path a reply is told apart from that of the usual list."""
        for suffix, own in self.collection.instead.items():
            if suffix not in self.given.auth:
                yield self._say(("instead", suffix), f"there is no {suffix!r} under auth", instead(suffix, list(self.given.auth)))
            yield from self._listing("list", own.list, {"limit"}, ("instead", suffix))
            usual = (self.collection.list.path, getattr(self.collection.incremental, "path", ""))
            if "{" in own.list.path or own.list.path in usual or (own.incremental and own.incremental.path != own.list.path):
                words = "its path must be one of its own, without placeholders, and the same for what changes"
                yield self._say(("instead", suffix, "list"), words, "name the address that this kind of credential reads")

    def _listing(self, key: str, listing: Listing, known: set[str], inside: Path = ()) -> Iterator[Problem]:
        path = (*self.at, *inside, key)
        raw = self.text.data
        for step in path:
            raw = raw[step]
        style = listing.paging.style
        needed = _PAGING.get(style, ())
        if not listing.path:
            yield problem(self.text, path, f"{key} has no path", "add path: /things")
        yield from unknown(self.text, path, {k: v for k, v in raw.items() if k in {"path", "params", "headers", "body"}},
                            known | set(needed) | self.secrets, self.parents)  # fmt: skip
        yield from unknown(self.text, (*path, "graphql", "variables"), raw.get("graphql", {}).get("variables", {}),
                            known | set(needed) | self.secrets, self.parents)  # fmt: skip
        asked = set(rest_template.placeholders([listing.path, listing.params, listing.headers, listing.body or "",
                                                listing.graphql.variables if listing.graphql else {}]))  # fmt: skip
        for name in needed:
            if name not in asked:
                yield problem(self.text, (*path, "paging"), f"the paging {style} needs {{{name}}} in the request", f'add it: "{{{name}}}"')
        yield from self._next(path, listing)

    def _next(self, path: Path, listing: Listing) -> Iterator[Problem]:
        paging = listing.paging
        if paging.style in {"cursor", "scroll", "next_url"} and not (paging.next or paging.header):
            yield problem(self.text, (*path, "paging"), f"the paging {paging.style} needs next or header", "say where the reply has it")
        if listing.graphql is not None and not listing.records:
            yield problem(self.text, path, "a GraphQL reply has its records inside data", "add records: data.things.nodes")

    def _incremental(self) -> Iterator[Problem]:
        spec = self.collection.incremental
        assert spec is not None
        asked = set(rest_template.placeholders([spec.path, spec.params, spec.headers, spec.body or "",
                                                spec.graphql.variables if spec.graphql else {}]))  # fmt: skip
        if "since" not in asked and spec.order != "desc" and not spec.narrows_parents:
            yield self._say(("incremental",), "nothing asks for what changed", "put {since} into a parameter, or say order: desc")
        # Behind parents it is the vendor's clock that moves the window.
        by_clock = spec.resume == "cursor" or "until" in asked or spec.narrows_parents or self.collection.parent is not None
        if self.collection.updated_at is None and not by_clock:
            yield self._say(("incremental",), "changes need updated_at", "say where a record has the time of its last change")
        if spec.move_after is not None and spec.order != "asc":
            yield self._say(("incremental", "move_after"), "move_after needs order: asc", "ask for that order, and say so")
        if self.collection.parent and spec.order == "asc" and (spec.move_after is not None or spec.max_depth is not None):
            # The time that one parent's list has moved on to would be the next parent's, too.
            yield self._say(
                ("incremental",), "the list of a parent cannot move on in time", "leave out move_after and max_depth, or order: desc"
            )

    def _one(self) -> Iterator[Problem]:
        fetch = self.collection.fetch
        if fetch is None:
            return
        raw = self.text.data["collections"][self.name]["fetch"]
        yield from unknown(self.text, (*self.at, "fetch"), {k: v for k, v in raw.items() if k != "graphql"}, self.of_id | self.secrets)
        variables = raw.get("graphql", {}).get("variables", {})
        yield from unknown(self.text, (*self.at, "fetch", "graphql", "variables"), variables, self.of_id | self.secrets)

    def _writes(self) -> Iterator[Problem]:
        for kind in ("create", "update", "upsert", "delete"):
            spec = getattr(self.collection, kind)
            if spec is None:
                continue
            raw = self.text.data["collections"][self.name][kind]
            known = {"key", "data", "if_match", *self.secrets} | set(spec.take)
            known |= self.of_id if kind in {"update", "delete"} else set()
            free = ("data.",) if kind != "delete" else ()
            known |= {"match_on", "value"} if kind == "upsert" else set()
            known |= {"items", "ids"} if spec.batch is not None else set()
            templates = {k: v for k, v in raw.items() if k in {"path", "params", "headers", "body"}}
            yield from unknown(self.text, (*self.at, kind), templates, known, free)
            yield from unknown(
                self.text, (*self.at, kind, "graphql", "variables"), raw.get("graphql", {}).get("variables", {}), known, free
            )
            yield from self._batch(kind, spec, raw.get("batch", {}), known - {"items", "ids"}, free)
            if not spec.path:
                yield self._say((kind,), f"{kind} has no path", "add path: /things")
            if kind == "upsert" and not spec.match_on:
                yield self._say((kind,), "upsert needs match_on", "name the unique fields by which the object is found")
            if spec.record is None and not spec.id and kind in {"create", "upsert"} and spec.batch is None:
                yield self._say((kind,), f"the answer to {kind} must say which object it is", 'add record: "" or id')

    def _batch(self, kind: str, spec: Write, raw: Any, known: set[str], free: tuple[str, ...]) -> Iterator[Problem]:
        batch = spec.batch
        if batch is None:
            return
        yield from unknown(self.text, (*self.at, kind, "batch"), {k: v for k, v in raw.items() if k in {"each", "id"}}, known, free)
        sent = [spec.params, spec.body if spec.body is not None else "", spec.graphql.variables if spec.graphql else {}]
        if not {"items", "ids"} & set(rest_template.placeholders(sent)):
            yield self._say((kind, "batch"), "the request of a batch carries none of its items", 'put "{items}" into body, or "{ids}"')
        if kind != "delete" and not batch.results:
            yield self._say(
                (kind, "batch"), f"the answer to a batch of {kind} must say what became of each", "add results: where its list is"
            )

    def _times(self) -> Iterator[Problem]:
        if self.collection.parts is not None and self.collection.parent is not None:
            yield self._say(("parts",), "a collection with a parent is read parent by parent already", "leave parts out")
