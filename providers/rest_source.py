"""What a feed of a declared provider reads: a collection, behind its parents, and where in all of it the feed stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from pgsluice.providers import rest_paths, rest_walk
from pgsluice.providers.base import Cursor
from pgsluice.providers.rest_document import Collection, Deletions, Document, Incremental, Listing
from pgsluice.providers.rest_template import Value, placeholders
from pgsluice.providers.rest_walk import Place

# Generations of a collection whose records have records of their own below them, its parents counted.
MAX_DEPTH: Final = 64


class Level(msgspec.Struct, frozen=True, omit_defaults=True):
    """One generation: where in its list, and which parents of it are still to be read, the first of them now."""

    place: Place = Place()
    waiting: tuple[dict[str, str], ...] = ({},)
    ended: bool = False  # the list of the first parent is through, apart from what the level below still reads


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor of a feed. Times in milliseconds of the vendor's clock."""

    levels: tuple[Level, ...] = (Level(),)
    since: int | None = None
    until: int | None = None
    begun: int | None = None  # when the first page of this window came
    checked: int | None = None  # when the last window that was read to its end was begun
    newest: int | None = None
    count: int = 0  # records of this list so far
    restarts: int = 0
    etag: str = ""  # of the first page of a window that brought nothing more


class Step(NamedTuple):
    """What the next request of a feed asks for."""

    collection: Collection
    listing: Listing
    state: State
    values: dict[str, Value]
    own: bool  # the feed's own collection, not a parent of it

    @property
    def level(self) -> Level:
        return self.state.levels[-1]


class Source:
    """What a feed reads: a collection, its parents, and how much of it."""

    def __init__(self, document: Document, name: str, kind: str, since: datetime | None) -> None:
        self.document = document
        self.kind = kind  # backfill, changes, sweep, deletions
        self.chain: list[tuple[str, Collection]] = []
        at: str | None = name
        while at is not None:
            self.chain.insert(0, (at, document.collections[at]))
            at = document.collections[at].parent
        self.collection_id = document.collection_id(name)
        self.collection = document.collections[name]
        self.listings = [collection.list for _, collection in self.chain]
        incremental = self.collection.incremental
        self.incremental: Incremental | Deletions | None = None
        if kind == "deletions" and self.collection.deletions is not None:
            self.incremental = spec = self.collection.deletions
            self.collection = msgspec.structs.replace(self.collection, id=spec.id, updated_at=spec.deleted_at, deleted=None)
            self.chain[-1] = (name, self.collection)
        elif incremental is not None and (kind == "changes" or incremental.from_start):
            self.incremental = incremental
        if self.incremental is not None:
            self.listings[-1] = self.incremental
        if isinstance(self.incremental, Incremental) and kind == "changes" and self.incremental.narrows_parents:
            self.listings = [collection.incremental or collection.list for _, collection in self.chain]
        self.needed = _needed(self.listings, [collection.id for _, collection in self.chain])
        self.from_start = since if since is not None and self._filters_created(incremental) else None

    def _filters_created(self, incremental: Incremental | None) -> bool:
        return self.incremental is not None and incremental is not None and self.kind == "backfill"

    def start(self) -> State:
        """The start of a first reading or a sweep."""
        if self.incremental is None or not isinstance(self.incremental, Incremental):
            return State()
        begin = self.from_start or rest_paths.moment(b'"' + self.incremental.start.encode() + b'"')
        return State(since=rest_paths.milliseconds_of(begin) if begin else 0)

    def state(self, cursor: Cursor | None) -> State | None:
        """The state that a stored cursor names; None for the start, and for one that does not fit the document any more."""
        if cursor is None:
            return None
        try:
            state = msgspec.convert(cursor, State)
        except msgspec.ValidationError:
            return None
        deepest = len(self.chain) if self.collection.nested is None else MAX_DEPTH
        fits = 1 <= len(state.levels) <= deepest and all(level.waiting for level in state.levels)
        return state if fits else None

    def step(self, cursor: Cursor | None) -> Step:
        """What to ask for next."""
        state = self.state(cursor) or self.start()
        depth = min(len(state.levels), len(self.chain)) - 1
        level, listing = state.levels[-1], self.listings[depth]
        values: dict[str, Value] = {**level.waiting[0], **rest_walk.values(listing, level.place)}
        form = listing.format if isinstance(listing, Incremental | Deletions) else "iso"
        parts = self.collection.parts
        if parts is not None and self.kind == "backfill" and (state.since is not None or state.until is not None):
            # Inside a piece of a first reading.
            listing = msgspec.structs.replace(listing, params={**listing.params, **parts.params})
            form = parts.format
        if state.since is not None:
            since = rest_paths.of_milliseconds(state.since)
            if isinstance(listing, Incremental) and listing.blur:
                since = max(since - rest_paths.duration(listing.blur), rest_paths.of_milliseconds(0))
            values["since"] = rest_paths.said(since, form)
        elif isinstance(listing, Incremental):
            start = rest_paths.moment(b'"' + listing.start.encode() + b'"')
            values["since"] = rest_paths.said(start or rest_paths.of_milliseconds(0), form)
        if isinstance(listing, Incremental) and listing.resume == "cursor" and level.place.cursor is not None:
            del values["since"]
        if state.until is not None:
            values["until"] = rest_paths.said(rest_paths.of_milliseconds(state.until), form)
        return Step(self.chain[depth][1], listing, state, values, own=depth == len(self.chain) - 1)


def _needed(listings: Sequence[Listing], ids: Sequence[str]) -> list[tuple[str, ...]]:
    """For each generation the names `parent.…` that it or a later one asks for."""
    needed: list[tuple[str, ...]] = []
    later: set[str] = set()
    for listing, record_id in zip(reversed(listings), reversed(ids), strict=True):
        own = {name for name in [*names(listing), *placeholders(record_id)] if name.startswith("parent.")}
        own |= {name.removeprefix("parent.") for name in later if name.startswith("parent.parent.")}
        needed.insert(0, tuple(sorted(own)))
        later = own
    return needed


def names(listing: Listing) -> set[str]:
    """The placeholders of a list's request."""
    asked: tuple[Any, ...] = (listing.path, listing.params, listing.headers, listing.body, listing.graphql and listing.graphql.variables)
    return set(placeholders([part for part in asked if part is not None]))
