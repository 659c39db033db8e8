"""Reading a collection: from end to end (the backfill, and the sweeps after it), and what changed since.

https://shopify.dev/docs/api/usage/pagination-graphql, https://shopify.dev/docs/api/usage/search-syntax

- A cursor belongs to the filter and the order that it came from, so the filter stays as it is while its pages are read.
- `>` on a date acts like `>=`, and many objects share one second: `>=` is what is written, what comes twice is silent, and within one
  second only cursors lead on.
- How deep a list may be paged is stated differently from page to page (25,000 objects): after some pages the filter moves on to where the
  list is, by time or by id, and the cursor begins anew.
- Every list is sorted from the longest unchanged on: an object that changes while the list is read comes again at its end, and no other one
  is passed over by that.
- A filter without a value is an internal error: null is sent where there is none.
- What one query costs is known only once it was asked. One that is too dear is asked for in half as large pages.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from pgsluice.providers import rawjson, replies, shopify_scopes
from pgsluice.providers.base import Credential, Feed, Page, Request, Response
from pgsluice.providers.errors import Forbidden, ListBroken
from pgsluice.providers.shopify_collections import Listed, Source
from pgsluice.providers.shopify_graphql import TooDear, answer, ask, cost_of
from pgsluice.providers.shopify_place import Place, moved, stored, text_of
from pgsluice.providers.shopify_records import Connection, Sorted, connection, moment, sorted_out

MOVE: Final = 20  # pages of one filter
PIECE: Final = 100  # entries below one object, where it has more than come with it
# The index that filters look into lags behind, and what was changed in one second may show up one after the other.
OVERLAP: Final = timedelta(minutes=5)
_NUMBER = re.compile(r"/(\d{1,18})(?:\?|$)")


def request(source: Source, feed: Feed, place: Place | None, credential: Credential) -> Request:
    """The next request of a list. `place`: None at the start."""
    if place is None and feed.kind == "changes":
        # The vendor's clock only, before the backfill begins.
        return ask(credential, f"query {source.type}Clock {{ shop {{ id }} }}", cost=1.0)
    if place is None:
        place = Place()
    if feed.kind == "sweep" and source.aged and not place.scoped:
        return shopify_scopes.request(f"{source.type}Scopes", credential)
    listed = source.lists[place.list]
    if place.inner:
        return _request_inner(source, feed, listed, place, credential)
    name = f"{source.type}{_verb(feed)}"
    order = "" if listed.sort is None else f", sortKey: {listed.sort}"
    args = f"first: $first, after: $after, query: $query{order}{', ' + listed.args if listed.args else ''}"
    inner = ", $inner: String" if listed.inner else ""
    text = (
        f"query {name}($first: Int!, $after: String, $query: String{inner}) {{ {listed.root}({args}) "
        f"{{ nodes {{ {_selected(source, listed)} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )
    variables: dict[str, object] = {"first": _first(source, place), "after": place.after, "query": _filter(feed, listed, place)}
    if listed.inner:
        variables["inner"] = _updated(place.window)
    return ask(credential, text, variables, place.cost or _guess(source, place))


def read(source: Source, feed: Feed, place: Place | None, response: Response) -> Page:
    """One page of a list. Raises ProviderError."""
    if place is None and feed.kind == "changes":
        answer(response)
        window = text_of(replies.vendor_clock(response) - OVERLAP)
        return Page(stored(Place(window=window)), done=False, more=False)
    if place is None:
        place = Place()
    if feed.kind == "sweep" and source.aged and not place.scoped:
        return shopify_scopes.read_before_sweep(place, response)
    try:
        data = answer(response)
    except TooDear:
        if _first(source, place) == 1 or place.inner:
            raise
        # The cursor leads on: it belongs to the filter and the order, not to the size of the page.
        return Page(stored(moved(place, first=max(_first(source, place) // 2, 1))), done=False, more=True)
    except Forbidden as exc:
        if place.list == 0:
            raise
        return _without_list(source, feed, place, exc)
    place = moved(place, cost=cost_of(response))
    if place.inner:
        return _read_inner(source, feed, place, data, response)
    return _read_page(source, feed, place, data, response)


def _read_page(source: Source, feed: Feed, place: Place, data: dict[str, bytes], response: Response) -> Page:
    listed = source.lists[place.list]
    found = connection(data.get(listed.root, b""), response, listed.root)
    _check(place, found)
    nodes, inner = (found.nodes, ()) if listed.below is None else _below(listed, found.nodes, response)
    records = sorted_out(feed.collection_ids[0], source, nodes)
    if listed.below is None or listed.inner:
        times = [change.upstream_updated_at for change in records.changes]
    else:
        times = [moment(_member(node, "updatedAt")) for node in found.nodes]
    begun = place.begun or text_of(replies.vendor_clock(response))
    place = moved(place, begun=begun, newest=_newest(place, times), inner=inner, last=not found.more)
    onward = _onward(listed, place, found, times) if found.more else place
    return _page(source, feed, onward, records)


def _page(source: Source, feed: Feed, place: Place, records: Sorted) -> Page:
    """These records, and where it goes on: at `place`, unless that is the end of a list."""
    page = _end_of_list(source, feed, place) if place.last and not place.inner else Page(stored(place), done=False, more=True)
    return Page(page.cursor, page.done, page.more, records.changes, records.hints, records.refused)


def _without_list(source: Source, feed: Feed, place: Place, error: Forbidden) -> Page:
    """A collection of several lists, of which this one may not be read: the others are. A pass without it cannot say what is gone."""
    if feed.kind == "sweep":
        return Page(stored(Place()), done=False, more=False, wait=shopify_scopes.AGAIN)
    page = _end_of_list(source, feed, moved(place, inner=(), last=True))
    words = f"{feed.collection_ids[0]} is read without those of {source.lists[place.list].root}: {error.message}"
    return Page(page.cursor, page.done, page.more, notice=words if feed.kind == "backfill" else None)


def _end_of_list(source: Source, feed: Feed, place: Place) -> Page:
    """The place behind a list that was read to its end, and whether that is the end of all."""
    if place.list + 1 < len(source.lists):
        onward = Place(
            place.window, place.begun, place.newest, place.list + 1, first=place.first, scoped=place.scoped, counted=place.counted
        )
        return Page(stored(onward), done=False, more=True)
    if feed.kind != "changes":
        return Page(stored(place), done=True, more=False)
    # The next window begins at the youngest change, unless that is so young that others may still appear beside it.
    border = text_of(datetime.fromisoformat(place.begun or "1970-01-01T00:00:00Z") - OVERLAP)
    window = max(place.window or "", min(place.newest or "", border))
    return Page(stored(Place(window=window, first=place.first, cost=place.cost)), done=False, more=False)


def _onward(listed: Listed, place: Place, found: Connection, times: list[datetime | None]) -> Place:
    """The place behind a page: its cursor, or, after some pages, a filter that has moved on."""
    onward = moved(place, after=found.end, pages=place.pages + 1)
    if onward.pages < MOVE or not found.nodes:
        return onward
    if listed.sort == "UPDATED_AT" and listed.updated:
        known = [time for time in times if time is not None]
        since = text_of(known[-1]) if known and len(known) == len(times) else ""
        # All that came has one timestamp: then only the cursor leads on.
        if since > (place.since or place.window or ""):
            return moved(onward, since=since, after=None, pages=0)
    elif listed.sort in {"ID", None}:
        number = _NUMBER.search(rawjson.identity(_member(found.nodes[-1], "id")) or "")
        if number and int(number[1]) > (place.above or 0):
            return moved(onward, above=int(number[1]), after=None, pages=0)
    return onward


def _check(place: Place, found: Connection) -> None:
    """Raises ListBroken for a list that does not get on; its place is then the start of that filter."""
    if not found.more or (found.nodes and found.end != place.after):
        return
    why = (
        "the list repeats itself: behind a cursor comes the same cursor"
        if found.nodes
        else "the list says that there is more and brings nothing"
    )
    raise ListBroken(
        why,
        cursor=stored(moved(place, after=None, pages=0, inner=(), last=False)),
        details=f"page {place.pages + 1} of a filter, list {place.list + 1}",
        hint="nothing is lost; the list is read again from where its filter begins",
    )


# ---------------------------------------------------------------- what lies below other objects


def _below(listed: Listed, owners: list[bytes], response: Response) -> tuple[list[bytes], tuple[tuple[str, str], ...]]:
    """The entries below the objects of a page, and the objects that have more of them."""
    assert listed.below is not None
    nodes: list[bytes] = []
    inner: list[tuple[str, str]] = []
    for owner in owners:
        raw = _member(owner, listed.below)
        if listed.plain:
            try:
                nodes += rawjson.elements(raw, listed.below)
            except rawjson.NotJson as exc:
                raise replies.unreadable(response, "Shopify", str(exc)) from exc
            continue
        found = connection(raw, response, listed.below)
        nodes += found.nodes
        owner_id = rawjson.identity(_member(owner, "id"))
        if found.more and owner_id is not None:
            inner.append((owner_id, found.end or ""))
    return nodes, tuple(inner)


def _request_inner(source: Source, feed: Feed, listed: Listed, place: Place, credential: Credential) -> Request:
    """The rest of what lies below one object."""
    owner, after = place.inner[0]
    declared, given = (", $inner: String", ", query: $inner") if listed.inner else ("", "")
    entries = f"(first: $first, after: $after{given}) {{ nodes {{ {source.fields} }} pageInfo {{ hasNextPage endCursor }} }}"
    text = (
        f"query {source.type}{_verb(feed)}($id: ID!, $first: Int!, $after: String{declared}) "
        f"{{ node(id: $id) {{ id ... on {listed.owner} {{ {listed.below}{entries} }} }} }}"
    )
    variables: dict[str, object] = {"id": owner, "first": PIECE, "after": after}
    if listed.inner:
        variables["inner"] = _updated(place.window)
    return ask(credential, text, variables, 2.0 * PIECE)


def _read_inner(source: Source, feed: Feed, place: Place, data: dict[str, bytes], response: Response) -> Page:
    listed = source.lists[place.list]
    assert listed.below is not None
    (owner, after), *rest = place.inner
    node = data.get("node", b"null")
    # An owner that is gone has nothing below it.
    found = connection(_member(node, listed.below), response, listed.below) if node.startswith(b"{") else Connection([], False, None)
    _check(moved(place, after=after), found)
    records = sorted_out(feed.collection_ids[0], source, found.nodes)
    if listed.inner:
        place = moved(place, newest=_newest(place, [change.upstream_updated_at for change in records.changes]))
    onward = moved(place, inner=((owner, found.end or ""), *rest) if found.more else tuple(rest), cost=0)
    return _page(source, feed, onward, records)


# ---------------------------------------------------------------- the words of a query


def _selected(source: Source, listed: Listed) -> str:
    if listed.below is None:
        return source.fields
    if listed.plain:
        return f"id updatedAt {listed.below} {{ {source.fields} }}"
    given = ", query: $inner" if listed.inner else ""
    fields = f"{{ nodes {{ {source.fields} }} pageInfo {{ hasNextPage endCursor }} }}"
    return f"id updatedAt {listed.below}(first: {source.entries}{given}) {fields}"


def _filter(feed: Feed, listed: Listed, place: Place) -> str | None:
    since = None if listed.inner or not listed.updated else place.since or place.window
    terms = [term for term in (_updated(since), None if place.above is None else f"id:>={place.above}") if term]
    if feed.since is not None and listed.created and listed.below is None:
        terms.append(f"created_at:>='{text_of(feed.since)}'")
    return " ".join(terms) or None


def _updated(since: str | None) -> str | None:
    return f"updated_at:>='{since}'" if since else None


def _verb(feed: Feed) -> str:
    return {"backfill": "List", "changes": "Changes", "sweep": "Sweep"}[feed.kind]


def _first(source: Source, place: Place) -> int:
    return place.first or source.first


def _guess(source: Source, place: Place) -> float:
    return 2.0 + _first(source, place)


def _newest(place: Place, times: list[datetime | None]) -> str | None:
    known = [text_of(time) for time in times if time is not None]
    return max([place.newest or "", *known]) or None


def _member(raw: bytes, name: str) -> bytes:
    try:
        return rawjson.object_members(raw).get(name, b"")
    except rawjson.NotJson:
        return b""
