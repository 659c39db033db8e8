"""Subscription items: they live in their subscription, whose events tell of them. https://docs.stripe.com/api/subscription_items."""

from __future__ import annotations

from typing import Any

from fakes.stripe import errors, subscriptions
from fakes.stripe.forms import Kind, anything, boolean, choice, integer, metadata, required_text
from fakes.stripe.store import World
from fakes.stripe.writing import Writer

_SHARED: dict[str, Kind] = {
    "billing_thresholds": anything,
    "discounts": anything,
    "metadata": metadata,
    "payment_behavior": anything,
    "plan": required_text,
    "price": required_text,
    "proration_behavior": choice("always_invoice", "create_prorations", "none"),
    "proration_date": integer,
    "quantity": integer,
    "tax_rates": anything,
}
CREATE: dict[str, Kind] = {**_SHARED, "subscription": required_text}
UPDATE: dict[str, Kind] = {**_SHARED, "off_session": boolean}
DELETE: dict[str, Kind] = {
    "clear_usage": boolean,
    "proration_behavior": _SHARED["proration_behavior"],
    "proration_date": integer,
}
_OWN = ("metadata", "plan", "price", "quantity", "tax_rates")


def find(world: World, id_: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The item and its subscription; 404 without."""
    for record in world.collection("subscription"):
        for item in record.doc["items"]["data"] if not record.planted else ():
            if item["id"] == id_:
                return item, record.doc
    raise errors.missing("subscription_item", id_, "id")


def create(writer: Writer, params: dict[str, Any]) -> dict[str, Any]:
    subscription = writer.need("subscription", params["subscription"], "subscription", status=400)
    after = subscriptions.update(writer, subscription, {"items": [{name: params[name] for name in _OWN if name in params}]})
    made: dict[str, Any] = after["items"]["data"][-1]
    return made


def update(writer: Writer, params: dict[str, Any]) -> dict[str, Any]:
    item, subscription = find(writer.world, params["id"])
    changed = {name: params[name] for name in _OWN if name in params}
    subscriptions.update(writer, subscription, {"items": [{"id": item["id"], **changed}]})
    return find(writer.world, params["id"])[0]


def delete(writer: Writer, params: dict[str, Any]) -> dict[str, Any]:
    item, subscription = find(writer.world, params["id"])
    if len(subscription["items"]["data"]) == 1:
        message = (
            "A subscription must have at least one active plan. In order to delete your subscription, please use DELETE /v1/subscriptions"
        )
        raise errors.ApiError(400, message)
    subscriptions.update(writer, subscription, {"items": [{"id": item["id"], "deleted": True}]})
    return {"id": item["id"], "object": "subscription_item", "deleted": True}
