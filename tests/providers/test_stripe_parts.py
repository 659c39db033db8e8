"""A long list in pieces side by side: whatever the times of creation, every object comes, from wherever the reading begins again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.replies import reply_of

from pgsluice.providers import stripe_split
from pgsluice.providers.base import Credential, Feed, Page
from pgsluice.providers.stripe import Stripe

STRIPE = Stripe()
KEY = Credential("stripe_key", {"secret": "sk_test_x"})
FEED = STRIPE.feeds(["stripe:charge"])[1]
NOW = 1_700_000_000
DAY = 86_400
Cursor = Mapping[str, Any] | None


class Dated:
    """A vendor's list, newest first, that filters by `created`. Objects are numbered in the order of the list."""

    def __init__(self, times: list[int], size: int) -> None:
        self.items = [(f"ch_{place}", time) for place, time in enumerate(sorted(times, reverse=True))]
        self.size = size
        self.overlooks = False  # `created` does nothing
        self.refuses = False  # `created` is refused
        self.asked: list[dict[str, str]] = []

    def page(self, feed: Feed, cursor: Cursor) -> Page:
        cursor = None if cursor is None else json.loads(json.dumps(cursor))
        query = dict(STRIPE.request(feed, cursor, KEY).params)
        self.asked.append(query)
        return STRIPE.read(feed, cursor, self.serve(query))

    def serve(self, query: Mapping[str, str]) -> Any:
        dated = [name for name in query if name.startswith("created")]
        if dated and self.refuses:
            return reply_of({"error": {"type": "invalid_request_error", "message": "Received unknown parameter: created"}}, 400)
        found = [item for item in self.items if self.overlooks or self.within(item[1], query)]
        after = query.get("starting_after")
        names = [name for name, _ in found]
        rest = found if after is None else found[names.index(after) + 1 :]
        data = [{"id": name, "created": time} for name, time in rest[: self.size]]
        return reply_of({"object": "list", "data": data, "has_more": len(rest) > self.size})

    def within(self, time: int, query: Mapping[str, str]) -> bool:
        return time >= int(query.get("created[gte]", 0)) and time < int(query.get("created[lt]", 1 << 60))

    def read(self, feed: Feed = FEED, cursor: Cursor = None, *, parts: bool = True) -> tuple[list[str], list[Page]]:
        """The ids that come from there to the end, and the pages."""
        found: list[str] = []
        pages: list[Page] = []
        for _ in range(5000):
            page = self.page(feed, cursor)
            pages.append(page)
            found += [change.upstream_id for change in page.changes]
            if page.parts and parts:
                for part in page.parts:
                    more, theirs = self.read(feed, part.cursor)
                    found += more
                    pages += theirs
                return found, pages
            if page.done:
                return found, pages
            assert page.more
            cursor = page.cursor
        raise AssertionError("it does not end")

    @property
    def ids(self) -> set[str]:
        return {name for name, _ in self.items}


def long(pages: int = 2) -> Any:
    """From so many pages on, a list counts as long."""
    return mock.patch.object(stripe_split, "SPLIT_AFTER", pages)


# Times that lie close together, far apart, and many in one second.
TIMES = st.lists(
    st.one_of(
        st.integers(NOW - 5, NOW),
        st.integers(NOW - 3 * 365 * DAY, NOW),
        st.sampled_from([NOW - DAY, NOW - 30 * DAY, NOW - 400 * DAY]),
        st.integers(stripe_split.FIRST - 400 * DAY, stripe_split.FIRST + DAY),
    ),
    max_size=60,
)


@settings(max_examples=120, deadline=None)
@given(TIMES, st.integers(1, 7), st.integers(1, 4), st.booleans())
def test_every_object_comes_whatever_the_times(times: list[int], size: int, pages: int, parts: bool) -> None:
    vendor = Dated(times, size)
    with long(pages):
        found, _ = vendor.read(parts=parts)
    assert set(found) == vendor.ids


