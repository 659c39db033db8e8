"""HubSpot's lists: everything that exists, page by page, and what was archived.

https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects: `after` is a place among the ids, so what comes and goes
meanwhile moves nothing; there is no filter by time. Three feeds read them:

- the backfill, once, and the sweep, daily: all objects with all properties and their associations. The sweep finds what nothing announces:
  objects that were deleted for good, and associations that changed without the object (their change moves no date);
- `archived`: what was archived since the last pass through the list of archived objects, which keeps them for 90 days and is sorted by id,
  not by time. A pass asks for all of it, so the pause between two passes grows with its length.

The names of the properties are asked for at the beginning and every REFRESH pages. As long as they fit into an address the list brings the
objects whole; if there are too many, it brings their ids, and the objects are read by POST (`hubspot_objects`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import msgspec

from pgsluice.providers import paging, rawjson, replies
from pgsluice.providers.base import Change, Cursor, Feed, Hint, Page, Refused, Response
from pgsluice.providers.errors import ListBroken
from pgsluice.providers.hubspot_objects import (
    BATCH,
    Bundle,
    Call,
    change_of,
    completed,
    gone,
    head_of,
    hint_for,
    identified,
    listing,
    merged_into,
    moment,
    properties_call,
    property_names,
)
from pgsluice.providers.hubspot_types import API, OWNER, source_of
from pgsluice.providers.paging import Walk

PAGE: Final = 100  # the vendor's maximum
REFRESH: Final = 100  # pages
# Characters of names in an address. HubSpot refuses addresses of somewhat more than 8,000 (414); the rest is for what else is in it.
ROOM: Final = 6000
# What was archived may show late, and the clocks of HubSpot's servers differ.
OVERLAP: Final = 300.0
# Between two passes through the archived objects: this, and so much more for each page, in seconds. A tenth of a request a second.
PAUSE: Final = 300.0
PAUSE_A_PAGE: Final = 10.0


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor of a list."""

    names: tuple[str, ...] | None = None  # of all properties
    after: str | None = None  # where the vendor goes on
    walk: Walk = Walk()
    pages: int = 0  # since the names were asked for


