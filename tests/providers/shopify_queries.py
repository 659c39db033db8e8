"""Every query that the provider can send: each feed in each of its states, each connection, each mutation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from pgsluice.providers.base import Credential, Feed, Hint, Request, Write
from pgsluice.providers.shopify import Shopify
from pgsluice.providers.shopify_collections import SOURCES, Source
from pgsluice.providers.shopify_mutations import MUTATIONS

SHOPIFY = Shopify()
CREDENTIAL = Credential("shopify_key", {"shop": "example.myshopify.com", "access_token": "shpat_fake0001"})
_GID = "gid://shopify/{}/1"
# What an argument needs besides the data itself.
_DATA: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("shopify:product", "upsert"): [{"handle": "shirt", "title": "Shirt"}],
    ("shopify:product", "create"): [{"title": "Shirt"}],
    ("shopify:variant", "create"): [{"productId": _GID.format("Product"), "price": "1.00"}],
    ("shopify:variant", "update"): [{"productId": _GID.format("Product"), "price": "1.00"}],
    ("shopify:customer", "upsert"): [{"email": "a@example.com"}],
    ("shopify:order", "create"): [{"email": "a@example.com", "options": {"sendReceipt": False}}],
    ("shopify:order", "update"): [{"note": "x"}],
    ("shopify:inventory_level", "create"): [
        {"inventoryItemId": _GID.format("InventoryItem"), "locationId": _GID.format("Location"), "available": 1}
    ],
    ("shopify:inventory_level", "update"): [
        {"locationId": _GID.format("Location"), "quantity": 5},
        {"locationId": _GID.format("Location"), "delta": -1},
    ],
    ("shopify:collection", "create"): [{"title": "Summer"}],
    ("shopify:location", "create"): [{"name": "Shop", "address": {"countryCode": "DE"}}],
    ("shopify:company", "create"): [{"company": {"name": "Acme"}}],
    ("shopify:fulfillment", "create"): [{"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": _GID.format("FulfillmentOrder")}]}],
    ("shopify:metafield", "create"): [{"ownerId": _GID.format("Product"), "key": "k", "value": "v"}],
    ("shopify:metafield", "upsert"): [{"ownerId": _GID.format("Product"), "key": "k", "value": "v"}],
}


class Said(NamedTuple):
    """A query with its variables, and where it came from."""

    where: str
    text: str
    variables: dict[str, Any]


def said(where: str, request: Request) -> Said:
    body = json.loads(request.body or b"{}")
    return Said(where, body["query"], body["variables"])


def queries() -> Iterator[Said]:
    for feed in SHOPIFY.feeds(None):
        for number, cursor in enumerate(_cursors(feed)):
            request = SHOPIFY.request(feed, cursor, CREDENTIAL)
            if not request.elsewhere:
                yield said(f"{feed.name} {number}", request)
    for collection_id, source in SOURCES.items():
        yield said(f"{collection_id} one", SHOPIFY.fetch(Hint(collection_id, _GID.format(source.type)), CREDENTIAL))
        for held in _held(source):
            yield said(f"{collection_id} piece", SHOPIFY.fetch(Hint(collection_id, "gid", held), CREDENTIAL))
        yield from _writes(collection_id, source)
    yield said("identify", SHOPIFY.identify(CREDENTIAL) or Request("GET", ""))
    for cursor in (None, {"missing": [topic for topics in _topics() for topic in topics]}):
        yield said("subscribe", SHOPIFY.subscribe(cursor, "https://x.example/webhooks/1", None, CREDENTIAL) or Request("GET", ""))
    for cursor in (None, {"ids": [_GID.format("WebhookSubscription"), "gid://shopify/WebhookSubscription/2"]}):
        yield said("unsubscribe", SHOPIFY.subscribe(cursor, "https://x.example/webhooks/1", (), CREDENTIAL) or Request("GET", ""))


def bulk_queries() -> Iterator[Said]:
    """What bulk operations are given to run."""
    for query in queries():
        if "bulkOperationRunQuery" in query.text:
            yield Said(f"in {query.where}", query.variables["query"], {})


def _topics() -> Iterator[tuple[str, ...]]:
    from pgsluice.providers.shopify_webhooks import TOPICS  # noqa: PLC0415

    yield from TOPICS.values()


def _cursors(feed: Feed) -> Iterator[dict[str, Any] | None]:
    yield None
    if feed.name == "shop":
        return
    source = SOURCES[feed.collection_ids[0]]
    window = {"window": "2026-01-01T00:00:00Z"} if feed.kind == "changes" else {"counted": True, "scoped": True}
    for number, listed in enumerate(source.lists):
        yield {**window, "list": number}
        yield {**window, "list": number, "above": 7, "after": "c", "first": 3, "cost": 11}
        if listed.below is not None and not listed.plain:
            yield {**window, "list": number, "inner": [["gid://shopify/X/1", "c"]]}
    if source.count is not None and feed.kind != "changes":
        for bulk in ({}, {"id": "gid://shopify/BulkOperation/1"}, {"id": "gid", "url": "https://files.example/x"}):
            yield {**window, "bulk": bulk}


def _held(source: Source) -> Iterator[bytes]:
    cut = {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "c"}}
    for nested in source.nested:
        if nested.within is None:
            yield json.dumps({"id": "gid", nested.member: cut}).encode()
        else:
            yield json.dumps({"id": "gid", nested.within: [{"id": "inner", nested.member: cut}]}).encode()


def _writes(collection_id: str, source: Source) -> Iterator[Said]:
    for kind in MUTATIONS.get(collection_id, {}):
        upstream_id = None if kind in {"create", "upsert"} else f"{_GID.format(source.type)}?inventory_item_id=1"
        match_on = source.match_on[0] if kind == "upsert" else None
        for data in _DATA.get((collection_id, kind), [{}]):
            write = Write(kind, collection_id, upstream_id, json.dumps(data).encode(), "key-1", match_on)
            yield said(f"{collection_id} {kind}", SHOPIFY.write([write, write], CREDENTIAL))
