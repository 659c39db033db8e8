"""Shopify: GraphQL connections by cursor, changes by `updated_at`; deletions by a complete pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

from fakes.faults import Fault, answers, edited, without
from fakes.shopify import GraphQLProxy, ShopifyFake

from conformance.desks.base import Desk, Doc
from pgsluice.providers.shopify_collections import SOURCES

DAY = 86_400.0
# The member that holds the text.
_TEXT: Mapping[str, str] = {
    "Product": "title", "ProductVariant": "sku", "Order": "note", "Customer": "firstName", "InventoryItem": "sku",
    "InventoryLevel": "deactivationAlert", "Location": "name", "Fulfillment": "name", "FulfillmentOrder": "orderName", "DraftOrder": "note2",
    "Collection": "title", "Metafield": "value", "DiscountNode": "discount", "Company": "name",
}  # fmt: skip


class ShopifyDesk(Desk):
    provider = "shopify"
    collections = tuple(SOURCES)
    dear = ("shopify:product", "shopify:order")
    pages: ClassVar[Mapping[str, int]] = {"first": 3}
    incremental = frozenset(SOURCES) - {"shopify:location"}
    deletable = ()
    swept = (
        "shopify:product",
        "shopify:customer",
        "shopify:inventory_level",
        "shopify:fulfillment",
        "shopify:metafield",
        "shopify:discount",
    )
    written = "shopify:product"
    refused: ClassVar[Doc] = {"vendor": "without a title"}
    words = "can't be blank"
    unknown_id = "gid://shopify/Product/4711"

    def __init__(self) -> None:
        self.fake = ShopifyFake()
        # What is waited for points, and a query that is too dear, are tried elsewhere: here each reply is a page.
        self.fake.restore_rate, self.fake.maximum, self.fake.most = 20_000.0, 200_000.0, 100_000
        self._tokens = 0
        self._bases: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.start()
        self.proxy = GraphQLProxy(self.url)
        self.proxy.start()
        self.proxy.cap(**self.pages)
        return self

    def start(self) -> None:
        self.fake.clock.advance(-30 * DAY)
        self.fake.start()

    def stop(self) -> None:
        self.fake.stop()

    @property
    def url(self) -> str:
        return self.fake.url

    def _token(self) -> str:
        return f"shpat_next{self._tokens:026}"

    def credential(self) -> tuple[str, dict[str, str]]:
        return "shopify_key", {"shop": self.fake.shop, "access_token": self._token() if self._tokens else self.fake.token}

    def expire(self) -> None:
        _, secret = self.credential()
        self.fake.revoke(secret["access_token"])
        self._tokens += 1
        self.fake.add_token(self._token())

    # -- objects

    def create(self, collection_id: str, text: str) -> str:
        kind = _kind(collection_id)
        fields = self._text(kind, text)
        match kind:
            case "ProductVariant":
                fields["product"] = {"id": self._base("Product")}
            case "InventoryLevel":
                fields |= {"item": {"id": self._base("InventoryItem")}, "location": {"id": self._base("Location")}, "quantities": []}
            case "Fulfillment":
                fields["order"] = {"id": self._base("Order")}
            case "Metafield":
                fields |= {"owner": {"id": self._base("Product"), "__typename": "Product"}, "key": "k"}
            case "FulfillmentOrder":
                fields["orderId"] = self._base("Order")
            case "Order":
                fields["lineItems"] = [{"id": f"gid://shopify/LineItem/{number}", "title": "a shirt"} for number in range(2)]
        return str(self.fake.create(kind, **fields)["id"])

    def _text(self, kind: str, text: str) -> Doc:
        return {_TEXT[kind]: {"title": text} if kind == "DiscountNode" else text}

    def _base(self, kind: str) -> str:
        """What others hang on: one of each kind."""
        if kind not in self._bases or self.fake.store.find(self._bases[kind]) is None:
            self._bases[kind] = str(self.fake.create(kind, **self._text(kind, "base"))["id"])
        return self._bases[kind]

    def seed(self, collections: Sequence[str], count: int = 7) -> dict[str, list[str]]:
        """So long ago that no overlap of windows reaches back to it."""
        made = super().seed(collections, count)
        self.advance(3 * DAY)
        return made

    def change(self, collection_id: str, upstream_id: str, text: str) -> None:
        kind = _kind(collection_id)
        self.fake.change(kind, upstream_id, **self._text(kind, text))

    def delete(self, collection_id: str, upstream_id: str) -> None:
        self.fake.delete(_kind(collection_id), upstream_id)

    def state(self, collection_id: str) -> dict[str, Doc]:
        return self.fake.objects(_kind(collection_id), SOURCES[collection_id].fields)

    def new(self, text: str) -> Doc:
        return {"title": text}

    def advance(self, seconds: float) -> None:
        self.fake.clock.advance(seconds)

    def freeze(self) -> None:
        self.fake.clock.freeze()

    # -- requests

    def path(self, collection_id: str) -> str:
        return f"/{_kind(collection_id)}List"

    def changes_path(self, collection_id: str) -> str:
        return f"/{_kind(collection_id)}Changes"

    def edited(self, collection_id: str, change: Callable[[list[Doc]], list[Doc]]) -> Fault:
        root = SOURCES[collection_id].lists[0].root

        def edit(body: bytes) -> bytes:
            page = json.loads(body)
            page["data"][root]["nodes"] = change(page["data"][root]["nodes"])
            return json.dumps(page).encode()

        return edited(edit)

    def stuck(self, collection_id: str) -> Fault:
        return without("after")

    # -- how it says no

    def limited(self, retry_after: str | None = None) -> Fault:
        """Not the bucket of points, but what stands before it."""
        headers = {} if retry_after is None else {"Retry_After": retry_after}
        return answers(429, json.dumps({"errors": "Exceeded 40 calls per second for api client."}), **headers)

    def limited_by_quota(self, seconds: int) -> Fault:
        """https://shopify.dev/docs/api/usage/limits: the bucket, under status 200."""
        status = {"maximumAvailable": 1000.0, "currentlyAvailable": 0, "restoreRate": 1000 / seconds}
        cost = {"requestedQueryCost": 1000, "actualQueryCost": None, "throttleStatus": status}
        said = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}}
        return answers(200, json.dumps(said))

    def forbidden(self) -> Fault:
        words = "Access denied for products field. Required access: `read_products` access scope."
        return answers(200, _errors(words, "ACCESS_DENIED", path=["products"]))

    def bad_parameter(self) -> Fault:
        return answers(200, _errors("Variable $first of type Int! was provided invalid value", "INVALID_VARIABLE"))

    def failing(self, status: int = 503) -> Fault:
        return answers(status, json.dumps({"errors": "Service Unavailable"}))


def _kind(collection_id: str) -> str:
    return SOURCES[collection_id].type


def _errors(message: str, code: str, **more: Any) -> str:
    return json.dumps({"data": None, "errors": [{"message": message, "extensions": {"code": code}, **more}]})
