"""Reading a long list in pieces side by side, divided by the time of creation.

https://docs.stripe.com/api/pagination gives only the object to go on behind, so the pages of one list come one after the other. Most lists
filter by `created` (whole seconds), and ranges of it are lists of their own that do not wait for each other. Each second belongs to exactly
one range, so objects of one second are never on both sides of a border.

After some pages, newest first, the list counts as long. Nothing says how old its oldest object is: a few looks further back find that out,
by halves; what they bring counts like any page. A list that is not ordered by time, or whose objects have none, is left in one piece, and
so is one whose vendor overlooks the filter or refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from pgsluice.providers.base import Change, Feed, Part, Refused
from pgsluice.providers.paging import Walk
from pgsluice.providers.stripe_collections import Parameters, Source
from pgsluice.providers.stripe_lists import stored

SPLIT_AFTER: Final = 10  # pages; a shorter list is read sooner than its age is found out
PIECES: Final = 8
LOOKS: Final = 6
FINE: Final = 7 * 86_400  # the age is known well enough
FIRST: Final = 1_293_840_000  # 2011: nothing in Stripe is older


class Probe(msgspec.Struct, frozen=True, omit_defaults=True):
    """The search for the oldest object: it was created between `since` and `until`, or at one of them."""

    since: int
    until: int
    looks: int = 0

    @property
    def middle(self) -> int:
        return (self.since + self.until) // 2


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor of a feed that lists a collection. The default is the start. Times are unix seconds."""

    part: int = 0  # which of the collection's lists
    walk: Walk = Walk()  # where in it
    gte: int | None = None  # a piece of the list: created from here …
    lt: int | None = None  # … to before here
    high: int | None = None  # creation of the list's first object, and of the last one so far
    low: int | None = None
    whole: bool = False  # not to be divided
    probe: Probe | None = None
    below: tuple[tuple[str, str], ...] = ()  # parents whose own lists are still to be read, and behind which entry
    inner: Walk = Walk()  # the place in the list of the first of them
    ended: bool = False  # those are the last parents


def bounds(source: Source, feed: Feed, *, gte: int | None = None, lt: int | None = None) -> Parameters:
    """The filter of a range; `Feed.since` narrows it where the list has that filter."""
    if not source.created:
        return ()
    floors = [moment for moment in (gte, None if feed.since is None else int(feed.since.timestamp())) if moment is not None]
    lower = (("created[gte]", str(max(floors))),) if floors else ()
    return lower if lt is None else (*lower, ("created[lt]", str(lt)))


def noted(place: Place, records: Sequence[Change | Refused], feed: Feed) -> Place:
    """The place behind a page, with what the page says of the list's age; a `probe` once the list counts as long."""
    if place.whole or place.gte is not None or place.lt is not None:
        return place
    times = _times(records)
    if times is None or not _descending([*([] if place.low is None else [place.low]), *times]):
        return undivided(place)
    high, low = times[0] if place.high is None else place.high, times[-1]
    place = msgspec.structs.replace(place, high=high, low=low)
    if place.walk.pages < SPLIT_AFTER or high == low:
        return place
    floor = FIRST if feed.since is None else int(feed.since.timestamp())
    return msgspec.structs.replace(place, probe=Probe(floor, low)) if floor < low else undivided(place)


def probed(place: Place, records: Sequence[Change | Refused], *, has_more: bool) -> tuple[Place, tuple[Part, ...]]:
    """The place behind a look at what is older than `probe.middle`, or the pieces once the age is known."""
    probe = place.probe or Probe(FIRST, FIRST)
    times = _times(records) if records else ()
    if times is None or any(time >= probe.middle for time in times):
        return undivided(place), ()
    if not times:
        probe = Probe(probe.middle, probe.until, probe.looks + 1)
    else:
        oldest = min(times)
        probe = Probe(probe.since if has_more else oldest, oldest, probe.looks + 1)
    if probe.until - probe.since > FINE and probe.looks < LOOKS:
        return msgspec.structs.replace(place, probe=probe), ()
    return undivided(place), _pieces(place, probe.since)


def undivided(place: Place) -> Place:
    """The same place in a list that is read in one piece."""
    return msgspec.structs.replace(place, whole=True, probe=None, high=None, low=None)


def _pieces(place: Place, oldest: int) -> tuple[Part, ...]:
    """The rest of the list, newest piece first. The lowest has no lower border, whatever the looks said."""
    end = (place.low or 0) + 1  # the last page may have ended in the middle of that second
    if end - oldest < PIECES:
        return ()
    borders = [oldest + (end - oldest) * number // PIECES for number in range(PIECES + 1)]
    ranges = [(None if number == 0 else lower, upper) for number, (lower, upper) in enumerate(pairwise(borders))]
    return tuple(
        Part(f"created-{number}", stored(Place(part=place.part, gte=lower, lt=upper)))
        for number, (lower, upper) in reversed(list(enumerate(ranges, 1)))
    )


def _times(records: Sequence[Change | Refused]) -> list[int] | None:
    """When the records were created; None if one of them does not say."""
    found = [record.upstream_created_at for record in records if isinstance(record, Change)]
    known = [int(moment.timestamp()) for moment in found if moment is not None]
    return known if known and len(known) == len(found) else None


def _descending(times: Sequence[int]) -> bool:
    return all(one >= two for one, two in pairwise(times))
