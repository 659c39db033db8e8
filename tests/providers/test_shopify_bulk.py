"""Reading a large collection of Shopify's by a bulk operation: whatever becomes of it, what is here at the end is what the shop has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pgsluice.providers import shopify_bulk
from providers.shopify_shop import MONEY, Shop, line_items, shop, until_wait

__all__ = ["shop"]

# ---------------------------------------------------------------- bulk operations


@pytest.fixture
def large(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose orders count as many."""
    monkeypatch.setattr(shopify_bulk, "FROM", 20)
    for number in range(40):
        shop.fake.create(
            "Order", note=f"{number}", lineItems=line_items(number % 4), shippingLines=[{"id": f"gid://shopify/ShippingLine/{number}"}]
        )
    return shop


def _pieces(size: int) -> Callable[..., Any]:
    made = shopify_bulk.Bulk
    return lambda **given: made(**{"piece": size, **given})


def test_a_large_collection_comes_by_a_bulk_operation(large: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces that end anywhere in a line, and grow where one object is larger; nothing of the account goes to the other host."""
    monkeypatch.setattr(shopify_bulk, "Bulk", _pieces(1024))
    reader = large.reader("shopify:order")
    reader.begin()
    assert reader.records["shopify:order"] == large.state("shopify:order")
    assert "OrderBulk" in large.fake.names
    assert "OrderList" not in large.fake.names
    assert len(large.fake.files.headers) > 10
    assert all("range" in headers for headers in large.fake.files.headers)
    assert not any("token" in name or name == "authorization" for headers in large.fake.files.headers for name in headers)


def test_refunds_which_no_bulk_operation_brings_arefetched(large: Shop) -> None:
    refund = {"id": "gid://shopify/Refund/1", "totalRefundedSet": MONEY, "refundLineItems": [{"id": "gid://shopify/RefundLineItem/1"}]}
    refunded = large.fake.create("Order", refunds=[refund])["id"]
    reader = large.reader("shopify:order")
    reader.begin()
    assert reader.records["shopify:order"][refunded]["refunds"][0]["refundLineItems"]["nodes"]
    assert reader.records["shopify:order"] == large.state("shopify:order")


def test_children_away_from_their_parents_are_never_half_an_object(large: Shop) -> None:
    """As the vendor writes them where it is not asked to group: the file is left, and the list is read."""
    large.fake.bulk.grouped = False
    reader = large.reader("shopify:order")
    reader.begin()
    assert "OrderList" in large.fake.names
    assert reader.records["shopify:order"] == large.state("shopify:order")


@pytest.mark.parametrize("ends", ["FAILED", "EXPIRED", "CANCELED"])
def test_an_operation_that_does_not_complete(large: Shop, ends: str) -> None:
    large.fake.bulk.ends = ends
    reader = large.reader("shopify:order")
    reader.begin()
    assert reader.records["shopify:order"] == large.state("shopify:order")


def test_the_sixth_operation_waits_and_then_the_list_is_read(large: Shop) -> None:
    large.fake.bulk.busy = 5
    reader = large.reader("shopify:order")
    feed = next(feed for feed in reader.feeds if feed.kind == "backfill")
    page = until_wait(reader, feed)
    assert page.wait == 60.0
    assert page.cursor["bulk"] == {"looks": 1}
    last = {"counted": True, "bulk": {"looks": shopify_bulk.STARTS}}
    page = reader.provider.read(feed, last, reader.send(reader.provider.request(feed, last, large.credential)))
    assert "as a list" in str(page.notice)
    assert page.more


def test_an_address_that_has_expired_is_asked_for_anew(large: Shop) -> None:
    reader = large.reader("shopify:order")
    feed = next(feed for feed in reader.feeds if feed.kind == "backfill")
    cursor: Any = None
    while not (cursor or {}).get("bulk", {}).get("url"):
        cursor = reader.provider.read(feed, cursor, reader.send(reader.provider.request(feed, cursor, large.credential))).cursor
    cursor["bulk"]["url"] = cursor["bulk"]["url"].replace("good", "old")
    page = reader.provider.read(feed, cursor, reader.send(reader.provider.request(feed, cursor, large.credential)))
    assert page.more
    assert "url" not in page.cursor["bulk"]
    reader.cursors[feed.name] = page.cursor
    reader.pass_through(feed)
    assert reader.records["shopify:order"] == large.state("shopify:order")


def test_a_storage_that_knows_no_ranges(large: Shop) -> None:
    large.fake.files.ranges = False
    reader = large.reader("shopify:order")
    reader.begin()
    assert reader.records["shopify:order"] == large.state("shopify:order")


def test_an_empty_result(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shopify_bulk, "FROM", 0)
    reader = shop.reader("shopify:product")
    reader.begin()
    assert reader.records.get("shopify:product", {}) == {}


def test_deletions_are_found_by_a_pass(large: Shop) -> None:
    reader = large.reader("shopify:order")
    reader.begin()
    gone = next(iter(large.fake.store.kept["Order"]))
    large.fake.delete("Order", gone)
    reader.poll()
    assert gone in reader.records["shopify:order"]
    reader.sweep()
    assert reader.records["shopify:order"] == large.state("shopify:order")
