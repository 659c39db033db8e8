from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from samples.replies import customers, gone, reply_of

from pgsluice.providers.base import Credential, Feed, Page, Response
from pgsluice.providers.errors import ListBroken, Malformed, Refused4xx, UnknownCollection, Unreadable
from pgsluice.providers.protocol import Provider
from pgsluice.providers.stripe import Stripe

KEY = Credential("stripe_key", {"secret": "sk_test_x"})
STRIPE: Provider = Stripe()
Reply = Callable[..., Response]
Sample = Callable[[str], bytes]


def backfill(collection_id: str = "stripe:customer") -> Feed:
    (feed,) = (feed for feed in STRIPE.feeds([collection_id]) if feed.kind == "backfill")
    return feed


def params(feed: Feed, cursor: Mapping[str, Any] | None) -> dict[str, str]:
    return dict(STRIPE.request(feed, cursor, KEY).params)


def read(cursor: Mapping[str, Any] | None, body: Any, status: int = 200, feed: Feed | None = None) -> Page:
    return STRIPE.read(feed or backfill(), cursor, reply_of(body, status))


# -- requests


def test_the_events_come_first_and_everything_waits_for_them() -> None:
    events, *lists = STRIPE.feeds(["stripe:plan", "stripe:customer", "stripe:plan"])
    assert (events.name, events.kind, events.collection_ids, events.after) == ("events", "changes", ("stripe:plan", "stripe:customer"), ())
    assert [(feed.name, feed.kind, feed.collection_ids, feed.after) for feed in lists] == [
        ("stripe:plan", "backfill", ("stripe:plan",), ("events",)),
        ("stripe:customer", "backfill", ("stripe:customer",), ("events",)),
    ]


def test_all_collections_unless_chosen() -> None:
    feeds = STRIPE.feeds(None)
    assert feeds[0].name == "events"
    # What an account has to be let into is read only where it is chosen.
    usual = [name for name in STRIPE.collections if not name.startswith(("stripe:issuing_", "stripe:treasury_"))]
    usual = [name for name in usual if name not in {"stripe:customer_balance_transaction", "stripe:person"}]
    assert [feed.name for feed in feeds if feed.kind == "backfill"] == usual
    assert list(feeds[0].collection_ids) == usual
    assert len(usual) == 50
    assert STRIPE.feeds(["stripe:issuing_card"])[1].name == "stripe:issuing_card"


def test_what_no_event_tells_is_looked_for_from_before_the_list_on() -> None:
    events, news, sweep_of, sweep = STRIPE.feeds(["stripe:balance_transaction"])
    assert (events.name, news.name, news.kind, news.after) == ("events", "stripe:balance_transaction.new", "changes", ())
    assert sweep_of.after == ("events", "stripe:balance_transaction.new")
    assert (sweep.name, sweep.kind, sweep.after) == ("stripe:balance_transaction.sweep", "sweep", ("stripe:balance_transaction",))
    assert sweep.every is not None


def test_an_unknown_collection_says_which_there_are() -> None:
    with pytest.raises(UnknownCollection) as caught:
        STRIPE.feeds(["stripe:customer", "stripe:unicorn"])
    assert caught.value.code == "SL106"
    assert "stripe:unicorn" in caught.value.message
    assert "stripe:invoice" in (caught.value.hint or "")


def test_a_request_pins_the_version_and_carries_the_key() -> None:
    request = STRIPE.request(backfill(), None, KEY)
    assert (request.method, request.url, request.body) == ("GET", "https://api.stripe.com/v1/customers", None)
    assert request.headers["Authorization"] == "Bearer sk_test_x"
    assert request.headers["Stripe-Version"] == "2026-10-28.endive"
    assert "sk_test" not in repr(request) + repr(KEY)


def test_another_address_is_used_as_it_is() -> None:
    request = STRIPE.request(backfill(), None, replace(KEY, base_url="http://localhost:8420/"))
    assert request.url == "http://localhost:8420/v1/customers"


def test_a_key_that_is_none_never_reaches_a_header() -> None:
    with pytest.raises(Malformed):
        STRIPE.request(backfill(), None, Credential("stripe_key", {"secret": "sk_test_x\r\nX-Evil: 1"}))


