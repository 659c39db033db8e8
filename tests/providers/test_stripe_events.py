from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.replies import NOW, OURS, reply_of

from pgsluice.providers import stripe_events
from pgsluice.providers.base import Credential, Feed, Hint, Page
from pgsluice.providers.errors import ListBroken, ProviderError, Unreadable
from pgsluice.providers.stripe import Stripe
from pgsluice.providers.stripe_events import DAY, OVERLAP, START_OVERLAP

STRIPE = Stripe()
KEY = Credential("stripe_key", {"secret": "sk_test_x"})
FEED = STRIPE.feeds(None)[0]
Sample = Callable[[str], bytes]
Cursor = Mapping[str, Any] | None


def event(event_id: str, created: int, upstream_id: str = "cus_1", kind: str = "customer") -> dict[str, Any]:
    content = {"id": upstream_id, "object": kind}
    return {"id": event_id, "object": "event", "created": created, "type": f"{kind}.updated", "data": {"object": content}}


def events(*data: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(data), "has_more": more, "url": "/v1/events"}


def params(cursor: Cursor) -> dict[str, str]:
    return dict(STRIPE.request(FEED, cursor, KEY).params)


def read(cursor: Cursor, body: Any, at: float | None = NOW, status: int = 200, feed: Feed = FEED) -> Page:
    page = STRIPE.read(feed, cursor, reply_of(body, status, at=at))
    # What is stored comes back through JSON, keys and all.
    assert json.loads(json.dumps(page.cursor)) == page.cursor
    return page


def started(at: int = NOW) -> Cursor:
    return read(None, events(), at=at).cursor


# -- the start


def test_the_start_asks_for_next_to_nothing() -> None:
    request = STRIPE.request(FEED, None, KEY)
    assert (request.url, request.params) == ("https://api.stripe.com/v1/events", (("limit", "1"),))


def test_the_start_is_the_vendors_clock_not_ours() -> None:
    page = read(None, events(event("evt_1", NOW)))
    assert (page.done, page.more, page.hints, page.changes) == (False, False, (), ())
    assert params(page.cursor) == {"limit": "100", "created[gte]": str(NOW - START_OVERLAP)}


def test_without_a_date_our_clock_has_to_do() -> None:
    cursor = read(None, events(), at=None).cursor
    assert params(cursor)["created[gte]"] == str(int(OURS.timestamp()) - START_OVERLAP)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"object":"list"}'])
