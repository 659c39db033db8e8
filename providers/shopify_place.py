"""Where a feed is: the cursor of every list, change feed and sweep of Shopify's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from pgsluice.providers.base import Cursor

# The first bulk operations are asked about soon, a long one now and then.
PIECE: Final = 4 * 1024 * 1024


class Bulk(msgspec.Struct, frozen=True, omit_defaults=True):
    """A bulk operation (`shopify_bulk`)."""

    id: str | None = None  # None: it is to be started
    looks: int = 0  # how often it was asked about, or could not be started
    url: str | None = None  # of its result
    at: int = 0  # bytes of the result that are read
    piece: int = PIECE
    renewed: int = 0  # how often the address was asked for anew


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """The default is the start. Times are as the vendor writes them."""

    window: str | None = None  # of a feed of changes: everything updated since
    begun: str | None = None  # when the first page of this window came
    newest: str | None = None  # what was updated last, of all that came in this window
    list: int = 0  # which of the collection's lists
    since: str | None = None  # where in it: updated since …
    above: int | None = None  # … or with an id from here on, where it is sorted by id
    after: str | None = None  # … and behind this cursor
    pages: int = 0  # since the filter last moved on
    first: int | None = None  # objects a page, where fewer are asked for than usual
    cost: int = 0  # what the last page was said to cost
    inner: tuple[tuple[str, str], ...] = ()  # owners whose connection is still to be read, and behind which cursor
    last: bool = False  # … which are the last ones of the list
    scoped: bool = False  # the app may see all that the pass has to see
    counted: bool = False  # whether to start a bulk operation is decided
    bulk: Bulk | None = None


def place_of(cursor: Cursor | None) -> Place | None:
    """The place that a stored cursor names; None for the start and for one that cannot be read: reading again is silent."""
    try:
        return None if cursor is None else msgspec.convert(cursor, Place)
    except msgspec.ValidationError:
        return None


def stored(place: Place) -> Cursor:
    return msgspec.json.decode(msgspec.json.encode(place), type=dict[str, object])


def moved(place: Place, **changes: object) -> Place:
    return msgspec.structs.replace(place, **changes)


def text_of(moment: datetime) -> str:
    """As Shopify writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