@pytest.mark.parametrize(
    ("collection_id", "wanted"),
    [
        ("stripe:customer", {"limit": "100"}),
        ("stripe:product", {"limit": "100"}),
        ("stripe:plan", {"limit": "100"}),
        ("stripe:invoice", {"limit": "100"}),
        # Without it, cancelled subscriptions are left out.
        ("stripe:subscription", {"limit": "100", "status": "all"}),
        # Without it, some services bring both kinds and some only the active ones.
        ("stripe:price", {"limit": "100", "active": "true"}),
    ],
)
def test_only_parameters_that_the_list_has(collection_id: str, wanted: dict[str, str]) -> None:
    assert params(backfill(collection_id), None) == wanted


# -- pages


def test_a_recorded_page(sample: Sample) -> None:
    body = sample("customers")
    page = STRIPE.read(backfill(), None, reply_of(body))
    assert [change.upstream_id for change in page.changes] == ["cus_QXg1o8vcGmoR32", "cus_NffrFeUfNV2Hib"]
    assert all(change.raw is not None and change.raw in body for change in page.changes)
    assert b'"balance": -12345678901234567890,' in (page.changes[1].raw or b"")
    first = page.changes[0]
    assert first.upstream_created_at == datetime(2024, 7, 3, 9, 51, 40, tzinfo=UTC)
    assert (first.upstream_updated_at, first.deleted) == (None, False)
    assert (page.done, page.more, page.hints, page.refused, page.restart) == (False, True, (), (), ())
    assert params(backfill(), page.cursor) == {"limit": "100", "starting_after": "cus_NffrFeUfNV2Hib"}


def test_the_last_page_ends_the_feed() -> None:
    page = read(None, customers("a", more=False))
    assert (page.done, page.more) == (True, False)


def test_an_empty_account_is_done_at_once() -> None:
    page = read(None, customers(more=False))
    assert (page.done, page.more, page.changes) == (True, False, ())


def test_a_page_cut_short_by_the_vendor_is_not_the_end() -> None:
    assert read(None, customers("a", more=True)).done is False


def test_prices_are_read_in_both_states() -> None:
    # https://docs.stripe.com/api/prices/list: only active ones come unless `active` is false.
    feed = backfill("stripe:price")
    page = read(None, customers("p1", more=True), feed=feed)
    assert params(feed, page.cursor) == {"limit": "100", "active": "true", "starting_after": "p1"}
    page = read(page.cursor, customers("p2", more=False), feed=feed)
    assert (page.done, page.more) == (False, True)
    assert params(feed, page.cursor) == {"limit": "100", "active": "false"}
    page = read(page.cursor, customers("p3", more=True), feed=feed)
    assert params(feed, page.cursor) == {"limit": "100", "active": "false", "starting_after": "p3"}
    assert read(page.cursor, customers("p4", more=False), feed=feed).done


def test_a_record_with_a_fault_goes_to_the_quarantine_alone(reply: Reply) -> None:
    good, numbered = b'{"id":"good","n":0.12345678901234567890123}', b'{"id":7}'
    nul = rb'{"id":"nul","x":"\u0000"}'
    bad = [
        b"null",
        b'{"object":"customer"}',
        b'{"id":"half","x":"\\ud800"}',
        b'{"id":"bytes","x":"\xff"}',
        b'{"id":"deep","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"id":"nan","x":NaN}',
        b'{"id":{}}',
    ]
    body = b'{"object":"list","data":[' + b",".join([good, *bad, nul, numbered]) + b'],"has_more":true}'
    page = STRIPE.read(backfill(), None, reply(body))
    assert [(change.upstream_id, change.raw) for change in page.changes] == [("good", good), ("nul", nul), ("7", numbered)]
    assert [refused.raw for refused in page.refused] == bad
    assert [refused.upstream_id for refused in page.refused] == [None, None, "half", "bytes", "deep", "nan", None]
    assert all(refused.reason and refused.collection_id == "stripe:customer" for refused in page.refused)
    assert params(backfill(), page.cursor)["starting_after"] == "7"


