"""Subscriptions: https://docs.stripe.com/api/subscriptions. No billing engine: a first invoice is made, time moves nothing."""

from __future__ import annotations

from typing import Any

from fakes.stripe import errors, invoices, objects
from fakes.stripe.forms import Kind, anything, between, boolean, choice, fields, integer, metadata, required_text, several, text
from fakes.stripe.store import plan_of
from fakes.stripe.writing import Writer, with_fields

ENDED = ("canceled", "incomplete_expired")
MOST_ITEMS = 20
NO_PAYMENT = (
    "This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more "
    "information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority."
)
DETAILS = fields({"comment": text, "feedback": text, "feedback_option": text})
SHARED: dict[str, Kind] = {
    "automatic_tax": anything,
    "add_invoice_items": anything,
    "application_fee_percent": anything,
    "billing_cycle_anchor": anything,
    "billing_schedules": anything,
    "billing_thresholds": anything,
    "cancel_at": integer,
    "cancel_at_period_end": boolean,
    "collection_method": choice("charge_automatically", "send_invoice"),
    "days_until_due": integer,
    "default_payment_method": text,
    "default_source": text,
    "default_tax_rates": anything,
    "description": text,
    "discounts": anything,
    "invoice_settings": anything,
    "metadata": metadata,
    "off_session": boolean,
    "on_behalf_of": text,
    "payment_behavior": choice("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"),
    "payment_settings": anything,
    "pending_invoice_item_interval": anything,
    "proration_behavior": choice("always_invoice", "create_prorations", "none"),
    "transfer_data": anything,
    "trial_end": anything,
    "trial_from_plan": boolean,
    "trial_settings": anything,
}
ITEM: dict[str, Kind] = {"metadata": metadata, "plan": required_text, "price": required_text, "quantity": integer, "tax_rates": anything}
CREATE: dict[str, Kind] = {
    **SHARED,
    "backdate_start_date": integer,
    "billing_cycle_anchor_config": anything,
    "billing_mode": anything,
    "currency": text,
    "customer": required_text,
    "items": several(fields(ITEM), MOST_ITEMS),
    "trial_period_days": between(1, 730),
}
UPDATE: dict[str, Kind] = {
    **SHARED,
    "cancellation_details": DETAILS,
    "items": several(fields({**ITEM, "deleted": boolean, "id": text}), MOST_ITEMS),
    "pause_collection": anything,
    "proration_date": integer,
}
CANCEL: dict[str, Kind] = {"cancellation_details": DETAILS, "invoice_now": boolean, "prorate": boolean}
PLAIN = ("collection_method", "days_until_due", "default_payment_method", "default_source", "description", "on_behalf_of")


def create(writer: Writer, params: dict[str, Any]) -> dict[str, Any]:
    customer = writer.need("customer", params["customer"], "customer", status=400)
    doc = writer.new("subscription", objects.subscription)
    doc.update(with_fields(doc, params, PLAIN), customer=customer["id"])
    prices = [_price(writer, item, place) for place, item in enumerate(params["items"])]
    trial_end = _trial_end(writer.now, params, prices)
    doc["status"] = _first_status(doc, params, customer, trial_end, prices)
    period_end = trial_end or writer.now + _seconds(prices[0])
    items = [_item(writer, doc["id"], price, item, period_end) for price, item in zip(prices, params["items"], strict=True)]
    doc["items"] = objects.listing(f"/v1/subscription_items?subscription={doc['id']}", items)
    doc.update(currency=prices[0]["currency"], trial_start=writer.now if trial_end else None, trial_end=trial_end)
    doc["billing_cycle_anchor"] = period_end if trial_end else writer.now
    doc.update(_cancellation(writer, doc, params))
    doc["latest_invoice"] = invoices.first(writer, doc, customer)["id"]
    return writer.add("subscription", doc)


