"""HubSpot's changes: one search for each type. https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm

A search filters and sorts, and has four traps:

- a bulk update gives any number of objects ONE time of change, and `after` leads no further than 10,000 results (400). To begin again at
  the last time seen goes in circles, to begin behind it loses the rest. So a window of time is frozen, `[since, until]`, and read in the
  order of the ids, each page asking for ids above the last one: no `after` at all. The window moves only when it is read to its end;
- the index lags behind the objects by seconds and more: each window begins OVERLAP before the one before it was begun. And what the index
  shows is not believed: the ids that it finds are read from the objects themselves, with all properties (`hubspot_objects`);
- archived objects are not in it (`hubspot_lists`), nor are associations;
- no object moves its time of change because an association came or went. Webhooks tell (`associationChange`); without them the daily sweep.

The feed starts before the backfill: its first request is only for the vendor's clock. What changes during the backfill is in the first
window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from pgsluice.providers import rawjson, replies
from pgsluice.providers.base import Cursor, Feed, Page, Refused, Response
from pgsluice.providers.errors import ListBroken
from pgsluice.providers.hubspot_lists import starting_over_at, stored, to_be_read
from pgsluice.providers.hubspot_objects import Call, head_of, listing
from pgsluice.providers.hubspot_types import API, source_of

PAGE: Final = 200  # the vendor's maximum
# Seconds. "It may take a few moments for newly created or updated CRM objects to appear in search results."
OVERLAP: Final = 300


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor of the feed. Times are seconds since 1970 of the vendor's clock."""

    since: int
    until: int | None = None  # known from the first page on
    above: int = 0  # ids up to this one are handled


def call(feed: Feed, cursor: Cursor | None) -> Call:
    source, window = source_of(feed.collection_ids[0]), _window(cursor)
    path = f"{API.objects}/{source.path}/search"
    if window is None:
        return _post(path, {"limit": 1, "properties": ["hs_object_id"]})
    filters = [{"propertyName": source.modified, "operator": "GTE", "value": str(window.since * 1000)}]
    if window.until is not None:
        # The second in which it was frozen belongs to it as a whole.
        filters.append({"propertyName": source.modified, "operator": "LTE", "value": str(window.until * 1000 + 999)})
    if window.above:
        filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": str(window.above)})
    return _post(
        path,
        {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": ["hs_object_id"],
            "limit": PAGE,
        },
    )


def read(feed: Feed, cursor: Cursor | None, response: Response) -> Page:
    (collection_id,) = feed.collection_ids
    now, window = int(replies.vendor_clock(response).timestamp()), _window(cursor)
    found = listing(response)
    if window is None:
        return Page(stored(Window(now - OVERLAP)), done=False, more=False)
    until = now if window.until is None else window.until
    more = found.after is not None or (found.total or 0) > len(found.records)
    with starting_over_at(Window(window.since)):
        above = _above(window.above, found.records, more=more)
    behind = Window(window.since, until, above) if more else Window(max(window.since, until - OVERLAP))
    refused, hints = to_be_read(collection_id, None, found.records)
    return Page(
        stored(behind),
        done=False,
        more=more,
        hints=hints,
        refused=tuple(one for one in refused if isinstance(one, Refused)),
    )


def _above(above: int, records: Sequence[bytes], *, more: bool) -> int:
    """The highest id of a page. Raises ListBroken."""
    texts = [rawjson.identity(bytes(head_of(raw).id)) or "" for raw in records]
    ids = [int(text) for text in texts if text.isdecimal()]
    if any(upstream_id <= above for upstream_id in ids):
        raise ListBroken(
            "the search does not get on: it brings objects that were before the place asked for",
            details=f"ids above {above} were asked for, and {min(ids)} came",
            hint="nothing is lost; the window is read again from its start",
        )
    if more and not ids:
        raise ListBroken(
            "the search says that there is more and brings nothing to go on from",
            details=f"ids above {above}",
            hint="nothing is lost; the window is read again from its start",
        )
    return max(ids, default=above)


def _window(cursor: Cursor | None) -> Window | None:
    """None for the start. A cursor that cannot be read is one: the sweep finds what it missed."""
    try:
        return None if cursor is None else msgspec.convert(cursor, Window)
    except msgspec.ValidationError:
        return None


def _post(path: str, body: Mapping[str, Any]) -> Call:
    return Call("POST", path, (), msgspec.json.encode(body))