def test_a_refused_last_record_does_not_lose_the_place() -> None:
    body = b'{"object":"list","data":[{"id":"a"},{"id":"b","x":"\\q"}],"has_more":true}'
    assert params(backfill(), read(None, body).cursor)["starting_after"] == "b"
    body = b'{"object":"list","data":[{"id":"a"},{"x":1}],"has_more":true}'
    assert params(backfill(), read(None, body).cursor)["starting_after"] == "a"


def test_a_deleted_stub_in_a_list_is_a_deletion() -> None:
    body = {"object": "list", "data": [{"id": "cus_1", "object": "customer", "deleted": True}], "has_more": False}
    (change,) = read(None, body).changes
    assert (change.deleted, change.raw) == (True, None)


def test_an_object_twice_in_a_page_counts_once() -> None:
    twice = read(None, b'{"object":"list","data":[{"id":"a","v":1},{"id":"b"},{"id":"a","v":1}],"has_more":false}')
    assert ([change.upstream_id for change in twice.changes], twice.hints) == (["a", "b"], ())
    differing = read(None, b'{"object":"list","data":[{"id":"a","v":1},{"id":"b"},{"id":"a","v":2}],"has_more":false}')
    assert [change.upstream_id for change in differing.changes] == ["b"]
    assert [hint.upstream_id for hint in differing.hints] == ["a"]


