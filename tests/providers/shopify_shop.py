"""A fake of Shopify, a proxy before it, and readers of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fakes.shopify import GraphQLProxy, ShopifyFake
from fakes.shopify.store import DAY
from providers.reading import Reader

from pgsluice.providers.base import Credential, Hint, Page
from pgsluice.providers.shopify import Shopify
from pgsluice.providers.shopify_collections import SOURCES

MONEY = {"shopMoney": {"amount": "1.00", "currencyCode": "EUR"}, "presentmentMoney": {"amount": "1.00", "currencyCode": "EUR"}}


class Shop:
    """A fake, a proxy before it, and readers of it."""

    def __init__(self, fake: ShopifyFake, proxy: GraphQLProxy) -> None:
        self.fake, self.proxy = fake, proxy
        fake.restore_rate, fake.maximum = 10_000.0, 100_000.0
        self.credential = Credential("shopify_key", {"shop": fake.shop, "access_token": fake.token}, proxy.url)

    def reader(self, *collection_ids: str) -> Reader:
        reader = Reader(Shopify(), self.credential, list(collection_ids))
        _READERS.append(reader)
        return reader

    def state(self, collection_id: str) -> dict[str, Any]:
        source = SOURCES[collection_id]
        return self.fake.objects(source.type, source.fields)

    def seed(self, kind: str, count: int, **fields: Any) -> list[str]:
        return [self.fake.create(kind, **{"title": f"{kind} {number}", **fields})["id"] for number in range(count)]


_READERS: list[Reader] = []


@pytest.fixture
def shop() -> Iterator[Shop]:
    with ShopifyFake() as fake, GraphQLProxy(fake.url) as proxy:
        fake.clock.advance(-30 * DAY)
        yield Shop(fake, proxy)
    while _READERS:
        _READERS.pop().close()


def line_items(count: int) -> list[dict[str, Any]]:
    return [{"id": f"gid://shopify/LineItem/{number}", "title": f"item {number}"} for number in range(count)]


def until_wait(reader: Reader, feed: Any) -> Page:
    cursor: Any = None
    for _ in range(50):
        page = reader.provider.read(feed, cursor, reader.send(reader.provider.request(feed, cursor, reader.credential)))
        cursor = page.cursor
        if page.wait or page.done:
            return page
    raise AssertionError("no end")


def fetched(shop: Shop, hint: Hint) -> Any:
    reader = shop.reader(hint.collection_id)
    return reader.provider.read_fetched(hint, reader.send(reader.provider.fetch(hint, shop.credential)))