@settings(max_examples=40, deadline=None)
@given(TIMES, st.integers(1, 7))
def test_every_object_comes_from_wherever_it_begins_again(times: list[int], size: int) -> None:
    """Each piece: what came up to a page, and what comes from there on, is all of the piece."""
    vendor = Dated(times, size)

    def piece(cursor: Cursor) -> list[Cursor]:
        """Reads one piece, beginning again at each of its pages. Answers where its parts begin."""
        road: list[tuple[Cursor, set[str]]] = [(cursor, set())]
        while True:
            page = vendor.page(FEED, road[-1][0])
            road.append((page.cursor, road[-1][1] | {change.upstream_id for change in page.changes}))
            if page.done or page.parts:
                break
        everything = set(vendor.read(cursor=cursor)[0])
        for place, came in road[:-1]:
            assert came | set(vendor.read(cursor=place)[0]) == everything
        return [part.cursor for part in page.parts]

    with long():
        for part in piece(None):
            piece(part)


@pytest.mark.parametrize("behaviour", ["overlooks", "refuses"])
def test_a_vendor_without_that_filter_is_read_in_one_piece(behaviour: str) -> None:
    vendor = Dated([NOW - 30 * DAY * number for number in range(50)], 4)
    setattr(vendor, behaviour, True)
    with long():
        found, pages = vendor.read()
    assert set(found) == vendor.ids
    assert not any(page.parts for page in pages)


def test_a_list_the_other_way_round_is_read_in_one_piece() -> None:
    vendor = Dated([NOW - 30 * DAY * number for number in range(50)], 4)
    vendor.items.reverse()
    with long():
        found, pages = vendor.read()
    assert found == [name for name, _ in vendor.items]
    assert not any(page.parts for page in pages)


def test_a_short_list_is_not_divided() -> None:
    vendor = Dated([NOW - DAY * number for number in range(95)], 10)
    found, pages = vendor.read()
    assert (len(found), len(pages)) == (95, 10)


def test_pieces_are_stable_disjoint_and_side_by_side() -> None:
    vendor = Dated([NOW - DAY * number for number in range(1500)], 50)
    found, pages = vendor.read()
    assert set(found) == vendor.ids
    (divided,) = (page for page in pages if page.parts)
    assert [part.name for part in divided.parts] == [f"created-{number}" for number in range(8, 0, -1)]
    ranges = [(part.cursor.get("gte"), part.cursor["lt"]) for part in divided.parts]
    assert all(upper[0] == lower[1] for upper, lower in pairwise(ranges))
    assert ranges[-1][0] is None
    # No piece is nearly the whole: they can be read at the same time with some gain.
    sizes = [len({name for name, time in vendor.items if (gte or 0) <= time < lt}) for gte, lt in ranges]
    assert max(sizes) < len(vendor.items) / 3
    assert len(found) < 1.7 * len(vendor.items)


def test_all_in_one_second_is_read_in_one_piece() -> None:
    vendor = Dated([NOW] * 300, 10)
    with long():
        found, pages = vendor.read()
    assert (set(found), any(page.parts for page in pages)) == (vendor.ids, False)


def test_only_what_is_young_enough_is_asked_for() -> None:
    since = datetime.fromtimestamp(NOW - 100 * DAY, UTC)
    feed = STRIPE.feeds(["stripe:charge"], since)[1]
    vendor = Dated([NOW - DAY * number for number in range(400)], 5)
    with long():
        found, _ = vendor.read(feed)
    assert set(found) == {name for name, time in vendor.items if time >= NOW - 100 * DAY}
    assert all(int(query["created[gte]"]) >= NOW - 100 * DAY for query in vendor.asked)
    # A list without that filter is asked for everything; the caller drops what is too old.
    assert "created[gte]" not in dict(STRIPE.request(STRIPE.feeds(["stripe:payment_link"], since)[1], None, KEY).params)


def test_a_sweep_is_one_piece() -> None:
    sweep = STRIPE.feeds(["stripe:balance_transaction"])[3]
    vendor = Dated([NOW - DAY * number for number in range(400)], 5)
    with long():
        found, pages = vendor.read(sweep)
    assert (len(found), any(page.parts for page in pages)) == (400, False)