@pytest.mark.parametrize("created", ["1e30", '"2024"', "null", "99999999999999", "-99999999999999", "1720000300.5", "{}"])
def test_a_strange_time_of_creation_is_none_and_spoils_nothing(created: str) -> None:
    (change,) = read(None, f'{{"object":"list","data":[{{"id":"a","created":{created}}}],"has_more":false}}'.encode()).changes
    assert change.upstream_created_at is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html><body>Welcome", "no JSON"),
        (b'{"object":"list","data":[{"id":"a"},{"id":"b', "cut off after 44 bytes"),
        (b'[{"id":"a"}]', "no object"),
        (b'{"object":"list","data":null,"has_more":false}', "no array"),
        (b'{"object":"list","has_more":false}', "no 'data'"),
        (b'{"object":"list","data":[]}', "no list with an end"),
        (b'{"object":"list","data":[],"has_more":null}', "no list with an end"),
        (b'{"object":"list","data":[],"has_more":"false"}', "no list with an end"),
        (b'{"data":[],"has_more":false}', "no list with an end"),
        (b'{"error":{"message":"boom"}}', "an error under status 200: boom"),
        ('{"object":"list","data":[],"has_more":false}'.encode("utf-16"), "no JSON"),
    ],
)
def test_never_an_empty_page_in_place_of_what_came(reply: Reply, body: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as caught:
        STRIPE.read(backfill(), None, reply(body, content_type="text/html; charset=utf-8"))
    assert caught.value.code == "SL204"
    assert f"status 200, text/html; charset=utf-8, {len(body)} bytes" in (caught.value.details or "")


def test_a_byte_order_mark_harms_nothing() -> None:
    assert len(read(None, b'\xef\xbb\xbf{"object":"list","data":[{"id":"a"}],"has_more":false}').changes) == 1


def test_a_refused_parameter_is_no_empty_page(sample: Sample) -> None:
    with pytest.raises(Refused4xx, match="unknown parameter"):
        read(None, sample("error_parameter"), 400)


# -- lists that do not get on


def test_the_same_page_again_stops_the_list() -> None:
    page = read(None, customers("a", "b", more=True))
    with pytest.raises(ListBroken) as caught:
        read(page.cursor, customers("a", "b", more=True))
    assert caught.value.code == "SL207"
    # The next attempt must not walk into the same wall.
    assert caught.value.cursor is not None
    assert params(backfill(), caught.value.cursor) == {"limit": "100"}


def test_the_same_page_again_is_no_end_either() -> None:
    page = read(None, customers("a", "b", more=True))
    with pytest.raises(ListBroken):
        read(page.cursor, customers("a", "b", more=False))


@pytest.mark.parametrize("length", [2, 3, 4, 7, 20])
def test_a_circle_of_pages_is_noticed_whatever_its_length(length: int) -> None:
    def walk_on() -> None:
        cursor = None
        for number in range(50 * length):
            at = number % length
            cursor = read(cursor, customers(f"{at}a", f"{at}b", more=True)).cursor
            assert len(str(cursor)) < 1000

    with pytest.raises(ListBroken):
        walk_on()


@pytest.mark.parametrize("lead", [1, 3, 5, 17])
def test_a_circle_is_noticed_when_its_way_in_was_straight(lead: int) -> None:
    def walk_on() -> None:
        cursor = None
        for number in range(500):
            at = number if number < lead else lead + (number - lead) % 5
            cursor = read(cursor, customers(f"{at}a", f"{at}b", more=True)).cursor

    with pytest.raises(ListBroken):
        walk_on()


def test_the_same_page_with_another_end_each_time_stops_the_list() -> None:
    def walk_on() -> None:
        cursor = None
        for number in range(100):
            cursor = read(cursor, customers("a", "b", f"end{number}", more=True)).cursor

    with pytest.raises(ListBroken):
        walk_on()


def test_more_of_nothing_stops_the_list() -> None:
    with pytest.raises(ListBroken):
        read(None, customers(more=True))
    page = read(None, customers("a", more=True))
    with pytest.raises(ListBroken):
        read(page.cursor, customers(more=True))
    with pytest.raises(ListBroken):
        read(None, b'{"object":"list","data":[{}],"has_more":true}')


def test_a_broken_list_of_inactive_prices_starts_over_there() -> None:
    feed = backfill("stripe:price")
    page = read(None, customers("p1", more=False), feed=feed)
    page = read(page.cursor, customers("p2", more=True), feed=feed)
    with pytest.raises(ListBroken) as caught:
        read(page.cursor, customers("p2", more=True), feed=feed)
    assert params(feed, caught.value.cursor) == {"limit": "100", "active": "false"}


def test_a_vanished_object_is_replaced_by_its_neighbour(sample: Sample) -> None:
    page = read(None, customers("a", "b", "c", more=True))
    page = read(page.cursor, sample("error_starting_after"), 400)
    assert (page.changes, page.done, page.more) == ((), False, True)
    assert params(backfill(), page.cursor)["starting_after"] == "b"
    page = read(page.cursor, gone("b"), 404)
    assert params(backfill(), page.cursor)["starting_after"] == "a"
    page = read(page.cursor, gone("a"), 400)
    assert params(backfill(), page.cursor) == {"limit": "100"}


def test_without_a_neighbour_an_earlier_border_serves() -> None:
    page = read(None, customers("a", more=True))
    page = read(page.cursor, customers("b", more=True))
    page = read(page.cursor, gone("b"), 400)
    assert params(backfill(), page.cursor)["starting_after"] == "a"


def test_a_list_whose_objects_are_always_gone_is_broken_in_the_end() -> None:
    def walk_on() -> None:
        cursor = None
        for _ in range(20):
            cursor = read(cursor, customers("a", more=True)).cursor
            cursor = read(cursor, gone("a"), 400).cursor

    with pytest.raises(ListBroken):
        walk_on()


def test_a_page_one_that_comes_back_unasked_is_read_as_page_one() -> None:
    # localstripe begins again where it does not find the object to go on behind.
    page = read(None, customers("a", "b", "c", more=True))
    page = read(page.cursor, customers("a", "b", "d", more=True))  # c is deleted
    assert params(backfill(), page.cursor)["starting_after"] == "d"
    assert read(page.cursor, customers("e", more=False)).done


def test_another_missing_parameter_is_no_lost_place(sample: Sample) -> None:
    page = read(None, customers("a", more=True))
    with pytest.raises(Refused4xx):
        read(page.cursor, sample("error_missing"), 400)


def test_without_a_place_none_can_be_lost() -> None:
    with pytest.raises(Refused4xx):
        read(None, gone("a"), 400)


@pytest.mark.parametrize("cursor", [{"walk": 7}, {"part": 9}, {"part": -1}, {"part": "x"}, {"walk": {"after": 1}}])
def test_a_cursor_that_cannot_be_read_is_the_start(cursor: dict[str, Any]) -> None:
    assert params(backfill(), cursor) == {"limit": "100"}
    assert read(cursor, customers("a", more=False)).done


def test_the_cursor_of_a_long_list_stays_small() -> None:
    cursor = None
    for number in range(3000):
        cursor = read(cursor, customers(*(f"cus_{number:06}_{at:03}" for at in range(4)), more=True)).cursor
    assert len(str(cursor)) < 600
