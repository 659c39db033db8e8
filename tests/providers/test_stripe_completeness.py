"""Backfill against a list that changes between pages: complete for every object that stays, in any order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.replies import customers, gone, reply_of

from pgsluice.providers.base import Credential, Page, Response
from pgsluice.providers.errors import ListBroken
from pgsluice.providers.stripe import Stripe

STRIPE = Stripe()
KEY = Credential("stripe_key", {"secret": "sk_test_x"})
FEED = STRIPE.feeds(["stripe:customer"])[1]


class List:
    """A vendor's list in some fixed order, served in pages, with objects coming and going in between."""

    def __init__(self, ids: list[str], size: int, *, strict: bool) -> None:
        self.ids = ids
        self.size = size
        self.strict = strict  # a missing `starting_after` is refused; otherwise the list silently begins again

    def serve(self, query: dict[str, str]) -> Response:
        after = query.get("starting_after")
        if after is not None and after not in self.ids and self.strict:
            return reply_of(gone(after), 400)
        start = self.ids.index(after) + 1 if after in self.ids else 0
        rest = self.ids[start:]
        return reply_of(customers(*rest[: self.size], more=len(rest) > self.size))

    def change(self, edits: list[tuple[bool, int]], fresh: str) -> None:
        for number, (insert, at) in enumerate(edits):
            if insert:
                self.ids.insert(at % (len(self.ids) + 1), f"{fresh}.{number}")
            elif self.ids:
                del self.ids[at % len(self.ids)]


EDITS = st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=6)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 40), st.integers(1, 12), st.booleans(), st.lists(EDITS, max_size=25))
def test_no_object_that_stays_is_missed(count: int, size: int, strict: bool, script: list[list[tuple[bool, int]]]) -> None:
    vendor = List([f"o{number}" for number in range(count)], size, strict=strict)
    staying = set(vendor.ids)
    found: set[str] = set()
    cursor: Mapping[str, Any] | None = None
    for number in range(2000):
        try:
            page = read_from(vendor, cursor)
        except ListBroken as broken:
            cursor = broken.cursor
        else:
            found |= {change.upstream_id for change in page.changes}
            cursor = page.cursor
            assert page.more != page.done
            if page.done:
                break
        if number < len(script):
            vendor.change(script[number], f"n{number}")
            staying &= set(vendor.ids)
    else:
        pytest.fail("the walk does not end")
    assert staying <= found


def read_from(vendor: List, cursor: Mapping[str, Any] | None) -> Page:
    return STRIPE.read(FEED, cursor, vendor.serve(dict(STRIPE.request(FEED, cursor, KEY).params)))


@settings(deadline=None)
@given(st.permutations([f"o{number}" for number in range(30)]), st.integers(1, 10))
def test_any_order_is_read_once_and_in_full(ids: list[str], size: int) -> None:
    vendor = List(list(ids), size, strict=True)
    found: list[str] = []
    cursor: Mapping[str, Any] | None = None
    done = False
    while not done:
        page = read_from(vendor, cursor)
        found += [change.upstream_id for change in page.changes]
        cursor, done = page.cursor, page.done
    assert found == ids
