"""Reading a collection from end to end: the backfill, and the sweeps after it.

https://docs.stripe.com/api/pagination: newest first, `limit` up to 100, `starting_after` an id, `has_more` in the reply. The order is not
relied on; `paging` says what is.

A collection is one list or several, read one after the other. A list that lies below another one's objects is read with those: a page of
parents brings the first entries of each, and where a parent has more, its own list is read before the next page of parents. A long list
that filters by `created` is read in pieces side by side (`stripe_split`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from pgsluice.providers import paging, stripe_nested, stripe_places, stripe_split
from pgsluice.providers.base import Change, Cursor, Feed, Page, Part, Partial, Refused, Response
from pgsluice.providers.stripe_collections import Below, Parameters, Source
from pgsluice.providers.stripe_errors import lost_place, missing_parent
from pgsluice.providers.stripe_lists import PAGE_SIZE, distinct, listing, read_record, starting_over_at, stored
from pgsluice.providers.stripe_split import Place


class Asked(NamedTuple):
    """A request for a list; `path` behind /v1/."""

    path: str
    params: Parameters


def place_of(cursor: Cursor | None, source: Source) -> Place:
    """The place that a stored cursor names. One that cannot be read is the start: reading again is silent."""
    try:
        place = msgspec.convert(cursor or {}, Place)
    except msgspec.ValidationError:
        return Place()
    return place if 0 <= place.part < len(source.lists) else Place()


def query(source: Source, feed: Feed, cursor: Cursor | None) -> Asked:
    """The next request of a feed that lists a whole collection."""
    place = place_of(cursor, source)
    of = source.lists[place.part]
    if isinstance(of, Below):
        return _query_below(of, place)
    limit = ("limit", str(PAGE_SIZE))
    expand = tuple(("expand[]", f"data.{name}") for name in source.expand)
    if place.probe is not None:
        return Asked(source.path, (limit, *of, *expand, *stripe_split.bounds(source, feed, lt=place.probe.middle)))
    dates = stripe_split.bounds(source, feed, gte=place.gte, lt=place.lt)
    return Asked(source.path, (limit, *of, *expand, *dates, *_after(place.walk)))


def read_page(source: Source, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
    """One page of such a feed. Raises ProviderError."""
    place = place_of(cursor, source)
    of = source.lists[place.part]
    if isinstance(of, Below):
        return _below(source, of, feed, place, response)
    if place.probe is not None:
        return _probed(source, feed, place, response)
    with starting_over_at(msgspec.structs.replace(place, walk=paging.Walk())):
        if place.walk.after and lost_place(response):
            return _page(source, msgspec.structs.replace(place, walk=paging.vanished(place.walk)), [])
        found = listing(response)
        records = [read_record(feed.collection_ids[0], raw) for raw in found.records]
        walk = paging.advance(place.walk, _ids(records), has_more=found.has_more)
    if not found.has_more:
        return _end_of_list(source, place, records)
    onward = msgspec.structs.replace(place, walk=walk)
    if feed.kind == "backfill" and source.created and len(source.lists) == 1:
        onward = stripe_split.noted(onward, records, feed)
    return _page(source, onward, records)


def _probed(source: Source, feed: Feed, place: Place, response: Response) -> Page:
    """A look further back, to find out how old the list is. Its records count like any other's."""
    if response.status == 400:
        return _page(source, stripe_split.undivided(place), [])  # a stand-in that does not know `created`; the real thing does
    found = listing(response)
    records = [read_record(feed.collection_ids[0], raw) for raw in found.records]
    onward, parts = stripe_split.probed(place, records, has_more=found.has_more)
    return _page(source, onward, records, parts)


# -- lists below another collection's objects


def _query_below(of: Below, place: Place) -> Asked:
    limit = ("limit", str(PAGE_SIZE))
    if not place.below:
        return Asked(of.parents, (limit, *of.params, *_after(place.walk)))
    return query_children(of, place.below[0][0], place.inner.after)


