"""What reading Shopify has to get by: each of these fails without its cure. The provider, over real HTTP, with the fake of the vendor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes.faults import answers, edited, without
from fakes.shopify.store import DAY
from providers.reading import Reader

from providers.shopify_shop import MONEY, Shop, fetched, line_items, shop, until_wait

__all__ = ["shop"]

from pgsluice.providers import shopify_lists, shopify_nested
from pgsluice.providers.base import Hint, Partial
from pgsluice.providers.errors import Forbidden, ListBroken, RateLimited, Refused4xx, Unauthorized, Unavailable

# ---------------------------------------------------------------- windows, cursors, timestamps


def test_a_second_with_more_objects_than_a_filter_is_paged(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """To move the filter on to the second that it is at would read its first pages for ever."""
    monkeypatch.setattr(shopify_lists, "MOVE", 2)
    shop.proxy.cap(first=3)
    shop.fake.clock.freeze()
    shop.seed("Product", 20)
    reader = shop.reader("shopify:product")
    reader.begin()
    assert reader.records["shopify:product"] == shop.state("shopify:product")
    for id_ in list(shop.fake.store.kept["Product"]):
        shop.fake.change("Product", id_, vendor="all in one second")
    reader.poll()
    assert reader.records["shopify:product"] == shop.state("shopify:product")


@pytest.mark.parametrize(("collection_id", "kind"), [("shopify:product", "Product"), ("shopify:variant", "ProductVariant")])
def test_no_list_is_paged_deeply(shop: Shop, monkeypatch: pytest.MonkeyPatch, collection_id: str, kind: str) -> None:
    """By time or by id, the filter moves on."""
    monkeypatch.setattr(shopify_lists, "MOVE", 3)
    shop.proxy.cap(first=5)
    shop.fake.store.deepest = 20
    for number in range(60):
        shop.fake.create(kind, title=f"{number}", product={"id": "gid://shopify/Product/1"})
        shop.fake.clock.advance(1)
    reader = shop.reader(collection_id)
    reader.begin()
    assert reader.records[collection_id] == shop.state(collection_id)


def test_a_change_in_the_second_that_was_read_last(shop: Shop) -> None:
    shop.fake.clock.freeze()
    first, _ = shop.seed("Customer", 2)
    reader = shop.reader("shopify:customer")
    reader.begin()
    shop.fake.change("Customer", first, note="in the same second")
    reader.poll()
    assert reader.records["shopify:customer"] == shop.state("shopify:customer")


def test_an_index_that_lags(shop: Shop) -> None:
    """What shows up late, behind what is younger, is still found."""
    shop.seed("Customer", 1)
    reader = shop.reader("shopify:customer")
    reader.begin()
    shop.fake.clock.advance(DAY)
    shop.fake.store.lag = 100.0
    late = shop.fake.create("Customer", note="late")["id"]
    shop.fake.clock.advance(50)
    reader.poll()
    assert late not in reader.records["shopify:customer"]
    shop.fake.store.lag = 0.0
    shop.fake.create("Customer", note="younger")
    reader.poll()
    assert reader.records["shopify:customer"] == shop.state("shopify:customer")


def test_an_idle_shop_costs_one_small_request_a_feed(shop: Shop) -> None:
    shop.seed("Customer", 30)
    reader = shop.reader("shopify:customer")
    reader.begin()
    shop.fake.clock.advance(DAY)
    reader.poll()
    shop.fake.names.clear()
    reader.poll()
    assert shop.fake.names == ["Shop", "CustomerChanges"]


def test_a_cursor_that_is_ignored(shop: Shop) -> None:
    shop.proxy.cap(first=3)
    shop.seed("Product", 10)
    reader = shop.reader("shopify:product")
    shop.proxy.fail(without("after"), "/ProductList", times=None)
    with pytest.raises(ListBroken) as caught:
        reader.begin()
    assert caught.value.cursor == {"counted": True, "first": 50} or "after" not in (caught.value.cursor or {})


# ---------------------------------------------------------------- connections inside objects


def test_connections_are_whole(shop: Shop) -> None:
    """Line items past their first page, and those of what a refund holds; an object with a part of them is never stored."""
    refund = {
        "id": "gid://shopify/Refund/1", "__typename": "Refund", "totalRefundedSet": MONEY,
        "refundLineItems": [{"id": f"gid://shopify/RefundLineItem/{number}"} for number in range(130)],
        "orderAdjustments": [{"id": f"gid://shopify/OrderAdjustment/{number}"} for number in range(7)],
    }  # fmt: skip
    order = shop.fake.create("Order", lineItems=line_items(230), shippingLines=[], refunds=[refund])["id"]
    shop.fake.store.kept["Refund"] = {refund["id"]: refund}
    shop.seed("Order", 3, lineItems=line_items(2))
    reader = shop.reader("shopify:order")
    reader.begin()
    assert reader.records["shopify:order"] == shop.state("shopify:order")
    assert len(reader.records["shopify:order"][order]["lineItems"]["nodes"]) == 230
    assert len(reader.records["shopify:order"][order]["refunds"][0]["refundLineItems"]["nodes"]) == 130
    assert "pageInfo" not in json.dumps(reader.records["shopify:order"])


def test_an_object_that_vanishes_while_its_connection_is_read(shop: Shop) -> None:
    order = shop.fake.create("Order", lineItems=line_items(30))["id"]
    hint = Hint("shopify:order", order, json.dumps({"id": order, "lineItems": _cut("c")}).encode())
    shop.fake.delete("Order", order)
    found = fetched(shop, hint)
    assert found == Partial(Hint("shopify:order", order))
    assert fetched(shop, Hint("shopify:order", order)).deleted


def _cut(cursor: str) -> dict[str, Any]:
    return {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": cursor}}


def test_what_lies_below_is_read_past_the_first_page(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shopify_nested, "PIECE", 10)
    monkeypatch.setattr(shopify_lists, "PIECE", 10)
    places = shop.seed("Location", 3, isActive=True)
    items = [{"id": f"gid://shopify/InventoryItem/{number}"} for number in range(1, 61)]
    for place in places[:2]:
        for item in items:
            shop.fake.create("InventoryLevel", item=item, location={"id": place}, quantities=[{"name": "available", "quantity": 1}])
    reader = shop.reader("shopify:inventory_level")
    reader.begin()
    assert len(reader.records["shopify:inventory_level"]) == 120
    assert reader.records["shopify:inventory_level"] == shop.state("shopify:inventory_level")
    shop.fake.clock.advance(DAY)
    level = next(iter(shop.fake.store.kept["InventoryLevel"]))
    shop.fake.change("InventoryLevel", level, quantities=[{"name": "available", "quantity": 7}])
    reader.poll()
    assert reader.records["shopify:inventory_level"] == shop.state("shopify:inventory_level")


def test_a_list_of_several_that_may_not_be_read(shop: Shop) -> None:
    """Metafields of what the app may see are read, though it may not see companies; and nothing is concluded then."""
    product, company = shop.seed("Product", 1)[0], shop.seed("Company", 1)[0]
    shop.fake.create("Metafield", owner={"id": product, "__typename": "Product"}, key="k", value="v")
    shop.fake.create("Metafield", owner={"id": company, "__typename": "Company"}, key="k", value="v")
    shop.fake.scopes.discard("read_companies")
    reader = shop.reader("shopify:metafield")
    reader.begin()
    assert len(reader.records["shopify:metafield"]) == 1
    sweep = next(feed for feed in reader.feeds if feed.kind == "sweep")
    page = until_wait(reader, sweep)
    assert (page.done, page.wait) == (False, 86_400.0)


# ---------------------------------------------------------------- orders that are hidden


def test_without_read_all_orders_old_orders_are_not_taken_for_deleted(shop: Shop) -> None:
    old = shop.fake.create("Order", note="old")["id"]
    shop.fake.clock.advance(30 * DAY)
    reader = shop.reader("shopify:order")
    reader.begin()
    assert old in reader.records["shopify:order"]
    shop.fake.scopes.discard("read_all_orders")
    shop.fake.clock.advance(40 * DAY)
    page = until_wait(reader, next(feed for feed in reader.feeds if feed.kind == "sweep"))
    assert (page.done, page.wait) == (False, 86_400.0)
    assert fetched(shop, Hint("shopify:order", old)) == Partial(None)
    shop.fake.scopes.add("read_all_orders")
    reader.sweep()
    assert old in reader.records["shopify:order"]


def test_that_old_orders_are_missing_is_said_once(shop: Shop) -> None:
    shop.fake.scopes.discard("read_all_orders")
    reader = shop.reader("shopify:order", "shopify:product")
    notices = _shop_notices(reader, 2)
    assert "read_all_orders" in str(notices[0])
    assert notices[1] is None
    assert _shop_notices(shop.reader("shopify:product"), 1) == [None]


def _shop_notices(reader: Reader, times: int) -> list[str | None]:
    feed, cursor, notices = reader.feeds[0], None, []
    for _ in range(times):
        page = reader.provider.read(feed, cursor, reader.send(reader.provider.request(feed, cursor, reader.credential)))
        cursor = page.cursor
        notices.append(page.notice)
    return notices


def test_a_version_that_has_fallen_forward_is_said_once(shop: Shop) -> None:
    shop.fake.answers_in = "2027-01"
    reader = shop.reader("shopify:product")
    notices = _shop_notices(reader, 2)
    assert "2027-01" in str(notices[0])
    assert notices[1] is None
    shop.fake.answers_in = "2027-04"
    assert "2027-04" in str(_shop_notices(reader, 1)[0])


# ---------------------------------------------------------------- throttles and refusals


def test_the_bucket_is_waited_for(shop: Shop) -> None:
    shop.fake.restore_rate, shop.fake.maximum = 50.0, 1000.0
    shop.fake.spend(100_000)
    reader = shop.reader("shopify:customer")
    feed = next(feed for feed in reader.feeds if feed.kind == "backfill")
    response = reader.send(reader.provider.request(feed, {"counted": True}, shop.credential))
    assert response.status == 200
    with pytest.raises(RateLimited) as caught:
        reader.provider.read(feed, {"counted": True}, response)
    assert caught.value.retry_after is not None
    said = json.loads(response.body)["extensions"]["cost"]
    status = said["throttleStatus"]
    assert caught.value.retry_after == (said["requestedQueryCost"] - status["currentlyAvailable"]) / 50.0
    signals = reader.provider.signals(response)
    assert signals is not None
    assert (signals.restore_rate, signals.remaining) == (50.0, status["currentlyAvailable"])


def test_what_a_page_costs_is_drawn_for_the_next(shop: Shop) -> None:
    shop.proxy.cap(first=3)
    shop.seed("Product", 8)
    reader = shop.reader("shopify:product")
    reader.begin()
    lists = [request.cost for request in reader.requests if b"query ProductList" in (request.body or b"")]
    assert len(lists) == 3
    assert lists[0] != lists[1] == lists[2]


def test_a_query_that_is_too_dear_is_asked_for_in_smaller_pages(shop: Shop) -> None:
    """50 products with their media cost more than 1,000 points; and the place in the list is kept."""
    shop.seed("Order", 12, lineItems=line_items(3))
    reader = shop.reader("shopify:order")
    reader.begin()
    assert reader.records["shopify:order"] == shop.state("shopify:order")
    sizes = [
        json.loads(request.body or b"")["variables"]["first"] for request in reader.requests if b"query OrderList" in (request.body or b"")
    ]
    assert sizes[0] > sizes[-1] >= 1


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [(401, Unauthorized, "uninstalled"), (402, Refused4xx, "frozen"), (423, Refused4xx, "locked"), (429, RateLimited, "slow down"),
     (430, RateLimited, "slow down"), (500, Unavailable, "failed"), (404, Refused4xx, "404"), (403, Forbidden, "let this app in")],
)  # fmt: skip
def test_what_a_status_means(shop: Shop, status: int, error: type[Exception], words: str) -> None:
    reader = shop.reader("shopify:product")
    shop.proxy.fail(answers(status, '{"errors":"no"}') if status != 430 else _as_430, times=None)
    with pytest.raises(error) as caught:
        reader.poll()
    assert words in str(caught.value.as_dict())  # type: ignore[attr-defined]
    assert not isinstance(caught.value, Refused4xx) or not caught.value.retryable


def _as_430(asked: Any, onward: Any) -> Any:
    return answers(429, '{"errors":"no"}')(asked, onward)


def test_a_part_that_may_not_be_read_is_not_silently_null(shop: Shop) -> None:
    """200, data, and in it a null where the scope is missing."""
    shop.proxy.cap(first=3)
    shop.fake.create("Order", note="x")

    def denied(body: bytes) -> bytes:
        page = json.loads(body)
        if "data" not in page:
            return body
        page["data"]["orders"]["nodes"][0]["customer"] = None
        words = "Access denied for customer field. Required access: `read_customers` access scope."
        page["errors"] = [{"message": words, "path": ["orders", "nodes", 0, "customer"], "extensions": {"code": "ACCESS_DENIED"}}]
        return json.dumps(page).encode()

    shop.proxy.fail(edited(denied), "/OrderList", times=None)
    with pytest.raises(Forbidden, match="read_customers"):
        shop.reader("shopify:order").begin()