def update(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    if doc["status"] in ENDED and set(params) - {"metadata", "cancellation_details"}:
        raise errors.ApiError(400, "A canceled subscription can only update its cancellation_details and metadata.")
    values = {**with_fields(doc, params, (*PLAIN, "pause_collection")), **_cancellation(writer, doc, params)}
    if params.get("cancellation_details"):
        values["cancellation_details"] = {**doc["cancellation_details"], **params["cancellation_details"]}
    if params.get("trial_end") == "now" and doc["status"] == "trialing":
        values.update(status="active", trial_end=writer.now)
    if params.get("items"):
        values["items"] = {**doc["items"], **_changed_items(writer, doc, params["items"])}
    return writer.change("subscription", doc, **values)


def cancel(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """The object stays, with status canceled; the event is customer.subscription.deleted. A second time: 404."""
    if doc["status"] in ENDED:
        raise errors.missing("subscription", doc["id"], "id")
    details = {**doc["cancellation_details"], "reason": "cancellation_requested", **(params.get("cancellation_details") or {})}
    status = "incomplete_expired" if doc["status"] == "incomplete" else "canceled"
    values = {"canceled_at": doc["canceled_at"] or writer.now, "ended_at": writer.now, "cancellation_details": details}
    after = writer.put("subscription", doc, status=status, **values)
    writer.emit("deleted", "subscription", after)
    return after


def _first_status(
    doc: dict[str, Any], params: dict[str, Any], customer: dict[str, Any], trial_end: int | None, prices: list[dict[str, Any]]
) -> str:
    if trial_end:
        return "trialing"
    if doc["collection_method"] == "send_invoice":
        if doc["days_until_due"] is None:
            raise errors.missing_parameter("days_until_due")
        return "active"
    if doc["default_payment_method"] or doc["default_source"] or invoices.can_pay(customer) or not any(p["unit_amount"] for p in prices):
        return "active"
    if params.get("payment_behavior") == "default_incomplete":
        return "incomplete"
    raise errors.ApiError(400, NO_PAYMENT, code="resource_missing")


def _trial_end(now: int, params: dict[str, Any], prices: list[dict[str, Any]]) -> int | None:
    if params.get("trial_period_days"):
        return now + int(params["trial_period_days"]) * 86400
    if params.get("trial_end") not in (None, "now"):
        return integer(params["trial_end"], "trial_end")
    days = prices[0]["recurring"]["trial_period_days"] if params.get("trial_from_plan") else None
    return now + days * 86400 if days else None


def _price(writer: Writer, item: dict[str, Any], place: int) -> dict[str, Any]:
    name = "plan" if "plan" in item else "price"
    if name not in item:
        raise errors.missing_parameter(f"items[{place}][price]")
    price = writer.need("price", item[name], f"items[{place}][{name}]", status=400)
    if not price["recurring"]:
        message = f"The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`: {price['id']}"
        raise errors.invalid(message, f"items[{place}][{name}]")
    if not price["active"]:
        raise errors.invalid("The price specified is inactive. This field only accepts active prices.", f"items[{place}][{name}]")
    return price


def _seconds(price: dict[str, Any]) -> int:
    return int(objects.MONTH[price["recurring"]["interval"]] * price["recurring"]["interval_count"])


def _item(writer: Writer, id_: str, price: dict[str, Any], given: dict[str, Any], period_end: int) -> dict[str, Any]:
    return {
        "id": writer.world.new_id("item"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": writer.now,
        "current_period_end": period_end,
        "current_period_start": writer.now,
        "discounts": [],
        "metadata": {key: value for key, value in (given.get("metadata") or {}).items() if value},
        "plan": plan_of(price),
        "price": price,
        "quantity": given.get("quantity", 1),
        "subscription": id_,
        "tax_rates": [],
    }


def _changed_items(writer: Writer, doc: dict[str, Any], given: list[dict[str, Any]]) -> dict[str, Any]:
    items = {item["id"]: item for item in doc["items"]["data"]}
    for place, change in enumerate(given):
        id_ = change.get("id")
        if id_ and id_ not in items:
            raise errors.missing("subscription_item", id_, f"items[{place}][id]", status=400)
        if id_ and change.get("deleted"):
            del items[id_]
            continue
        price = _price(writer, change, place) if {"price", "plan"} & set(change) else None
        if id_:
            news = {} if price is None else {"price": price, "plan": plan_of(price)}
            items[id_] = {**items[id_], **news, "quantity": change.get("quantity", items[id_]["quantity"])}
        else:
            added = _item(writer, doc["id"], _price(writer, change, place), change, doc["items"]["data"][0]["current_period_end"])
            items[added["id"]] = added
    return {"data": list(items.values()), "total_count": len(items)}


def _cancellation(writer: Writer, doc: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Cancelling later: at a time, at the end of the period, or no longer."""
    if params.get("cancel_at_period_end"):
        end = doc["items"]["data"][0]["current_period_end"]
        return {"cancel_at_period_end": True, "cancel_at": end, "canceled_at": writer.now}
    if "cancel_at" in params:
        return {"cancel_at": params["cancel_at"], "canceled_at": writer.now if params["cancel_at"] else None}
    if "cancel_at_period_end" in params:
        return {"cancel_at_period_end": False, "cancel_at": None, "canceled_at": None}
    return {}
