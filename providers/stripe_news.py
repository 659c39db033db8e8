"""What was created since: for collections whose beginning no event announces. https://docs.stripe.com/api/balance_transactions/list

As with the events, the first request asks for the vendor's clock only, before the backfill begins; from then on each window is everything
created since a moment, read to its end, and only then the moment moves. What falls into two windows is read twice, which costs nothing.
"""

from __future__ import annotations

import msgspec

from pgsluice.providers import paging, replies, stripe_nested
from pgsluice.providers.base import Change, Cursor, Feed, Page, Partial, Refused, Response
from pgsluice.providers.paging import Walk
from pgsluice.providers.stripe_collections import Parameters, Source
from pgsluice.providers.stripe_errors import lost_place
from pgsluice.providers.stripe_lists import PAGE_SIZE, distinct, listing, read_record, starting_over_at, stored

# A list may lag behind, and what was created in one second may show up one after the other.
OVERLAP = 300


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor of the feed. Times are unix seconds of the vendor's clock."""

    since: int
    walk: Walk = Walk()
    begun: int = 0  # when this window's first page came; 0: not yet
    newest: int = 0  # creation of its youngest object so far


def query(source: Source, cursor: Cursor | None) -> tuple[str, Parameters]:
    """Path and parameters of the next request."""
    window = _window(cursor)
    if window is None:
        return source.path, (("limit", "1"),)
    expand = tuple(("expand[]", f"data.{name}") for name in source.expand)
    after = (("starting_after", window.walk.after),) if window.walk.after else ()
    return source.path, (("limit", str(PAGE_SIZE)), *expand, ("created[gte]", str(window.since)), *after)


def read_page(source: Source, feed: Feed, cursor: Cursor | None, response: Response) -> Page:
    """One page of the feed. Raises ProviderError."""
    now = int(replies.vendor_clock(response).timestamp())
    window = _window(cursor)
    if window is None:
        listing(response)  # raises on anything but a list
        restart = () if cursor is None else feed.collection_ids
        return Page(stored(Window(now - OVERLAP)), done=False, more=False, restart=restart)
    with starting_over_at(msgspec.structs.replace(window, walk=Walk())):
        if window.walk.after and lost_place(response):
            return Page(stored(msgspec.structs.replace(window, walk=paging.vanished(window.walk))), done=False, more=True)
        found = listing(response)
        records = [read_record(feed.collection_ids[0], raw) for raw in found.records]
        ids = [record.upstream_id for record in records if record.upstream_id is not None]
        walk = paging.advance(window.walk, ids, has_more=found.has_more)
    times = [record.upstream_created_at for record in records if isinstance(record, Change)]
    newest = max([window.newest, *(int(moment.timestamp()) for moment in times if moment is not None)])
    window = msgspec.structs.replace(window, walk=walk, begun=window.begun or now, newest=newest)
    onward = window if found.has_more else Window(max(window.since, min(newest, window.begun - OVERLAP)))
    answers = [stripe_nested.whole(source, record) for record in records]
    changes, doubtful = distinct(answer for answer in answers if isinstance(answer, Change))
    pieces = {answer.hint.upstream_id: answer.hint for answer in answers if isinstance(answer, Partial) and answer.hint is not None}
    return Page(
        stored(onward),
        done=False,
        more=found.has_more,
        changes=changes,
        hints=(*doubtful, *pieces.values()),
        refused=tuple(answer for answer in answers if isinstance(answer, Refused)),
    )


def _window(cursor: Cursor | None) -> Window | None:
    """The window that a stored cursor names, None for the start and for one that cannot be read."""
    try:
        return None if cursor is None else msgspec.convert(cursor, Window)
    except msgspec.ValidationError:
        return None