class Archive(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor of the feed of archived objects. Times are seconds since 1970 of the vendor's clock."""

    since: float  # what was archived before is handled
    begun: float = 0.0  # when this pass began; 0: not yet
    after: str | None = None
    walk: Walk = Walk()


def stored(state: msgspec.Struct) -> Mapping[str, object]:
    """A state as a cursor: what JSON would give back of it, without what is at its default."""
    return msgspec.json.decode(msgspec.json.encode(state), type=dict[str, object])


@contextmanager
def starting_over_at(state: msgspec.Struct) -> Iterator[None]:
    """Lets a ListBroken from inside carry `state` as the place from which the next attempt reads."""
    try:
        yield
    except ListBroken as exc:
        exc.cursor = stored(state)
        raise


# ---------------------------------------------------------------- all that exists


def call(feed: Feed, cursor: Cursor | None) -> Call:
    (collection_id,) = feed.collection_ids
    source, place = source_of(collection_id), _place(cursor)
    after = (("after", place.after),) if place.after else ()
    if collection_id == OWNER:
        return Call("GET", API.owners, (("limit", str(PAGE)), *after))
    if place.names is None:
        return properties_call(source)
    named = (("properties", ",".join(place.names)),) if _fits(place.names) else ()
    return Call("GET", f"{API.objects}/{source.path}", (("limit", str(PAGE)), *after, *named))


def read(feed: Feed, cursor: Cursor | None, response: Response) -> Page:
    (collection_id,) = feed.collection_ids
    place = _place(cursor)
    if collection_id != OWNER and place.names is None:
        return Page(stored(msgspec.structs.replace(place, names=property_names(response), pages=0)), done=False, more=True)
    with starting_over_at(Place()):
        found = listing(response)
        ids = _ids(found.records)
        walk = paging.advance(place.walk, ids, has_more=found.after is not None)
        if found.after is not None and found.after == place.after:
            raise ListBroken("the list leads back to the place that it came from", details=f"after {found.after}", hint="it is read again")
    if found.after is None:
        behind = Place()
    else:
        names = None if place.pages + 1 >= REFRESH else place.names
        behind = Place(names, found.after, walk, place.pages + 1)
    changes, hints = _brought(collection_id, place, found.records)
    done = found.after is None
    return Page(
        cursor=stored(behind),
        done=done,
        more=not done,
        changes=tuple(change for change in changes if isinstance(change, Change)),
        refused=tuple(change for change in changes if isinstance(change, Refused)),
        hints=hints,
    )


def _brought(collection_id: str, place: Place, records: list[bytes]) -> tuple[list[Change | Refused], tuple[Hint, ...]]:
    if collection_id == OWNER:
        return _owners(records)
    names = place.names or ()
    if _fits(names):
        return completed(collection_id, names, records)
    return to_be_read(collection_id, names, records)


def to_be_read(collection_id: str, names: tuple[str, ...] | None, records: list[bytes]) -> tuple[list[Change | Refused], tuple[Hint, ...]]:
    """What a page brings that shows little more than ids: hints for the objects."""
    found = [identified(collection_id, raw) for raw in records]
    refused: list[Change | Refused] = [one for one in found if isinstance(one, Refused)]
    ids = tuple(dict.fromkeys(one for one in found if isinstance(one, str)))
    groups = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
    return refused, tuple(hint_for(collection_id, Bundle(names=names, wanted=group)) for group in groups)


def _owners(records: list[bytes]) -> tuple[list[Change | Refused], tuple[Hint, ...]]:
    found: dict[str, Change] = {}
    refused: list[Change | Refused] = []
    doubtful: dict[str, Hint] = {}
    for raw in records:
        upstream_id = identified(OWNER, raw)
        if isinstance(upstream_id, Refused):
            refused.append(upstream_id)
            continue
        change = change_of(OWNER, upstream_id, raw)
        if found.setdefault(upstream_id, change) != change:
            doubtful[upstream_id] = Hint(OWNER, upstream_id)
    return [*refused, *(change for key, change in found.items() if key not in doubtful)], tuple(doubtful.values())


# ---------------------------------------------------------------- what was archived


def archived_call(feed: Feed, cursor: Cursor | None) -> Call:
    source, archive = source_of(feed.collection_ids[0]), _archive(cursor)
    size = "1" if archive is None else str(PAGE)
    after = () if archive is None or archive.after is None else (("after", archive.after),)
    return Call("GET", f"{API.objects}/{source.path}", (("archived", "true"), ("limit", size), *after))


def read_archived(feed: Feed, cursor: Cursor | None, response: Response) -> Page:
    (collection_id,) = feed.collection_ids
    now, archive = replies.vendor_clock(response).timestamp(), _archive(cursor)
    if archive is None:
        # The backfill reads what is; only what is archived from now on matters.
        listing(response)
        return Page(stored(Archive(since=now - OVERLAP)), done=False, more=False, wait=PAUSE)
    with starting_over_at(Archive(archive.since)):
        found = listing(response)
        walk = paging.advance(archive.walk, _ids(found.records), has_more=found.after is not None)
        if found.after is not None and found.after == archive.after:
            raise ListBroken("the list leads back to the place that it came from", details=f"after {found.after}", hint="it is read again")
    changes = [change for raw in found.records for change in _ended(collection_id, archive.since, raw)]
    begun = archive.begun or now
    done = found.after is None
    behind = Archive(max(archive.since, begun - OVERLAP)) if done else Archive(archive.since, begun, found.after, walk)
    return Page(
        stored(behind),
        done=False,
        more=not done,
        changes=tuple({change.upstream_id: change for change in changes}.values()),
        wait=PAUSE + PAUSE_A_PAGE * walk.pages if done else None,
    )


def _ended(collection_id: str, since: float, raw: bytes) -> Iterator[Change]:
    """The tombstone of an archived object. Its version is the time at which it was archived, so that a restored one is newer."""
    upstream_id = identified(collection_id, raw)
    if isinstance(upstream_id, Refused):
        return
    head = head_of(raw)
    times = [time for time in (moment(bytes(head.archived_at)), moment(bytes(head.updated_at))) if time is not None]
    last: datetime | None = max(times, default=None)
    if last is None or last.timestamp() >= since:
        yield from merged_into(collection_id, raw)
        tombstone = gone(collection_id, upstream_id)
        yield Change(tombstone.collection_id, tombstone.upstream_id, None, moment(bytes(head.created_at)), last, deleted=True)


# ---------------------------------------------------------------- places


def _fits(names: tuple[str, ...]) -> bool:
    return sum(len(name) + 3 for name in names) <= ROOM  # a comma becomes %2C


def _ids(records: list[bytes]) -> list[str]:
    found = [rawjson.identity(bytes(head_of(raw).id)) for raw in records]
    return list(dict.fromkeys(upstream_id for upstream_id in found if upstream_id is not None))


def _place(cursor: Cursor | None) -> Place:
    """A cursor that cannot be read is the start: to read again is silent."""
    try:
        return Place() if cursor is None else msgspec.convert(cursor, Place)
    except msgspec.ValidationError:
        return Place()


def _archive(cursor: Cursor | None) -> Archive | None:
    try:
        return None if cursor is None else msgspec.convert(cursor, Archive)
    except msgspec.ValidationError:
        return None