def query_children(of: Below, parent: str, after: str | None) -> Asked:
    """The list of one parent, behind an entry of it."""
    named = ((of.query, parent),) if of.query else ()
    behind = (("starting_after", after),) if after else ()
    return Asked(of.path.format(quote(parent, safe="")), (("limit", str(PAGE_SIZE)), *named, *behind))


def _below(source: Source, of: Below, feed: Feed, place: Place, response: Response) -> Page:
    if place.below:
        return _children(source, of, feed, place, response)
    with starting_over_at(Place(part=place.part)):
        if place.walk.after and lost_place(response):
            return _page(source, msgspec.structs.replace(place, walk=paging.vanished(place.walk)), [])
        found = listing(response)
        parents = [(stripe_nested.identity_of(raw), stripe_nested.member_of(raw, of.member)) for raw in found.records]
        walk = paging.advance(place.walk, [name for name, _ in parents if name], has_more=found.has_more)
    records: list[Change | Refused] = []
    unfinished: list[tuple[str, str]] = []
    for parent, shown in parents:
        entries = stripe_nested.entries_of(shown)
        records += [read_record(feed.collection_ids[0], raw, parent) for raw in entries]
        if parent and (stripe_nested.says_more(shown) or not shown.startswith(b"{")):
            unfinished.append((parent, (stripe_nested.identity_of(entries[-1]) if entries else None) or ""))
    onward = Place(place.part, walk, below=tuple(unfinished), inner=_entering(unfinished), ended=not found.has_more)
    return _page(source, onward, records) if unfinished or found.has_more else _end_of_list(source, place, records)


def _children(source: Source, of: Below, feed: Feed, place: Place, response: Response) -> Page:
    """A page of one parent's own list."""
    records: list[Change | Refused] = []
    if not missing_parent(response, of.query):
        with starting_over_at(msgspec.structs.replace(place, inner=paging.Walk())):
            if place.inner.after and lost_place(response):
                return _page(source, msgspec.structs.replace(place, inner=paging.vanished(place.inner)), [])
            found = listing(response)
            records = [read_record(feed.collection_ids[0], raw, place.below[0][0]) for raw in found.records]
            inner = paging.advance(place.inner, _ids(records), has_more=found.has_more)
        if found.has_more:
            return _page(source, msgspec.structs.replace(place, inner=inner), records)
    rest = place.below[1:]
    if place.ended and not rest:
        return _end_of_list(source, place, records)
    return _page(source, msgspec.structs.replace(place, below=rest, inner=_entering(rest)), records)


def _entering(unfinished: Sequence[tuple[str, str]]) -> paging.Walk:
    return paging.Walk(after=unfinished[0][1] or None) if unfinished else paging.Walk()


# -- pages


def _end_of_list(source: Source, place: Place, records: Sequence[Change | Refused]) -> Page:
    """The last page of one list: the next list is next, if there is one."""
    last = place.part + 1 >= len(source.lists)
    onward = Place(place.part, gte=place.gte, lt=place.lt) if last else Place(place.part + 1)
    return _page(source, onward, records, done=last)


def _page(source: Source, onward: Place, records: Sequence[Change | Refused], parts: tuple[Part, ...] = (), *, done: bool = False) -> Page:
    answers = [stripe_nested.whole(source, record) for record in records]
    changes, doubtful = distinct(answer for answer in answers if isinstance(answer, Change))
    hints = {hint.upstream_id: hint for hint in doubtful}
    for answer in answers:
        if isinstance(answer, Partial) and answer.hint is not None:
            hints.setdefault(answer.hint.upstream_id, answer.hint)
    return Page(
        stored(onward),
        done=done,
        more=not done,
        changes=tuple(change for change in changes if change.upstream_id not in hints),
        hints=tuple(hints.values()),
        refused=tuple(answer for answer in answers if isinstance(answer, Refused)),
        parts=parts,
    )


def _after(walk: paging.Walk) -> Parameters:
    return (("starting_after", walk.after),) if walk.after else ()


def _ids(records: Iterable[Change | Refused]) -> list[str]:
    return [stripe_places.own_id(record.collection_id, record.upstream_id) for record in records if record.upstream_id is not None]
