"""What Shopify sends by itself. https://shopify.dev/docs/apps/build/webhooks

A delivery says that an object may have changed: it is fetched. Its body is not taken for the object: it has the names of another API.
Deliveries come in any order and more than once. A subscription whose deliveries fail eight times in four hours is removed without a word,
so `subscribe` is asked again now and then.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from pgsluice.providers import rawjson, replies
from pgsluice.providers.base import Credential, Cursor, Hint, Request, Response
from pgsluice.providers.errors import Forged, Refused4xx, Unreadable
from pgsluice.providers.shopify_auth import is_shop
from pgsluice.providers.shopify_collections import SOURCES
from pgsluice.providers.shopify_graphql import answer, ask
from pgsluice.providers.webhooks import Delivery, Received, Subscribed, Webhooks

WEBHOOKS: Final = Webhooks(
    "client", "the subscriptions are made through the API; they are signed with the client secret of the app", registers=True
)
UNINSTALLED: Final = "app/uninstalled"
# Topics by the collection that they announce: https://shopify.dev/docs/api/admin-graphql/2026-10/enums/WebhookSubscriptionTopic
TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "shopify:product": ("PRODUCTS_CREATE", "PRODUCTS_UPDATE", "PRODUCTS_DELETE"),
    "shopify:variant": ("PRODUCTS_CREATE", "PRODUCTS_UPDATE"),
    "shopify:order": ("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_DELETE", "REFUNDS_CREATE", "ORDER_TRANSACTIONS_CREATE"),
    "shopify:customer": ("CUSTOMERS_CREATE", "CUSTOMERS_UPDATE", "CUSTOMERS_DELETE"),
    "shopify:inventory_item": ("INVENTORY_ITEMS_CREATE", "INVENTORY_ITEMS_UPDATE", "INVENTORY_ITEMS_DELETE"),
    "shopify:inventory_level": ("INVENTORY_LEVELS_CONNECT", "INVENTORY_LEVELS_UPDATE", "INVENTORY_LEVELS_DISCONNECT"),
    "shopify:location": ("LOCATIONS_CREATE", "LOCATIONS_UPDATE", "LOCATIONS_ACTIVATE", "LOCATIONS_DEACTIVATE", "LOCATIONS_DELETE"),
    "shopify:fulfillment": ("FULFILLMENTS_CREATE", "FULFILLMENTS_UPDATE"),
    "shopify:fulfillment_order": ("FULFILLMENT_ORDERS_ORDER_ROUTING_COMPLETE", "FULFILLMENT_ORDERS_MOVED", "FULFILLMENT_ORDERS_CANCELLED"),
    "shopify:draft_order": ("DRAFT_ORDERS_CREATE", "DRAFT_ORDERS_UPDATE", "DRAFT_ORDERS_DELETE"),
    "shopify:collection": ("COLLECTIONS_CREATE", "COLLECTIONS_UPDATE", "COLLECTIONS_DELETE"),
    "shopify:discount": ("DISCOUNTS_CREATE", "DISCOUNTS_UPDATE", "DISCOUNTS_DELETE"),
    "shopify:company": ("COMPANIES_CREATE", "COMPANIES_UPDATE", "COMPANIES_DELETE"),
}
# What a topic's name begins with → the collection and the type that its body's `id` is of.
_ABOUT: Final[Mapping[str, tuple[str, str]]] = {
    topic: (collection_id, source.type) for collection_id, source in SOURCES.items() for topic in source.topics
}
# Subscriptions that are removed in one request.
AT_ONCE: Final = 50
_NONE = re.compile(r"(?i)does not exist|doesn't exist|not found")
# Bodies that name an order: a change of it, too.
_OF_ORDERS: Final = frozenset({"refunds", "order_transactions", "fulfillments"})


def receive(delivery: Delivery, secrets: Sequence[str]) -> Received:
    """Raises Forged, and Unreadable for a genuine one that is not what is documented."""
    given = delivery.headers.get("x-shopify-hmac-sha256", "")
    if not any(_matches(delivery.body, secret, given) for secret in secrets):
        raise Forged("the delivery was not signed with the client secret of the app", hint="store the app's client secret")
    domain = delivery.headers.get("x-shopify-shop-domain", "").strip().lower()
    if not is_shop(domain):
        raise Forged("the delivery names no shop")
    delivery_id = delivery.headers.get("x-shopify-webhook-id") or None
    topic = delivery.headers.get("x-shopify-topic", "").strip().lower()
    if topic == UNINSTALLED:
        return Received(delivery_id, ended=f"the app was uninstalled from {domain}: install it again, and sign in anew")
    try:
        body = msgspec.json.decode(delivery.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise Unreadable(
            "a delivery of Shopify's is no JSON", details=f"topic {replies.plain(topic, 80)}", hint="it sends it again"
        ) from exc
    return Received(delivery_id, hints=tuple(dict.fromkeys(_hints(topic, body))))


def _matches(body: bytes, secret: str, given: str) -> bool:
    made = base64.b64encode(hmac.new(secret.encode(), body, sha256).digest())
    return hmac.compare_digest(made, given.strip().encode())


def _hints(topic: str, body: Any) -> Iterator[Hint]:
    if not isinstance(body, dict):
        return
    kind = topic.partition("/")[0]
    if kind in _ABOUT:
        collection_id, type_ = _ABOUT[kind]
        # Some topics put the object into a member of its own: {"fulfillment_order": {"id": "gid://…"}}
        inner = body.get(collection_id.partition(":")[2])
        named = inner if isinstance(inner, dict) else body
        if (upstream_id := _id_of(named, type_)) is not None:
            yield Hint(collection_id, upstream_id)
    if kind == "products":
        variants = body.get("variants")
        for variant in variants if isinstance(variants, list) else []:
            if isinstance(variant, dict) and (upstream_id := _id_of(variant, "ProductVariant")) is not None:
                yield Hint("shopify:variant", upstream_id)
    if kind in _OF_ORDERS and _is_number(body.get("order_id")):
        yield Hint("shopify:order", f"gid://shopify/Order/{body['order_id']}")


def _id_of(body: Mapping[str, Any], type_: str) -> str | None:
    """The id as the Admin API names the object; deletions tell only its number."""
    given = body.get("admin_graphql_api_id") or body.get("id")
    if type_ == "InventoryLevel" and not isinstance(given, str):
        return None  # connected and disconnected ones have no id of their own: the sweep finds them
    if isinstance(given, str) and given.startswith("gid://shopify/"):
        return given if len(given) <= rawjson.MAX_ID_BYTES else None
    return f"gid://shopify/{type_}/{given}" if _is_number(given) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**19


# ---------------------------------------------------------------- subscriptions


def wanted(collection_ids: Sequence[str] | None) -> tuple[str, ...]:
    """The topics that announce these collections, and the end of the access."""
    chosen = TOPICS if collection_ids is None else [name for name in collection_ids if name in TOPICS]
    return tuple(dict.fromkeys(["APP_UNINSTALLED", *(topic for name in chosen for topic in TOPICS[name])]))


def subscribe(cursor: Cursor | None, address: str, collection_ids: Sequence[str] | None, credential: Credential) -> Request:
    """First which of the wanted topics come to that address, each asked for under its own name; then what is missing is made."""
    if collection_ids is not None and not collection_ids:
        return _unsubscribe(cursor, address, credential)
    if cursor is None:
        asked = " ".join(
            f"{topic}: webhookSubscriptions(first: 1, topics: [{topic}], uri: $uri) {{ nodes {{ id }} }}"
            for topic in wanted(collection_ids)
        )
        return ask(
            credential, f"query WebhookSubscriptions($uri: String!) {{ {asked} }}", {"uri": address}, 3.0 * len(wanted(collection_ids))
        )
    missing = [topic for topic in wanted(collection_ids) if topic in cursor.get("missing", ())]
    made = " ".join(
        f"{topic}: webhookSubscriptionCreate(topic: {topic}, webhookSubscription: $subscription) "
        "{ webhookSubscription { id } userErrors { field message } }"
        for topic in missing
    )
    text = f"mutation WebhookSubscriptionCreate($subscription: WebhookSubscriptionInput!) {{ {made} }}"
    return ask(credential, text, {"subscription": {"uri": address, "format": "JSON"}}, 10.0 * max(len(missing), 1))


def _unsubscribe(cursor: Cursor | None, address: str, credential: Credential) -> Request:
    """All that come to that address, of whatever topic, as many as go into one request; until there are no more."""
    ids: list[str] = [] if cursor is None else cursor["ids"]
    if not ids:
        text = (
            f"query WebhookSubscriptions($uri: String!) {{ left: webhookSubscriptions(first: {AT_ONCE}, uri: $uri) {{ nodes {{ id }} }} }}"
        )
        return ask(credential, text, {"uri": address}, 2.0 + AT_ONCE)
    declared = ", ".join(f"$i{number}: ID!" for number in range(len(ids)))
    removed = " ".join(
        f"d{number}: webhookSubscriptionDelete(id: $i{number}) {{ deletedWebhookSubscriptionId userErrors {{ field message }} }}"
        for number in range(len(ids))
    )
    given = {f"i{number}": one for number, one in enumerate(ids)}
    return ask(credential, f"mutation WebhookSubscriptionDelete({declared}) {{ {removed} }}", given, 10.0 * len(ids))


def _read_unsubscribed(data: dict[str, bytes]) -> Subscribed:
    if "left" in data:
        ids = [found for raw in _nodes(data["left"]) if (found := rawjson.identity(rawjson.object_members(raw).get("id", b"")))]
        return Subscribed({"ids": ids} if ids else None)
    refused = [words for raw in data.values() if (words := _errors(raw)) and not _NONE.search(words)]
    if refused:
        raise Refused4xx(
            f"Shopify did not remove a webhook subscription: {replies.plain('; '.join(refused), 300)}", hint="the message is Shopify's own"
        )
    return Subscribed({"ids": []})


def read_subscribed(cursor: Cursor | None, response: Response, collection_ids: Sequence[str] | None = None) -> Subscribed:
    """Raises ProviderError."""
    data = answer(response)
    if collection_ids is not None and not collection_ids:
        return _read_unsubscribed(data)
    if cursor is None:
        missing = [topic for topic, raw in data.items() if not _nodes(raw)]
        known = len(data) - len(missing)
        return Subscribed({"missing": missing, "known": known} if missing else None)
    refused = [f"{topic}: {words}" for topic, raw in data.items() if (words := _errors(raw))]
    if refused:
        raise Refused4xx(
            f"Shopify did not subscribe: {replies.plain('; '.join(refused), 300)}",
            hint="the address must be reachable by https, and the app must have the scopes of the topics",
        )
    if not cursor.get("known"):
        return Subscribed()
    return Subscribed(notice=f"Shopify had dropped {len(data)} of the webhook subscriptions; they are set up again")


def _nodes(raw: bytes) -> list[bytes]:
    try:
        return rawjson.slice_list(raw, "nodes").records
    except rawjson.NotJson:
        return []


def _errors(raw: bytes) -> str:
    """What a mutation says against it. A subscription that is there already is as it should be."""
    try:
        given = msgspec.json.decode(rawjson.object_members(raw).get("userErrors", b"[]"), type=list[dict[str, Any]])
    except (rawjson.NotJson, msgspec.DecodeError, UnicodeDecodeError):
        return "no answer"
    words = "; ".join(str(error.get("message", "")) for error in given)
    return "" if "already been taken" in words else words
