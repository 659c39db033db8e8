"""Fields that only an account has, at a declared vendor: asked for collection by collection, each by a list of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, get_args

import msgspec

from pgsluice.providers import rawjson, rest_feeds, rest_paths
from pgsluice.providers.base import Change, Cursor, Described, Feed, Field, Response
from pgsluice.providers.base import Collection as Known
from pgsluice.providers.rest_document import Collection, Describe, Document, FieldType
from pgsluice.providers.rest_source import Source

# No collection of a document has such a name.
_NAME: Final = ":fields"
_TYPES: Final[frozenset[str]] = frozenset(get_args(FieldType))


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor: which of the collections, where in its list, and the fields that came so far: name, type, description."""

    at: int = 0
    walk: dict[str, Any] | None = None
    fields: tuple[tuple[str, str, str], ...] = ()


class Describing:
    """The document's words about fields, at work."""

    def __init__(self, document: Document, known: Mapping[str, Known]) -> None:
        self._document = document
        self._known = known
        self._names = [name for name, collection in document.collections.items() if collection.describe is not None]

    def list(self, cursor: Cursor | None) -> tuple[Source, Cursor | None] | None:
        """What is to be read next; None where there is nothing to ask."""
        state = _state(cursor)
        if state.at >= len(self._names):
            return None
        spec = self._spec(state)
        document = msgspec.structs.replace(self._document, collections={_NAME: Collection(list=spec, id=spec.name)})
        return Source(document, _NAME, "backfill", None), state.walk

    def read(self, cursor: Cursor | None, response: Response) -> Described:
        found, state = self.list(cursor), _state(cursor)
        assert found is not None
        source, walk = found
        feed = Feed(source.collection_id, "backfill", (source.collection_id,))
        page = rest_feeds.page(source, feed, walk, response)
        fields = (*state.fields, *(_field(self._spec(state), change) for change in page.changes))
        if not page.done:
            return Described((), msgspec.to_builtins(State(state.at, dict(page.cursor), fields)))
        behind = State(state.at + 1) if state.at + 1 < len(self._names) else None
        return Described((self._with(state, fields),), None if behind is None else msgspec.to_builtins(behind))

    def _spec(self, state: State) -> Describe:
        spec = self._document.collections[self._names[state.at]].describe
        assert spec is not None
        return spec

    def _with(self, state: State, fields: tuple[tuple[str, str, str], ...]) -> Known:
        """The collection with what the account has besides: what the document says of a field counts."""
        known = self._known[self._document.collection_id(self._names[state.at])]
        said = {field.name for field in known.fields}
        own = {name: Field(name, kind, description=words) for name, kind, words in fields if name not in said}  # type: ignore[arg-type]
        return replace(known, fields=(*known.fields, *own.values()))


def _state(cursor: Cursor | None) -> State:
    return State() if cursor is None else msgspec.convert(cursor, State)


def _field(spec: Describe, change: Change) -> tuple[str, str, str]:
    members = rawjson.object_members(change.raw or b"")
    given = rest_paths.text(rest_paths.among(members, spec.type)) if spec.type else None
    kind = spec.types.get(given or "", given if given in _TYPES else "any")
    words = rest_paths.text(rest_paths.among(members, spec.label)) if spec.label else None
    return change.upstream_id, kind or "any", words or ""
