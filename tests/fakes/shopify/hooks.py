"""What Shopify sends by itself to its subscriptions. https://shopify.dev/docs/apps/build/webhooks

The body is the object as the old REST API names its members; of a deletion it is the number alone. After eight failures the subscription is
removed, without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fakes.sending import Sender
from fakes.shopify.store import Doc, number_of

# Type → the first half of its topics; the second half of a change.
_TOPICS: Mapping[str, tuple[str, str]] = {
    "Product": ("products", "update"), "Order": ("orders", "updated"), "Customer": ("customers", "update"),
    "InventoryItem": ("inventory_items", "update"), "Location": ("locations", "update"), "DraftOrder": ("draft_orders", "update"),
    "Collection": ("collections", "update"),
}  # fmt: skip
Signed = Callable[[str, Any, int], tuple[dict[str, str], bytes]]


class Hooks:
    def __init__(self, subscriptions: list[Doc], signed: Signed) -> None:
        self.sender = Sender()
        self._subscriptions, self._signed = subscriptions, signed
        self._number = 0

    def tell(self, verb: str, doc: Doc) -> None:
        """`verb`: create, update, delete."""
        topics = _TOPICS.get(doc["__typename"])
        if topics is not None:
            self.say(f"{topics[0]}/{topics[1] if verb == 'update' else verb}", _body(verb, doc))

    def say(self, topic: str, body: Any) -> None:
        name = topic.upper().replace("/", "_")
        for one in [one for one in self._subscriptions if one["topic"] == name]:
            self._number += 1
            number = self._number

            def made(_tries: int, number: int = number) -> tuple[dict[str, str], bytes]:
                return self._signed(topic, body, number)

            def removed(one: Doc = one) -> None:
                self._subscriptions[:] = [kept for kept in self._subscriptions if kept is not one]

            self.sender.send(one["uri"], made, removed)


def _body(verb: str, doc: Doc) -> Doc:
    if verb == "delete":
        return {"id": number_of(doc)}
    shown = {"id": number_of(doc), "admin_graphql_api_id": doc["id"], "created_at": doc["createdAt"], "updated_at": doc["updatedAt"]}
    return {**shown, "title": doc.get("title"), "variants": []} if doc["__typename"] == "Product" else shown