def test_no_clock_is_taken_from_something_else(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(None, body)
    with pytest.raises(ProviderError):
        read(None, b"{}", status=401)


# -- what events say


def test_recorded_events_become_hints(sample: Sample) -> None:
    page = read(started(NOW - 600), sample("events"))
    # Each object once; the cancelled subscription by what it is; the discount through its customer; nothing for an invoice that does not
    # exist yet, or for a balance. What lies below a subscription is read with it.
    assert page.hints == (
        Hint("stripe:subscription", "sub_1MowQVLkdIwHu7ixeRlqHVzs"),
        Hint("stripe:subscription_item", "sub_1MowQVLkdIwHu7ixeRlqHVzs", held=b""),
        Hint("stripe:customer", "cus_NffrFeUfNV2Hib"),
        Hint("stripe:customer", "cus_QXg1o8vcGmoR32"),
        Hint("stripe:payment_intent", "pi_3MtwBwLkdIwHu7ix28a3tqPa"),
    )
    assert (page.changes, page.refused, page.done, page.more, page.restart) == ((), (), False, False, ())


def test_only_chosen_collections_are_hinted(sample: Sample) -> None:
    feed = STRIPE.feeds(["stripe:subscription"])[0]
    page = read(started(NOW - 600), sample("events"), feed=feed)
    assert [hint.collection_id for hint in page.hints] == ["stripe:subscription"]


def test_a_discount_points_at_all_that_carry_it() -> None:
    discount = {"id": "di_1", "object": "discount", "customer": "cus_1", "subscription": "sub_1"}
    page = read(started(), events({**event("evt_1", NOW), "data": {"object": discount}}))
    assert page.hints == (Hint("stripe:customer", "cus_1"), Hint("stripe:subscription", "sub_1"))


def test_a_person_is_named_with_its_account_which_carries_it() -> None:
    feed = Feed("events", "changes", ("stripe:account", "stripe:person"))
    said = {"id": "person_1", "object": "person", "account": "acct_1"}
    for kind in ("created", "updated", "deleted"):
        one = {**event("evt_1", NOW - 1), "type": f"person.{kind}", "data": {"object": said}}
        assert read(started(), events(one), feed=feed).hints == (Hint("stripe:account", "acct_1"), Hint("stripe:person", "acct_1/person_1"))
    nobodys = {**event("evt_1", NOW - 1), "type": "person.updated", "data": {"object": said | {"account": None}}}
    assert read(started(), events(nobodys), feed=feed).hints == ()


@pytest.mark.parametrize(
    ("kind", "before", "told"),
    [("updated", {"balance": 0}, True), ("updated", {"name": "x"}, False), ("created", None, True), ("deleted", None, True)],
)
def test_a_customers_event_tells_of_its_balance_where_that_changed(kind: str, before: dict[str, Any] | None, told: bool) -> None:
    feed = Feed("events", "changes", ("stripe:customer_balance_transaction",))
    data: dict[str, Any] = {"object": {"id": "cus_1", "object": "customer", "balance": -500}}
    one = {
        **event("evt_1", NOW - 1),
        "type": f"customer.{kind}",
        "data": data if before is None else data | {"previous_attributes": before},
    }
    wanted = (Hint("stripe:customer_balance_transaction", "cus_1", b""),) if told else ()
    assert read(started(), events(one), feed=feed).hints == wanted
    cash = {"id": "ccsbtxn_1", "object": "customer_cash_balance_transaction", "customer": "cus_1"}
    other = {**event("evt_2", NOW - 1), "type": "customer_cash_balance_transaction.created", "data": {"object": cash}}
    assert read(started(), events(other), feed=feed).hints == (), "another balance"


@pytest.mark.parametrize("data", [None, {}, {"object": None}, {"object": []}, {"object": {}}, {"object": {"object": 7, "id": {}}}])
def test_an_event_about_nothing_hints_at_nothing(data: Any) -> None:
    assert read(started(), events({**event("evt_1", NOW), "data": data or {}})).hints == ()


@pytest.mark.parametrize("bad", [{"id": "evt_1"}, {"created": NOW}, {"id": "evt_1", "created": "now"}, {}, [], 7, None])
def test_an_event_that_is_none_stops_the_feed_with_words(bad: Any) -> None:
    with pytest.raises(Unreadable, match="an event in it"):
        read(started(), {"object": "list", "data": [event("evt_0", NOW), bad], "has_more": False})


def test_a_faulty_object_inside_an_event_is_still_a_hint() -> None:
    raw = json.dumps(events(event("evt_1", NOW), event("evt_2", NOW, "cus_2"))).encode()
    for fault in (b'"id":"cus_1","name":"\\ud800"', b'"id":"cus_1","name":"\xff"', b'"id":"cus_1","x":' + b"[" * 9000 + b"]" * 9000):
        body = raw.replace(b'"id": "cus_1"', fault)
        assert [hint.upstream_id for hint in read(started(), body).hints] == ["cus_1", "cus_2"]


# -- windows


def test_a_quiet_account_is_not_fetched_again() -> None:
    cursor = started()
    first = read(cursor, events(event("evt_1", NOW - 5), event("evt_2", NOW - 9, "cus_2")))
    assert len(first.hints) == 2
    for minutes in (1, 2, 60, 60 * 24):
        again = read(first.cursor, events(event("evt_1", NOW - 5), event("evt_2", NOW - 9, "cus_2")), at=NOW + 60 * minutes)
        assert again.hints == ()
        first = again


def test_an_object_that_changes_again_is_hinted_again() -> None:
    page = read(started(), events(event("evt_1", NOW)))
    page = read(page.cursor, events(event("evt_2", NOW), event("evt_1", NOW)), at=NOW + 1)
    assert page.hints == (Hint("stripe:customer", "cus_1"),)


def test_an_event_delivered_twice_counts_once() -> None:
    page = read(started(), events(event("evt_1", NOW, "cus_1"), event("evt_1", NOW, "cus_1"), more=True))
    assert page.hints == (Hint("stripe:customer", "cus_1"),)
    page = read(page.cursor, events(event("evt_2", NOW - 3, "cus_2")))
    assert page.hints == (Hint("stripe:customer", "cus_2"),)


def test_the_window_moves_only_when_it_is_drained() -> None:
    cursor = started()
    since = params(cursor)["created[gte]"]
    page = read(cursor, events(event("evt_9", NOW + 900), event("evt_8", NOW + 800), more=True), at=NOW + 2000)
    assert (page.more, page.done) == (True, False)
    assert params(page.cursor) == {"limit": "100", "created[gte]": since, "starting_after": "evt_8"}
    page = read(page.cursor, events(event("evt_7", NOW + 700), more=True), at=NOW + 2001)
    assert params(page.cursor) == {"limit": "100", "created[gte]": since, "starting_after": "evt_7"}
    page = read(page.cursor, events(event("evt_6", NOW + 600)), at=NOW + 2002)
    assert page.more is False
    # The youngest event of the window, whichever page brought it.
    assert params(page.cursor) == {"limit": "100", "created[gte]": str(NOW + 900)}


def test_a_young_window_is_read_again_since_events_may_appear_late() -> None:
    page = read(started(), events(event("evt_1", NOW + 999)), at=NOW + 1000)
    assert params(page.cursor)["created[gte]"] == str(NOW + 1000 - OVERLAP)
    late = read(page.cursor, events(event("evt_1", NOW + 999), event("evt_0", NOW + 800, "cus_late")), at=NOW + 1060)
    assert late.hints == (Hint("stripe:customer", "cus_late"),)


def test_a_window_that_takes_long_is_measured_from_its_first_page() -> None:
    page = read(started(), events(event("evt_2", NOW + 1000), more=True), at=NOW + 1000)
    page = read(page.cursor, events(event("evt_1", NOW + 900)), at=NOW + 9000)
    assert params(page.cursor)["created[gte]"] == str(NOW + 1000 - OVERLAP)


def test_events_from_before_the_window_are_passed_over() -> None:
    # A stand-in for Stripe that overlooks `created` would otherwise have everything fetched at every poll.
    page = read(started(), events(event("evt_1", NOW), event("evt_0", NOW - START_OVERLAP - 1, "cus_old")))
    assert page.hints == (Hint("stripe:customer", "cus_1"),)


def test_a_window_without_events_stays_where_it_is() -> None:
    cursor = started()
    assert params(read(cursor, events(), at=NOW + 5000).cursor) == params(cursor)


def test_a_vendor_clock_that_runs_ahead_loses_nothing() -> None:
    page = read(started(), events(event("evt_1", NOW + 10)), at=NOW + 20 * DAY)
    assert int(params(page.cursor)["created[gte]"]) <= NOW + 10


def test_a_vanished_event_is_no_gap(sample: Sample) -> None:
    page = read(started(), events(event("evt_2", NOW), event("evt_1", NOW), more=True))
    page = read(page.cursor, sample("error_starting_after"), status=400)
    assert params(page.cursor)["starting_after"] == "evt_2"
    assert (page.more, page.hints) == (True, ())


def test_a_repeated_page_of_events_stops_the_feed_and_keeps_the_window() -> None:
    cursor = started()
    page = read(cursor, events(event("evt_2", NOW), event("evt_1", NOW), more=True))
    with pytest.raises(ListBroken) as caught:
        read(page.cursor, events(event("evt_2", NOW), event("evt_1", NOW), more=True))
    assert params(caught.value.cursor) == params(cursor)


def test_an_absent_account_is_read_again_in_full() -> None:
    cursor = started()
    page = read(cursor, events(event("evt_1", NOW + 40 * DAY)), at=NOW + 40 * DAY)
    assert page.restart == FEED.collection_ids
    assert (page.hints, page.more, page.done) == ((), False, False)
    assert "40 days ago" in (page.notice or "")
    assert "30 days" in (page.notice or "")
    # And goes on from there, once.
    assert params(page.cursor)["created[gte]"] == str(NOW + 40 * DAY - START_OVERLAP)
    assert read(page.cursor, events(), at=NOW + 40 * DAY + 60).restart == ()


def test_the_gap_is_also_seen_in_the_middle_of_a_window() -> None:
    page = read(started(), events(event("evt_1", NOW), more=True))
    assert read(page.cursor, events(), at=NOW + 31 * DAY).restart == FEED.collection_ids


def test_a_gap_concerns_what_was_chosen() -> None:
    chosen = tuple(STRIPE.collections)
    assert len(chosen) > len(FEED.collection_ids) > 40
    every = STRIPE.feeds(chosen)[0]
    assert read(started(), events(), at=NOW + 40 * DAY, feed=every).restart == chosen


def test_a_quiet_account_is_no_gap() -> None:
    cursor = started()
    for day in range(1, 200, 20):
        page = read(cursor, events(), at=NOW + day * DAY)
        assert page.restart == ()
        cursor = page.cursor


def test_an_error_is_no_gap() -> None:
    with pytest.raises(Unreadable):
        read(started(), b"<html>", at=NOW + 40 * DAY)


@pytest.mark.parametrize("cursor", [{}, {"since": "yesterday"}, {"since": 1, "checked": 2, "seen": []}])
def test_a_position_that_cannot_be_read_is_a_gap(cursor: dict[str, Any]) -> None:
    assert params(cursor) == {"limit": "1"}
    page = read(cursor, events())
    assert page.restart == FEED.collection_ids
    assert page.notice


def test_what_is_remembered_is_bounded_and_shrinks_the_overlap() -> None:
    busy = [event(f"evt_{number}", NOW + number // 10, f"cus_{number}") for number in range(2000)]
    with mock.patch.object(stripe_events, "MEMORY", 500):
        cursor = started()
        for at in range(0, 2000, 100):
            page = read(cursor, events(*reversed(busy[at : at + 100]), more=at < 1900), at=NOW + 200)
            assert len(page.hints) == 100
            assert len(str(page.cursor)) < 500 * 17 + 2000
            cursor = page.cursor
        since = int(params(cursor)["created[gte]"])
        assert since == NOW + 150
        again = read(cursor, events(*(e for e in busy if e["created"] >= since)), at=NOW + 201)
    assert again.hints == ()


# -- nothing is missed, whatever the order


class Happening:
    """One event: when it happened, when it could first be seen, and of what object."""

    def __init__(self, number: int, created: int, delay: int, subject: int) -> None:
        self.created = created
        self.visible = created + delay
        self.subject = f"cus_{subject}"
        self.body = event(f"evt_{number}", created, self.subject)


HAPPENINGS = st.lists(st.tuples(st.integers(0, 600), st.integers(0, OVERLAP - 60), st.integers(0, 3)), max_size=40)
ORDERS: dict[str, Callable[[Happening], Any]] = {
    "newest first": lambda one: -one.created,
    "oldest first": lambda one: one.created,
    "by id": lambda one: one.body["id"],
    "as they appear": lambda one: one.visible,
}


@settings(max_examples=150, deadline=None)
@given(HAPPENINGS, st.sampled_from(sorted(ORDERS)), st.integers(1, 7), st.lists(st.integers(5, 200), min_size=1, max_size=9))
def test_every_change_is_hinted_after_it_could_be_seen(what: list[tuple[int, int, int]], order: str, size: int, steps: list[int]) -> None:
    happenings = sorted((Happening(n, NOW + t, delay, who) for n, (t, delay, who) in enumerate(what)), key=ORDERS[order])
    pending = {one.body["id"]: one for one in happenings}
    now = NOW
    cursor = started(NOW)
    asked = 0
    hinted: list[str] = []
    ends = NOW + 600 + OVERLAP + 1
    while now < ends:
        now += steps[asked % len(steps)]
        asked += 1
        now = min(now, ends)
        more = True
        while more:
            page = read(cursor, served(happenings, params(cursor), size, now), at=now)
            hinted += [hint.upstream_id for hint in page.hints]
            for hint in page.hints:
                # The object is fetched now: it shows all that has happened to it.
                pending = {i: one for i, one in pending.items() if one.subject != hint.upstream_id or one.created > now}
            cursor, more = page.cursor, page.more
    assert not pending
    assert len(hinted) <= len(happenings)


def served(happenings: list[Happening], query: dict[str, str], size: int, now: int) -> dict[str, Any]:
    since = int(query["created[gte]"])
    visible = [one.body for one in happenings if one.visible <= now and one.created >= since]
    ids = [body["id"] for body in visible]
    start = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
    return events(*visible[start : start + size], more=len(visible) > start + size)
